// SPDX-License-Identifier: MIT
// The loop at rest: once after the last work, not while there is some, and no wake-ups after it.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/real_loop.h"
#include "transports/rest.h"

#include <uv.h>

enum { AFTER_MS = 200 };

struct probe {
    struct rest *rest;
    uv_idle_t busy; // keeps the loop turning
    uv_timer_t timer;
    uv_check_t turn;
    int ended, rested, turns;
};

static void on_busy(uv_idle_t *idle)
{
    (void)idle;
}

static void on_time(uv_timer_t *timer)
{
    struct probe *probe = timer->data;
    probe->ended++;
}

static void on_turn(uv_check_t *turn)
{
    struct probe *probe = turn->data;
    probe->turns++;
    probe->rested = rest_count(probe->rest);
}

static struct loop *start(struct probe *probe)
{
    struct loop *loop = real_loop_create();
    *probe = (struct probe){.rest = rest_create(loop, AFTER_MS)};
    probe->timer.data = probe->turn.data = probe;
    uv_idle_init(loop_uv(loop), &probe->busy);
    uv_timer_init(loop_uv(loop), &probe->timer);
    uv_check_init(loop_uv(loop), &probe->turn);
    uv_check_start(&probe->turn, on_turn);
    return loop;
}

static void rests_once_when_there_is_nothing_to_do(void **state)
{
    (void)state;
    struct probe probe;
    struct loop *loop = start(&probe);
    uv_idle_start(&probe.busy, on_busy);
    uv_timer_start(&probe.timer, on_time, 5 * AFTER_MS, 0);
    real_loop_until(loop, &probe.ended, 1);
    assert_int_equal(rest_count(probe.rest), 0);

    uv_idle_stop(&probe.busy);
    probe.turns = 0;
    uv_timer_start(&probe.timer, on_time, 10 * AFTER_MS, 0);
    real_loop_until(loop, &probe.ended, 2);
    real_loop_until(loop, &probe.rested, 1); // at once, unless the machine is very slow
    assert_int_equal(rest_count(probe.rest), 1);
    assert_in_range(probe.turns, 1, 10);

    uv_close((uv_handle_t *)&probe.busy, NULL);
    uv_close((uv_handle_t *)&probe.timer, NULL);
    uv_close((uv_handle_t *)&probe.turn, NULL);
    rest_destroy(probe.rest);
    real_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rests_once_when_there_is_nothing_to_do)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
