// SPDX-License-Identifier: MIT
// Timers, deferred calls, signals and teardown of the real loop.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

struct probe {
    struct loop *loop;
    struct timer *timer;
    struct deferred deferred;
    int fired;
    int again; // times left
    char *order;
    char name;
};

static void note(struct probe *probe)
{
    probe->fired++;
    if (probe->order)
        strncat(probe->order, &probe->name, 1);
}

static void on_timer(void *arg)
{
    note(arg);
}

static void on_timer_free(void *arg)
{
    struct probe *probe = arg;
    note(probe);
    loop_ports(probe->loop)->ops->timer_free(probe->timer);
    probe->timer = NULL;
}

static void on_timer_again(void *arg)
{
    struct probe *probe = arg;
    note(probe);
    if (probe->again-- > 0)
        loop_ports(probe->loop)->ops->timer_set(probe->timer, 1);
}

static void test_timers_fire_in_order_of_their_time(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    char order[8] = "";
    struct probe late = {.order = order, .name = 'l'}, early = {.order = order, .name = 'e'};
    late.timer = port_timer_new(ports, on_timer, &late);
    early.timer = port_timer_new(ports, on_timer, &early);
    ports->ops->timer_set(late.timer, 30);
    ports->ops->timer_set(early.timer, 5);
    int64_t before = port_mono_ms(ports);
    loop_run(loop); // ends: nothing is left to wait for
    assert_string_equal(order, "el");
    assert_true(port_mono_ms(ports) >= before + 30);
    ports->ops->timer_free(late.timer);
    ports->ops->timer_free(early.timer);
    ports->ops->timer_free(NULL);
    real_loop_destroy(loop);
}

static void test_a_timer_set_again_fires_once(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    struct probe probe = {.loop = loop};
    probe.timer = port_timer_new(ports, on_timer, &probe);
    ports->ops->timer_set(probe.timer, 100000);
    ports->ops->timer_set(probe.timer, -5);
    assert_int_equal(probe.fired, 0);
    loop_run(loop);
    assert_int_equal(probe.fired, 1);
    ports->ops->timer_set(probe.timer, 1);
    ports->ops->timer_stop(probe.timer);
    loop_run(loop);
    assert_int_equal(probe.fired, 1);
    ports->ops->timer_free(probe.timer);
    real_loop_destroy(loop);
}

static void test_a_timer_may_free_or_set_itself(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    struct probe ends = {.loop = loop}, repeats = {.loop = loop, .again = 3};
    ends.timer = port_timer_new(ports, on_timer_free, &ends);
    repeats.timer = port_timer_new(ports, on_timer_again, &repeats);
    ports->ops->timer_set(ends.timer, 0);
    ports->ops->timer_set(repeats.timer, 0);
    loop_run(loop);
    assert_int_equal(ends.fired, 1);
    assert_int_equal(repeats.fired, 4);
    ports->ops->timer_free(repeats.timer);
    real_loop_destroy(loop);
}

static void on_deferred(struct deferred *deferred)
{
    struct probe *probe = list_entry(deferred, struct probe, deferred);
    note(probe);
    if (probe->again-- > 0)
        port_defer(loop_ports(probe->loop), deferred);
}

static void deferred_init(struct probe *probe)
{
    probe->deferred.fn = on_deferred;
    list_init(&probe->deferred.node);
}

static void test_deferred_runs_once_and_in_order(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    char order[8] = "";
    struct probe a = {.order = order, .name = 'a', .loop = loop};
    struct probe b = {.order = order, .name = 'b', .loop = loop};
    deferred_init(&a);
    deferred_init(&b);
    port_defer(ports, &a.deferred);
    port_defer(ports, &b.deferred);
    port_defer(ports, &a.deferred);
    assert_string_equal(order, "");
    loop_run(loop); // returns: they keep the loop alive for one turn only
    assert_string_equal(order, "ab");
    port_defer(ports, &b.deferred);
    list_remove(&b.deferred.node);
    loop_run(loop);
    assert_string_equal(order, "ab");
    real_loop_destroy(loop);
}

static void test_deferred_that_asks_again_lets_others_turn(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    struct probe endless = {.loop = loop, .again = 1 << 30}, timer = {.loop = loop};
    deferred_init(&endless);
    timer.timer = port_timer_new(ports, on_timer_free, &timer);
    port_defer(ports, &endless.deferred);
    ports->ops->timer_set(timer.timer, 1);
    real_loop_until(loop, &timer.fired, 1);
    assert_true(endless.fired > 1);
    list_remove(&endless.deferred.node);
    real_loop_destroy(loop);
}

static void defer_from_timer(void *arg)
{
    struct probe *probe = arg;
    port_defer(loop_ports(probe->loop), &probe->deferred);
}

static void test_deferred_from_a_timer_does_not_wait_for_the_next_event(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    struct probe probe = {.loop = loop}, far = {.loop = loop};
    deferred_init(&probe);
    probe.timer = port_timer_new(ports, defer_from_timer, &probe);
    far.timer = port_timer_new(ports, on_timer, &far);
    ports->ops->timer_set(probe.timer, 1);
    ports->ops->timer_set(far.timer, REAL_LOOP_DEADLINE_MS * 10);
    real_loop_until(loop, &probe.fired, 1);
    ports->ops->timer_free(probe.timer);
    ports->ops->timer_free(far.timer);
    real_loop_destroy(loop);
}

