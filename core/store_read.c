// SPDX-License-Identifier: MIT
// Reading: what was there at start, agents, requests, and events in the order of their seq.
//
// A page of all agents' events costs one look at the spans it lies in and one seek for each agent
// that has events there, so at most STORE_PAGE_EVENTS_MAX seeks (about 1.5 ms), however many
// agents the store has.
#include "core/mem.h"
#include "core/store_internal.h"

#include <limits.h>
#include <stdlib.h>

enum {
    PAGE_AGENTS_MAX = 3 * STORE_PAGE_EVENTS_MAX, // a page and its neighbours on both sides
    PAGE_SCRATCH_MAX = 256 << 20,                // one event is never larger
};

static const char doing[] = "cannot read swarmd.db";

bool store_next_line(struct str *body, struct str *line)
{
    if (body->len == 0)
        return false;
    const char *end = memchr(body->data, '\n', body->len);
    size_t len = end ? (size_t)(end - body->data) : body->len;
    *line = str_from(body->data, len);
    *body = str_skip(*body, len + (end != NULL));
    return true;
}

bool store_last_line(struct str *body, struct str *line)
{
    if (body->len == 0)
        return false;
    const char *before = memrchr(body->data, '\n', body->len);
    *line = before ? str_skip(*body, (size_t)(before - body->data) + 1) : *body;
    body->len = before ? (size_t)(before - body->data) : 0;
    return true;
}

bool store_line_seq(struct store *store, struct str line, int64_t *seq, struct err *err)
{
    const struct str prefix = STR("{\"seq\":");
    size_t at = prefix.len;
    int64_t value = 0;
    if (str_starts(line, prefix))
        for (; at < line.len && line.data[at] >= '0' && line.data[at] <= '9' &&
               value < INT64_MAX / 10;
             at++)
            value = value * 10 + (line.data[at] - '0');
    if (value == 0 || at == line.len)
        return err_set(err, ERR_STORAGE, "swarmd.db in the folder %s holds a damaged event: %.*s",
                       store->folder, (int)(line.len < 60 ? line.len : 60), line.data);
    *seq = value;
    return true;
}

static bool read_max(struct store *store, const char *sql, int64_t *value, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        *value = sqlite3_column_int64(statement, 0); // NULL, of an empty table, reads as 0
    else
        store_fail(store, doing, err);
    sqlite3_finalize(statement);
    return ok;
}

bool store_state(struct store *store, struct store_state *out, struct err *err)
{
    return read_max(store, "SELECT max(last_seq) FROM spans", &out->last_seq, err) &&
           read_max(store, "SELECT max(num) FROM agents", &out->last_agent, err);
}

bool store_each_agent(struct store *store,
                      bool (*fn)(void *arg, int64_t num, struct str record, struct err *err),
                      void *arg, struct err *err)
{
    static const char sql[] = "SELECT num, record FROM agents WHERE removed = 0 ORDER BY num";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        return store_fail(store, doing, err);
    bool ok = true;
    int code = SQLITE_ROW;
    while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW)
        ok = fn(arg, sqlite3_column_int64(statement, 0), column_bytes(statement, 1), err);
    if (ok && code != SQLITE_DONE)
        ok = store_fail(store, doing, err);
    sqlite3_finalize(statement);
    return ok;
}

bool store_find_request(struct store *store, struct str id, int64_t not_before, char **result,
                        struct err *err)
{
    *result = NULL;
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_REQUEST, err);
    if (!statement)
        return false;
    bind_text(statement, 1, id);
    sqlite3_bind_int64(statement, 2, not_before);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *result = mem_dup(column_bytes(statement, 0));
    else if (code != SQLITE_DONE)
        store_fail(store, doing, err);
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

// --- one agent ---

// A page that is being filled, or (`slots` not NULL) the events of one agent on their way into
// the page of all: slots[seq - after - 1] is where its bytes lie in `out`.
struct slot {
    size_t at, len;
};

struct page {
    int64_t after, until;
    struct buf *out;
    size_t start; // of out->len
    size_t count;
    int64_t last;
    struct slot *slots;
};

static bool page_is_full(const struct page *page, struct str line)
{
    if (page->slots || page->count == 0)
        return false;
    return page->count == STORE_PAGE_EVENTS_MAX ||
           page->out->len - page->start + line.len > STORE_PAGE_BYTES_MAX;
}

static void page_add(struct page *page, int64_t seq, struct str line)
{
    if (page->slots)
        page->slots[seq - page->after - 1] = (struct slot){page->out->len, line.len};
    buf_add_str(page->out, line);
    buf_add_char(page->out, '\n');
    page->count++;
    page->last = seq;
}

static bool page_is_readable(const struct page *page, struct err *err)
{
    return !page->out->overflow || err_set(err, ERR_LIMIT, "an event is too large to be read back");
}

static bool add_segment(struct store *store, struct page *page, struct str body, bool *full,
                        struct err *err)
{
    struct str line;
    int64_t seq = 0;
    while (store_next_line(&body, &line)) {
        if (!store_line_seq(store, line, &seq, err))
            return false;
        if (seq <= page->after || seq > page->until)
            continue;
        *full = page_is_full(page, line);
        if (*full)
            return true;
        page_add(page, seq, line);
    }
    return !page->out->overflow || err_set(err, ERR_LIMIT, "an event is too large to be read back");
}

