// SPDX-License-Identifier: MIT
// What one connection sees of the swarm: a cursor into the journal, a filter, and for each live
// item how much of its text it has.
//
// Nothing is queued for anybody. At the end of a loop turn in which something was committed, or
// at most every DELTAS_MS for texts and SNAPSHOTS_MS for agents' snapshots, what is new since the
// last time is written, while the client has less than SESSION_EVENTS_MAX unread. One that does
// not read stays behind; when the ring has gone on without it, it is told `lagged` and gets
// nothing until it subscribes again.
//
// With `after`, a replay is read from the store, page by page, and everything live waits behind
// it: so events come in order, and none twice.
#ifndef SWARMD_LSP_SUBSCRIPTION_H
#define SWARMD_LSP_SUBSCRIPTION_H

#include "core/swarm/swarm.h"
#include "lsp/filter.h"
#include "lsp/session.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    DELTAS_MS = 8,
    SNAPSHOTS_MS = 100,
    DELTA_TEXT_MAX = 256 << 10, // bytes of one delta; more comes in the next
};

struct subscription {
    struct session *session;
    struct swarm *swarm;
    struct journal *journal;
    const struct ports *ports;
    struct filter filter;

    int64_t cursor; // every event up to here has been looked at
    bool behind;    // the client did not read: it stopped before the newest event
    bool lagged;
    bool reset;          // to be told, with a snapshot of every agent
    struct list replays; // struct replay; the first one is under way

    struct deferred flush;
    struct timer *timer;
    int64_t timer_due;               // 0: not set
    int64_t deltas_at, snapshots_at; // when they were written last
    // Change numbers (swarm.h): everything up to `seen` is written; up to `looked` it was looked
    // at, and what was left out then waits for a commit.
    uint64_t live_seen, live_looked;
    uint64_t agents_seen, agents_looked;
    struct live_offset {
        int64_t seq; // of the item; another one in the same slot has another
        size_t bytes;
    } * offsets; // by slot
    size_t offset_count;
};

struct subscription *subscription_create(struct session *session, struct swarm *swarm);
void subscription_destroy(struct subscription *subscription); // takes NULL

// What may be put into swarm/events, for `initialize`.
void subscription_advertise(struct json_writer *json);

// after < 0: live events only. *seq gets the number behind which live events follow. Nothing is
// written from within, so that the answer can go out first.
bool subscription_add(struct subscription *subscription, const struct filter_entry *entry,
                      int64_t after, int64_t *seq, struct err *err);
void subscription_remove(struct subscription *subscription, const struct filter_entry *entry);

// As on_lost() does it inside one host: what the whole filter wants after this number, then live
// events. after < 0, or beyond the newest: `reset`. lagged: the client was told so, and will
// subscribe.
void subscription_take_up(struct subscription *subscription, int64_t after, bool lagged);

void subscription_changed(struct subscription *subscription);
void subscription_committed(struct subscription *subscription);
void subscription_flush_soon(struct subscription *subscription);

// Are this agent's items among what the connection asked for?
bool subscription_wants(const struct subscription *subscription, const struct agent *agent);

// It asks the journal only for events after this one; INT64_MAX: for none.
int64_t subscription_seen(const struct subscription *subscription);

// For replay.c: `lagged`, at once.
void subscription_tell_lagged(struct subscription *subscription);

// For replay.c: what was replayed may be older than a snapshot without a seq that the client has
// already. Those of the replayed agents are written once more.
void subscription_tell_snapshots(struct subscription *subscription,
                                 const struct filter_entry *entry);

#endif
