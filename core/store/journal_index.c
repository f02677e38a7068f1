// SPDX-License-Identifier: MIT
// When the search index is brought up to date: in slices on LANE_STORE, some time after a commit
// and with pauses, so that commits find the lane free; without them while a search waits.
#include "core/base/mem.h"
#include "core/store/journal_parts.h"

static void go_on(struct journal *journal, int64_t ms);

static void run_slice(struct work *work)
{
    struct indexer *indexer = list_entry(work, struct indexer, work);
    struct journal *journal = list_entry(indexer, struct journal, indexer);
    indexer->err.kind = ERR_NONE;
    store_index(journal->writer, &indexer->seq, &indexer->err);
}

// Those whose turn it is; after a failure all, since nobody knows when it ends.
static void end_waits(struct indexer *indexer)
{
    while (!list_empty(&indexer->waiting)) {
        struct journal_read *read = list_entry(indexer->waiting.next, struct journal_read, node);
        if (indexer->err.kind == ERR_NONE && read->indexed > indexer->seq)
            break;
        list_remove(&read->node);
        if (indexer->err.kind != ERR_NONE)
            read->err = indexer->err;
        read_now(read);
    }
}

static void slice_done(struct work *work)
{
    struct indexer *indexer = list_entry(work, struct indexer, work);
    struct journal *journal = list_entry(indexer, struct journal, indexer);
    bool failed = indexer->err.kind != ERR_NONE;
    indexer->running = false;
    end_waits(indexer);
    if (journal->closing)
        journal_kick(journal);
    else
        go_on(journal, failed ? JOURNAL_RETRY_MS : JOURNAL_INDEX_PAUSE_MS);
}

static void start(struct journal *journal)
{
    struct indexer *indexer = &journal->indexer;
    indexer->running = true;
    indexer->work = (struct work){.run = run_slice, .done = slice_done};
    port_work(journal->ports, LANE_STORE, &indexer->work);
}

static void on_timer(void *arg)
{
    struct journal *journal = arg;
    journal->indexer.timed = false;
    if (!journal->indexer.running && !journal->closing)
        start(journal);
}

static void go_on(struct journal *journal, int64_t ms)
{
    struct indexer *indexer = &journal->indexer;
    if (indexer->running || journal->closing || indexer->seq >= journal->committed)
        return;
    if (!list_empty(&indexer->waiting)) {
        start(journal);
    } else if (!indexer->timed) {
        indexer->timed = true;
        journal->ports->ops->timer_set(indexer->timer, ms);
    }
}

void index_begin(struct journal *journal)
{
    struct indexer *indexer = &journal->indexer;
    list_init(&indexer->waiting);
    indexer->timer = port_timer_new(journal->ports, on_timer, journal);
    go_on(journal, JOURNAL_INDEX_DELAY_MS); // what an earlier run left
}

void index_committed(struct journal *journal)
{
    go_on(journal, JOURNAL_INDEX_DELAY_MS);
}

void index_wait(struct journal *journal, struct journal_read *read)
{
    read->indexed = journal->committed;
    if (journal->indexer.seq >= read->indexed) {
        read_now(read);
        return;
    }
    list_append(&journal->indexer.waiting, &read->node);
    go_on(journal, 0);
}

void index_end(struct journal *journal)
{
    struct indexer *indexer = &journal->indexer;
    journal->ports->ops->timer_stop(indexer->timer);
    list_for_each_safe(node, &indexer->waiting)
    {
        struct journal_read *read = list_entry(node, struct journal_read, node);
        list_remove(&read->node);
        err_set(&read->err, ERR_STORAGE, "the store is closed: the server is ending");
        read_now(read);
    }
}

void index_release(struct journal *journal)
{
    journal->ports->ops->timer_free(journal->indexer.timer);
}
