// SPDX-License-Identifier: MIT
// Sealing: an agent's newest events, so far in the log alone, become a segment.
//
// Only their seqs are remembered; the bytes are read back from the log, except those of the batch
// at hand. Every commit leaves nothing unsealed that is STORE_TAIL_EVENTS_MAX or more behind the
// newest event: readers count on it, and it bounds what is remembered.
#include "core/base/mem.h"
#include "core/store/store_internal.h"

static const char doing[] = "cannot write to swarmd.db";

void pendings_init(struct pendings *pendings)
{
    memset(pendings->chains, 0, sizeof(pendings->chains));
    list_init(&pendings->by_age);
    pendings->loaded = false;
}

void pendings_release(struct pendings *pendings)
{
    list_for_each_safe(node, &pendings->by_age) mem_free(list_entry(node, struct pending, by_age));
    pendings_init(pendings);
}

static struct pending **chain_of(struct pendings *pendings, int64_t agent)
{
    return &pendings->chains[(uint64_t)agent & (PENDING_CHAINS - 1)];
}

static struct pending *find(struct pendings *pendings, int64_t agent)
{
    struct pending *pending = *chain_of(pendings, agent);
    while (pending && pending->agent != agent)
        pending = pending->chain;
    return pending;
}

static struct pending *add(struct pendings *pendings, int64_t agent)
{
    struct pending *pending = mem_new(sizeof(*pending));
    struct pending **chain = chain_of(pendings, agent);
    pending->agent = agent;
    pending->chain = *chain;
    *chain = pending;
    list_append(&pendings->by_age, &pending->by_age);
    return pending;
}

static void forget(struct pendings *pendings, struct pending *pending)
{
    struct pending **link = chain_of(pendings, pending->agent);
    while (*link != pending)
        link = &(*link)->chain;
    *link = pending->chain;
    list_remove(&pending->by_age);
    mem_free(pending);
}

// --- segments ---

static const struct store_event *find_in_batch(const struct store_batch *batch, int64_t seq)
{
    size_t low = 0, high = batch ? batch->event_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (batch->events[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = batch && low < batch->event_count && batch->events[low].seq == seq;
    return found ? &batch->events[low] : NULL;
}

// From the log the bytes are valid until the next that is read from there.
static bool event_bytes(struct store *store, const struct store_batch *batch, int64_t seq,
                        struct str *bytes, struct err *err)
{
    const struct store_event *event = find_in_batch(batch, seq);
    if (event) {
        *bytes = event->bytes;
        return true;
    }
    return store_read_event(store, seq, bytes, err);
}

static bool write_segment(struct store *store, int64_t agent, int64_t first_seq, int64_t last_seq,
                          struct str body, struct err *err)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_SEGMENT, err);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, agent);
    sqlite3_bind_int64(statement, 2, first_seq);
    sqlite3_bind_int64(statement, 3, last_seq);
    bind_bytes(statement, 4, body);
    return store_run(store, statement, doing, err);
}

// One segment, or more when they are large.
static bool write_pending(struct store *store, const struct store_batch *batch,
                          const struct pending *pending, struct err *err)
{
    struct buf *body = &store->segment;
    int64_t first = 0;
    struct str bytes;
    buf_clear(body);
    for (uint32_t i = 0; i < pending->count; i++) {
        int64_t seq = pending->seqs[i];
        if (!event_bytes(store, batch, seq, &bytes, err))
            return false;
        if (body->len && body->len + 1 + bytes.len > SEGMENT_BYTES_MAX) {
            if (!write_segment(store, pending->agent, first, pending->seqs[i - 1], buf_str(body),
                               err))
                return false;
            buf_clear(body);
        }
        if (bytes.len > SEGMENT_BYTES_MAX) { // then the body is empty
            if (!write_segment(store, pending->agent, seq, seq, bytes, err))
                return false;
            continue;
        }
        if (body->len)
            buf_add_char(body, '\n');
        else
            first = seq;
        buf_add_str(body, bytes);
    }
    return body->len == 0 || write_segment(store, pending->agent, first,
                                           pending->seqs[pending->count - 1], buf_str(body), err);
}

static bool seal(struct store *store, const struct store_batch *batch, struct pending *pending,
                 struct err *err)
{
    if (!write_pending(store, batch, pending, err))
        return false;
    forget(&store->pendings, pending);
    return true;
}

// --- what is on disk ---

// One agent has never more than a segment's worth unsealed; if a file says so, that is mended.
static bool load_event(struct store *store, int64_t seq, int64_t agent, struct err *err)
{
    struct pendings *pendings = &store->pendings;
    struct pending *pending = find(pendings, agent);
    if (!pending) {
        pending = add(pendings, agent);
        if (!store_sealed_seq(store, agent, &pending->sealed, err))
            return false;
    }
    if (seq <= pending->sealed)
        return true;
    if (pending->count == SEGMENT_EVENTS_MAX) {
        if (!write_pending(store, NULL, pending, err))
            return false;
        pending->count = 0;
    }
    if (pending->count == 0) { // its place is that of its oldest event
        list_remove(&pending->by_age);
        list_append(&pendings->by_age, &pending->by_age);
    }
    pending->seqs[pending->count++] = seq;
    return true;
}

bool store_load_pendings(struct store *store, struct err *err)
{
    struct pendings *pendings = &store->pendings;
    int64_t newest;
    if (pendings->loaded)
        return true;
    if (!store_newest_seq(store, &newest, err) ||
        !store_each_span_event(store, newest - STORE_TAIL_EVENTS_MAX, load_event, err))
        return false;
    list_for_each_safe(node, &pendings->by_age)
    {
        struct pending *pending = list_entry(node, struct pending, by_age);
        if (pending->count == 0)
            forget(pendings, pending);
    }
    pendings->loaded = true;
    return true;
}

// --- a batch ---

static bool note_event(struct store *store, const struct store_batch *batch,
                       const struct store_event *event, struct err *err)
{
    struct pending *pending = find(&store->pendings, event->agent);
    if (!pending)
        pending = add(&store->pendings, event->agent);
    pending->seqs[pending->count++] = event->seq;
    pending->bytes += event->bytes.len + 1;
    if (pending->count < SEGMENT_EVENTS_MAX && pending->bytes < SEGMENT_BYTES_MAX)
        return true;
    return seal(store, batch, pending, err);
}

bool store_seal(struct store *store, const struct store_batch *batch, struct err *err)
{
    struct list *by_age = &store->pendings.by_age;
    for (size_t i = 0; i < batch->event_count; i++)
        if (!note_event(store, batch, &batch->events[i], err))
            return false;
    if (batch->event_count == 0)
        return true;
    int64_t bound = batch->events[batch->event_count - 1].seq - STORE_TAIL_EVENTS_MAX;
    while (!list_empty(by_age)) {
        struct pending *oldest = list_entry(by_age->next, struct pending, by_age);
        if (oldest->seqs[0] > bound)
            break;
        if (!seal(store, batch, oldest, err))
            return false;
    }
    return true;
}
