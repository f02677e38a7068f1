// SPDX-License-Identifier: MIT
#include "transports/lanes.h"

#include "core/base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct queue {
    struct work *first;
    struct work **last;
    unsigned len;
};

struct lane_state {
    struct lanes *lanes;
    const char *name;
    unsigned threads_max;
    struct queue queue;
    pthread_cond_t wake;
    pthread_t threads[LANE_THREADS_MAX];
    unsigned started;
    unsigned waiting; // threads that wait for work, those just woken included
    bool complained;
};

struct lanes {
    uv_async_t completed;
    pthread_mutex_t lock; // over all below but `pending`, which is the loop thread's
    struct lane_state lanes[LANE_COUNT];
    struct queue done;
    bool joining;
    unsigned pending;
};

static const struct {
    const char *name;
    unsigned threads;
} lane_table[LANE_COUNT] = {
    [LANE_STORE] = {"store", 1},
    [LANE_READ] = {"read", 1},
    [LANE_GIT] = {"git", 2},
    [LANE_FILES] = {"files", 2},
};

static void queue_init(struct queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
    queue->len = 0;
}

static void queue_push(struct queue *queue, struct work *work)
{
    work->next = NULL;
    *queue->last = work;
    queue->last = &work->next;
    queue->len++;
}

static struct work *queue_pop(struct queue *queue)
{
    struct work *work = queue->first;
    if (!work)
        return NULL;
    queue->first = work->next;
    if (!queue->first)
        queue->last = &queue->first;
    queue->len--;
    return work;
}

// Runs one item, with the lock held before and after but not meanwhile.
static void run_one(struct lanes *lanes, struct work *work)
{
    pthread_mutex_unlock(&lanes->lock);
    work->run(work);
    pthread_mutex_lock(&lanes->lock);
    queue_push(&lanes->done, work);
    if (lanes->done.len == 1 && !lanes->joining)
        uv_async_send(&lanes->completed);
}

static void *lane_thread(void *arg)
{
    struct lane_state *lane = arg;
    struct lanes *lanes = lane->lanes;
    char name[16];
    snprintf(name, sizeof name, "lane-%s", lane->name);
    pthread_setname_np(pthread_self(), name);

    pthread_mutex_lock(&lanes->lock);
    for (;;) {
        struct work *work = queue_pop(&lane->queue);
        if (work) {
            run_one(lanes, work);
        } else if (lanes->joining) {
            break;
        } else {
            lane->waiting++;
            pthread_cond_wait(&lane->wake, &lanes->lock);
            lane->waiting--;
        }
    }
    pthread_mutex_unlock(&lanes->lock);
    return NULL;
}

// Signals belong to the loop thread. Those that a fault raises stay open, or nothing would tell
// about it.
static int create_thread(struct lane_state *lane, pthread_t *thread)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);

    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, LANE_STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int code = pthread_create(thread, &attr, lane_thread, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return code;
}

// Without any thread the loop itself runs the lane, an item a turn: slow, but nothing is lost.
static void start_thread(struct lane_state *lane)
{
    int code = create_thread(lane, &lane->threads[lane->started]);
    if (code == 0) {
        lane->started++;
    } else if (lane->started == 0) {
        if (!lane->complained)
            fprintf(stderr, "swarmd: no thread for lane %s (%s): its work runs on the loop\n",
                    lane->name, strerror(code));
        lane->complained = true;
        uv_async_send(&lane->lanes->completed);
    }
}

static void run_threadless(struct lanes *lanes)
{
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane_state *lane = &lanes->lanes[i];
        struct work *work = lane->started == 0 ? queue_pop(&lane->queue) : NULL;
        if (work)
            run_one(lanes, work);
    }
}

static bool deliver(struct lanes *lanes)
{
    pthread_mutex_lock(&lanes->lock);
    run_threadless(lanes);
    struct work *work = lanes->done.first;
    bool any = work != NULL;
    queue_init(&lanes->done);
    for (int i = 0; i < LANE_COUNT && !lanes->joining; i++)
        if (lanes->lanes[i].started == 0 && lanes->lanes[i].queue.len > 0)
            uv_async_send(&lanes->completed);
    pthread_mutex_unlock(&lanes->lock);

    while (work) {
        struct work *next = work->next;
        if (--lanes->pending == 0)
            uv_unref((uv_handle_t *)&lanes->completed);
        work->done(work);
        work = next;
    }
    return any;
}

static void on_completed(uv_async_t *async)
{
    deliver(async->data);
}

struct lanes *lanes_create(struct uv_loop_s *uv, struct err *err)
{
    struct lanes *lanes = mem_new(sizeof *lanes);
    int code = uv_async_init(uv, &lanes->completed, on_completed);
    if (code < 0) {
        mem_free(lanes);
        err_set_errno(err, ERR_LIMIT, -code, "cannot set up the work lanes");
        return NULL;
    }
    lanes->completed.data = lanes;
    uv_unref((uv_handle_t *)&lanes->completed);
    pthread_mutex_init(&lanes->lock, NULL);
    queue_init(&lanes->done);
    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane_state *lane = &lanes->lanes[i];
        lane->lanes = lanes;
        lane->name = lane_table[i].name;
        lane->threads_max = lane_table[i].threads;
        queue_init(&lane->queue);
        pthread_cond_init(&lane->wake, NULL);
    }
    return lanes;
}

void lanes_add(struct lanes *lanes, enum lane lane, struct work *work)
{
    struct lane_state *state = &lanes->lanes[lane];
    if (lanes->pending++ == 0)
        uv_ref((uv_handle_t *)&lanes->completed);

    pthread_mutex_lock(&lanes->lock);
    queue_push(&state->queue, work);
    if (!lanes->joining) {
        if (state->queue.len > state->waiting && state->started < state->threads_max)
            start_thread(state);
        pthread_cond_signal(&state->wake);
    }
    pthread_mutex_unlock(&lanes->lock);
}

bool lanes_join(struct lanes *lanes)
{
    pthread_mutex_lock(&lanes->lock);
    lanes->joining = true;
    for (int i = 0; i < LANE_COUNT; i++)
        pthread_cond_broadcast(&lanes->lanes[i].wake);
    pthread_mutex_unlock(&lanes->lock);

    for (int i = 0; i < LANE_COUNT; i++) {
        struct lane_state *lane = &lanes->lanes[i];
        for (unsigned t = 0; t < lane->started; t++)
            pthread_join(lane->threads[t], NULL);
        lane->started = 0;
    }
    return deliver(lanes);
}

void lanes_close(struct lanes *lanes)
{
    uv_close((uv_handle_t *)&lanes->completed, NULL);
}

void lanes_destroy(struct lanes *lanes)
{
    if (!lanes)
        return;
    for (int i = 0; i < LANE_COUNT; i++)
        pthread_cond_destroy(&lanes->lanes[i].wake);
    pthread_mutex_destroy(&lanes->lock);
    mem_free(lanes);
}
