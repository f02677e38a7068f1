// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/log.h"
#include "tests/unit/support/fake_ports.h"

#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct fake_ports *fake;
    struct log *log;
    char path[256];
    bool closed;
};

static void on_closed(void *arg)
{
    ((struct fixture *)arg)->closed = true;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *folder = unit_temp_folder();
    f->fake = fake_ports_create();
    f->log = log_create(fake_ports_get(f->fake), folder, LOG_INFO);
    snprintf(f->path, sizeof(f->path), "%s/swarmd.log", folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    log_close(f->log, on_closed, f);
    fake_ports_run(f->fake);
    assert_true(f->closed);
    fake_ports_destroy(f->fake);
    free(f);
    return 0;
}

static char *content(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    return text;
}

static void test_a_line_an_event(void **state)
{
    struct fixture *f = *state;
    log_line(f->log, LOG_INFO, "fix-it-abcde", "queued -> starting");
    log_line(f->log, LOG_WARNING, NULL, "two\nlines");
    log_line(f->log, LOG_DEBUG, NULL, "too small");
    fake_ports_run(f->fake);
    assert_string_equal(content(f->path),
                        "2023-11-14T22:13:20.000Z info [fix-it-abcde] queued -> starting\n"
                        "2023-11-14T22:13:20.000Z warning two lines\n");
    struct stat st;
    stat(f->path, &st);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_long_lines_are_cut(void **state)
{
    struct fixture *f = *state;
    log_line(f->log, LOG_ERROR, NULL, "%05000d", 7);
    fake_ports_run(f->fake);
    assert_int_equal(strlen(content(f->path)), 24 + strlen(" error ") + LOG_LINE_MAX - 1 + 1);
}

static void test_a_disk_that_hangs_costs_a_bounded_buffer(void **state)
{
    struct fixture *f = *state;
    fake_ports_hold_lane(f->fake, LANE_FILES, true);
    log_line(f->log, LOG_INFO, NULL, "first");
    fake_ports_run(f->fake); // the lane has it
    for (int i = 0; i < 10000; i++)
        log_line(f->log, LOG_INFO, NULL, "line %d of many that nobody takes", i);
    fake_ports_run(f->fake);
    fake_ports_hold_lane(f->fake, LANE_FILES, false);
    fake_ports_run(f->fake);
    char *text = content(f->path);
    assert_true(strlen(text) <= LOG_PENDING_MAX + 256);
    assert_non_null(strstr(text, "lines of the log were dropped"));
}

static void test_files_are_rotated(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < LOG_FILES + 2; round++) {
        FILE *file = fopen(f->path, "w");
        fprintf(file, "round %d\n", round);
        assert_int_equal(ftruncate(fileno(file), LOG_FILE_MAX), 0);
        fclose(file);
        log_line(f->log, LOG_INFO, NULL, "after %d", round);
        fake_ports_run(f->fake);
    }
    char older[300];
    snprintf(older, sizeof(older), "%s.1", f->path);
    assert_int_equal(strncmp(content(older), "round 6\n", 8), 0);
    snprintf(older, sizeof(older), "%s.%d", f->path, LOG_FILES - 1);
    assert_int_equal(strncmp(content(older), "round 3\n", 8), 0);
    snprintf(older, sizeof(older), "%s.%d", f->path, LOG_FILES);
    assert_int_equal(access(older, F_OK), -1);
}

struct seen {
    struct log_watcher watcher;
    struct log *log;
    int lines;
    char last[64];
};

static void on_line(struct log_watcher *watcher, enum log_level level, struct str text)
{
    struct seen *seen = (struct seen *)watcher;
    (void)level;
    seen->lines++;
    snprintf(seen->last, sizeof(seen->last), "%.*s", STR_ARG(text));
    log_line(seen->log, LOG_ERROR, NULL, "a watcher that logs does not hear itself");
}

static void test_watchers_hear_every_level(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.watcher = {.line = on_line}, .log = f->log};
    log_watch(f->log, &seen.watcher);
    log_line(f->log, LOG_DEBUG, "a", "small");
    assert_int_equal(seen.lines, 1);
    assert_string_equal(seen.last, "[a] small");
    log_unwatch(&seen.watcher);
    log_line(f->log, LOG_ERROR, "a", "large");
    assert_int_equal(seen.lines, 1);
}

static void test_no_log(void **state)
{
    (void)state;
    struct log_watcher watcher = {0};
    log_line(NULL, LOG_ERROR, NULL, "nobody hears it");
    log_watch(NULL, &watcher);
    log_unwatch(&watcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line_an_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lines_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_disk_that_hangs_costs_a_bounded_buffer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_files_are_rotated, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watchers_hear_every_level, setup, teardown),
        cmocka_unit_test(test_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
