// SPDX-License-Identifier: MIT
#include "transports/loop.h"

#include "core/base/mem.h"
#include "transports/lanes.h"
#include "transports/loop_parts.h"
#include "transports/process.h"
#include "transports/timer.h"
#include "transports/watch.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <uv.h>

enum {
    DEFER_ROUNDS_MAX = 8,    // of deferreds that ask for deferreds, in one turn
    TEARDOWN_ROUNDS_MAX = 64 // of callbacks that ask for more while the loop is torn down
};

static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP};
enum { SIGNAL_COUNT = sizeof signal_numbers / sizeof *signal_numbers };

struct loop {
    uv_loop_t uv;
    struct ports ports;
    char *scratch;
    struct lanes *lanes;
    struct processes *processes;

    uv_check_t end_of_turn;
    uv_idle_t no_wait; // active while deferreds are pending: the poll does not block then
    struct list deferred;
    struct list mark; // the end of a round of them

    uv_signal_t signals[SIGNAL_COUNT];
    void (*on_signal)(void *arg, int signal);
    void *on_signal_arg;

    uint64_t turn_start; // ns
    uint64_t waited;     // ns in the poll, since uv_loop_init
    uint64_t longest;    // ns
};

// --- deferreds

static void keep_turning(uv_idle_t *idle)
{
    (void)idle;
}

static void defer(void *ctx, struct deferred *deferred)
{
    struct loop *loop = ctx;
    if (!list_empty(&deferred->node))
        return;
    list_append(&loop->deferred, &deferred->node);
    uv_idle_start(&loop->no_wait, keep_turning);
}

// One round: those that are pending now. What they ask for comes behind the mark; any of them may
// remove any other.
static void run_deferred(struct loop *loop)
{
    list_append(&loop->deferred, &loop->mark);
    while (loop->deferred.next != &loop->mark) {
        struct deferred *deferred = list_entry(loop->deferred.next, struct deferred, node);
        list_remove(&deferred->node);
        deferred->fn(deferred);
    }
    list_remove(&loop->mark);
}

static void on_end_of_turn(uv_check_t *check)
{
    struct loop *loop = check->data;
    for (int i = 0; i < DEFER_ROUNDS_MAX && !list_empty(&loop->deferred); i++)
        run_deferred(loop);
    if (list_empty(&loop->deferred))
        uv_idle_stop(&loop->no_wait);

    uint64_t now = uv_hrtime();
    uint64_t waited = uv_metrics_idle_time(&loop->uv);
    uint64_t busy = (now - loop->turn_start) - (waited - loop->waited);
    if (busy > loop->longest)
        loop->longest = busy;
    loop->turn_start = now;
    loop->waited = waited;
}

// --- the ports

static int64_t mono_ms(void *ctx)
{
    struct loop *loop = ctx;
    return (int64_t)uv_now(&loop->uv);
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timer *new_timer(void *ctx, void (*fn)(void *arg), void *arg)
{
    return loop_timer_new(ctx, fn, arg);
}

static void add_work(void *ctx, enum lane lane, struct work *work)
{
    struct loop *loop = ctx;
    lanes_add(loop->lanes, lane, work);
}

static struct process *start_process(void *ctx, const struct process_spec *spec,
                                     const struct process_sink *sink, void *arg)
{
    struct loop *loop = ctx;
    return process_start(loop->processes, spec, sink, arg);
}

static struct watch *start_watch(void *ctx, int64_t pid, void (*ended)(void *arg), void *arg)
{
    return watch_process(ctx, pid, ended, arg);
}

static const struct port_ops loop_port_ops = {
    .mono_ms = mono_ms,
    .wall_ms = wall_ms,
    .timer_new = new_timer,
    .timer_set = loop_timer_set,
    .timer_stop = loop_timer_stop,
    .timer_free = loop_timer_free,
    .work = add_work,
    .defer = defer,
    .process_start = start_process,
    .process_stop = process_stop,
    .process_pause = process_pause,
    .watch_process = start_watch,
    .watch_end = watch_end,
};

// --- life

static void init_handles(struct loop *loop)
{
    uv_check_init(&loop->uv, &loop->end_of_turn);
    loop->end_of_turn.data = loop;
    uv_check_start(&loop->end_of_turn, on_end_of_turn);
    uv_unref((uv_handle_t *)&loop->end_of_turn);

    uv_idle_init(&loop->uv, &loop->no_wait);

    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&loop->uv, &loop->signals[i]);
        loop->signals[i].data = loop;
        uv_unref((uv_handle_t *)&loop->signals[i]);
    }
}

