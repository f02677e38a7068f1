// SPDX-License-Identifier: MIT
// What the files of the journal share. Only core/store/journal*.c include this.
//
// journal.c        numbers, commits, waits, watchers, the end
// journal_batch.c  what one commit takes: collected on the loop, written on LANE_STORE
// journal_ring.c   the newest committed events, for readers
// journal_read.c   reading the store, off the loop
// journal_index.c  the search index: when it is brought up to date, and who waits for it
#ifndef SWARMD_CORE_STORE_JOURNAL_PARTS_H
#define SWARMD_CORE_STORE_JOURNAL_PARTS_H

#include "core/store/journal.h"

// Everything of one commit. All zeroes is an empty one.
struct batch {
    int64_t number; // commits count from 1; waits wait for one
    struct event *events;
    size_t event_count, event_capacity;
    struct batch_agent {
        int64_t num;
        char *id;
        struct str record; // owned
        bool removed;
    } * agents;
    size_t agent_count, agent_capacity;
    uint32_t *slots; // hash of agent nums: index into agents, plus 1
    size_t slot_count;
    struct batch_request {
        int64_t time;
        char *id;
        struct str result; // owned
    } * requests;
    size_t request_count, request_capacity;
    struct store_usage *usages; // the strings are owned
    size_t usage_count, usage_capacity;
    struct store_setting *settings; // the same
    size_t setting_count, setting_capacity;
    struct store_note *notes; // agent and body owned
    size_t note_count, note_capacity;
    size_t bytes; // about what it holds in memory
    bool sync;
};

bool batch_is_empty(const struct batch *batch);
void batch_add_event(struct batch *batch, const struct event *event); // takes over its bytes
void batch_put_agent(struct batch *batch, int64_t num, struct str id, struct str record,
                     bool removed); // replaces the one of the same num
void batch_add_request(struct batch *batch, struct str id, int64_t time, struct str result);
void batch_add_usage(struct batch *batch, const struct store_usage *usage);
void batch_add_setting(struct batch *batch, struct str key, struct str value);
void batch_add_note(struct batch *batch, const struct store_note *note);           // copies
bool batch_write(const struct batch *batch, struct store *store, struct err *err); // blocks
void batch_release(struct batch *batch); // back to an empty one, number kept

// Committed events, their seqs without a gap.
struct ring {
    struct event *events;
    size_t head, count, capacity;
    size_t bytes;
    int64_t first; // seq of the oldest; of the next to come when it is empty
};

void ring_init(struct ring *ring, int64_t next_seq);
void ring_release(struct ring *ring);
void ring_forget(struct ring *ring, int64_t seq);             // drops all up to it
void ring_push(struct ring *ring, const struct event *event); // takes over its bytes
const struct event *ring_next(const struct ring *ring, int64_t after, bool *lost);

struct indexer {
    struct work work;
    struct timer *timer;
    struct list waiting; // struct journal_read, in order of `indexed`
    int64_t seq;         // everything up to here is indexed
    struct err err;      // of the newest slice
    bool running, timed;
};

struct journal {
    const struct ports *ports;
    struct store *writer, *reader;
    int64_t next_seq, committed;
    int64_t committed_batch; // number of the newest one
    struct batch open;       // being collected
    struct batch flying;     // being committed, or waiting to be tried again
    bool committing;         // work is under way
    bool failing;            // the newest try failed
    struct err err;          // of the newest try; the store's thread writes it
    struct err failure;      // while failing
    struct work work;
    struct deferred deferred;
    struct timer *retry;
    struct ring ring;
    struct list waits; // by number
    struct list watchers;
    size_t reads; // under way
    struct indexer indexer;
    bool closing, ending;
    int tries_left; // once closing
    void (*closed)(void *arg, const struct err *err);
    void *closed_arg;
};

void journal_kick(struct journal *journal); // goes on at the end of this loop turn

void index_begin(struct journal *journal);
void index_committed(struct journal *journal);
void index_wait(struct journal *journal, struct journal_read *read); // then read_now()
void index_end(struct journal *journal); // nothing new begins; who waits gets an error
void index_release(struct journal *journal);

void read_now(struct journal_read *read); // on its lane

#endif
