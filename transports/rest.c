// SPDX-License-Identifier: MIT
#include "transports/rest.h"

#include "core/base/mem.h"
#include "transports/loop.h"

#include <malloc.h>
#include <uv.h>

struct rest {
    struct loop *loop;
    uv_check_t turn;
    uv_timer_t timer;
    int64_t after_ms;
    bool busy;    // since the timer was set
    bool own;     // this turn of the loop is for our own sake
    bool working; // the lane has our work
    struct work work;
    int count;
    int handles;
    bool destroyed;
};

static void free_last(struct rest *rest)
{
    if (rest->destroyed && !rest->handles && !rest->working)
        mem_free(rest);
}

static void run(struct work *work)
{
    (void)work;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void done(struct work *work)
{
    struct rest *rest = list_entry(work, struct rest, work);
    rest->own = true;
    rest->working = false;
    rest->count++;
    free_last(rest);
}

static void on_timer(uv_timer_t *timer)
{
    struct rest *rest = timer->data;
    rest->own = true;
    if (rest->busy) {
        rest->busy = false;
        uv_timer_start(timer, on_timer, (uint64_t)rest->after_ms, 0);
    } else if (!rest->working) {
        rest->working = true;
        rest->work = (struct work){.run = run, .done = done};
        port_work(loop_ports(rest->loop), LANE_FILES, &rest->work);
    }
}

static void on_turn(uv_check_t *check)
{
    struct rest *rest = check->data;
    if (rest->own) {
        rest->own = false;
        return;
    }
    rest->busy = true;
    if (!uv_is_active((uv_handle_t *)&rest->timer))
        uv_timer_start(&rest->timer, on_timer, (uint64_t)rest->after_ms, 0);
}

struct rest *rest_create(struct loop *loop, int64_t after_ms)
{
    struct rest *rest = mem_new(sizeof(*rest));
    rest->loop = loop;
    rest->after_ms = after_ms;
    uv_check_init(loop_uv(loop), &rest->turn);
    uv_timer_init(loop_uv(loop), &rest->timer);
    rest->turn.data = rest->timer.data = rest;
    rest->handles = 2;
    uv_check_start(&rest->turn, on_turn);
    uv_unref((uv_handle_t *)&rest->turn);
    uv_unref((uv_handle_t *)&rest->timer);
    return rest;
}

int rest_count(const struct rest *rest)
{
    return rest->count;
}

static void on_closed(uv_handle_t *handle)
{
    struct rest *rest = handle->data;
    rest->handles--;
    free_last(rest);
}

void rest_destroy(struct rest *rest)
{
    if (!rest)
        return;
    rest->destroyed = true;
    uv_close((uv_handle_t *)&rest->turn, on_closed);
    uv_close((uv_handle_t *)&rest->timer, on_closed);
}
