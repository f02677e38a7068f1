// SPDX-License-Identifier: MIT
// Batches of events as the swarm writes them, for the tests of the store.
#ifndef SWARMD_TESTS_EVENTS_H
#define SWARMD_TESTS_EVENTS_H

#include "core/store/store.h"

enum { EVENTS_MAX = 8192 }; // of one batch

struct events {
    struct store_event list[EVENTS_MAX];
    size_t count;
};

struct events *events_new(void);
void events_free(struct events *events);
void events_clear(struct events *events);

void events_add_turn(struct events *events, int64_t seq, int64_t agent);
// `size` bytes of text make it large.
void events_add_item(struct events *events, int64_t seq, int64_t agent, int64_t first,
                     const char *status, size_t size);

// Commits what was added (asserting that it works) and clears.
void events_commit(struct events *events, struct store *store);

// The whole of what the store has for an agent (0: all), page by page, one event a line.
char *events_read_all(struct store *store, int64_t agent, int64_t after, int64_t until);

// The seqs of lines of events, or of items, as "1 2 5"; freed with mem_free.
char *events_seqs(struct str lines);

#endif
