// SPDX-License-Identifier: MIT
// Making worktrees: the git command line is the judge.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void is_valid_for_git(void **state)
{
    (void)state;
    const char *repository = git_test_repository("with space é");
    sh("cd '%s' && echo changed > README && echo new > untracked && git stash -q && "
       "git stash apply -q && touch untracked && git add untracked && echo more >> README",
       repository);
    const char *before = worktree_test_tree(repository);
    struct worktree_spec spec = worktree_test_spec(repository, "first-a1");
    worktree_test_add(&spec);
    assert_string_equal(worktree_test_tree(repository), before);

    const char *path = spec.path;
    assert_string_equal(sh_output("git -C '%s' status --porcelain --branch", path),
                        "## swarm/first-a1");
    assert_string_equal(sh_output("git -C '%s' rev-parse HEAD", path), spec.base);
    assert_string_equal(sh_output("git -C '%s' worktree list | wc -l", repository), "1");
    sh("git -C '%s' fsck", path);
    assert_string_equal(sh_output("cat '%s/README' '%s/sub/deep/file'", path, path), "hello\ndeep");
    assert_string_equal(sh_output("readlink '%s/link'", path), "README");
    sh("test -x '%s/run.sh' && ! test -x '%s/README'", path, path);
    sh("cd '%s' && git commit -q --allow-empty -m work && git log --oneline -1", path);
    worktree_test_remove(&spec);
    assert_string_equal(worktree_test_tree(repository), before);
    assert_string_equal(sh_output("ls \"$(dirname '%s')\"", spec.git), "");
}

static void parents_are_private(void **state)
{
    (void)state;
    const char *repository = git_test_repository("private");
    struct worktree_spec spec = worktree_test_spec(repository, "mode");
    worktree_test_add(&spec);
    assert_string_equal(sh_output("stat -c %%a '%s/..' '%s/../..' '%s' '%s'.record", spec.path,
                                  spec.path, spec.git, spec.git),
                        "700\n700\n700\n600");
    assert_string_equal(sh_output("umask 022; stat -c %%a '%s/README' '%s/run.sh' '%s/sub'",
                                  spec.path, spec.path, spec.path),
                        "644\n755\n755");
}

// The files are those that git itself would write, whatever attributes say.
static void files_are_those_of_git(void **state)
{
    (void)state;
    const char *repository = git_test_repository("attributes");
    sh("cd '%s' && printf '*.crlf text eol=crlf\\n*.lf text eol=lf\\n*.id ident\\n*.bin -text\\n' "
       "> .gitattributes && mkdir '#early' && printf '*.txt text eol=crlf\\n' > "
       "'#early/.gitattributes' && printf 'a\\nb\\n' | tee x.crlf y.lf '#early/!z.txt' "
       "'#early/z.txt' '!first.crlf' > /dev/null && printf '$Id$\\n' > a.id && "
       "printf 'a\\r\\nb\\n' > b.bin && ln -s missing dangling && : > empty && "
       "printf 'x' > \"$(printf 'caf\\303\\251 \\t name')\" && git add . && "
       "git commit -qm attributes",
       repository);
    struct worktree_spec spec = worktree_test_spec(repository, "eol");
    worktree_test_add(&spec);
    const char *reference = git_test_path("reference");
    sh("git -C '%s' worktree add -q --detach '%s'", repository, reference);
    sh("diff -r --no-dereference --exclude=.git '%s' '%s'", reference, spec.path);
    assert_string_equal(sh_output("git -C '%s' status --porcelain", spec.path), "");
    assert_string_equal(sh_output("od -An -c '%s/x.crlf' | tr -d ' '", spec.path),
                        "a\\r\\nb\\r\\n");
}

static void submodules_stay_empty(void **state)
{
    (void)state;
    const char *inner = git_test_repository("inner"), *outer = git_test_repository("outer");
    sh("cd '%s' && git submodule --quiet add '%s' module && git commit -qm module", outer, inner);
    struct worktree_spec spec = worktree_test_spec(outer, "outer");
    worktree_test_add(&spec);
    assert_string_equal(sh_output("git -C '%s' status --porcelain", spec.path), "");
    assert_string_equal(sh_output("ls -A '%s/module'", spec.path), "");
    assert_string_equal(worktree_test_work(&spec), "");
    worktree_test_remove(&spec);

    sh("cd '%s/module' && git checkout -q main", outer);
    spec = worktree_test_spec(sh_output("echo '%s/module'", outer), "inside");
    worktree_test_add(&spec);
    assert_string_equal(sh_output("git -C '%s' status --porcelain", spec.path), "");
    worktree_test_remove(&spec);
}