static bool read_agent(struct store *store, int64_t agent, struct page *page, bool *full,
                       struct err *err)
{
    *full = false;
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_FORWARD, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, agent);
    sqlite3_bind_int64(statement, 2, page->after);
    sqlite3_bind_int64(statement, 3, page->until);
    int code = SQLITE_DONE;
    bool ok = true;
    while (ok && !*full && (code = sqlite3_step(statement)) == SQLITE_ROW)
        ok = add_segment(store, page, column_bytes(statement, 0), full, err);
    if (ok && !*full && code != SQLITE_DONE)
        ok = store_fail(store, doing, err);
    sqlite3_reset(statement);
    return ok;
}

// --- all agents ---

struct candidates {
    int64_t first, last; // the events that these agents have lie between
    int64_t agents[PAGE_AGENTS_MAX];
    size_t count;
    bool end; // nobody has any after `last`
};

static bool add_span(struct candidates *found, struct str packed)
{
    uint64_t agent = 0, step = 0;
    int shift = 0;
    for (size_t i = 0; i < packed.len && shift < 64; i++) {
        uint8_t byte = (uint8_t)packed.data[i];
        step |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if (byte & 0x80)
            continue;
        if (found->count == PAGE_AGENTS_MAX)
            return false;
        agent += step;
        found->agents[found->count++] = (int64_t)agent;
        step = 0;
        shift = 0;
    }
    return shift == 0;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_unique(struct candidates *found)
{
    size_t kept = 0;
    qsort(found->agents, found->count, sizeof(found->agents[0]), compare_numbers);
    for (size_t i = 0; i < found->count; i++)
        if (kept == 0 || found->agents[kept - 1] != found->agents[i])
            found->agents[kept++] = found->agents[i];
    found->count = kept;
}

// Who has one of the next `window` events after `after`? found->first is INT64_MAX for nobody.
static bool find_candidates(struct store *store, int64_t after, int64_t window,
                            struct candidates *found, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_SPANS, err);
    if (!statement)
        return false;
    found->count = 0;
    found->first = INT64_MAX;
    found->last = after;
    found->end = false;
    sqlite3_bind_int64(statement, 1, after);
    int code = SQLITE_DONE;
    bool ok = true;
    while (ok && (found->first == INT64_MAX || found->last < found->first + window - 1) &&
           (code = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t first = sqlite3_column_int64(statement, 0);
        if (found->first == INT64_MAX)
            found->first = first > after ? first : after + 1;
        found->last = sqlite3_column_int64(statement, 1);
        ok = add_span(found, column_bytes(statement, 2));
    }
    if (!ok)
        err_set(err, ERR_STORAGE, "swarmd.db in the folder %s holds a damaged span", store->folder);
    else if (code != SQLITE_ROW && code != SQLITE_DONE)
        ok = store_fail(store, doing, err);
    found->end = code == SQLITE_DONE && found->last > after;
    sqlite3_reset(statement);
    sort_unique(found);
    return ok;
}

// Collects the events with window->after < seq <= window->until of everybody. *fits is false when
// they are too many bytes for that: then fewer of them are to be asked for.
static bool read_window(struct store *store, const struct candidates *found, struct page *window,
                        bool *fits, struct err *err)
{
    bool full;
    memset(window->slots, 0, sizeof(struct slot) * STORE_PAGE_EVENTS_MAX);
    buf_clear(window->out);
    *fits = true;
    for (size_t i = 0; i < found->count && *fits; i++) {
        if (!read_agent(store, found->agents[i], window, &full, err))
            return false;
        *fits = window->out->len <= 2 * STORE_PAGE_BYTES_MAX || window->until - window->after == 1;
    }
    return true;
}

static bool emit_window(const struct page *window, struct page *page)
{
    for (int64_t seq = window->after + 1; seq <= window->until; seq++) {
        struct slot slot = window->slots[seq - window->after - 1];
        if (slot.len == 0)
            continue;
        struct str line = str_from(window->out->data + slot.at, slot.len);
        if (page_is_full(page, line))
            return false;
        page_add(page, seq, line);
    }
    return true;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// Goes on until the page has an event or there are no more; one round does, in a whole store.
static bool read_all(struct store *store, struct page *page, struct buf *scratch, bool *full,
                     struct err *err)
{
    struct slot slots[STORE_PAGE_EVENTS_MAX];
    struct candidates found;
    int64_t width = STORE_PAGE_EVENTS_MAX;
    *full = false;
    while (!*full && page->count == 0) {
        if (!find_candidates(store, page->after, width, &found, err))
            return false;
        if (found.first > page->until) // INT64_MAX: nobody has more
            return true;
        struct page window = {.after = found.first - 1, .out = scratch, .slots = slots};
        window.until = smaller(page->until, found.first - 1 + width);
        bool fits;
        if (!read_window(store, &found, &window, &fits, err))
            return false;
        if (!fits) {
            width /= 2;
            continue;
        }
        bool whole = emit_window(&window, page);
        bool end = window.until == page->until || (found.end && found.last <= window.until);
        if (whole && end)
            return page_is_readable(page, err);
        *full = page->count > 0;
        page->after = window.until;
    }
    return !page->out->overflow || err_set(err, ERR_LIMIT, "an event is too large to be read back");
}

bool store_read_events(struct store *store, int64_t agent, int64_t after, int64_t until,
                       struct buf *out, int64_t *last, struct err *err)
{
    struct page page = {.after = after, .until = until, .out = out, .start = out->len};
    bool full = false;
    if (!store_begin_read(store, err))
        return false;
    struct buf scratch;
    buf_init(&scratch, PAGE_SCRATCH_MAX);
    bool ok = agent ? read_agent(store, agent, &page, &full, err)
                    : read_all(store, &page, &scratch, &full, err);
    buf_release(&scratch);
    store_end_read(store);
    if (ok)
        *last = full ? page.last : until;
    return ok;
}
