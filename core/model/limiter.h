// SPDX-License-Identifier: MIT
// How many requests one provider account gets at once, and how fast: shared by all agents that
// use it. Pure: it knows a clock and a timer, no model and no network.
//
// Who wants to make a request takes a place, and gives it back when the answer has ended, failed
// or was cut; nobody holds one meanwhile a tool runs or a person thinks. Those who wait are served
// in turn, one request a user (an agent) at a time, and the requests of one user in their order.
// Taking, granting and giving back cost the same however many wait.
//
// Places. `adaptive` begins with LIMITER_PLACES_FIRST and follows the additive increase and
// multiplicative decrease of TCP (RFC 5681): one more place for each round of answers while all
// places are used, half of what is under way when the server says that it is too much; of all
// the requests of one round only the first to be turned away counts. `fixed` is a number, `off`
// no limit.
//
// Pace. Answers tell how many requests and tokens remain of a limit, and when it will be whole
// again. What comes back in that time, evenly, is what may be used evenly: no gap while more than
// half remains, then a gap between two beginnings that grows, until at a tenth it is what comes
// back, and at nothing twice that.
//
// Breaker. LIMITER_BREAK_AFTER refusals for load (429, 529) in a row, from whomever, open it:
// nobody is served for LIMITER_OPEN_MS, or for as long as the server said; then one request goes
// through. When it is refused, too, the time doubles; when it is answered, the account begins anew
// with one place, doubles these with each round up to half of what there was, and goes on from
// there.
//
// Exhausted: set and taken back from outside (account.h). Nobody is served.
#ifndef SWARMD_CORE_MODEL_LIMITER_H
#define SWARMD_CORE_MODEL_LIMITER_H

#include "core/base/list.h"
#include "core/base/ports.h"

enum {
    LIMITER_PLACES_FIRST = 8,
    LIMITER_PLACES_MAX = 256,     // of adaptive
    LIMITER_PLACES_OFF = 1 << 20, // more than there can be users
    LIMITER_WAITING_MAX = 100000, // requests; more are refused
    LIMITER_BREAK_AFTER = 5,
    LIMITER_OPEN_MS = 1000,
    LIMITER_OPEN_MS_MAX = 60000,
    LIMITER_ASKED_MS_MAX = 600000, // a server that asks for a longer pause is asked again earlier
    LIMITER_GAP_MS_MAX = 60000,    // between two beginnings, whatever a server says remains
    LIMITER_TELL_MS = 1000,        // at most so often users hear that they have moved up,
    LIMITER_TELL_MAX = 64,         // and only so many, from the front
};

enum limiter_mode { LIMITER_ADAPTIVE, LIMITER_FIXED, LIMITER_OFF };

enum limiter_breaker {
    BREAKER_CLOSED,
    BREAKER_OPEN,      // nobody is served until a time
    BREAKER_PROBING,   // one request is under way, to see
    BREAKER_REOPENING, // fewer places than there were, but more with each answer
};

// What became of a request.
enum limiter_outcome {
    LIMITER_ANSWERED,    // by the server, whatever it says
    LIMITER_TURNED_AWAY, // 429: too many requests
    LIMITER_OVERLOADED,  // 529, 503
    LIMITER_BROKE,       // no whole answer: nothing is known of the server's load
    LIMITER_CUT,         // by us
};

struct limiter_end {
    enum limiter_outcome outcome;
    int64_t retry_after_ms; // -1: not said
    int64_t tokens;         // what it took of the limit of tokens; -1: not known
};

struct limiter_window { // -1: not said
    int64_t limit, remaining;
    int64_t reset_ms; // until it is whole again
};

struct limiter_rates {
    struct limiter_window requests, tokens;
};

struct limiter;

// Somebody whose requests are served in their order: an agent. Embedded by the caller, and there
// for as long as it has requests. limiter_user_init() it.
struct limiter_user {
    struct list waiting; // of struct limiter_ticket
    struct list node;    // in the limiter's ring, while somebody waits
    uint64_t number;     // by which places in the ring are told apart
};

// A request's place. Embedded by the caller; all zeroes before its first use.
struct limiter_ticket {
    // Its turn has come: the place is held from now on. On the loop, never from within.
    void (*granted)(struct limiter_ticket *ticket);
    // limiter_before() or limiter_wait() may say something else now. May be NULL.
    void (*moved)(struct limiter_ticket *ticket);
    // the limiter's own
    struct limiter *limiter; // NULL: neither waits nor holds
    struct limiter_user *user;
    struct list node;
    uint64_t round; // when it began
    bool held, probe;
};

struct limiter *limiter_create(const struct ports *ports, enum limiter_mode mode, int places);
void limiter_destroy(struct limiter *limiter); // nobody waits or holds; takes NULL
void limiter_user_init(struct limiter_user *user);

enum limiter_answer {
    LIMITER_HELD,  // the place is held, at once
    LIMITER_WAITS, // `granted` will come
    LIMITER_FULL,  // LIMITER_WAITING_MAX wait already
};
enum limiter_answer limiter_take(struct limiter *limiter, struct limiter_user *user,
                                 struct limiter_ticket *ticket);

// Gives a held place back. A ticket that waits is taken out of the queue; one that does neither
// is left alone.
void limiter_give(struct limiter_ticket *ticket, const struct limiter_end *end);
void limiter_cancel(struct limiter_ticket *ticket); // limiter_give() with LIMITER_CUT

// What the server says remains, as soon as it says so.
void limiter_set_rates(struct limiter *limiter, const struct limiter_rates *rates);
// Milliseconds between two beginnings that follow, when a request takes so many tokens.
double limiter_gap(const struct limiter_rates *rates, double tokens);
void limiter_set_exhausted(struct limiter *limiter, bool exhausted);

// How many are served before this one that waits; may be a few too many.
size_t limiter_before(const struct limiter_ticket *ticket);

enum limiter_wait {
    LIMITER_WAIT_PLACE,   // others are served first
    LIMITER_WAIT_PACE,    // what remains is spread over time
    LIMITER_WAIT_ASKED,   // the server asked for a pause
    LIMITER_WAIT_BREAKER, // the breaker is open, or probes
    LIMITER_WAIT_EXHAUSTED,
};

struct limiter_state {
    enum limiter_mode mode;
    enum limiter_breaker breaker;
    bool exhausted;
    enum limiter_wait wait; // why the first of those who wait does
    int64_t wait_ms;        // how long at least; 0 for LIMITER_WAIT_PLACE and _EXHAUSTED
    int places;
    size_t in_use, waiting;
    int64_t gap_ms;             // between two beginnings
    struct limiter_rates rates; // what was said last
    // since limiter_create()
    int64_t requests, turned_away, overloaded, broke, opened;
};
struct limiter_state limiter_state(const struct limiter *limiter);
const char *limiter_breaker_name(enum limiter_breaker breaker);
const char *limiter_mode_name(enum limiter_mode mode);

#endif