static void from_another_worktree(void **state)
{
    (void)state;
    const char *repository = git_test_repository("repository"), *linked = git_test_path("linked");
    sh("git -C '%s' worktree add -q -b topic '%s'", repository, linked);
    struct worktree_spec spec = worktree_test_spec(linked, "second");
    worktree_test_add(&spec);
    sh("git -C '%s' worktree remove '%s'", repository, linked);
    sh("cd '%s' && git commit -q --allow-empty -m work", spec.path);
    assert_string_equal(worktree_test_work(&spec), "1 commit that is on no other branch");
    worktree_test_remove(&spec); // swarmd still knows the repository
    assert_false(sh_succeeds("git -C '%s' rev-parse -q --verify swarm/second", repository));
    assert_false(sh_succeeds("test -e '%s/.git/worktrees'", repository));
}

enum { PARALLEL = 10 };

struct adder {
    struct worktree_spec spec;
    struct err err;
    bool ok;
};

static void *add_one(void *arg)
{
    struct adder *adder = arg;
    adder->ok = worktree_add(&adder->spec, &adder->err);
    return NULL;
}

static void *remove_one(void *arg)
{
    struct adder *adder = arg;
    adder->ok = worktree_remove(&adder->spec, &adder->err);
    return NULL;
}

static void run_parallel(struct adder *adders, void *(*run)(void *))
{
    pthread_t threads[PARALLEL];
    for (int i = 0; i < PARALLEL; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, &adders[i]), 0);
    for (int i = 0; i < PARALLEL; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < PARALLEL; i++)
        if (!adders[i].ok)
            fail_msg("%s: %s", adders[i].spec.name, adders[i].err.message);
}

static void parallel_adds_and_removes(void **state)
{
    (void)state;
    const char *repository = git_test_repository("parallel");
    const char *before = worktree_test_git_folder(repository);
    struct adder adders[PARALLEL] = {0};
    for (int i = 0; i < PARALLEL; i++)
        adders[i].spec = worktree_test_spec(repository, sh_output("echo agent-%d", i));
    run_parallel(adders, add_one);
    for (int i = 0; i < PARALLEL; i++)
        assert_string_equal(sh_output("git -C '%s' status --porcelain", adders[i].spec.path), "");
    sh("cd '%s' && git pack-refs --all && test $(git branch --list 'swarm/*' | wc -l) = %d",
       repository, PARALLEL);
    run_parallel(adders, remove_one);
    assert_string_equal(worktree_test_git_folder(repository), before);
    assert_false(sh_succeeds("test -e '%s/.git/refs/swarmd'", repository));
}

static void refuses_what_is_there(void **state)
{
    (void)state;
    const char *repository = git_test_repository("taken");
    struct worktree_spec spec = worktree_test_spec(repository, "taken");
    sh("git -C '%s' branch swarm/taken", repository);
    const char *before = worktree_test_git_folder(repository);
    worktree_test_add_refused(&spec, "already has a branch swarm/taken");
    assert_string_equal(worktree_test_git_folder(repository), before);
    sh("git -C '%s' branch -D swarm/taken && mkdir -p '%s' && touch '%s/kept'", repository,
       spec.path, spec.path);
    before = worktree_test_git_folder(repository);
    worktree_test_add_refused(&spec, "already something at");
    sh("test -e '%s/kept' && rm -r '%s'", spec.path, spec.path);
    assert_string_equal(worktree_test_git_folder(repository), before);

    assert_false(worktree_is_made(&spec));
    worktree_test_add(&spec);
    assert_true(worktree_is_made(&spec));
    sh("echo work > '%s/work'", spec.path);
    worktree_test_add_refused(&spec, "already something at");
    sh("test -e '%s/work'", spec.path);
    struct worktree_spec same_name = spec;
    same_name.path = git_test_path("elsewhere");
    same_name.branch = "swarm/other";
    worktree_test_add_refused(&same_name, sh_output("echo 'already something at %s'", spec.git));
    assert_false(worktree_is_made(&same_name));
    assert_string_equal(sh_output("git -C '%s' branch --list swarm/other", repository), "");

    const char *other = git_test_repository("other");
    sh("git -C '%s' branch swarm", other);
    spec = worktree_test_spec(other, "blocked");
    before = worktree_test_git_folder(other);
    worktree_test_add_refused(&spec, "there is a branch named 'swarm'");
    assert_string_equal(worktree_test_git_folder(other), before);
}

