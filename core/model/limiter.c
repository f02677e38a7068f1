// SPDX-License-Identifier: MIT
#include "core/model/limiter.h"

#include "core/base/mem.h"

struct limiter {
    const struct ports *ports;
    enum limiter_mode mode;
    double places; // as a fraction: it grows by parts of a place
    double enough; // up to here it grows by one an answer, then by one a round
    double most;   // and never beyond
    size_t in_use, waiting;
    struct list ring; // of struct limiter_user: those who wait
    uint64_t number;  // of the user who came into the ring last
    uint64_t round;   // counts up with each cut of the places
    enum limiter_breaker breaker;
    int refusals;                               // in a row
    int64_t open_ms;                            // how long it was open last
    int64_t open_until, asked_until, gap_until; // monotonic ms
    double gap_ms, next_at;
    double cost; // tokens of a request, of late; 0: not known
    bool exhausted;
    struct limiter_rates rates;
    struct deferred serve;
    struct timer *timer;
    int64_t tell_at; // 0: nothing has moved
    int64_t requests, turned_away, overloaded, broke, opened;
};

static int64_t now_of(const struct limiter *limiter)
{
    return port_mono_ms(limiter->ports);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// --- who may begin ---

static double gap_now(const struct limiter *limiter, int64_t now)
{
    return now < limiter->gap_until ? limiter->gap_ms : 0;
}

// How long time alone keeps everybody waiting.
static int64_t time_left(const struct limiter *limiter, int64_t now)
{
    int64_t until = limiter->asked_until;
    if (limiter->breaker == BREAKER_OPEN)
        until = larger(until, limiter->open_until);
    if (gap_now(limiter, now) > 0 && limiter->next_at < (double)limiter->gap_until)
        until = larger(until, (int64_t)(limiter->next_at + 0.999));
    else if (gap_now(limiter, now) > 0)
        until = larger(until, limiter->gap_until);
    return larger(until - now, 0);
}

static bool has_place(const struct limiter *limiter)
{
    if (limiter->exhausted || limiter->breaker == BREAKER_PROBING)
        return false;
    return limiter->breaker == BREAKER_OPEN || (double)limiter->in_use + 1 <= limiter->places;
}

static void hold(struct limiter *limiter, struct limiter_ticket *ticket, int64_t now)
{
    double gap = gap_now(limiter, now);
    if (limiter->next_at < (double)now)
        limiter->next_at = (double)now;
    limiter->next_at += gap;
    ticket->held = true;
    ticket->round = limiter->round;
    ticket->probe = limiter->breaker == BREAKER_OPEN;
    if (ticket->probe)
        limiter->breaker = BREAKER_PROBING;
    limiter->in_use++;
    limiter->requests++;
}

// --- those who wait ---

static void enter_ring(struct limiter *limiter, struct limiter_user *user)
{
    user->number = ++limiter->number;
    list_append(&limiter->ring, &user->node);
}

static void leave_queue(struct limiter_ticket *ticket)
{
    list_remove(&ticket->node);
    ticket->limiter->waiting--;
    if (list_empty(&ticket->user->waiting))
        list_remove(&ticket->user->node);
}

static void serve_soon(struct limiter *limiter)
{
    if (limiter->waiting > 0)
        port_defer(limiter->ports, &limiter->serve);
}

static void set_timer(struct limiter *limiter)
{
    int64_t now = now_of(limiter), left = time_left(limiter, now);
    bool due = limiter->waiting > 0 && left > 0 && has_place(limiter);
    if (limiter->waiting > 0 && limiter->tell_at && (!due || limiter->tell_at - now < left)) {
        left = larger(limiter->tell_at - now, 1);
        due = true;
    }
    if (due)
        limiter->ports->ops->timer_set(limiter->timer, left);
    else
        limiter->ports->ops->timer_stop(limiter->timer);
}

static void tell(struct limiter *limiter, size_t most)
{
    limiter->tell_at = 0;
    list_for_each_safe(node, &limiter->ring)
    {
        struct limiter_user *user = list_entry(node, struct limiter_user, node);
        struct limiter_ticket *ticket = list_entry(user->waiting.next, struct limiter_ticket, node);
        if (most-- == 0)
            return;
        if (ticket->moved)
            ticket->moved(ticket);
    }
}

static void moved(struct limiter *limiter)
{
    if (limiter->waiting > 0 && !limiter->tell_at)
        limiter->tell_at = now_of(limiter) + LIMITER_TELL_MS;
}

static void serve_first(struct limiter *limiter, int64_t now)
{
    struct limiter_user *user = list_entry(limiter->ring.next, struct limiter_user, node);
    struct limiter_ticket *ticket = list_entry(user->waiting.next, struct limiter_ticket, node);
    leave_queue(ticket);
    if (!list_empty(&user->waiting)) { // the next of its own is served when all others were
        list_remove(&user->node);
        enter_ring(limiter, user);
    }
    hold(limiter, ticket, now);
    ticket->granted(ticket);
}

static void serve(struct limiter *limiter)
{
    int64_t now = now_of(limiter);
    bool any = false;
    while (limiter->waiting > 0 && has_place(limiter) && time_left(limiter, now) == 0) {
        serve_first(limiter, now);
        any = true;
    }
    if (any)
        moved(limiter);
    set_timer(limiter);
}

static void on_deferred(struct deferred *deferred)
{
    serve(list_entry(deferred, struct limiter, serve));
}

static void on_timer(void *arg)
{
    struct limiter *limiter = arg;
    if (limiter->tell_at && now_of(limiter) >= limiter->tell_at)
        tell(limiter, LIMITER_TELL_MAX);
    serve(limiter);
}

// --- taking ---

enum limiter_answer limiter_take(struct limiter *limiter, struct limiter_user *user,
                                 struct limiter_ticket *ticket)
{
    int64_t now = now_of(limiter);
    if (limiter->waiting >= LIMITER_WAITING_MAX)
        return LIMITER_FULL;
    ticket->limiter = limiter;
    ticket->user = user;
    ticket->held = false;
    list_init(&ticket->node);
    if (limiter->waiting == 0 && has_place(limiter) && time_left(limiter, now) == 0) {
        hold(limiter, ticket, now);
        return LIMITER_HELD;
    }
    if (list_empty(&user->waiting))
        enter_ring(limiter, user);
    list_append(&user->waiting, &ticket->node);
    limiter->waiting++;
    if (has_place(limiter) && time_left(limiter, now) == 0)
        serve_soon(limiter); // the timer is due but has not fired yet, and would be stopped
    else
        set_timer(limiter);
    return LIMITER_WAITS;
}

// --- giving back ---

static void add_places(struct limiter *limiter, size_t in_use)
{
    // What was not used has not been shown to be good.
    if ((double)in_use + 1 <= limiter->places || limiter->places >= limiter->most)
        return;
    limiter->places += limiter->places < limiter->enough ? 1 : 1 / limiter->places;
    if (limiter->places > limiter->most)
        limiter->places = limiter->most;
    if (limiter->breaker == BREAKER_REOPENING && limiter->places >= limiter->enough)
        limiter->breaker = BREAKER_CLOSED;
}

static double half_of(size_t in_use)
{
    return in_use < 2 ? 1 : (double)in_use / 2;
}

static void cut_places(struct limiter *limiter, const struct limiter_ticket *ticket, size_t in_use)
{
    if (limiter->mode != LIMITER_ADAPTIVE || ticket->round != limiter->round)
        return; // it began before the last cut, which it could not know of
    limiter->round++;
    limiter->places = limiter->enough = half_of(in_use);
}

static void begin_anew(struct limiter *limiter)
{
    limiter->breaker = BREAKER_REOPENING;
    limiter->refusals = 0;
    limiter->open_ms = 0;
    limiter->places = 1;
    if (limiter->places >= limiter->enough)
        limiter->breaker = BREAKER_CLOSED;
}

static void open_breaker(struct limiter *limiter, int64_t retry_after_ms)
{
    int64_t next = limiter->open_ms ? 2 * limiter->open_ms : LIMITER_OPEN_MS;
    if (limiter->breaker != BREAKER_PROBING)
        limiter->opened++;
    limiter->breaker = BREAKER_OPEN;
    limiter->open_ms = next < LIMITER_OPEN_MS_MAX ? next : LIMITER_OPEN_MS_MAX;
    limiter->open_until =
        now_of(limiter) + (retry_after_ms >= 0 ? retry_after_ms : limiter->open_ms);
    limiter->tell_at = now_of(limiter);
}

static void answered(struct limiter *limiter, const struct limiter_ticket *ticket, size_t in_use)
{
    limiter->refusals = 0;
    if (ticket->probe)
        begin_anew(limiter);
    else if (limiter->breaker == BREAKER_CLOSED || limiter->breaker == BREAKER_REOPENING)
        add_places(limiter, in_use);
}

static void refused(struct limiter *limiter, const struct limiter_ticket *ticket, size_t in_use,
                    int64_t retry_after_ms)
{
    bool closed = limiter->breaker == BREAKER_CLOSED || limiter->breaker == BREAKER_REOPENING;
    if (retry_after_ms > LIMITER_ASKED_MS_MAX)
        retry_after_ms = LIMITER_ASKED_MS_MAX;
    if (!ticket->probe) // one that failed says nothing new of how much is too much
        cut_places(limiter, ticket, in_use);
    if (retry_after_ms >= 0)
        limiter->asked_until = larger(limiter->asked_until, now_of(limiter) + retry_after_ms);
    if (ticket->probe || (++limiter->refusals >= LIMITER_BREAK_AFTER && closed))
        open_breaker(limiter, retry_after_ms);
}

static void judge(struct limiter *limiter, const struct limiter_ticket *ticket,
                  const struct limiter_end *end, size_t in_use)
{
    switch (end->outcome) {
    case LIMITER_ANSWERED:
        answered(limiter, ticket, in_use);
        break;
    case LIMITER_TURNED_AWAY:
        limiter->turned_away++;
        refused(limiter, ticket, in_use, end->retry_after_ms);
        break;
    case LIMITER_OVERLOADED:
        limiter->overloaded++;
        refused(limiter, ticket, in_use, end->retry_after_ms);
        break;
    case LIMITER_BROKE:
        limiter->broke++;
        if (ticket->probe)
            open_breaker(limiter, end->retry_after_ms);
        break;
    case LIMITER_CUT:
        if (ticket->probe) // it has shown nothing: the next one does
            limiter->breaker = BREAKER_OPEN;
        break;
    }
}

// The first answer's headers come before what it took is known.
static void learn_cost(struct limiter *limiter, int64_t tokens)
{
    if (tokens < 0)
        return;
    limiter->cost += ((double)tokens - limiter->cost) / (limiter->cost > 0 ? 8 : 1);
    limiter->gap_ms = limiter_gap(&limiter->rates, limiter->cost);
}

void limiter_give(struct limiter_ticket *ticket, const struct limiter_end *end)
{
    struct limiter *limiter = ticket->limiter;
    if (!limiter)
        return;
    if (ticket->held) {
        size_t in_use = limiter->in_use--;
        judge(limiter, ticket, end, in_use);
        learn_cost(limiter, end->tokens);
    } else {
        leave_queue(ticket);
        moved(limiter);
    }
    ticket->limiter = NULL;
    ticket->held = false;
    serve_soon(limiter);
}

void limiter_cancel(struct limiter_ticket *ticket)
{
    limiter_give(ticket, &(struct limiter_end){LIMITER_CUT, -1, -1});
}

// --- what the server says remains ---

void limiter_set_rates(struct limiter *limiter, const struct limiter_rates *rates)
{
    limiter->rates = *rates;
    limiter->gap_ms = limiter_gap(rates, limiter->cost);
    limiter->gap_until = now_of(limiter) + larger(rates->requests.reset_ms, rates->tokens.reset_ms);
    serve_soon(limiter);
}

void limiter_set_exhausted(struct limiter *limiter, bool exhausted)
{
    if (limiter->exhausted == exhausted)
        return;
    limiter->exhausted = exhausted;
    if (!exhausted)
        begin_anew(limiter);
    tell(limiter, LIMITER_WAITING_MAX);
    serve_soon(limiter);
}

// --- looking ---

size_t limiter_before(const struct limiter_ticket *ticket)
{
    const struct limiter *limiter = ticket->limiter;
    if (!limiter || ticket->held || list_empty(&limiter->ring))
        return 0;
    const struct limiter_user *first = list_entry(limiter->ring.next, struct limiter_user, node);
    if (ticket->user->waiting.next != &ticket->node)
        return limiter->waiting - 1;
    uint64_t before = ticket->user->number - first->number;
    return before < limiter->waiting ? (size_t)before : limiter->waiting - 1;
}

static enum limiter_wait wait_of(const struct limiter *limiter, int64_t now)
{
    if (limiter->exhausted)
        return LIMITER_WAIT_EXHAUSTED;
    if (limiter->breaker == BREAKER_OPEN || limiter->breaker == BREAKER_PROBING)
        return LIMITER_WAIT_BREAKER;
    if (limiter->asked_until > now)
        return LIMITER_WAIT_ASKED;
    return has_place(limiter) && time_left(limiter, now) > 0 ? LIMITER_WAIT_PACE
                                                             : LIMITER_WAIT_PLACE;
}

struct limiter_state limiter_state(const struct limiter *limiter)
{
    int64_t now = now_of(limiter);
    enum limiter_wait wait = wait_of(limiter, now);
    bool timed = wait != LIMITER_WAIT_PLACE && wait != LIMITER_WAIT_EXHAUSTED;
    return (struct limiter_state){
        .mode = limiter->mode,
        .breaker = limiter->breaker,
        .exhausted = limiter->exhausted,
        .wait = wait,
        .wait_ms = timed ? time_left(limiter, now) : 0,
        .places = limiter->breaker == BREAKER_OPEN ? 0 : (int)limiter->places,
        .in_use = limiter->in_use,
        .waiting = limiter->waiting,
        .gap_ms = (int64_t)gap_now(limiter, now),
        .rates = limiter->rates,
        .requests = limiter->requests,
        .turned_away = limiter->turned_away,
        .overloaded = limiter->overloaded,
        .broke = limiter->broke,
        .opened = limiter->opened,
    };
}

// --- life ---

struct limiter *limiter_create(const struct ports *ports, enum limiter_mode mode, int places)
{
    struct limiter *limiter = mem_new(sizeof(*limiter));
    limiter->ports = ports;
    limiter->mode = mode;
    limiter->places = mode == LIMITER_OFF ? LIMITER_PLACES_OFF : places;
    limiter->most = mode == LIMITER_ADAPTIVE ? LIMITER_PLACES_MAX : limiter->places;
    limiter->enough = limiter->places;
    limiter->rates.requests = limiter->rates.tokens = (struct limiter_window){-1, -1, -1};
    list_init(&limiter->ring);
    list_init(&limiter->serve.node);
    limiter->serve.fn = on_deferred;
    limiter->timer = port_timer_new(ports, on_timer, limiter);
    return limiter;
}

void limiter_destroy(struct limiter *limiter)
{
    if (!limiter)
        return;
    list_remove(&limiter->serve.node);
    limiter->ports->ops->timer_free(limiter->timer);
    mem_free(limiter);
}

void limiter_user_init(struct limiter_user *user)
{
    list_init(&user->waiting);
    list_init(&user->node);
}
