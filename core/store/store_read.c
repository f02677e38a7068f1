// SPDX-License-Identifier: MIT
// Reading: what was there at start, agents, requests, and pages of events.
#include "core/base/mem.h"
#include "core/store/store_internal.h"

static const char doing[] = "cannot read swarmd.db";

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
    return store_newest_seq(store, &out->last_seq, err) &&
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

bool store_find_agent(struct store *store, struct str id, int64_t *num, bool *removed,
                      struct err *err)
{
    *num = 0;
    *removed = false;
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_AGENT, err);
    if (!statement)
        return false;
    bind_text(statement, 1, id);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *num = sqlite3_column_int64(statement, 0);
        *removed = sqlite3_column_int(statement, 1) != 0;
    } else if (code != SQLITE_DONE) {
        store_fail(store, doing, err);
    }
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

// --- events ---

struct page {
    struct buf *out;
    size_t start; // of out->len
    size_t count;
    int64_t last;
};

static bool page_is_full(const struct page *page, struct str line)
{
    return page->count > 0 && (page->count == STORE_PAGE_EVENTS_MAX ||
                               page->out->len - page->start + line.len > STORE_PAGE_BYTES_MAX);
}

static void page_add(struct page *page, int64_t seq, struct str line)
{
    buf_add_str(page->out, line);
    buf_add_char(page->out, '\n');
    page->count++;
    page->last = seq;
}

static bool read_agent(struct store *store, int64_t agent, int64_t after, int64_t until,
                       struct page *page, bool *full, struct err *err)
{
    struct cursor cursor;
    struct str line;
    int64_t seq = 0;
    if (!cursor_open(&cursor, store, agent, after, false, err))
        return false;
    while (cursor_next(&cursor, &line, &seq, err)) {
        if (!line.data || seq > until)
            return true;
        *full = page_is_full(page, line);
        if (*full)
            return true;
        page_add(page, seq, line);
    }
    return false;
}

static bool read_all(struct store *store, int64_t after, int64_t until, struct page *page,
                     bool *full, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_ALL, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, after);
    sqlite3_bind_int64(statement, 2, until);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct str line = column_bytes(statement, 1);
        *full = page_is_full(page, line);
        if (*full)
            return true;
        page_add(page, sqlite3_column_int64(statement, 0), line);
    }
    return code == SQLITE_DONE || store_fail(store, doing, err);
}

bool store_read_events(struct store *store, int64_t agent, int64_t after, int64_t until,
                       struct buf *out, int64_t *last, struct err *err)
{
    struct page page = {.out = out, .start = out->len};
    bool full = false;
    if (!store_begin_read(store, err))
        return false;
    bool ok = agent ? read_agent(store, agent, after, until, &page, &full, err)
                    : read_all(store, after, until, &page, &full, err);
    store_end_read(store);
    if (ok && out->overflow)
        ok = err_set(err, ERR_LIMIT, "an event is too large to be read back");
    if (ok)
        *last = full ? page.last : until;
    return ok;
}
