// SPDX-License-Identifier: MIT
// Numbers, commits, waits, watchers, and the end.
//
// Two batches exist: the open one, that everything goes into, and the flying one, that is being
// committed. Everything that was given in one loop turn is in one batch, and so in one
// transaction. At the end of a turn (a deferred call) the open batch takes off, when nothing
// flies; what comes meanwhile waits for the landing. Waits are counted in batches, since an
// agent's record alone has no seq.
#include "core/store/journal.h"

#include "core/base/mem.h"
#include "core/store/journal_parts.h"

#include <assert.h>

enum { CLOSE_TRIES = 3 }; // of a commit that fails, JOURNAL_RETRY_MS apart, before giving up

static void turn_end(struct deferred *deferred);
static void retry(void *arg);

struct journal *journal_create(const struct ports *ports, struct store *writer,
                               struct store *reader, int64_t last_seq)
{
    struct journal *journal = mem_new(sizeof(*journal));
    journal->ports = ports;
    journal->writer = writer;
    journal->reader = reader;
    journal->committed = last_seq;
    journal->next_seq = last_seq + 1;
    journal->open.number = 1;
    journal->deferred.fn = turn_end;
    list_init(&journal->deferred.node);
    list_init(&journal->waits);
    list_init(&journal->watchers);
    journal->retry = port_timer_new(ports, retry, journal);
    ring_init(&journal->ring, journal->next_seq);
    index_begin(journal);
    return journal;
}

void journal_kick(struct journal *journal)
{
    port_defer(journal->ports, &journal->deferred);
}

// --- what goes in ---

int64_t journal_next_seq(const struct journal *journal)
{
    return journal->next_seq;
}

__attribute__((unused)) // where NDEBUG is set
static bool
names_its_seq(struct str bytes, int64_t seq)
{
    char *front = mem_format("{\"seq\":%lld,", (long long)seq);
    bool starts = str_starts(bytes, str_of(front));
    mem_free(front);
    return starts;
}

// Events are kept and sent one a line. In valid JSON a raw line break is only white space.
static struct shared *one_line(struct str bytes)
{
    struct shared *shared = shared_new(bytes);
    char *end = shared->data + shared->len;
    for (char *c = shared->data; (c = memchr(c, '\n', (size_t)(end - c)));)
        *c = ' ';
    return shared;
}

int64_t journal_append(struct journal *journal, int64_t agent, enum event_type type,
                       struct str bytes)
{
    if (journal->closing)
        return 0;
    assert(names_its_seq(bytes, journal->next_seq));
    struct event event = {journal->next_seq++, agent, type, one_line(bytes)};
    batch_add_event(&journal->open, &event);
    journal_kick(journal);
    return event.seq;
}

void journal_put_agent(struct journal *journal, int64_t num, struct str id, struct str record,
                       bool removed)
{
    if (journal->closing)
        return;
    batch_put_agent(&journal->open, num, id, record, removed);
    journal_kick(journal);
}

void journal_put_request(struct journal *journal, struct str id, struct str result)
{
    if (journal->closing)
        return;
    batch_add_request(&journal->open, id, port_wall_ms(journal->ports), result);
    journal_kick(journal);
}

void journal_put_usage(struct journal *journal, const struct store_usage *usage)
{
    if (journal->closing)
        return;
    batch_add_usage(&journal->open, usage);
    journal_kick(journal);
}

void journal_put_setting(struct journal *journal, struct str key, struct str value)
{
    if (journal->closing)
        return;
    batch_add_setting(&journal->open, key, value);
    journal_kick(journal);
}

static void put_note(struct journal *journal, const struct store_note *note)
{
    if (journal->closing)
        return;
    batch_add_note(&journal->open, note);
    journal_kick(journal);
}

void journal_put_rule(struct journal *journal, int64_t id, struct str body)
{
    put_note(journal, &(struct store_note){.kind = STORE_RULE, .id = id, .body = body});
}

void journal_put_audit(struct journal *journal, struct str agent, struct str body)
{
    put_note(journal, &(struct store_note){.kind = STORE_AUDIT, .agent = agent, .body = body});
}

void journal_want_sync(struct journal *journal)
{
    journal->open.sync = true;
}

const struct err *journal_failure(const struct journal *journal)
{
    return journal->failing ? &journal->failure : NULL;
}

bool journal_can_take(const struct journal *journal, struct err *err)
{
    if (journal->failing)
        return err_set(err, ERR_STORAGE, "nothing new is taken until it can be stored: %s",
                       journal->failure.message);
    if (journal->open.bytes + journal->flying.bytes > JOURNAL_PENDING_BYTES_MAX)
        return err_set(err, ERR_STORAGE,
                       "more than %d MiB wait to be stored: nothing new is taken until the disk "
                       "has taken them",
                       JOURNAL_PENDING_BYTES_MAX >> 20);
    return true;
}

int64_t journal_committed(const struct journal *journal)
{
    return journal->committed;
}

const struct event *journal_next(const struct journal *journal, int64_t after, bool *lost)
{
    return ring_next(&journal->ring, after, lost);
}

void journal_seen(struct journal *journal, int64_t seq)
{
    ring_forget(&journal->ring, seq);
}

// --- waits and watchers ---

static bool is_flying(const struct journal *journal)
{
    return !batch_is_empty(&journal->flying);
}

void journal_wait(struct journal *journal, struct journal_wait *wait)
{
    if (!batch_is_empty(&journal->open))
        wait->seq = journal->open.number;
    else if (is_flying(journal))
        wait->seq = journal->flying.number;
    else
        wait->seq = journal->committed_batch;
    list_append(&journal->waits, &wait->node);
    journal_kick(journal);
}

