// SPDX-License-Identifier: MIT
// Timers that are still there after a restart, on a clock that the test turns.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/alarm.h"
#include "tests/unit/support/fake_ports.h"

struct scene {
    const char *folder;
    struct fake_ports *fake;
    struct store *writer;
    struct journal *journal;
    struct alarms *alarms;
    struct buf notes; // "name=body " of those that went off
    bool closed;
    int again; // a handler sets its alarm again, so often
};

static int64_t now(struct scene *scene)
{
    return port_wall_ms(fake_ports_get(scene->fake));
}

static void set(struct scene *scene, const char *name, int64_t in_ms, const char *body)
{
    struct err err;
    assert_true(
        alarm_set(scene->alarms, "call", str_of(name), now(scene) + in_ms, str_of(body), &err));
}

static void on_alarm(void *arg, struct str name, struct str body)
{
    struct scene *scene = arg;
    buf_addf(&scene->notes, "%.*s=%.*s ", STR_ARG(name), STR_ARG(body));
    assert_int_equal(alarm_due(scene->alarms, "call", name), 0); // it is gone
    if (scene->again-- > 0)
        set(scene, "again", 0, "b");
}

static void expect_notes(struct scene *scene, const char *expected)
{
    assert_string_equal(scene->notes.data ? scene->notes.data : "", expected);
    buf_clear(&scene->notes);
}

static bool restore(void *arg, struct str key, struct str value, struct err *err)
{
    struct scene *scene = arg;
    (void)err;
    assert_true(alarms_restore(scene->alarms, key, value));
    return true;
}

static void start(struct scene *scene, bool known)
{
    struct err err;
    char *aside;
    struct store_state was;
    assert_true(store_open(&scene->writer, scene->folder, &aside, &err));
    assert_true(store_state(scene->writer, &was, &err));
    const struct ports *ports = fake_ports_get(scene->fake);
    scene->journal = journal_create(ports, scene->writer, NULL, was.last_seq);
    scene->alarms = alarms_create(ports, scene->journal);
    if (known)
        alarms_handle(scene->alarms, "call", on_alarm, scene);
    assert_true(store_each_setting(scene->writer, restore, scene, &err));
}

static void on_closed(void *arg, const struct err *err)
{
    ((struct scene *)arg)->closed = true;
    assert_int_equal(err->kind, ERR_NONE);
}

static void stop(struct scene *scene)
{
    scene->closed = false;
    alarms_destroy(scene->alarms);
    journal_close(scene->journal, on_closed, scene);
    fake_ports_run(scene->fake);
    assert_true(scene->closed);
}

static int make(void **state)
{
    struct scene *scene = mem_new(sizeof(*scene));
    scene->folder = unit_temp_folder();
    scene->fake = fake_ports_create();
    buf_init(&scene->notes, 1 << 20);
    buf_add_str(&scene->notes, STR(""));
    start(scene, true);
    *state = scene;
    return 0;
}

static int unmake(void **state)
{
    struct scene *scene = *state;
    stop(scene);
    buf_release(&scene->notes);
    fake_ports_destroy(scene->fake);
    mem_free(scene);
    return 0;
}

static void test_they_go_off_in_the_order_of_their_time(void **state)
{
    struct scene *scene = *state;
    set(scene, "c", 3000, "3");
    set(scene, "a", 1000, "1");
    set(scene, "b", 2000, "2");
    set(scene, "a", 2500, "4"); // anew
    alarm_clear(scene->alarms, "call", STR("c"));
    alarm_clear(scene->alarms, "call", STR("nobody"));
    fake_ports_advance(scene->fake, 1999);
    expect_notes(scene, "");
    fake_ports_advance(scene->fake, 1);
    expect_notes(scene, "b=2 ");
    fake_ports_advance(scene->fake, 5000);
    expect_notes(scene, "a=4 ");
    assert_int_equal(fake_ports_next_timer(scene->fake), -1); // nothing to wake up for
}

static void test_they_survive_a_restart(void **state)
{
    struct scene *scene = *state;
    set(scene, "a/b", 1000, "with\na line");
    set(scene, "late", 1000000, "");
    set(scene, "cleared", 1000, "");
    alarm_clear(scene->alarms, "call", STR("cleared"));
    stop(scene);
    start(scene, true);
    assert_int_equal(alarm_due(scene->alarms, "call", STR("late")), now(scene) + 1000000);
    stop(scene);
    fake_ports_advance(scene->fake, 5000); // nobody runs at its time
    start(scene, true);
    fake_ports_advance(scene->fake, 1);
    expect_notes(scene, "a/b=with\na line ");
    stop(scene);
    start(scene, true); // once
    fake_ports_advance(scene->fake, 1000000);
    expect_notes(scene, "late= ");
}

static void test_an_unknown_kind_is_left_alone(void **state)
{
    struct scene *scene = *state;
    struct err err;
    set(scene, "a", 1000, "1");
    stop(scene);
    start(scene, false);
    fake_ports_advance(scene->fake, 2000);
    expect_notes(scene, "");
    assert_false(alarm_set(scene->alarms, "call", STR("b"), 0, STR(""), &err));
    stop(scene);
    start(scene, true);
    fake_ports_advance(scene->fake, 1);
    expect_notes(scene, "a=1 ");
}

static void test_one_that_is_set_by_its_handler_comes_later(void **state)
{
    struct scene *scene = *state;
    scene->again = 2;
    set(scene, "again", 10, "a");
    fake_ports_advance(scene->fake, 10);
    expect_notes(scene, "again=a ");
    fake_ports_advance(scene->fake, 10);
    expect_notes(scene, "again=b again=b ");
}

static void test_many_in_any_order(void **state)
{
    struct scene *scene = *state;
    enum { COUNT = 5000 };
    char name[16];
    uint32_t random = 1;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "%d", i);
        random = random * 1664525 + 1013904223;
        set(scene, name, 1 + random % 1000, "");
    }
    for (int i = 0; i < COUNT; i += 2) {
        snprintf(name, sizeof(name), "%d", i);
        alarm_clear(scene->alarms, "call", str_of(name));
    }
    fake_ports_advance(scene->fake, 1000);
    size_t spaces = 0;
    for (size_t i = 0; i < scene->notes.len; i++)
        spaces += scene->notes.data[i] == ' ';
    assert_int_equal(spaces, COUNT / 2);
}

static void test_ceilings(void **state)
{
    struct scene *scene = *state;
    struct err err;
    char *large = mem_new(ALARM_BODY_MAX + 1);
    memset(large, 'x', ALARM_BODY_MAX + 1);
    struct str name = str_from(large, ALARM_NAME_MAX), body = str_from(large, ALARM_BODY_MAX);
    assert_true(alarm_set(scene->alarms, "call", name, now(scene) + 9000000, body, &err));
    name.len++;
    assert_false(alarm_set(scene->alarms, "call", name, 0, STR(""), &err));
    body.len++;
    assert_false(alarm_set(scene->alarms, "call", STR("a"), 0, body, &err));
    mem_free(large);
    fake_ports_run(scene->fake);
    assert_int_equal(fake_ports_next_timer(scene->fake), ALARM_LOOK_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_they_go_off_in_the_order_of_their_time, make, unmake),
        cmocka_unit_test_setup_teardown(test_they_survive_a_restart, make, unmake),
        cmocka_unit_test_setup_teardown(test_an_unknown_kind_is_left_alone, make, unmake),
        cmocka_unit_test_setup_teardown(test_one_that_is_set_by_its_handler_comes_later, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(test_many_in_any_order, make, unmake),
        cmocka_unit_test_setup_teardown(test_ceilings, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
