// SPDX-License-Identifier: MIT
// What would be lost with a worktree, and removing it.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

static void nothing_to_lose(void **state)
{
    (void)state;
    const char *repository = git_test_repository("clean");
    struct worktree_spec spec = worktree_test_spec(repository, "clean");
    assert_string_equal(worktree_test_work(&spec), ""); // not even made
    sh("echo '*.o' > '%s/.git/info/exclude'", repository);
    worktree_test_add(&spec);
    sh("cd '%s' && touch ignored.o", spec.path);
    assert_string_equal(worktree_test_work(&spec), "");
    worktree_test_remove(&spec);
    worktree_test_remove(&spec); // again is no error
    assert_false(sh_succeeds("test -e '%s'", spec.path));
    assert_string_equal(sh_output("cd '%s' && git branch && git worktree list | wc -l", repository),
                        "* main\n1");
}

static void counts_files_and_commits(void **state)
{
    (void)state;
    const char *repository = git_test_repository("counts");
    struct worktree_spec spec = worktree_test_spec(repository, "counts");
    worktree_test_add(&spec);
    sh("cd '%s' && echo more >> README && mkdir new && touch new/a", spec.path);
    assert_string_equal(worktree_test_work(&spec), "2 uncommitted files");
    sh("cd '%s' && git add . && git commit -qm one", spec.path);
    assert_string_equal(worktree_test_work(&spec), "1 commit that is on no other branch");
    sh("cd '%s' && git commit -q --allow-empty -m two && rm README", spec.path);
    assert_string_equal(worktree_test_work(&spec),
                        "1 uncommitted file, 2 commits that are on no other branch");
    sh("cd '%s' && git restore README && git -C '%s' merge -q swarm/counts~1", spec.path,
       repository);
    assert_string_equal(worktree_test_work(&spec), "1 commit that is on no other branch");
    sh("git -C '%s' update-ref refs/remotes/origin/x swarm/counts", repository);
    assert_string_equal(worktree_test_work(&spec), "");
    sh("cd '%s' && git checkout -q --detach && git commit -q --allow-empty -m lost", spec.path);
    assert_string_equal(worktree_test_work(&spec), "1 commit that is on no other branch");
    sh("cd '%s' && git branch more && git reset -q --hard swarm/counts && echo x > README && "
       "git stash -q && git checkout -q more && git commit -q --allow-empty -m more && "
       "git checkout -q swarm/counts",
       spec.path);
    assert_string_equal(worktree_test_work(&spec), "1 more branch in its worktree, a stash");
}

static void removes_with_work(void **state)
{
    (void)state;
    const char *repository = git_test_repository("lost"), *outside = git_test_path("outside");
    const char *before = worktree_test_git_folder(repository);
    struct worktree_spec spec = worktree_test_spec(repository, "lost");
    worktree_test_add(&spec);
    sh("mkdir '%s' && touch '%s/kept' && cd '%s' && git commit -q --allow-empty -m lost && "
       "ln -s '%s' away && mkdir -p deep/er && touch deep/er/file && chmod 0 deep && touch new",
       outside, outside, spec.path, outside);
    worktree_test_remove(&spec);
    assert_false(sh_succeeds("test -e '%s'", spec.path));
    sh("test -e '%s/kept'", outside);
    assert_string_equal(worktree_test_git_folder(repository), before);
}

static void forgets_what_push_wrote(void **state)
{
    (void)state;
    const char *repository = git_test_repository("pushed"), *bare = git_test_path("bare.git");
    sh("git init -q --bare '%s' && git -C '%s' remote add origin '%s'", bare, repository, bare);
    struct worktree_spec spec = worktree_test_spec(repository, "pushed");
    worktree_test_add(&spec);
    sh("cd '%s' && git commit -q --allow-empty -m work", spec.path);
    assert_string_equal(worktree_test_work(&spec), "1 commit that is on no other branch");
    sh("cd '%s' && git push -q -u origin swarm/pushed && git config branch.swarm/pushed.merge",
       repository);
    assert_string_equal(worktree_test_work(&spec), "");
    worktree_test_remove(&spec);
    assert_false(sh_succeeds("git -C '%s' config --local --get-regexp '^branch'", repository));
    assert_string_equal(sh_output("git -C '%s' config remote.origin.url", repository), bare);
}

