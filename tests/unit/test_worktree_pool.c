// SPDX-License-Identifier: MIT
// Worktrees that are made ahead.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

static const struct worktree_pool *pool_of(int count, int64_t bytes)
{
    static struct worktree_pool pool;
    pool = (struct worktree_pool){git_test_path("pool"), count, bytes};
    return &pool;
}

static bool prepare(const struct worktree_spec *spec, const struct worktree_pool *pool)
{
    struct err err;
    bool made = false;
    if (!worktree_prepare(spec, pool, &made, &err))
        fail_msg("%s", err.message);
    return made;
}

static const char *count(const struct worktree_pool *pool)
{
    return sh_output("ls '%s' | wc -l", pool->folder);
}

static void is_as_good_as_a_fresh_one(void **state)
{
    (void)state;
    const char *repository = git_test_repository("pooled");
    const struct worktree_pool *pool = pool_of(1, 1 << 20);
    struct worktree_spec spec = worktree_test_spec(repository, "first");
    const char *before = worktree_test_git_folder(repository);
    assert_true(prepare(&spec, pool));
    assert_false(prepare(&spec, pool)); // one is enough
    assert_string_equal(worktree_test_git_folder(repository), before);
    const char *inode = sh_output("stat -c %%i '%s'/*/tree/README", pool->folder);
    spec.path = sh_output("echo '%s/../worktrees/a/b'", pool->folder); // one file system
    spec.git = sh_output("echo '%s/../git/b'", pool->folder);
    spec.pool = pool->folder;
    worktree_test_add(&spec);
    assert_string_equal(sh_output("stat -c %%i '%s/README'", spec.path), inode);
    assert_string_equal(count(pool), "0");
    assert_string_equal(sh_output("git -C '%s' status --porcelain --branch", spec.path),
                        "## swarm/first");
    assert_string_equal(sh_output("git -C '%s' diff-files --name-only | wc -l", spec.path), "0");
    const char *reference = git_test_path("reference");
    sh("git -C '%s' worktree add -q --detach '%s' && diff -r --no-dereference --exclude=.git '%s' "
       "'%s'",
       repository, reference, spec.path, reference);
}

static void only_what_fits_is_used(void **state)
{
    (void)state;
    const char *repository = git_test_repository("other-base");
    const struct worktree_pool *pool = pool_of(1, 1 << 20);
    struct worktree_spec spec = worktree_test_spec(repository, "old");
    assert_true(prepare(&spec, pool));
    sh("cd '%s' && echo newer > README && git commit -qam newer", repository);
    struct worktree_spec fresh = worktree_test_spec(repository, "new");
    fresh.pool = pool->folder;
    worktree_test_add(&fresh);
    assert_string_equal(sh_output("cat '%s/README'", fresh.path), "newer");
    assert_string_equal(count(pool), "1");
    assert_true(prepare(&fresh, pool)); // the old one makes room
    assert_string_equal(count(pool), "1");
    sh("grep -q newer '%s'/*/tree/README", pool->folder);

    sh("git -C '%s' config core.autocrlf true", repository); // other bytes
    struct worktree_spec crlf = worktree_test_spec(repository, "crlf");
    crlf.pool = pool->folder;
    worktree_test_add(&crlf);
    assert_string_equal(sh_output("od -An -c '%s/README' | tr -d ' '", crlf.path), "newer\\r\\n");
}

static void has_bounds(void **state)
{
    (void)state;
    const char *repository = git_test_repository("bounds");
    struct worktree_spec spec = worktree_test_spec(repository, "bounds");
    const struct worktree_pool *pool = pool_of(3, 1 << 20);
    assert_true(prepare(&spec, pool) && prepare(&spec, pool) && prepare(&spec, pool));
    assert_false(prepare(&spec, pool));
    const char *size = sh_output("ls '%s' | head -1 | cut -d- -f3", pool->folder);
    pool = pool_of(3, atoi(size) * 2);
    assert_true(prepare(&spec, pool) && prepare(&spec, pool));
    assert_false(prepare(&spec, pool));
    pool = pool_of(3, atoi(size) - 1);
    assert_false(prepare(&spec, pool));
    assert_string_equal(count(pool), "0");
}

static void leftovers_go(void **state)
{
    (void)state;
    const char *repository = git_test_repository("left");
    struct worktree_spec spec = worktree_test_spec(repository, "left");
    const struct worktree_pool *pool = pool_of(1, 1 << 20);
    sh("mkdir -p '%s/new-1/tree' '%s/taken-x' '%s/new-2' && touch -d '2 hours ago' '%s/new-1' "
       "'%s/taken-x'",
       pool->folder, pool->folder, pool->folder, pool->folder, pool->folder);
    assert_true(prepare(&spec, pool));
    assert_string_equal(sh_output("ls '%s' | grep -c '^[nt]'", pool->folder), "1"); // new-2

    // Half of one: the worktree is made as if there was none.
    sh("rm '%s'/*-*-*/index", pool->folder);
    spec.pool = pool->folder;
    worktree_test_add(&spec);
    assert_string_equal(sh_output("git -C '%s' status --porcelain", spec.path), "");
}

static void can_be_given_up(void **state)
{
    (void)state;
    const char *repository = git_test_repository("stop");
    const struct worktree_pool *pool = pool_of(1, 1 << 20);
    struct worktree_progress progress = {0};
    struct worktree_spec spec = worktree_test_spec(repository, "stop");
    struct err err = {0};
    bool made;
    spec.progress = &progress;
    atomic_store(&progress.stop, true);
    assert_false(worktree_prepare(&spec, pool, &made, &err));
    assert_non_null(strstr(err.message, "was given up"));
    assert_string_equal(count(pool), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_as_good_as_a_fresh_one),
        cmocka_unit_test(only_what_fits_is_used),
        cmocka_unit_test(has_bounds),
        cmocka_unit_test(leftovers_go),
        cmocka_unit_test(can_be_given_up),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
