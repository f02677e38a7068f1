// SPDX-License-Identifier: MIT
// The journal: gives events their numbers, commits them in groups, and shows them to readers.
//
// Persist, then act, then publish. Appending numbers an event at once; at the end of the loop
// turn everything appended is committed together on LANE_STORE; then those who wait for it act,
// and then readers see it. One commit is under way at a time. A failed commit is tried again
// with the same numbers every JOURNAL_RETRY_MS, and since nobody's wait ends meanwhile, agents
// pause by themselves.
//
// Readers (sessions) hold a cursor, a seq, into a ring of the newest committed events. One that
// has fallen off the ring reads the store instead, or is told that it lagged.
#ifndef SWARMD_CORE_STORE_JOURNAL_H
#define SWARMD_CORE_STORE_JOURNAL_H

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/base/ports.h"
#include "core/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    JOURNAL_RING_EVENTS_MAX = 16384,
    JOURNAL_RING_BYTES_MAX = 16 << 20,
    JOURNAL_PENDING_BYTES_MAX = 64 << 20, // appended, not committed; see journal_can_take()
    JOURNAL_RETRY_MS = 1000,
    // The search index follows the commits, a slice (store_index()) at a time.
    JOURNAL_INDEX_DELAY_MS = 200, // from a commit to the first slice
    JOURNAL_INDEX_PAUSE_MS = 40,  // between slices, while nobody waits for them
};

enum event_type { EVENT_AGENT, EVENT_REMOVED, EVENT_TURN, EVENT_ITEM };

struct event {
    int64_t seq;
    int64_t agent; // its num
    enum event_type type;
    struct shared *bytes; // the event's JSON object, as clients get it
};

struct journal;

// Takes over both handles of the store (the reader may be NULL in tests). `last_seq` is from
// store_state().
struct journal *journal_create(const struct ports *ports, struct store *writer,
                               struct store *reader, int64_t last_seq);
// Stops taking events. `closed` is called when everything appended is committed (or has failed
// to, three times, JOURNAL_RETRY_MS apart: err's kind is not ERR_NONE then), reads are done and
// both stores are closed; the journal is gone then. Waits for what was not committed never end.
void journal_close(struct journal *journal, void (*closed)(void *arg, const struct err *err),
                   void *arg);

// The seq that the next journal_append() will give; for bytes that name it.
int64_t journal_next_seq(const struct journal *journal);

// Appends one event; bytes are copied, and begin with {"seq":<journal_next_seq()>, (line breaks
// between the tokens of the JSON become spaces: events are kept one a line). Returns its seq, or 0
// once the journal is closing.
int64_t journal_append(struct journal *journal, int64_t agent, enum event_type type,
                       struct str bytes);

// The agent's row is (re)written in the next commit, from the newest record given.
void journal_put_agent(struct journal *journal, int64_t num, struct str id, struct str record,
                       bool removed);
void journal_put_request(struct journal *journal, struct str id, struct str result);
void journal_put_usage(struct journal *journal, const struct store_usage *usage); // copied
// A small thing that lasts, under a key; value.data NULL takes it out.
void journal_put_setting(struct journal *journal, struct str key, struct str value);
// In the commit of this loop turn: a rule is added or (body.data NULL) revoked; a row comes to the
// audit, of an agent or (agent empty) of none. The bodies are JSON objects with members.
void journal_put_rule(struct journal *journal, int64_t id, struct str body);
void journal_put_audit(struct journal *journal, struct str agent, struct str body);
// The commit of this loop turn is synced to the disk, and with it all before it (spawn, send,
// approve, merge). Asked for together with what it is for: nothing is committed for it alone.
void journal_want_sync(struct journal *journal);

// False (ERR_STORAGE) while commits fail, or over JOURNAL_PENDING_BYTES_MAX: whoever would start
// something new refuses.
bool journal_can_take(const struct journal *journal, struct err *err);
// Why commits fail, or NULL when they do not.
const struct err *journal_failure(const struct journal *journal);

int64_t journal_committed(const struct journal *journal); // the highest seq on disk

// A wait for durability, embedded by the caller, who may take it back any time.
struct journal_wait {
    void (*fn)(struct journal_wait *wait);
    int64_t seq;
    struct list node;
};
// fn is called once, on the loop, never from within, when everything appended or put so far is
// committed.
void journal_wait(struct journal *journal, struct journal_wait *wait);
void journal_wait_cancel(struct journal_wait *wait); // harmless when not waiting

// Those who want to know: `committed` after each commit, after the waits; `failed` once per run
// of failures, with what to tell the person, and `recovered` after it.
struct journal_watcher {
    void (*committed)(struct journal_watcher *watcher);
    void (*failed)(struct journal_watcher *watcher, const struct err *err);
    void (*recovered)(struct journal_watcher *watcher);
    struct list node;
};
void journal_watch(struct journal *journal, struct journal_watcher *watcher);
void journal_unwatch(struct journal_watcher *watcher);

// The first committed event in the ring with seq > after, or NULL when there is none yet.
// *lost is set when events after `after` are no longer in the ring. Valid until the next commit or
// journal_seen().
const struct event *journal_next(const struct journal *journal, int64_t after, bool *lost);
// No reader will ask for the events up to seq again, but by reading the store: frees them.
void journal_seen(struct journal *journal, int64_t seq);

// Reads pages off the loop. `done` comes once; out is the request's own buffer and valid until
// the request is freed. The caller embeds it and keeps it until done.
struct journal_read {
    // in
    int64_t agent;        // 0: all
    int64_t after, until; // for events
    int64_t before;       // for items; see store_read_items(), with `after`
    size_t limit;         // for items; 0 means events
    struct str request;   // given: out is what journal_put_request() stored; nothing after 24 h
    // match.len: out is a page of hits, once everything committed so far is indexed; the match is
    // freed with the read
    struct store_search search;
    struct store_usage_query usage; // wanted: out is what store_read_usage() wrote, total its sum,
                                    // last its seq; the strings outlive the read
    struct store_audit audit;       // wanted: out is a page of the audit; its agent is the caller's
    void (*done)(struct journal_read *read);
    // out
    struct err err;
    struct buf out;
    int64_t last; // events; hits: `next`
    bool more;    // items, rows of usage, audit
    struct usage_sum total;
    // the journal's own
    struct journal *journal;
    int64_t not_before;
    int64_t indexed; // waits until the index has come so far
    struct list node;
    struct work work;
};
void journal_read(struct journal *journal, struct journal_read *read);
void journal_read_release(struct journal_read *read); // frees `out`, and what was looked for

#endif
