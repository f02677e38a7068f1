// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/snapshot_cache.h"

#include <fcntl.h>
#include <unistd.h>

static const unsigned char id[SNAPSHOT_ID_SIZE] = {1, 2, 3};

static struct stat_data data_of(int64_t size)
{
    struct stat st = {.st_mode = S_IFREG | 0664,
                      .st_ino = 7,
                      .st_size = size,
                      .st_mtim = {1000, 5},
                      .st_ctim = {2000, 6000000}};
    struct stat_data data;
    stat_data_set(&data, &st);
    return data;
}

static char *saved(size_t files)
{
    struct snapshot_cache cache;
    struct err err;
    char *file = mem_format("%s/folder/cache", unit_temp_folder());
    snapshot_cache_init(&cache);
    for (size_t i = 0; i < files; i++) {
        char name[32];
        struct stat_data data = data_of((int64_t)i);
        snprintf(name, sizeof name, "file%zu", files - i);
        snapshot_cache_add(&cache, str_of(name), &data, id);
    }
    assert_true(snapshot_cache_save(&cache, file, &err));
    snapshot_cache_release(&cache);
    return file;
}

static void what_is_saved_is_found_again(void **state)
{
    (void)state;
    struct snapshot_cache cache;
    struct stat st;
    char *file = saved(1000);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    snapshot_cache_load(&cache, file);
    struct stat_data data = data_of(0), other = data_of(1);
    assert_memory_equal(snapshot_cache_find(&cache, STR("file1000"), &data), id, sizeof id);
    assert_null(snapshot_cache_find(&cache, STR("file1000"), &other));
    assert_null(snapshot_cache_find(&cache, STR("file100"), &data));
    assert_null(snapshot_cache_find(&cache, STR("file1001"), &data));
    assert_true(snapshot_cache_has(&cache, STR("file1")));
    assert_false(snapshot_cache_has(&cache, STR("file")));
    snapshot_cache_release(&cache);
    mem_free(file);
}

static void none_is_an_empty_one(void **state)
{
    (void)state;
    struct snapshot_cache cache;
    struct stat_data data = data_of(0);
    char *file = saved(0);
    snapshot_cache_load(&cache, file);
    assert_null(snapshot_cache_find(&cache, STR("file1"), &data));
    snapshot_cache_release(&cache);
    snapshot_cache_load(&cache, "/nowhere/at/all");
    assert_null(snapshot_cache_find(&cache, STR("file1"), &data));
    snapshot_cache_release(&cache);
    mem_free(file);
}

// Whatever is wrong with the file: every byte of it changed, every length of it.
static void a_damaged_one_is_empty(void **state)
{
    (void)state;
    char *file = saved(3);
    struct stat st;
    char bytes[4096];
    int fd = open(file, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0 && st.st_size < (off_t)sizeof bytes);
    assert_int_equal(pread(fd, bytes, sizeof bytes, 0), st.st_size);
    for (off_t at = 0; at < 2 * st.st_size; at++) {
        struct snapshot_cache cache;
        char changed = (char)(bytes[at % st.st_size] ^ 0x40);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bytes, (size_t)st.st_size, 0), st.st_size);
        if (at < st.st_size)
            assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        else
            assert_int_equal(ftruncate(fd, at - st.st_size), 0);
        snapshot_cache_load(&cache, file);
        assert_int_equal(cache.entries.len, 0);
        assert_false(snapshot_cache_has(&cache, STR("file1")));
        snapshot_cache_release(&cache);
    }
    close(fd);
    mem_free(file);
}

static void a_change_just_before_the_look_is_not_trusted(void **state)
{
    (void)state;
    struct stat_data data = data_of(0), coarse = data;
    coarse.ctime_ns = 0;
    assert_true(stat_data_is_young(&data, 2000006));
    assert_true(stat_data_is_young(&data, 2000006 + SNAPSHOT_TICK_MS));
    assert_false(stat_data_is_young(&data, 2000007 + SNAPSHOT_TICK_MS));
    assert_true(stat_data_is_young(&data, 1000)); // the clock was put back
    assert_true(stat_data_is_young(&coarse, 2000000 + SNAPSHOT_COARSE_TICK_MS));
    assert_false(stat_data_is_young(&coarse, 2000001 + SNAPSHOT_COARSE_TICK_MS));
}

static void only_what_git_keeps_of_the_mode_counts(void **state)
{
    (void)state;
    struct stat st = {.st_mode = S_IFREG | 0600}, other = {.st_mode = S_IFREG | 0664};
    struct stat_data a, b;
    stat_data_set(&a, &st);
    stat_data_set(&b, &other);
    assert_memory_equal(&a, &b, sizeof a);
    other.st_mode |= S_IXUSR;
    stat_data_set(&b, &other);
    assert_memory_not_equal(&a, &b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_found_again),
        cmocka_unit_test(none_is_an_empty_one),
        cmocka_unit_test(a_damaged_one_is_empty),
        cmocka_unit_test(a_change_just_before_the_look_is_not_trusted),
        cmocka_unit_test(only_what_git_keeps_of_the_mode_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
