// SPDX-License-Identifier: MIT
// The fake ports keep what the real ones promise, where tests rely on it.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/fake_ports.h"

struct probe {
    struct fake_ports *fake;
    struct timer *timer;
    struct work work;
    struct deferred deferred;
    char log[200];
};

static const struct port_ops *ops_of(struct probe *probe)
{
    return fake_ports_get(probe->fake)->ops;
}

static void note(struct probe *probe, const char *what)
{
    size_t len = strlen(probe->log);
    snprintf(probe->log + len, sizeof probe->log - len, "%s@%d ", what,
             (int)port_mono_ms(fake_ports_get(probe->fake)));
}

static void on_timer(void *arg)
{
    struct probe *probe = arg;
    note(probe, "timer");
    port_work(fake_ports_get(probe->fake), LANE_GIT, &probe->work);
}

static void on_run(struct work *work)
{
    note(list_entry(work, struct probe, work), "run");
}

static void on_done(struct work *work)
{
    struct probe *probe = list_entry(work, struct probe, work);
    note(probe, "done");
    port_defer(fake_ports_get(probe->fake), &probe->deferred);
    port_defer(fake_ports_get(probe->fake), &probe->deferred);
}

static void on_deferred(struct deferred *deferred)
{
    note(list_entry(deferred, struct probe, deferred), "deferred");
}

static void probe_init(struct probe *probe)
{
    memset(probe, 0, sizeof *probe);
    probe->fake = fake_ports_create();
    probe->work = (struct work){.run = on_run, .done = on_done};
    probe->deferred.fn = on_deferred;
    list_init(&probe->deferred.node);
    probe->timer = port_timer_new(fake_ports_get(probe->fake), on_timer, probe);
}

static void probe_release(struct probe *probe)
{
    ops_of(probe)->timer_free(probe->timer);
    fake_ports_destroy(probe->fake);
}

static void test_time_moves_only_when_turned(void **state)
{
    (void)state;
    struct probe probe;
    probe_init(&probe);
    ops_of(&probe)->timer_set(probe.timer, 100);
    assert_int_equal(fake_ports_next_timer(probe.fake), 100);
    fake_ports_advance(probe.fake, 99);
    assert_string_equal(probe.log, "");
    fake_ports_advance(probe.fake, 50);
    assert_string_equal(probe.log, "timer@100 run@100 done@100 deferred@100 ");
    assert_int_equal(port_mono_ms(fake_ports_get(probe.fake)), 149);
    assert_int_equal(port_wall_ms(fake_ports_get(probe.fake)), FAKE_PORTS_WALL_MS + 149);
    assert_int_equal(fake_ports_next_timer(probe.fake), -1);
    probe_release(&probe);
}

static void test_nothing_is_called_from_within(void **state)
{
    (void)state;
    struct probe probe;
    probe_init(&probe);
    port_work(fake_ports_get(probe.fake), LANE_STORE, &probe.work);
    port_defer(fake_ports_get(probe.fake), &probe.deferred);
    assert_string_equal(probe.log, "");
    fake_ports_hold_lane(probe.fake, LANE_STORE, true);
    assert_int_equal(fake_ports_run(probe.fake), 1);
    assert_string_equal(probe.log, "deferred@0 ");
    assert_int_equal(fake_ports_queued(probe.fake, LANE_STORE), 1);
    fake_ports_hold_lane(probe.fake, LANE_STORE, false);
    fake_ports_run(probe.fake);
    assert_string_equal(probe.log, "deferred@0 run@0 done@0 deferred@0 ");
    probe_release(&probe);
}

static void on_output(void *arg, struct str bytes)
{
    struct probe *probe = arg;
    strncat(probe->log, bytes.data, bytes.len);
}

static void on_ended(void *arg, const struct process_end *end, const struct err *err)
{
    struct probe *probe = arg;
    size_t len = strlen(probe->log);
    snprintf(probe->log + len, sizeof probe->log - len, "[%d %d %s]", end->exit_code, end->stopped,
             err->kind == ERR_NONE ? "" : err->message);
}

static struct process *start(struct probe *probe)
{
    static const char *const argv[] = {"make", "test", NULL};
    static const char *const envp[] = {"PATH=/bin", NULL};
    static const struct process_sink sink = {on_output, on_ended};
    const struct process_spec spec = {.argv = argv, .envp = envp, .cwd = "/tmp"};
    return ops_of(probe)->process_start(fake_ports_get(probe->fake)->ctx, &spec, &sink, probe);
}

static void test_commands_do_what_the_test_says(void **state)
{
    (void)state;
    struct probe probe;
    probe_init(&probe);
    fake_ports_script(probe.fake, "scripted", 3);
    struct process *scripted = start(&probe);
    assert_string_equal(probe.log, "");
    ops_of(&probe)->process_pause(scripted, true);
    fake_ports_run(probe.fake);
    assert_string_equal(probe.log, "");
    ops_of(&probe)->process_pause(scripted, false);
    fake_ports_run(probe.fake);
    assert_string_equal(probe.log, "scripted[3 0 ]");

    struct process *process = start(&probe);
    start(&probe);
    assert_int_equal(fake_ports_commands(probe.fake), 3);
    assert_string_equal(fake_ports_command(probe.fake, 1)->argv[1], "test");
    assert_string_equal(fake_ports_command(probe.fake, 1)->cwd, "/tmp");
    fake_ports_run(probe.fake);
    fake_command_output(probe.fake, 1, "x");
    ops_of(&probe)->process_stop(process);
    assert_true(fake_ports_command(probe.fake, 1)->stop_asked);
    fake_command_end(probe.fake, 1, 143);
    fake_command_fail(probe.fake, 2, "no more processes");
    assert_string_equal(probe.log, "scripted[3 0 ]x[143 1 ][-1 0 no more processes]");
    probe_release(&probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_moves_only_when_turned),
        cmocka_unit_test(test_nothing_is_called_from_within),
        cmocka_unit_test(test_commands_do_what_the_test_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
