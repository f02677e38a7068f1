// SPDX-License-Identifier: MIT
// One agent's events: its segments, and after the last of them what is in the log alone. Whose an
// event in the log is, the spans say; a handle keeps that for the newest STORE_TAIL_EVENTS_MAX and
// catches up before it reads, so that a read decodes each span once.
#include "core/base/mem.h"
#include "core/store/store_internal.h"

static const char doing[] = "cannot read swarmd.db";

static bool read_number(struct store *store, sqlite3_stmt *statement, int64_t *value,
                        struct err *err)
{
    int code = sqlite3_step(statement);
    *value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE || store_fail(store, doing, err);
    sqlite3_reset(statement);
    return ok;
}

bool store_newest_seq(struct store *store, int64_t *seq, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_NEWEST, err);
    return statement && read_number(store, statement, seq, err);
}

bool store_sealed_seq(struct store *store, int64_t agent, int64_t *seq, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_SEALED, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, agent);
    return read_number(store, statement, seq, err);
}

// --- spans ---

static bool take_varint(struct str *bytes, int64_t *value)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 64 && bytes->len; shift += 7) {
        uint8_t byte = (uint8_t)bytes->data[0];
        *bytes = str_skip(*bytes, 1);
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        *value = (int64_t)number;
        return true;
    }
    return false;
}

bool store_each_span_event(struct store *store, int64_t after,
                           bool (*fn)(struct store *store, int64_t seq, int64_t agent,
                                      struct err *err),
                           struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_SPANS, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, after);
    int code = SQLITE_DONE;
    bool ok = true;
    while (ok && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t seq = sqlite3_column_int64(statement, 0), agent;
        struct str agents = column_bytes(statement, 1);
        for (; ok && take_varint(&agents, &agent); seq++)
            ok = seq <= after || fn(store, seq, agent, err);
    }
    if (ok && code != SQLITE_DONE)
        ok = store_fail(store, doing, err);
    sqlite3_reset(statement);
    return ok;
}

// --- the tail ---

static int64_t *tail_place(struct tail *tail, int64_t seq)
{
    return &tail->agents[(uint64_t)seq % STORE_TAIL_EVENTS_MAX];
}

static bool tail_note(struct store *store, int64_t seq, int64_t agent, struct err *err)
{
    struct tail *tail = &store->tail;
    (void)err;
    while (++tail->last < seq) // nobody's; there are none in a whole store
        *tail_place(tail, tail->last) = 0;
    *tail_place(tail, seq) = agent;
    return true;
}

static bool tail_catch_up(struct store *store, struct err *err)
{
    struct tail *tail = &store->tail;
    int64_t newest;
    if (!store_newest_seq(store, &newest, err))
        return false;
    if (!tail->agents)
        tail->agents = mem_new_array(STORE_TAIL_EVENTS_MAX, sizeof(*tail->agents));
    if (tail->last < newest - STORE_TAIL_EVENTS_MAX)
        tail->last = newest - STORE_TAIL_EVENTS_MAX;
    return tail->last == newest || store_each_span_event(store, tail->last, tail_note, err);
}

// --- the cursor ---

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool cursor_open(struct cursor *cursor, struct store *store, int64_t agent, int64_t bound,
                 bool backward, struct err *err)
{
    int64_t sealed;
    *cursor = (struct cursor){.store = store, .agent = agent, .bound = bound};
    cursor->backward = backward;
    if (!tail_catch_up(store, err) || !store_sealed_seq(store, agent, &sealed, err))
        return false;
    int64_t newest = store->tail.last;
    int64_t before_tail = larger(sealed, larger(newest - STORE_TAIL_EVENTS_MAX, 0));
    if (backward) {
        cursor->at = bound <= newest ? bound - 1 : newest;
        cursor->end = before_tail;
    } else {
        cursor->at = larger(before_tail, bound) + 1;
        cursor->end = newest + 1;
    }
    if (!backward && sealed <= bound)
        return true; // no segment has any
    cursor->segments =
        store_statement(store, backward ? STATEMENT_READ_BACKWARD : STATEMENT_READ_FORWARD, err);
    if (!cursor->segments)
        return false;
    sqlite3_bind_int64(cursor->segments, 1, agent);
    sqlite3_bind_int64(cursor->segments, 2, bound);
    return true;
}

static struct str take_first_line(struct str *body)
{
    const char *end = memchr(body->data, '\n', body->len);
    struct str line = str_from(body->data, end ? (size_t)(end - body->data) : body->len);
    *body = str_skip(*body, line.len + (end != NULL));
    return line;
}

static struct str take_last_line(struct str *body)
{
    const char *before = memrchr(body->data, '\n', body->len);
    struct str line = before ? str_skip(*body, (size_t)(before - body->data) + 1) : *body;
    body->len = before ? (size_t)(before - body->data) : 0;
    return line;
}

// The seq that an event's bytes begin with.
static bool line_seq(struct store *store, struct str line, int64_t *seq, struct err *err)
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

static bool next_sealed(struct cursor *cursor, struct str *line, int64_t *seq, struct err *err)
{
    while (cursor->segments) {
        if (cursor->body.len == 0) {
            int code = sqlite3_step(cursor->segments);
            if (code == SQLITE_ROW) {
                cursor->body = column_bytes(cursor->segments, 0);
                continue;
            }
            cursor->segments = NULL;
            if (code != SQLITE_DONE)
                return store_fail(cursor->store, doing, err);
            break;
        }
        *line = cursor->backward ? take_last_line(&cursor->body) : take_first_line(&cursor->body);
        if (!line_seq(cursor->store, *line, seq, err))
            return false;
        if (cursor->backward ? *seq < cursor->bound : *seq > cursor->bound)
            return true;
    }
    *line = STR_NONE;
    return true;
}

bool store_read_event(struct store *store, int64_t seq, struct str *line, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_EVENT, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, seq);
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE)
        return err_set(err, ERR_STORAGE, "swarmd.db in the folder %s has lost the event %lld",
                       store->folder, (long long)seq);
    if (code != SQLITE_ROW)
        return store_fail(store, doing, err);
    *line = column_bytes(statement, 0);
    return true;
}

static bool next_in_tail(struct cursor *cursor, struct str *line, int64_t *seq, struct err *err)
{
    struct tail *tail = &cursor->store->tail;
    int64_t step = cursor->backward ? -1 : 1;
    int64_t distance = (cursor->end - cursor->at) * step;
    for (; distance > 0; distance--) {
        *seq = cursor->at;
        cursor->at += step;
        if (*tail_place(tail, *seq) == cursor->agent)
            return store_read_event(cursor->store, *seq, line, err);
    }
    *line = STR_NONE;
    return true;
}

bool cursor_next(struct cursor *cursor, struct str *line, int64_t *seq, struct err *err)
{
    bool ok = cursor->backward ? next_in_tail(cursor, line, seq, err)
                               : next_sealed(cursor, line, seq, err);
    if (!ok || line->data)
        return ok;
    return cursor->backward ? next_sealed(cursor, line, seq, err)
                            : next_in_tail(cursor, line, seq, err);
}
