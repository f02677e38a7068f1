// SPDX-License-Identifier: MIT
// Worktrees as an older swarmd made them: linked to their repository.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

static struct worktree_spec linked(const char *repository, const char *name)
{
    struct worktree_spec spec = worktree_test_spec(repository, name);
    sh("mkdir -p \"$(dirname '%s')\" && git -C '%s' worktree add -q -b swarm/%s '%s'", spec.path,
       repository, name, spec.path);
    return spec;
}

static void go_on_as_they_are(void **state)
{
    (void)state;
    const char *repository = git_test_repository("old");
    const char *before = worktree_test_git_folder(repository);
    struct worktree_spec spec = linked(repository, "old");
    assert_true(worktree_is_made(&spec));
    assert_string_equal(worktree_test_work(&spec), "");
    sh("cd '%s' && git commit -q --allow-empty -m x && echo more >> README", spec.path);

    struct worktree_import import;
    struct err err;
    assert_true(worktree_refresh(&spec, &err));
    assert_true(worktree_import(&spec, &import, &err));
    assert_false(import.moved);
    assert_string_equal(import.notice, "");
    assert_string_equal(import.commit, sh_output("git -C '%s' rev-parse swarm/old", repository));
    assert_string_equal(worktree_test_work(&spec),
                        "1 uncommitted file, 1 commit that is on no other branch");
    worktree_test_remove(&spec);
    assert_false(sh_succeeds("test -e '%s'", spec.path));
    assert_string_equal(worktree_test_git_folder(repository), before);
}

static void locked_and_moved_ones_stay(void **state)
{
    (void)state;
    const char *repository = git_test_repository("locked");
    struct worktree_spec spec = linked(repository, "locked");
    sh("git -C '%s' worktree lock --reason 'on a stick' '%s'", repository, spec.path);
    struct err err = {0};
    assert_false(worktree_remove(&spec, &err));
    assert_int_equal(err.kind, ERR_WORKTREE);
    assert_non_null(strstr(err.message, "is locked: on a stick; "));
    sh("git -C '%s' worktree unlock '%s'", repository, spec.path);
    worktree_test_remove(&spec);

    spec = linked(repository, "moved");
    const char *moved = git_test_path("moved");
    sh("git -C '%s' worktree move '%s' '%s'", repository, spec.path, moved);
    worktree_test_remove(&spec);
    assert_string_equal(sh_output("git -C '%s' status --porcelain --branch", moved),
                        "## swarm/moved");
}

static void unfinished_ones_are_made_anew(void **state)
{
    (void)state;
    const char *repository = git_test_repository("unfinished");
    struct worktree_spec spec = linked(repository, "cut");
    const char *mark = sh_output("echo '%s/.git/worktrees/cut/locked'", repository);
    sh("echo 'swarmd is making this worktree' > '%s' && rm '%s/README'", mark, spec.path);
    assert_false(worktree_is_made(&spec));
    worktree_test_add(&spec);
    assert_false(sh_succeeds("test -e '%s/.git/worktrees'", repository));
    assert_string_equal(sh_output("git -C '%s' status --porcelain --branch", spec.path),
                        "## swarm/cut");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(go_on_as_they_are),
        cmocka_unit_test(locked_and_moved_ones_stay),
        cmocka_unit_test(unfinished_ones_are_made_anew),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