static void failure_leaves_nothing(void **state)
{
    (void)state;
    const char *repository = git_test_repository("broken");
    struct worktree_spec spec = worktree_test_spec(repository, "broken");
    const char *blob = sh_output("git -C '%s' rev-parse HEAD:sub/deep/file", repository);
    sh("cd '%s/.git/objects' && rm -f %.2s/%s", repository, blob, blob + 2);
    const char *before = worktree_test_git_folder(repository);
    worktree_test_add_refused(&spec, "cannot read sub/deep/file of the base commit");
    assert_string_equal(worktree_test_git_folder(repository), before);
    assert_false(sh_succeeds("test -e '%s'", spec.path));
    assert_string_equal(sh_output("ls \"$(dirname '%s')\"", spec.git), "");

    spec.base = "0123456789012345678901234567890123456789";
    worktree_test_add_refused(&spec, "cannot find the base commit");
    spec = worktree_test_spec(repository, "below-a-file");
    spec.path = sh_output("echo '%s/README/worktree'", repository);
    worktree_test_add_refused(&spec, "README");
    assert_string_equal(worktree_test_git_folder(repository), before);
}

// Killed at any moment, the next add of the same name finds its way.
static void killed_in_the_middle(void **state)
{
    (void)state;
    enum { KILLS = 12, STEP_US = 1000 };
    const char *repository = git_test_repository("killed");
    sh("cd '%s' && for i in $(seq 200); do echo $i > file$i; done && git add . && git commit -qm x",
       repository);
    struct worktree_spec spec = worktree_test_spec(repository, "killed");
    const char *before = worktree_test_git_folder(repository);
    int cut_off = 0;
    for (int i = 0; i < KILLS; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct err err;
            worktree_add(&spec, &err);
            pause();
        }
        usleep((useconds_t)(i * STEP_US));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        bool whole = worktree_is_made(&spec);
        cut_off += !whole;
        if (!whole)
            worktree_test_add(&spec);
        assert_string_equal(sh_output("git -C '%s' status --porcelain", spec.path), "");
        worktree_test_remove(&spec);
        assert_string_equal(worktree_test_git_folder(repository), before);
    }
    assert_true(cut_off > 0);
}

static void leftovers_with_work_stay(void **state)
{
    (void)state;
    const char *repository = git_test_repository("leftover");
    // Cut off after its branch was made; somebody has committed to it since.
    struct worktree_spec cut = worktree_test_spec(repository, "cut");
    worktree_test_add(&cut);
    sh("sed -i 's/^made$/making/' '%s'.record && git -C '%s' update-ref refs/heads/swarm/cut "
       "$(git -C '%s' commit-tree -m work -p HEAD HEAD^{tree})",
       cut.git, repository, repository);
    assert_false(worktree_is_made(&cut));
    worktree_test_add_refused(&cut, "already has a branch swarm/cut");
    sh("git -C '%s' rev-parse -q --verify swarm/cut", repository);

    sh("echo damaged > '%s'.record", cut.git);
    worktree_test_add_refused(&cut, "record is damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_valid_for_git),       cmocka_unit_test(parents_are_private),
        cmocka_unit_test(files_are_those_of_git), cmocka_unit_test(submodules_stay_empty),
        cmocka_unit_test(from_another_worktree),  cmocka_unit_test(parallel_adds_and_removes),
        cmocka_unit_test(refuses_what_is_there),  cmocka_unit_test(failure_leaves_nothing),
        cmocka_unit_test(killed_in_the_middle),   cmocka_unit_test(leftovers_with_work_stay),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
