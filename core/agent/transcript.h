// SPDX-License-Identifier: MIT
// A transcript in memory: an agent's items in the order of their first seq, for as long as a turn
// needs them. Between turns it is in the store alone.
#ifndef SWARMD_CORE_AGENT_TRANSCRIPT_H
#define SWARMD_CORE_AGENT_TRANSCRIPT_H

#include "core/agent/item.h"
#include "core/store/journal.h"

enum {
    TRANSCRIPT_BYTES_MAX = 64 << 20, // of stored items; a longer one cannot be loaded (limit)
    TRANSCRIPT_PAGE_ITEMS = 500,
};

struct window;

struct transcript {
    struct list items; // struct item
    size_t bytes;      // as they are stored
    // while loading
    struct journal *journal;
    const struct window *window;
    size_t pin; // of the window: the next one to read
    struct journal_wait wait;
    struct journal_read read;
    void (*loaded)(struct transcript *transcript, const struct err *err);
};

void transcript_init(struct transcript *transcript);
void transcript_release(struct transcript *transcript); // not while it is loading

// Reads every item of the agent that is appended so far and that the window shows: what is only in
// a summary stays in the store, and so do turns that were taken back with the transcript
// (swarm/rewind). `loaded` comes once, never from within; err->kind is ERR_NONE when it went well.
// The window outlives the loading.
void transcript_load(struct transcript *transcript, struct journal *journal, int64_t agent,
                     const struct window *window,
                     void (*loaded)(struct transcript *transcript, const struct err *err));

void transcript_add(struct transcript *transcript, struct item *item); // takes it over
// Frees the items, and the images, that the window shows no more.
void transcript_forget(struct transcript *transcript, const struct window *window);
struct item *transcript_find(const struct transcript *transcript, const char *id);

#endif