static void folder_deleted_by_hand(void **state)
{
    (void)state;
    const char *repository = git_test_repository("deleted");
    const char *before = worktree_test_git_folder(repository);
    struct worktree_spec spec = worktree_test_spec(repository, "deleted");
    worktree_test_add(&spec);
    sh("cd '%s' && git commit -q --allow-empty -m x && cd / && rm -rf '%s'", spec.path, spec.path);
    assert_string_equal(worktree_test_work(&spec), "1 commit that is on no other branch");
    assert_false(sh_succeeds("test -e '%s'", spec.path));
    worktree_test_remove(&spec);
    assert_string_equal(worktree_test_git_folder(repository), before);

    worktree_test_add(&spec);
    sh("rm -rf '%s' '%s' && git -C '%s' branch -qD swarm/deleted", spec.path, spec.git, repository);
    worktree_test_remove(&spec);
    assert_string_equal(worktree_test_git_folder(repository), before);
}

static void doubt_is_work(void **state)
{
    (void)state;
    const char *repository = git_test_repository("doubt");
    struct worktree_spec spec = worktree_test_spec(repository, "doubt");
    worktree_test_add(&spec);
    sh("rm '%s/.git'", spec.path);
    assert_string_equal(worktree_test_work(&spec), ""); // put back
    sh("cd '%s' && git status && echo broken > '%s/index'", spec.path, spec.git);
    assert_string_equal(worktree_test_work(&spec),
                        "files in a folder that git cannot read any more");
    sh("cd '%s' && rm '%s/index' && git reset -q && rm .git && git init -q && "
       "git commit -q --allow-empty -m lost",
       spec.path, spec.git);
    assert_string_equal(worktree_test_work(&spec), "another repository in its folder");
    sh("git -C '%s/replaced' log -1 --format=%%s | grep -x lost", spec.git);
    sh("mv '%s' '%s.gone'", repository, repository);
    assert_string_equal(worktree_test_work(&spec), "files in a folder whose repository is gone");
    sh("mv '%s.gone' '%s'", repository, repository);
    worktree_test_remove(&spec);
    assert_false(sh_succeeds("test -e '%s'", spec.path));
    assert_false(sh_succeeds("git -C '%s' rev-parse -q --verify swarm/doubt", repository));

    // An empty folder holds nothing.
    sh("mkdir '%s'", spec.path);
    assert_string_equal(worktree_test_work(&spec), "");
}

static void checked_out_branches_stay(void **state)
{
    (void)state;
    const char *repository = git_test_repository("checked-out");
    struct worktree_spec spec = worktree_test_spec(repository, "mine");
    worktree_test_add(&spec);
    sh("git -C '%s' checkout -q swarm/mine", repository);
    worktree_test_remove(&spec);
    assert_string_equal(sh_output("git -C '%s' status --porcelain --branch", repository),
                        "## swarm/mine");
}

static void the_repository_itself_stays(void **state)
{
    (void)state;
    const char *repository = git_test_repository("itself");
    struct worktree_spec spec = worktree_test_spec(repository, "itself");
    spec.path = spec.repository;
    struct err err = {0};
    assert_false(worktree_remove(&spec, &err));
    spec.path = sh_output("dirname '%s'", spec.repository);
    assert_false(worktree_remove(&spec, &err));
    assert_string_equal(sh_output("git -C '%s' status --porcelain --branch", repository),
                        "## main");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_lose),           cmocka_unit_test(counts_files_and_commits),
        cmocka_unit_test(removes_with_work),         cmocka_unit_test(forgets_what_push_wrote),
        cmocka_unit_test(folder_deleted_by_hand),    cmocka_unit_test(doubt_is_work),
        cmocka_unit_test(checked_out_branches_stay), cmocka_unit_test(the_repository_itself_stays),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
