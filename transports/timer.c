// SPDX-License-Identifier: MIT
#include "transports/timer.h"

#include "core/base/mem.h"
#include "transports/loop.h"

#include <uv.h>

struct timer {
    uv_timer_t handle;
    void (*fn)(void *arg);
    void *arg;
};

static void on_due(uv_timer_t *handle)
{
    struct timer *timer = handle->data;
    timer->fn(timer->arg);
}

static void on_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

struct timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct timer *timer = mem_new(sizeof *timer);
    uv_timer_init(loop_uv(loop), &timer->handle);
    timer->handle.data = timer;
    timer->fn = fn;
    timer->arg = arg;
    return timer;
}

void loop_timer_set(struct timer *timer, int64_t ms)
{
    uv_timer_start(&timer->handle, on_due, ms > 0 ? (uint64_t)ms : 0, 0);
}

void loop_timer_stop(struct timer *timer)
{
    uv_timer_stop(&timer->handle);
}

void loop_timer_free(struct timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->handle, on_closed);
}
