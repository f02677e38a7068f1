// SPDX-License-Identifier: MIT
// Writing: one batch, one transaction.
#include "core/base/mem.h"
#include "core/store/store_internal.h"

enum { VARINT_MAX = 10, SPAN_EVENTS_MAX = 512 };

static const char doing[] = "cannot write to swarmd.db";

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        at[len++] = (uint8_t)(value | 0x80);
    at[len++] = (uint8_t)value;
    return len;
}

static bool write_span(struct store *store, const struct store_event *events, size_t count,
                       struct err *err)
{
    uint8_t agents[SPAN_EVENTS_MAX * VARINT_MAX];
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += put_varint(agents + len, (uint64_t)events[i].agent);
    sqlite3_stmt *statement = store_statement(store, STATEMENT_SPAN, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, events[count - 1].seq);
    sqlite3_bind_int64(statement, 2, events[0].seq);
    bind_bytes(statement, 3, str_from((const char *)agents, len));
    return store_run(store, statement, doing, err);
}

static bool write_event(struct store *store, const struct store_event *event, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_LOG, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, event->seq);
    bind_bytes(statement, 2, event->bytes);
    return store_run(store, statement, doing, err);
}

// A span's seqs have no gap: its agents are counted from its first.
static size_t span_length(const struct store_event *events, size_t count)
{
    size_t n = 1;
    while (n < count && n < SPAN_EVENTS_MAX && events[n].seq == events[n - 1].seq + 1)
        n++;
    return n;
}

static bool write_events(struct store *store, const struct store_batch *batch, struct err *err)
{
    size_t count;
    for (size_t at = 0; at < batch->event_count; at += count) {
        const struct store_event *events = batch->events + at;
        count = span_length(events, batch->event_count - at);
        for (size_t i = 0; i < count; i++)
            if (!write_event(store, &events[i], err))
                return false;
        if (!write_span(store, events, count, err))
            return false;
    }
    return store_seal(store, batch, err);
}

static bool write_agents(struct store *store, const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->agent_count; i++) {
        const struct store_agent *agent = &batch->agents[i];
        sqlite3_stmt *statement = store_statement(store, STATEMENT_AGENT, err);
        if (!statement)
            return false;
        sqlite3_bind_int64(statement, 1, agent->num);
        // A removed agent gives its id free: a new one that happened to get it could not be stored.
        char *gone = agent->removed
                         ? mem_format("%.*s#%lld", STR_ARG(agent->id), (long long)agent->num)
                         : NULL;
        bind_text(statement, 2, gone ? str_of(gone) : agent->id);
        sqlite3_bind_int(statement, 3, agent->removed);
        bind_bytes(statement, 4, agent->record);
        bool stored = store_run(store, statement, doing, err);
        mem_free(gone);
        if (!stored)
            return false;
    }
    return true;
}

static bool write_requests(struct store *store, const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->request_count; i++) {
        const struct store_request *request = &batch->requests[i];
        sqlite3_stmt *expire = store_statement(store, STATEMENT_REQUESTS_EXPIRE, err);
        if (!expire)
            return false;
        sqlite3_bind_int64(expire, 1, request->time - STORE_REQUEST_KEPT_MS);
        if (!store_run(store, expire, doing, err))
            return false;
        sqlite3_stmt *statement = store_statement(store, STATEMENT_REQUEST, err);
        if (!statement)
            return false;
        bind_text(statement, 1, request->id);
        sqlite3_bind_int64(statement, 2, request->time);
        bind_bytes(statement, 3, request->result);
        if (!store_run(store, statement, doing, err))
            return false;
    }
    return true;
}

bool store_set_sync(struct store *store, bool full, struct err *err)
{
    if (store->full_sync == full)
        return true;
    if (sqlite3_exec(store->db, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                     NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(store, doing, err);
    store->full_sync = full;
    return true;
}

static bool run_kept(struct store *store, enum statement which, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, which, err);
    return statement && store_run(store, statement, doing, err);
}

bool store_commit(struct store *store, const struct store_batch *batch, struct err *err)
{
    if (!store_set_sync(store, batch->full_sync, err) ||
        !run_kept(store, STATEMENT_BEGIN_WRITE, err))
        return false;
    bool ok = store_load_pendings(store, err) && write_events(store, batch, err) &&
              write_agents(store, batch, err) && write_requests(store, batch, err) &&
              store_write_usages(store, batch, err) && store_write_settings(store, batch, err) &&
              store_write_notes(store, batch, err);
    store_reset_all(store);
    if (ok && run_kept(store, STATEMENT_COMMIT, err))
        return true;
    // Some failures have rolled back by themselves.
    struct err ignored;
    if (!sqlite3_get_autocommit(store->db))
        run_kept(store, STATEMENT_ROLLBACK, &ignored);
    pendings_release(&store->pendings);
    return false;
}