void journal_wait_cancel(struct journal_wait *wait)
{
    if (wait->node.next) // never waited: all zeroes
        list_remove(&wait->node);
}

// Only those that are due now: a wait's fn may begin to wait again.
static void end_waits(struct journal *journal)
{
    struct list due;
    list_init(&due);
    while (!list_empty(&journal->waits)) {
        struct list *node = journal->waits.next;
        if (list_entry(node, struct journal_wait, node)->seq > journal->committed_batch)
            break;
        list_remove(node);
        list_append(&due, node);
    }
    while (!list_empty(&due)) {
        struct journal_wait *wait = list_entry(due.next, struct journal_wait, node);
        list_remove(&wait->node);
        wait->fn(wait);
    }
}

void journal_watch(struct journal *journal, struct journal_watcher *watcher)
{
    list_append(&journal->watchers, &watcher->node);
}

void journal_unwatch(struct journal_watcher *watcher)
{
    if (watcher->node.next)
        list_remove(&watcher->node);
}

enum news { NEWS_COMMITTED, NEWS_FAILED, NEWS_RECOVERED };

static void tell(struct journal *journal, struct journal_watcher *watcher, enum news news)
{
    if (news == NEWS_COMMITTED && watcher->committed)
        watcher->committed(watcher);
    if (news == NEWS_FAILED && watcher->failed)
        watcher->failed(watcher, &journal->err);
    if (news == NEWS_RECOVERED && watcher->recovered)
        watcher->recovered(watcher);
}

// A node of our own marks the place, so that watchers may come and go meanwhile.
static void tell_all(struct journal *journal, enum news news)
{
    struct list place;
    list_init(&place);
    list_append(journal->watchers.next, &place);
    while (place.next != &journal->watchers) {
        struct list *node = place.next;
        list_remove(&place);
        list_append(node->next, &place);
        tell(journal, list_entry(node, struct journal_watcher, node), news);
    }
    list_remove(&place);
}

// --- commits ---

static void run_commit(struct work *work)
{
    struct journal *journal = list_entry(work, struct journal, work);
    journal->err.kind = ERR_NONE;
    batch_write(&journal->flying, journal->writer, &journal->err);
}

static void give_up(struct journal *journal)
{
    batch_release(&journal->flying);
    batch_release(&journal->open);
    journal_kick(journal);
}

static void commit_failed(struct journal *journal)
{
    bool first = !journal->failing;
    journal->failing = true;
    journal->failure = journal->err;
    if (journal->closing && --journal->tries_left <= 0) {
        give_up(journal);
        return;
    }
    journal->ports->ops->timer_set(journal->retry, JOURNAL_RETRY_MS);
    if (first)
        tell_all(journal, NEWS_FAILED);
}

static void commit_succeeded(struct journal *journal)
{
    bool recovered = journal->failing;
    struct batch *batch = &journal->flying;
    journal->failing = false;
    journal->committed_batch = batch->number;
    for (size_t i = 0; i < batch->event_count; i++) {
        journal->committed = batch->events[i].seq;
        ring_push(&journal->ring, &batch->events[i]);
    }
    batch->event_count = 0; // the ring has them
    batch_release(batch);
    end_waits(journal);
    if (recovered)
        tell_all(journal, NEWS_RECOVERED);
    tell_all(journal, NEWS_COMMITTED);
    index_committed(journal);
    journal_kick(journal);
}

static void commit_done(struct work *work)
{
    struct journal *journal = list_entry(work, struct journal, work);
    journal->committing = false;
    if (journal->err.kind == ERR_NONE)
        commit_succeeded(journal);
    else
        commit_failed(journal);
}

static void commit(struct journal *journal)
{
    journal->committing = true;
    journal->work = (struct work){.run = run_commit, .done = commit_done};
    port_work(journal->ports, LANE_STORE, &journal->work);
}

static void retry(void *arg)
{
    commit(arg);
}

static void take_off(struct journal *journal)
{
    int64_t number = journal->open.number;
    journal->flying = journal->open;
    journal->open = (struct batch){.number = number + 1};
    commit(journal);
}

// --- the end ---

static void run_end(struct work *work)
{
    struct journal *journal = list_entry(work, struct journal, work);
    store_close(journal->reader); // first: the last one to close tidies the log
    store_close(journal->writer);
}

static void end_done(struct work *work)
{
    struct journal *journal = list_entry(work, struct journal, work);
    void (*closed)(void *, const struct err *) = journal->closed;
    void *arg = journal->closed_arg;
    struct err err = journal->err;
    if (!journal->failing)
        err.kind = ERR_NONE;
    list_for_each_safe(wait, &journal->waits) list_remove(wait);
    list_for_each_safe(watcher, &journal->watchers) list_remove(watcher);
    list_remove(&journal->deferred.node);
    journal->ports->ops->timer_free(journal->retry);
    index_release(journal);
    ring_release(&journal->ring);
    mem_free(journal);
    closed(arg, &err);
}

void journal_close(struct journal *journal, void (*closed)(void *arg, const struct err *err),
                   void *arg)
{
    journal->closing = true;
    journal->tries_left = CLOSE_TRIES;
    journal->closed = closed;
    journal->closed_arg = arg;
    index_end(journal);
    journal_kick(journal);
}

static void turn_end(struct deferred *deferred)
{
    struct journal *journal = list_entry(deferred, struct journal, deferred);
    end_waits(journal);
    if (journal->committing || is_flying(journal) || journal->ending)
        return;
    if (!batch_is_empty(&journal->open)) {
        take_off(journal);
    } else if (journal->closing && journal->reads == 0 && !journal->indexer.running) {
        journal->ending = true;
        journal->work = (struct work){.run = run_end, .done = end_done};
        port_work(journal->ports, LANE_STORE, &journal->work);
    }
}
