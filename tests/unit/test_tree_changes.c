// SPDX-License-Identifier: MIT
// Which lines of the old side differ, in real repositories.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/git/checkpoint.h"
#include "core/git/merge.h"
#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

#include <stdio.h>

enum { MANY = 1000 };

static struct worktree_spec begin(const char *name)
{
    const char *repository = git_test_repository(name);
    sh("cd '%s' && seq 200 > lines && printf 'a\\0b' > binary && seq 5 > odd && printf 6 >> odd && "
       "git add . && git commit -qm second",
       repository);
    struct worktree_spec spec = worktree_test_spec(repository, name);
    worktree_test_add(&spec);
    return spec;
}

static void look(const struct worktree_spec *spec, size_t max, struct tree_changes *changes)
{
    struct err err;
    char *cache = mem_format("%s.files", spec->path);
    struct checkpoint_place place = {.spec = *spec, .target = "main", .cache = cache};
    *changes = (struct tree_changes){0};
    if (!checkpoint_present_paths(&place, max, changes, &err))
        fail_msg("%s", err.message);
    mem_free(cache);
}

// "3+2 7+0 " of the lines of a path; "?" when they are not known, "-" when it is not changed.
static void assert_lines(const struct tree_changes *changes, const char *path, const char *expected)
{
    char text[MANY] = "-";
    for (size_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->items[i];
        if (strcmp(change->path, path) != 0)
            continue;
        size_t len = (size_t)snprintf(text, sizeof(text), "%s", change->lines_known ? "" : "?");
        for (size_t k = 0; k < change->range_count; k++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%u+%u ",
                                    change->ranges[k].start, change->ranges[k].count);
    }
    assert_string_equal(text, expected);
}

static void lines_of_the_old_side(void **state)
{
    struct worktree_spec spec = begin("old-side");
    struct tree_changes changes;
    (void)state;
    sh("cd '%s' && sed -i -e 1i0 -e 5i4.5 -e 10,12d -e 's/^20$/twenty\\nmore/' -e '$a201' lines && "
       "printf 'a\\0c' > binary && echo 7 > odd && chmod -x run.sh && rm sub/deep/file && "
       "echo new > new && rm README && ln -s run.sh README",
       spec.path);
    look(&spec, 100, &changes);
    assert_lines(&changes, "lines", "1+0 5+0 10+3 20+1 201+0 ");
    assert_lines(&changes, "binary", "?");
    assert_lines(&changes, "odd", "1+6 ");
    assert_lines(&changes, "run.sh", "");
    assert_lines(&changes, "sub/deep/file", "?");
    assert_lines(&changes, "new", "?");
    assert_lines(&changes, "README", "?");
    for (size_t i = 0; i < changes.count; i++) {
        char id[2 * CHANGE_BLOB_BYTES + 1];
        for (size_t k = 0; k < CHANGE_BLOB_BYTES; k++)
            snprintf(id + 2 * k, 3, "%02x", changes.items[i].old_blob[k]);
        if (changes.items[i].lines_known)
            assert_string_equal(
                id, sh_output("git -C '%s' rev-parse HEAD:%s", spec.path, changes.items[i].path));
    }
    tree_changes_release(&changes);
    look(&spec, 2, &changes);
    assert_int_equal(changes.count, 2);
    tree_changes_release(&changes);
}

// What a checkpoint holds is told as what is there.
static void of_a_commit(void **state)
{
    struct worktree_spec spec = begin("commit");
    struct tree_changes changes = {0};
    struct err err;
    (void)state;
    struct checkpoint_result result;
    char *cache = mem_format("%s.files", spec.path);
    struct checkpoint_place place = {.spec = spec, .target = "main", .cache = cache};
    sh("cd '%s' && sed -i -e 7d -e 9i8.5 lines", spec.path);
    if (!checkpoint_make(&place, 1, "", &result, &err) ||
        !merge_changed_paths(&spec, "main", result.name, 100, &changes, &err))
        fail_msg("%s", err.message);
    assert_lines(&changes, "lines", "7+1 9+0 ");
    tree_changes_release(&changes);
    mem_free(cache);
}

static void ceilings(void **state)
{
    struct worktree_spec spec = begin("ceilings");
    struct tree_changes changes;
    char at_ceiling[MANY] = "";
    (void)state;
    for (int i = 0; i < CHANGE_RANGES_MAX; i++)
        snprintf(at_ceiling + strlen(at_ceiling), 16, "%d+1 ", 1 + 2 * i);
    sh("cd '%s' && sed -i '1~2{/^[0-9]*$/s/$/!/}' lines && sed -i '%d,$s/!//' lines", spec.path,
       2 * CHANGE_RANGES_MAX);
    look(&spec, 100, &changes);
    assert_lines(&changes, "lines", at_ceiling);
    tree_changes_release(&changes);
    sh("cd '%s' && sed -i '$s/$/!/' lines", spec.path); // one place more
    look(&spec, 100, &changes);
    assert_lines(&changes, "lines", "?");
    tree_changes_release(&changes);
    sh("cd '%s' && head -c 9000000 /dev/zero | tr '\\0' 'x' > odd", spec.path);
    look(&spec, 100, &changes);
    assert_lines(&changes, "odd", "?");
    tree_changes_release(&changes);
}

static void ceiling_of_files(void **state)
{
    const char *repository = git_test_repository("files");
    struct tree_changes changes;
    size_t known = 0;
    (void)state;
    sh("cd '%s' && for i in $(seq %d); do echo $i > f$i; done && git add . && git commit -qm many",
       repository, CHANGES_COMPARED_MAX + 1);
    struct worktree_spec spec = worktree_test_spec(repository, "files");
    worktree_test_add(&spec);
    sh("cd '%s' && for i in f*; do echo x >> $i; done", spec.path);
    look(&spec, MANY, &changes);
    assert_int_equal(changes.count, CHANGES_COMPARED_MAX + 1);
    for (size_t i = 0; i < changes.count; i++)
        known += changes.items[i].lines_known;
    assert_int_equal(known, CHANGES_COMPARED_MAX);
    tree_changes_release(&changes);
}

// Files of some MiB each: the ceiling of the bytes comes before that of the files.
static void ceiling_of_bytes(void **state)
{
    enum { FILES = 5, BYTES = 4 << 20 }; // both sides of four are all that may be read
    const char *repository = git_test_repository("bytes");
    struct tree_changes changes;
    size_t known = 0;
    (void)state;
    _Static_assert(CHANGES_BYTES_MAX == 8 * BYTES, "four files of two sides");
    sh("cd '%s' && for i in $(seq %d); do yes $i | head -c %d > f$i; done && git add . && "
       "git commit -qm large",
       repository, FILES, BYTES);
    struct worktree_spec spec = worktree_test_spec(repository, "bytes");
    worktree_test_add(&spec);
    sh("cd '%s' && for i in f*; do printf x | dd of=$i conv=notrunc status=none; done", spec.path);
    look(&spec, MANY, &changes);
    for (size_t i = 0; i < changes.count; i++)
        known += changes.items[i].lines_known;
    assert_int_equal(known, FILES - 1);
    tree_changes_release(&changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_the_old_side),
        cmocka_unit_test(of_a_commit),
        cmocka_unit_test(ceilings),
        cmocka_unit_test(ceiling_of_files),
        cmocka_unit_test(ceiling_of_bytes),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
