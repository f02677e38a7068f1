// SPDX-License-Identifier: MIT
// The index of the search, behind the log. An item's words go in when the event that completes it
// is met; what is still being written has none yet.
#include "core/base/json.h"
#include "core/store/search_text.h"
#include "core/store/store_internal.h"

#include <stdio.h>

enum { INDEX_SCRATCH_MAX = 256 << 20 };

static const char doing[] = "cannot write the search index in swarmd.db";

struct slice {
    struct store *store;
    struct arena arena; // of the event at hand
    struct buf text;
    size_t events, bytes;
    int64_t last;
};

static bool add_row(struct slice *slice, int64_t seq, int64_t agent, struct err *err)
{
    char num[24];
    int len = snprintf(num, sizeof(num), "%lld", (long long)agent);
    sqlite3_stmt *statement = store_statement(slice->store, STATEMENT_INDEX, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, seq);
    bind_text(statement, 2, str_from(num, (size_t)len));
    bind_text(statement, 3, buf_str(&slice->text));
    return store_run(slice->store, statement, doing, err);
}

// What cannot be read is left out: a damaged event must not end all searching.
static bool add_event(struct slice *slice, int64_t seq, struct str line, struct err *err)
{
    struct str bytes = store_slice_item(line);
    struct json *item;
    struct err ignored;
    int64_t agent;
    bool removed;
    arena_reset(&slice->arena);
    buf_clear(&slice->text);
    if (!bytes.data || !json_parse(&item, &slice->arena, bytes, &ignored))
        return true;
    search_text_add(&slice->text, item);
    slice->bytes += slice->text.len;
    if (slice->text.len == 0)
        return true;
    return store_find_agent(slice->store, json_str(item, "agentId"), &agent, &removed, err) &&
           add_row(slice, seq, agent, err);
}

static bool add_events(struct slice *slice, struct err *err)
{
    sqlite3_stmt *rows = store_statement(slice->store, STATEMENT_READ_UNINDEXED, err);
    if (!rows)
        return false;
    sqlite3_bind_int64(rows, 1, slice->last);
    sqlite3_bind_int64(rows, 2, STORE_INDEX_EVENTS_MAX);
    int code = SQLITE_DONE;
    bool ok = true;
    while (ok && slice->bytes < STORE_INDEX_BYTES_MAX &&
           (code = sqlite3_step(rows)) == SQLITE_ROW) {
        slice->last = sqlite3_column_int64(rows, 0);
        ok = add_event(slice, slice->last, column_bytes(rows, 1), err);
    }
    if (ok && code != SQLITE_DONE && code != SQLITE_ROW)
        ok = store_fail(slice->store, doing, err);
    sqlite3_reset(rows);
    return ok;
}

static bool read_indexed(struct store *store, int64_t *indexed, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_READ_INDEXED, err);
    if (!statement)
        return false;
    int code = sqlite3_step(statement);
    *indexed = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE || store_fail(store, doing, err);
    sqlite3_reset(statement);
    return ok;
}

static bool write_indexed(struct store *store, int64_t indexed, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_INDEXED, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, indexed);
    return store_run(store, statement, doing, err);
}

static bool run_slice(struct slice *slice, struct err *err)
{
    int64_t first;
    if (!read_indexed(slice->store, &first, err))
        return false;
    slice->last = first;
    return add_events(slice, err) &&
           (slice->last == first || write_indexed(slice->store, slice->last, err));
}

bool store_index(struct store *store, int64_t *indexed, struct err *err)
{
    struct slice slice = {.store = store};
    sqlite3_stmt *begin, *commit;
    if (!store_set_sync(store, false, err) ||
        !(begin = store_statement(store, STATEMENT_BEGIN_WRITE, err)) ||
        !store_run(store, begin, doing, err))
        return false;
    arena_init(&slice.arena, INDEX_SCRATCH_MAX);
    buf_init(&slice.text, SEARCH_TEXT_MAX + 1);
    bool ok = run_slice(&slice, err);
    arena_release(&slice.arena);
    buf_release(&slice.text);
    store_reset_all(store);
    if (ok)
        ok = (commit = store_statement(store, STATEMENT_COMMIT, err)) &&
             store_run(store, commit, doing, err);
    if (ok)
        *indexed = slice.last;
    else if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}
