// SPDX-License-Identifier: MIT
// Worktrees of repositories that are special: partial, sparse, with a split index.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

#include <stdlib.h>

static void works(const char *repository, const char *name)
{
    const char *before = worktree_test_tree(repository);
    struct repository_info info;
    struct err err;
    if (!repository_probe(repository, NULL, &info, &err))
        fail_msg("%s", err.message);
    repository_info_release(&info);
    struct worktree_spec spec = worktree_test_spec(repository, name);
    worktree_test_add(&spec);
    assert_string_equal(sh_output("git -C '%s' status --porcelain", spec.path), "");
    assert_string_equal(sh_output("cat '%s/README' '%s/sub/deep/file'", spec.path, spec.path),
                        "hello\ndeep");
    sh("cd '%s' && echo x > x && git add x && git commit -qm x", spec.path);
    struct worktree_import import;
    if (!worktree_import(&spec, &import, &err))
        fail_msg("%s", err.message);
    assert_string_equal(sh_output("git -C '%s' log -1 --format=%%s swarm/%s", repository, name),
                        "x");
    worktree_test_remove(&spec);
    assert_string_equal(worktree_test_tree(repository), before);
}

static void worktree_config_and_sparse(void **state)
{
    (void)state;
    const char *sparse = git_test_repository("sparse"), *index = git_test_repository("index");
    sh("cd '%s' && git sparse-checkout set sub/nothing", sparse);
    assert_string_equal(sh_output("git -C '%s' config extensions.worktreeConfig", sparse), "true");
    works(sparse, "sparse");
    sh("cd '%s' && git sparse-checkout set --cone --sparse-index nothing", index);
    works(index, "index");
}

static void split_index(void **state)
{
    (void)state;
    const char *split = git_test_repository("split");
    sh("cd '%s' && git config core.splitIndex true && git update-index --split-index && "
       "git config --global core.splitIndex true",
       split);
    works(split, "split");
    sh("git config --global --unset core.splitIndex");
}

static const char *partial_clone(const char *origin, const char *filter)
{
    const char *partial = git_test_path("partial");
    sh("git -C '%s' config uploadpack.allowFilter true && git -C '%s' config "
       "uploadpack.allowAnySHA1InWant true && git clone -q --no-checkout --filter=%s "
       "'file://%s' '%s'",
       origin, origin, filter, origin, partial);
    return partial;
}

static void partial(void **state)
{
    (void)state;
    const char *const filters[] = {"blob:none", "tree:0"};
    const char *origin = git_test_repository("origin");
    for (size_t i = 0; i < 2; i++) {
        const char *clone = partial_clone(origin, filters[i]);
        sh("git -C '%s' read-tree HEAD", clone);
        works(clone, i ? "treeless" : "blobless");
    }
    // git's own words.
    const char *clone = partial_clone(origin, "blob:none");
    sh("git -C '%s' remote set-url origin /nowhere/at/all", clone);
    struct worktree_spec spec = worktree_test_spec(clone, "gone");
    worktree_test_add_refused(&spec, "'/nowhere/at/all' does not appear to be a git repository");
    char *path = getenv("PATH");
    const char *before = sh_output("echo '%s'", path);
    setenv("PATH", "/nowhere", 1);
    worktree_test_add_refused(&spec, "there is no git in PATH");
    setenv("PATH", before, 1);
    assert_false(sh_succeeds("git -C '%s' rev-parse -q --verify swarm/gone", clone));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worktree_config_and_sparse),
        cmocka_unit_test(split_index),
        cmocka_unit_test(partial),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
