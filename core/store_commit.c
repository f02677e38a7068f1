// SPDX-License-Identifier: MIT
// Writing: one batch, one transaction.
#include "core/mem.h"
#include "core/store_internal.h"

#include <stdlib.h>

enum { VARINT_MAX = 10 };

static const char doing[] = "cannot write to swarmd.db";

// An event's place in the order in which rows are written: by agent, so that the pages of a
// segment are touched once, and within the agent as they came.
struct placed_event {
    int64_t agent;
    const struct store_event *event;
};

static int compare_places(const void *a, const void *b)
{
    const struct placed_event *x = a, *y = b;
    if (x->agent != y->agent)
        return x->agent < y->agent ? -1 : 1;
    return x->event < y->event ? -1 : x->event > y->event;
}

static bool write_segment(struct store *store, enum statement which,
                          const struct open_segment *segment, int64_t last_seq, struct str body,
                          struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, which, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, segment->agent);
    sqlite3_bind_int64(statement, 2, segment->first_seq);
    sqlite3_bind_int64(statement, 3, last_seq);
    bind_bytes(statement, 4, body);
    if (!store_run(store, statement, doing, err))
        return false;
    if (sqlite3_changes(store->db) != 1)
        return err_set(err, ERR_STORAGE, "%s in the folder %s: a segment of agent %lld is gone",
                       doing, store->folder, (long long)segment->agent);
    return true;
}

static bool fits(const struct open_segment *segment, struct str event)
{
    return segment->events < SEGMENT_EVENTS_MAX &&
           segment->bytes + 1 + event.len <= SEGMENT_BYTES_MAX;
}

static void count_event(struct open_segment *segment, struct str event)
{
    segment->bytes += (uint32_t)(event.len + (segment->events > 0));
    segment->events++;
}

// A large event is bound as it is; it fills its segment.
static bool write_alone(struct store *store, const struct store_event *event, struct err *err)
{
    struct open_segment *segment = segment_cache_put(&store->segments, event->agent, event->seq);
    segment->events = SEGMENT_EVENTS_MAX;
    return write_segment(store, STATEMENT_SEGMENT_NEW, segment, event->seq, event->bytes, err);
}

// Writes as many of one agent's events as one segment takes; *taken is at least 1.
static bool write_some(struct store *store, const struct placed_event *events, size_t count,
                       size_t *taken, struct err *err)
{
    const struct store_event *first = events[0].event;
    *taken = 1;
    if (first->bytes.len >= SEGMENT_BYTES_MAX)
        return write_alone(store, first, err);
    struct open_segment *segment = segment_cache_find(&store->segments, first->agent);
    bool grow = segment && fits(segment, first->bytes);
    if (!grow)
        segment = segment_cache_put(&store->segments, first->agent, first->seq);
    buf_clear(&store->growth);
    size_t n = 0;
    for (; n < count && (n == 0 || fits(segment, events[n].event->bytes)); n++) {
        if (segment->events)
            buf_add_char(&store->growth, '\n');
        buf_add_str(&store->growth, events[n].event->bytes);
        count_event(segment, events[n].event->bytes);
    }
    *taken = n;
    return write_segment(store, grow ? STATEMENT_SEGMENT_GROW : STATEMENT_SEGMENT_NEW, segment,
                         events[n - 1].event->seq, buf_str(&store->growth), err);
}

static bool write_events(struct store *store, struct placed_event *places, size_t count,
                         struct err *err)
{
    size_t taken;
    for (size_t at = 0; at < count; at += taken) {
        size_t end = at;
        while (end < count && places[end].agent == places[at].agent)
            end++;
        if (!write_some(store, places + at, end - at, &taken, err))
            return false;
    }
    return true;
}

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        at[len++] = (uint8_t)(value | 0x80);
    at[len++] = (uint8_t)value;
    return len;
}

// The agents of these events (sorted by agent), each as its distance from the one before.
static bool write_span(struct store *store, const struct placed_event *places, size_t count,
                       int64_t first_seq, int64_t last_seq, struct err *err)
{
    uint8_t agents[STORE_PAGE_EVENTS_MAX * VARINT_MAX];
    size_t len = 0;
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        if (i && places[i].agent == before)
            continue;
        len += put_varint(agents + len, (uint64_t)places[i].agent - (uint64_t)before);
        before = places[i].agent;
    }
    sqlite3_stmt *statement = store_statement(store, STATEMENT_SPAN, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, last_seq);
    sqlite3_bind_int64(statement, 2, first_seq);
    bind_bytes(statement, 3, str_from((const char *)agents, len));
    return store_run(store, statement, doing, err);
}

// In groups of a page, so that reading a page never decodes more than two spans' worth.
static bool write_all_events(struct store *store, const struct store_batch *batch, struct err *err)
{
    struct placed_event places[STORE_PAGE_EVENTS_MAX];
    for (size_t at = 0; at < batch->event_count; at += STORE_PAGE_EVENTS_MAX) {
        const struct store_event *events = batch->events + at;
        size_t count = batch->event_count - at;
        count = count < STORE_PAGE_EVENTS_MAX ? count : STORE_PAGE_EVENTS_MAX;
        for (size_t i = 0; i < count; i++)
            places[i] = (struct placed_event){events[i].agent, &events[i]};
        qsort(places, count, sizeof(places[0]), compare_places);
        if (!write_span(store, places, count, events[0].seq, events[count - 1].seq, err) ||
            !write_events(store, places, count, err))
            return false;
    }
    return true;
}

static bool write_agents(struct store *store, const struct store_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->agent_count; i++) {
        const struct store_agent *agent = &batch->agents[i];
        sqlite3_stmt *statement = store_statement(store, STATEMENT_AGENT, err);
        if (!statement)
            return false;
        sqlite3_bind_int64(statement, 1, agent->num);
        bind_text(statement, 2, agent->id);
        sqlite3_bind_int(statement, 3, agent->removed);
        bind_bytes(statement, 4, agent->record);
        if (!store_run(store, statement, doing, err))
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

// It cannot change within a transaction.
static bool set_sync(struct store *store, bool full, struct err *err)
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
    if (!set_sync(store, batch->full_sync, err) || !run_kept(store, STATEMENT_BEGIN_WRITE, err))
        return false;
    if (write_all_events(store, batch, err) && write_agents(store, batch, err) &&
        write_requests(store, batch, err) && run_kept(store, STATEMENT_COMMIT, err))
        return true;
    // Some failures have rolled back by themselves.
    struct err ignored;
    if (!sqlite3_get_autocommit(store->db))
        run_kept(store, STATEMENT_ROLLBACK, &ignored);
    segment_cache_release(&store->segments);
    return false;
}
