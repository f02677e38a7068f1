// SPDX-License-Identifier: MIT
#include "core/base/mem.h"
#include "core/store/journal_parts.h"

enum { READ_BYTES_MAX = 256 << 20 }; // pages end long before; one event can be this large

static void find_request(struct journal_read *read, struct store *store)
{
    char *result = NULL;
    if (store_find_request(store, read->request, read->not_before, &result, &read->err))
        buf_add_str(&read->out, str_of(result));
    mem_free(result);
}

static void run(struct work *work)
{
    struct journal_read *read = list_entry(work, struct journal_read, work);
    struct store *store = read->journal->reader;
    if (read->err.kind != ERR_NONE)
        return;
    if (read->search.match.len)
        store_search(store, &read->search, &read->out, &read->last, &read->err);
    else if (read->usage.wanted)
        store_read_usage(store, &read->usage, &read->out, &read->total, &read->more, &read->last,
                         &read->err);
    else if (read->audit.wanted)
        store_read_audit(store, &read->audit, &read->out, &read->more, &read->err);
    else if (read->request.data)
        find_request(read, store);
    else if (read->limit)
        store_read_items(store, read->agent, read->before, read->after, read->limit, &read->out,
                         &read->more, &read->err);
    else
        store_read_events(store, read->agent, read->after, read->until, &read->out, &read->last,
                          &read->err);
}

static void done(struct work *work)
{
    struct journal_read *read = list_entry(work, struct journal_read, work);
    struct journal *journal = read->journal;
    journal->reads--;
    if (journal->closing)
        journal_kick(journal);
    read->done(read); // may free it
}

void read_now(struct journal_read *read)
{
    port_work(read->journal->ports, LANE_READ, &read->work);
}

void journal_read(struct journal *journal, struct journal_read *read)
{
    read->err = (struct err){.kind = ERR_NONE};
    buf_init(&read->out, READ_BYTES_MAX);
    read->last = 0;
    read->more = false;
    read->journal = journal;
    read->not_before = port_wall_ms(journal->ports) - STORE_REQUEST_KEPT_MS;
    read->work = (struct work){.run = run, .done = done};
    if (journal->closing || !journal->reader)
        err_set(&read->err, ERR_STORAGE, "the store is closed: the server is ending");
    journal->reads++;
    if (read->search.match.len && read->err.kind == ERR_NONE)
        index_wait(journal, read);
    else
        read_now(read);
}

void journal_read_release(struct journal_read *read)
{
    buf_release(&read->out);
    buf_release(&read->search.match);
}