struct loop *loop_create(const char *exec_helper, struct err *err)
{
    struct loop *loop = mem_new(sizeof *loop);
    int code = uv_loop_init(&loop->uv);
    if (code < 0) {
        mem_free(loop);
        err_set_errno(err, ERR_LIMIT, -code, "cannot set up the event loop");
        return NULL;
    }
    uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    loop->lanes = lanes_create(&loop->uv, err);
    if (!loop->lanes) {
        uv_loop_close(&loop->uv);
        mem_free(loop);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    list_init(&loop->deferred);
    list_init(&loop->mark);
    loop->ports = (struct ports){&loop_port_ops, loop};
    loop->processes = processes_create(loop, exec_helper);
    init_handles(loop);
    loop->turn_start = uv_hrtime();
    return loop;
}

const struct ports *loop_ports(struct loop *loop)
{
    return &loop->ports;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

char *loop_scratch(struct loop *loop)
{
    if (!loop->scratch)
        loop->scratch = mem_new(LOOP_SCRATCH_BYTES);
    return loop->scratch;
}

void loop_run(struct loop *loop)
{
    loop->turn_start = uv_hrtime();
    loop->waited = uv_metrics_idle_time(&loop->uv);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

int64_t loop_longest_turn_us(struct loop *loop)
{
    int64_t longest = (int64_t)(loop->longest / 1000);
    loop->longest = 0;
    return longest;
}

static void on_uv_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = handle->data;
    loop->on_signal(loop->on_signal_arg, number);
}

void loop_on_signal(struct loop *loop, void (*fn)(void *arg, int signal), void *arg)
{
    loop->on_signal = fn;
    loop->on_signal_arg = arg;
    for (int i = 0; i < SIGNAL_COUNT; i++)
        uv_signal_start(&loop->signals[i], on_uv_signal, signal_numbers[i]);
}

static void finish_work(struct loop *loop)
{
    bool more = true;
    for (int i = 0; i < TEARDOWN_ROUNDS_MAX && more; i++) {
        more = lanes_join(loop->lanes);
        more = !list_empty(&loop->deferred) || more;
        run_deferred(loop);
    }
    if (more)
        fprintf(stderr, "swarmd: work was still asked for after %d rounds of teardown\n",
                TEARDOWN_ROUNDS_MAX);
}

static void close_own(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->end_of_turn, NULL);
    uv_close((uv_handle_t *)&loop->no_wait, NULL);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    lanes_close(loop->lanes);
    processes_close(loop->processes);
}

static void close_forgotten(uv_handle_t *handle, void *arg)
{
    int *count = arg;
    if (uv_is_closing(handle))
        return;
    fprintf(stderr, "swarmd: a %s handle was never closed%s\n", uv_handle_type_name(handle->type),
            uv_is_active(handle) ? " and is active" : "");
    (*count)++;
    uv_close(handle, NULL);
}

int loop_destroy(struct loop *loop)
{
    if (!loop)
        return 0;
    finish_work(loop);
    close_own(loop);
    int forgotten = 0;
    for (int i = 0; i < TEARDOWN_ROUNDS_MAX; i++) {
        uv_walk(&loop->uv, close_forgotten, &forgotten);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        if (uv_loop_close(&loop->uv) == 0)
            break;
    }
    lanes_destroy(loop->lanes);
    mem_free(loop->scratch);
    processes_destroy(loop->processes);
    mem_free(loop);
    return forgotten;
}
