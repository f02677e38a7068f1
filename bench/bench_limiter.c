// SPDX-License-Identifier: MIT
// What the limiter costs a request: asking for a place, getting it, giving it back; alone, and
// with up to 10,000 other agents that wait. CPU time, medians of ROUNDS rounds.
#include "core/base/mem.h"
#include "core/model/limiter.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 21, REPEATS = 200000, PLACES = 8, AGENTS_MAX = 10000 };

struct agent {
    struct limiter_ticket ticket; // first
    struct limiter_user user;
    struct agent *next; // who holds a place
};

struct bench {
    struct list deferred;
    struct limiter *limiter;
    struct agent *agents;
    struct agent *holders; // the newest first
};

static struct bench *bench;

// --- a loop that stands still

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return 1000000;
}

static struct timer *timer_new(void *ctx, void (*fn)(void *arg), void *arg)
{
    (void)fn;
    (void)arg;
    return ctx;
}

static void timer_set(struct timer *timer, int64_t ms)
{
    (void)timer;
    (void)ms;
}

static void timer_stop(struct timer *timer)
{
    (void)timer;
}

static void defer(void *ctx, struct deferred *deferred)
{
    if (list_empty(&deferred->node))
        list_append(&((struct bench *)ctx)->deferred, &deferred->node);
}

static void run_deferred(void)
{
    while (!list_empty(&bench->deferred)) {
        struct deferred *deferred = list_entry(bench->deferred.next, struct deferred, node);
        list_remove(&deferred->node);
        deferred->fn(deferred);
    }
}

static const struct port_ops ops = {
    .mono_ms = mono_ms,
    .timer_new = timer_new,
    .timer_set = timer_set,
    .timer_stop = timer_stop,
    .timer_free = timer_stop,
    .defer = defer,
};

// --- what is measured

static const struct limiter_end answered = {LIMITER_ANSWERED, -1, 5000};

static void on_granted(struct limiter_ticket *ticket)
{
    struct agent *agent = (struct agent *)ticket;
    agent->next = bench->holders;
    bench->holders = agent;
}

static void ask(struct agent *agent)
{
    if (limiter_take(bench->limiter, &agent->user, &agent->ticket) == LIMITER_HELD)
        on_granted(&agent->ticket);
}

// One has its answer, the next one is served, and the first asks for its next request.
static void request(void)
{
    struct agent *agent = bench->holders;
    bench->holders = agent->next;
    limiter_give(&agent->ticket, &answered);
    ask(agent);
    run_deferred();
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(const struct ports *ports, int agents)
{
    double rounds[ROUNDS];
    bench->limiter = limiter_create(ports, LIMITER_FIXED, PLACES);
    for (int i = 0; i < agents; i++)
        ask(&bench->agents[i]);
    for (int r = 0; r < ROUNDS; r++) {
        double start = cpu_ns();
        for (int i = 0; i < REPEATS; i++)
            request();
        rounds[r] = (cpu_ns() - start) / REPEATS;
    }
    for (int i = 0; i < agents; i++)
        limiter_cancel(&bench->agents[i].ticket);
    run_deferred();
    bench->holders = NULL;
    limiter_destroy(bench->limiter);
    qsort(rounds, ROUNDS, sizeof(*rounds), by_value);
    printf("limiter_%-25d %10.1f ns\n", agents, rounds[ROUNDS / 2]);
}

int main(void)
{
    bench = mem_new(sizeof(*bench));
    struct ports ports = {&ops, bench};
    list_init(&bench->deferred);
    bench->agents = mem_new_array(AGENTS_MAX, sizeof(*bench->agents));
    for (int i = 0; i < AGENTS_MAX; i++) {
        limiter_user_init(&bench->agents[i].user);
        bench->agents[i].ticket.granted = on_granted;
    }
    for (int agents = 1; agents <= AGENTS_MAX; agents *= 10)
        measure(&ports, agents);
    mem_free(bench->agents);
    mem_free(bench);
    return 0;
}
