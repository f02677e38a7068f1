// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/files/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_is_private(void **state)
{
    (void)state;
    char *path = mem_format("%s/a/b/c", unit_temp_folder());
    struct err err;
    struct stat st;
    assert_true(folder_make_parents(path, &err));
    assert_false(folder_exists(path));
    assert_true(folder_make(path, &err));
    assert_true(folder_make(path, &err)); // again is no error
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_true(folder_is_empty(path));
    mem_free(path);
}

static void make_names_what_is_in_the_way(void **state)
{
    (void)state;
    char *file = mem_format("%s/file", unit_temp_folder());
    close(open(file, O_CREAT | O_WRONLY, 0600));
    char *path = mem_format("%s/below", file);
    struct err err;
    assert_false(folder_make(path, &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "/file"));
    assert_false(folder_make(file, &err));
    mem_free(path);
    mem_free(file);
}

static void remove_stays_inside(void **state)
{
    (void)state;
    const char *outside = unit_temp_folder();
    char *kept = mem_format("%s/kept", outside);
    char *tree = mem_format("%s/tree", unit_temp_folder());
    char *link = mem_format("%s/link", tree), *locked = mem_format("%s/locked", tree);
    char *inside = mem_format("%s/inside", locked);
    struct err err;
    close(open(kept, O_CREAT | O_WRONLY, 0600));
    assert_true(folder_make(inside, &err));
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(chmod(locked, 0), 0);
    assert_true(folder_remove(tree, &err));
    assert_false(folder_exists(tree));
    assert_true(folder_exists(kept));
    assert_true(folder_remove(tree, &err)); // what is not there

    assert_int_equal(symlink(outside, tree), 0); // the path itself is a symlink
    assert_true(folder_remove(tree, &err));
    assert_false(folder_exists(tree));
    assert_true(folder_exists(kept));
    char *all[] = {kept, tree, link, locked, inside};
    for (size_t i = 0; i < 5; i++)
        mem_free(all[i]);
}

// Deeper than descriptors or PATH_MAX allow, with names that the removal itself uses.
static void remove_any_depth(void **state)
{
    (void)state;
    enum { DEPTH = 3000 };
    char *tree = mem_format("%s/tree", unit_temp_folder());
    struct err err;
    assert_true(folder_make(tree, &err));
    int at = open(tree, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(at, ".swarmd-removing-0", 0700), 0);
        int next = openat(at, ".swarmd-removing-0", O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        close(openat(next, "file", O_CREAT | O_WRONLY, 0600));
        close(at);
        at = next;
    }
    close(at);
    if (!folder_remove(tree, &err))
        fail_msg("%s", err.message);
    assert_false(folder_exists(tree));
    mem_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make_is_private),
        cmocka_unit_test(make_names_what_is_in_the_way),
        cmocka_unit_test(remove_stays_inside),
        cmocka_unit_test(remove_any_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
