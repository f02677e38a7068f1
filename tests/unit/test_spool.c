// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/files/spool.h"
#include "tests/unit/support/fake_ports.h"

#include <sys/stat.h>

struct watch {
    int drained, finished;
    struct err err;
};

static void on_drained(void *arg)
{
    ((struct watch *)arg)->drained++;
}

static void on_finished(void *arg, const struct err *err)
{
    struct watch *watch = arg;
    watch->finished++;
    watch->err = *err;
}

static const struct spool_events events = {on_drained, on_finished};

static void expect_file(const char *path, struct str want)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *bytes = mem_new(want.len + 2);
    assert_int_equal(fread(bytes, 1, want.len + 1, f), want.len);
    assert_memory_equal(bytes, want.data, want.len);
    fclose(f);
    mem_free(bytes);
}

static void bytes_reach_the_file_in_order(void **state)
{
    (void)state;
    struct fake_ports *fake = fake_ports_create();
    struct watch watch = {0};
    char *folder = mem_format("%s/output/agent", unit_temp_folder());
    char *path = mem_format("%s/i1.txt", folder);
    struct spool *spool = spool_create(fake_ports_get(fake), folder, "i1.txt", &events, &watch);
    struct buf want;
    buf_init(&want, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        char line[20];
        snprintf(line, sizeof line, "%d\n", i);
        buf_add_str(&want, str_of(line));
        spool_write(spool, str_of(line));
        if (i % 7 == 0)
            fake_ports_run(fake);
    }
    spool_finish(spool);
    assert_int_equal(watch.finished, 0);
    fake_ports_run(fake);
    assert_int_equal(watch.finished, 1);
    assert_int_equal(watch.err.kind, ERR_NONE);
    assert_int_equal(watch.drained, 0);
    expect_file(path, buf_str(&want));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    buf_release(&want);
    mem_free(path);
    mem_free(folder);
    fake_ports_destroy(fake);
}

static void a_full_spool_says_when_it_has_drained(void **state)
{
    (void)state;
    struct fake_ports *fake = fake_ports_create();
    struct watch watch = {0};
    struct spool *spool =
        spool_create(fake_ports_get(fake), unit_temp_folder(), "f", &events, &watch);
    char *piece = mem_new(64 << 10);
    fake_ports_hold_lane(fake, LANE_FILES, true);
    for (int i = 0; i < 17; i++) {
        assert_false(spool_is_full(spool));
        spool_write(spool, str_from(piece, 64 << 10)); // the first is being written
    }
    spool_write(spool, str_from(piece, 1));
    assert_true(spool_is_full(spool));
    fake_ports_run(fake);
    assert_int_equal(watch.drained, 0);
    fake_ports_hold_lane(fake, LANE_FILES, false);
    fake_ports_run(fake);
    assert_int_equal(watch.drained, 1);
    assert_false(spool_is_full(spool));
    spool_finish(spool);
    fake_ports_run(fake);
    assert_int_equal(watch.err.kind, ERR_NONE);
    mem_free(piece);
    fake_ports_destroy(fake);
}

static void an_empty_file_is_made_too(void **state)
{
    (void)state;
    struct fake_ports *fake = fake_ports_create();
    struct watch watch = {0};
    const char *folder = unit_temp_folder();
    struct spool *spool = spool_create(fake_ports_get(fake), folder, "f", &events, &watch);
    spool_finish(spool);
    fake_ports_run(fake);
    assert_int_equal(watch.finished, 1);
    char *path = mem_format("%s/f", folder);
    expect_file(path, STR(""));
    mem_free(path);
    fake_ports_destroy(fake);
}

static void a_failing_disk_is_reported_once_at_the_end(void **state)
{
    (void)state;
    struct fake_ports *fake = fake_ports_create();
    struct watch watch = {0};
    struct spool *spool = spool_create(fake_ports_get(fake), "/dev/null/no", "f", &events, &watch);
    for (int i = 0; i < 3; i++) {
        spool_write(spool, STR("x"));
        fake_ports_run(fake);
    }
    assert_int_equal(watch.finished, 0);
    spool_finish(spool);
    fake_ports_run(fake);
    assert_int_equal(watch.finished, 1);
    assert_int_equal(watch.err.kind, ERR_STORAGE);
    assert_non_null(strstr(watch.err.message, "/dev/null"));
    fake_ports_destroy(fake);
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    struct fake_ports *fake = fake_ports_create();
    struct watch watch = {0};
    struct spool *spool = spool_create(fake_ports_get(fake), "/dev", "full", &events, &watch);
    spool_write(spool, STR("x"));
    spool_finish(spool);
    fake_ports_run(fake);
    assert_int_equal(watch.err.kind, ERR_STORAGE);
    assert_non_null(strstr(watch.err.message, "No space left"));
    fake_ports_destroy(fake);
}

static void more_than_memory_holds_is_an_error(void **state)
{
    (void)state;
    struct fake_ports *fake = fake_ports_create();
    struct watch watch = {0};
    struct spool *spool =
        spool_create(fake_ports_get(fake), unit_temp_folder(), "f", &events, &watch);
    char *piece = mem_new(1 << 20);
    fake_ports_hold_lane(fake, LANE_FILES, true);
    for (int i = 0; i < 10; i++)
        spool_write(spool, str_from(piece, 1 << 20));
    spool_finish(spool);
    fake_ports_hold_lane(fake, LANE_FILES, false);
    fake_ports_run(fake);
    assert_int_equal(watch.err.kind, ERR_STORAGE);
    assert_non_null(strstr(watch.err.message, "too slow"));
    mem_free(piece);
    fake_ports_destroy(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_reach_the_file_in_order),
        cmocka_unit_test(a_full_spool_says_when_it_has_drained),
        cmocka_unit_test(an_empty_file_is_made_too),
        cmocka_unit_test(a_failing_disk_is_reported_once_at_the_end),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(more_than_memory_holds_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