struct idle_count {
    uv_prepare_t prepare;
    int turns;
};

static void count_turn(uv_prepare_t *prepare)
{
    struct idle_count *count = prepare->data;
    count->turns++;
}

static void test_an_idle_loop_does_not_turn(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    struct probe deferred = {.loop = loop}, end = {.loop = loop};
    deferred_init(&deferred);
    port_defer(ports, &deferred.deferred);
    real_loop_until(loop, &deferred.fired, 1);
    struct idle_count count = {.turns = 0};
    uv_prepare_init(loop_uv(loop), &count.prepare);
    count.prepare.data = &count;
    uv_prepare_start(&count.prepare, count_turn);
    end.timer = port_timer_new(ports, on_timer_free, &end);
    ports->ops->timer_set(end.timer, 300);
    real_loop_until(loop, &end.fired, 1);
    assert_true(count.turns <= 4); // one that waits, and those around it
    uv_close((uv_handle_t *)&count.prepare, NULL);
    real_loop_turns(loop, 1);
    real_loop_destroy(loop);
}

struct caught {
    int count;
    int last;
};

static void on_signal(void *arg, int number)
{
    struct caught *caught = arg;
    caught->count++;
    caught->last = number;
}

static void test_signals_come_on_the_loop(void **state)
{
    (void)state;
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct loop *loop = real_loop_create();
    struct caught caught = {.count = 0};
    loop_on_signal(loop, on_signal, &caught);
    loop_run(loop); // returns: waiting for signals alone keeps nobody alive
    for (int i = 0; i < 3; i++) {
        kill(getpid(), numbers[i]);
        real_loop_until(loop, &caught.count, i + 1);
        assert_int_equal(caught.last, numbers[i]);
    }
    real_loop_destroy(loop);
}

static void stop_in_timer(void *arg)
{
    struct probe *probe = arg;
    note(probe);
    loop_stop(probe->loop);
}

static void test_stop_returns_after_the_turn(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    struct probe stop = {.loop = loop}, far = {.loop = loop};
    stop.timer = port_timer_new(ports, stop_in_timer, &stop);
    far.timer = port_timer_new(ports, on_timer, &far);
    ports->ops->timer_set(stop.timer, 1);
    ports->ops->timer_set(far.timer, REAL_LOOP_DEADLINE_MS * 10);
    loop_run(loop);
    assert_int_equal(stop.fired, 1);
    ports->ops->timer_free(stop.timer);
    ports->ops->timer_free(far.timer);
    real_loop_destroy(loop);
}

static void burn(void *arg)
{
    struct probe *probe = arg;
    uint64_t until = uv_hrtime() + 20 * 1000000ULL;
    while (uv_hrtime() < until)
        ;
    note(probe);
}

static void test_the_longest_turn_is_work_and_not_waiting(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    const struct ports *ports = loop_ports(loop);
    struct probe probe = {.loop = loop};
    probe.timer = port_timer_new(ports, burn, &probe);
    ports->ops->timer_set(probe.timer, 1);
    loop_run(loop);
    assert_true(loop_longest_turn_us(loop) >= 20000);
    assert_int_equal(loop_longest_turn_us(loop), 0); // since the last call

    struct probe quiet = {.loop = loop};
    quiet.timer = port_timer_new(ports, on_timer, &quiet);
    ports->ops->timer_set(quiet.timer, 500);
    loop_run(loop);
    assert_true(loop_longest_turn_us(loop) < 500000);
    ports->ops->timer_free(probe.timer);
    ports->ops->timer_free(quiet.timer);
    real_loop_destroy(loop);
}

static void test_a_forgotten_handle_is_told(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    struct probe probe = {.loop = loop};
    struct timer *forgotten = port_timer_new(loop_ports(loop), on_timer, &probe);
    loop_ports(loop)->ops->timer_set(forgotten, 1);

    int before = dup(STDERR_FILENO), told[2];
    assert_int_equal(pipe(told), 0);
    dup2(told[1], STDERR_FILENO);
    int count = loop_destroy(loop);
    dup2(before, STDERR_FILENO);
    char text[256] = "";
    assert_true(read(told[0], text, sizeof text - 1) > 0);
    close(before);
    close(told[0]);
    close(told[1]);

    assert_int_equal(count, 1);
    assert_non_null(strstr(text, "timer"));
    assert_int_equal(probe.fired, 0);
    mem_free(forgotten); // nobody else does any more
    assert_int_equal(loop_destroy(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_in_order_of_their_time),
        cmocka_unit_test(test_a_timer_set_again_fires_once),
        cmocka_unit_test(test_a_timer_may_free_or_set_itself),
        cmocka_unit_test(test_deferred_runs_once_and_in_order),
        cmocka_unit_test(test_deferred_that_asks_again_lets_others_turn),
        cmocka_unit_test(test_deferred_from_a_timer_does_not_wait_for_the_next_event),
        cmocka_unit_test(test_an_idle_loop_does_not_turn),
        cmocka_unit_test(test_signals_come_on_the_loop),
        cmocka_unit_test(test_stop_returns_after_the_turn),
        cmocka_unit_test(test_the_longest_turn_is_work_and_not_waiting),
        cmocka_unit_test(test_a_forgotten_handle_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
