// SPDX-License-Identifier: MIT
// The git directory of a worktree, with the git command line inside of it, and what comes from
// there into the repository.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

// Everything of the repository but what swarmd may write: objects, its refs and their logs.
static const char *others(const char *repository)
{
    return sh_output("cd '%s' && find .git -path .git/objects -prune -o -path .git/refs/swarmd "
                     "-prune -o -path .git/refs/heads/swarm -prune -o -path .git/logs/refs/heads/"
                     "swarm -prune -o -type f -print0 | sort -z | xargs -0 sha1sum && "
                     "git status --porcelain=v2 --branch && find . -path ./.git -prune -o -type f "
                     "-print0 | sort -z | xargs -0 sha1sum",
                     repository);
}

static struct worktree_import import(const struct worktree_spec *spec)
{
    struct worktree_import import;
    struct err err;
    if (!worktree_import(spec, &import, &err))
        fail_msg("%s", err.message);
    return import;
}

static void import_refused(const struct worktree_spec *spec, const char *says)
{
    struct worktree_import import;
    struct err err = {0};
    const char *refs = sh_output("git -C '%s' show-ref", spec->repository);
    const char *objects = sh_output("find '%s/.git/objects' -type f | sort", spec->repository);
    if (worktree_import(spec, &import, &err))
        fail_msg("it came into the repository");
    if (!strstr(err.message, says))
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    assert_string_equal(sh_output("git -C '%s' show-ref", spec->repository), refs);
    assert_string_equal(sh_output("find '%s/.git/objects' -type f | sort", spec->repository),
                        objects);
}

static void assert_branch(const struct worktree_spec *spec, const char *revision)
{
    assert_string_equal(sh_output("git -C '%s' rev-parse %s", spec->repository, spec->branch),
                        sh_output("git -C '%s' rev-parse '%s'", spec->path, revision));
    sh("git -C '%s' fsck --no-dangling", spec->repository);
}

// Each line is what an agent does; then the repository has it, and nothing else of it changed.
static void git_works_inside(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "git status --porcelain",
        "echo more >> README && git add README && git diff --cached --stat && git commit -qm one",
        "git log --oneline -3 && git show --stat HEAD && git blame README",
        "echo x > stashed && git stash -q -u && git stash list && git stash pop -q",
        "git checkout -q -b topic && git add -A && git commit -qm topic",
        "git checkout -q swarm/inside && git merge -q --no-edit topic",
        "echo 1 > c1 && git add . && git commit -qm c1 && git rebase -q main",
        "git merge -q --no-edit other",
        "git tag -a -m tagged v1 && git describe && git branch -D topic",
        "git submodule status",
        "git gc -q && git fsck && git reflog && git worktree list",
        "git pack-refs --all && git rev-parse main swarm/inside",
        "git config user.name Somebody && git commit -q --allow-empty -m as-somebody",
        "for i in $(seq 150); do echo $i > many$i; done && git add . && git commit -qm many",
        "git reset -q --hard HEAD~2",
        "git checkout -q --detach main",
    };
    const char *repository = git_test_repository("inside"), *module = git_test_repository("module");
    sh("cd '%s' && git submodule --quiet add '%s' module && git commit -qm module && "
       "git checkout -q -b other && echo o > o && git add . && git commit -qm o && "
       "git checkout -q main && echo '*.o' >> .git/info/exclude && "
       "printf '#!/bin/sh\\ntouch %s/hooked\\n' > .git/hooks/post-commit && "
       "chmod +x .git/hooks/post-commit && git config core.autocrlf input && echo mine > mine && "
       "git pack-refs --all",
       repository, module, repository);
    struct worktree_spec spec = worktree_test_spec(repository, "inside");
    worktree_test_add(&spec);
    const char *before = others(repository);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *refs = sh_output("git -C '%s' show-ref", repository);
        sh("cd '%s' && %s", spec.path, lines[i]);
        assert_string_equal(sh_output("git -C '%s' show-ref", repository), refs);
        assert_string_equal(others(repository), before);
        import(&spec);
        assert_string_equal(others(repository), before);
        assert_branch(&spec, "HEAD");
    }
    assert_string_equal(sh_output("git -C '%s' config core.autocrlf", spec.path), "input");
    sh("! test -e '%s/hooked'", repository);
}

static void refs_follow_the_repository(void **state)
{
    (void)state;
    const char *repository = git_test_repository("refs");
    struct worktree_spec spec = worktree_test_spec(repository, "refs");
    worktree_test_add(&spec);
    const char *before = sh_output("sha1sum < '%s/packed-refs'", spec.git);
    struct err err;
    assert_true(worktree_refresh(&spec, &err));
    assert_string_equal(sh_output("sha1sum < '%s/packed-refs'", spec.git), before);
    sh("cd '%s' && git commit -q --allow-empty -m newer && git tag v1 && git branch gone && "
       "git update-ref refs/remotes/origin/main HEAD && git notes add -m note",
       repository);
    assert_true(worktree_refresh(&spec, &err));
    assert_string_equal(
        sh_output("cd '%s' && git rev-parse main v1 gone origin/main | sort -u", spec.path),
        sh_output("git -C '%s' rev-parse main", repository));
    // What it packed itself stays when the repository has no such commit.
    sh("cd '%s' && git checkout -q -b own && git commit -q --allow-empty -m own && "
       "git branch kept && git commit -q --allow-empty -m two && git pack-refs --all && "
       "git -C '%s' branch -qD gone",
       spec.path, repository);
    assert_true(worktree_refresh(&spec, &err));
    sh("cd '%s' && git rev-parse -q --verify own && git rev-parse -q --verify kept", spec.path);
    assert_false(sh_succeeds("git -C '%s' rev-parse -q --verify gone", spec.path));
}

static void many_objects_are_one_pack(void **state)
{
    (void)state;
    const char *repository = git_test_repository("many");
    struct worktree_spec spec = worktree_test_spec(repository, "many");
    worktree_test_add(&spec);
    sh("cd '%s' && for i in $(seq 300); do echo $i > f$i; done && git add . && git commit -qm many",
       spec.path);
    const char *loose = sh_output("find '%s/.git/objects' -type f | wc -l", repository);
    assert_true(import(&spec).moved);
    assert_string_equal(sh_output("ls '%s'/.git/objects/pack/*.pack | wc -l", repository), "1");
    assert_string_equal(
        sh_output("find '%s/.git/objects' -type f -not -name 'pack-*' | wc -l", repository), loose);
    assert_branch(&spec, "HEAD");
    assert_false(import(&spec).moved);
}

static void gc_of_the_person_takes_nothing(void **state)
{
    (void)state;
    const char *repository = git_test_repository("gc");
    struct worktree_spec spec = worktree_test_spec(repository, "gc");
    worktree_test_add(&spec);
    sh("cd '%s' && git commit -q --amend -m other && git branch -qD swarm/gc && "
       "git reflog expire --expire=now --all && git gc -q --prune=now",
       repository);
    sh("cd '%s' && git status && git fsck && git commit -q --allow-empty -m work", spec.path);
    struct worktree_import got = import(&spec);
    assert_true(got.branch_left);
    assert_non_null(strstr(got.notice, "The branch swarm/gc was deleted by hand"));
    assert_string_equal(got.commit,
                        sh_output("git -C '%s' rev-parse refs/swarmd/gc/tip", repository));
    assert_string_equal(import(&spec).notice, ""); // said once
    assert_string_equal(worktree_test_work(&spec), "2 commits that are on no other branch");
    worktree_test_remove(&spec);
    assert_string_equal(sh_output("git -C '%s' for-each-ref refs/swarmd", repository), "");
}

static void branches_of_the_person_stay(void **state)
{
    (void)state;
    const char *repository = git_test_repository("theirs");
    struct worktree_spec spec = worktree_test_spec(repository, "theirs");
    worktree_test_add(&spec);
    sh("git -C '%s' checkout -q swarm/theirs", repository);
    sh("cd '%s' && git commit -q --allow-empty -m one", spec.path);
    struct worktree_import got = import(&spec);
    assert_true(got.moved && got.branch_left);
    assert_non_null(strstr(got.notice, "is checked out"));
    assert_branch(&spec, "HEAD~1");
    sh("git -C '%s' checkout -q main", repository);
    assert_false(import(&spec).branch_left); // it follows again
    assert_branch(&spec, "HEAD");

    sh("git -C '%s' branch -qf swarm/theirs main && cd '%s' && "
       "git commit -q --allow-empty -m two",
       repository, spec.path);
    got = import(&spec);
    assert_true(got.branch_left);
    assert_non_null(strstr(got.notice, "was moved by hand"));
    assert_branch(&spec, "main");
}

// What is not for the agent to write is as it was after the next look, and said.
static void changes_are_put_back(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name;
    } changes[] = {
        {"echo 'gitdir: /nowhere' > .git", ".git"},
        {"rm .git && ln -s '%s' .git", ".git"},
        {"rm .git", ".git"},
        {"git config core.fsmonitor 'touch pwned'", "config"},
        {"rm '%s/config'", "config"},
        {"echo /nowhere > '%s/objects/info/alternates'", "objects/info/alternates"},
        {"echo '*' > '%s/info/exclude'", "info/exclude"},
        {"echo '* filter=evil' > '%s/info/attributes'", "info/attributes"},
        {"mkdir '%s/hooks'", "hooks"},
        {"echo . > '%s/commondir'", "commondir"},
        {"touch '%s/config.worktree'", "config.worktree"},
    };
    const char *repository = git_test_repository("changed");
    struct worktree_spec spec = worktree_test_spec(repository, "changed");
    worktree_test_add(&spec);
    const char *before = others(repository);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const char *files = sh_output("cd '%s' && cat '%s/.git' config objects/info/alternates && "
                                      "ls . info objects/info",
                                      spec.git, spec.path);
        char line[400];
        (snprintf)(line, sizeof line, "%s", changes[i].line);
        const char *at = strstr(line, "%s");
        const char *run =
            at ? sh_output("echo \"%.*s%s%s\"", (int)(at - line), line, spec.git, at + 2) : line;
        sh("cd '%s' && %s", spec.path, run);
        struct worktree_import got = import(&spec);
        if (!strstr(got.notice, changes[i].name))
            fail_msg("\"%s\" does not say \"%s\"", got.notice, changes[i].name);
        assert_string_equal(sh_output("cd '%s' && cat '%s/.git' config objects/info/alternates && "
                                      "ls . info objects/info",
                                      spec.git, spec.path),
                            files);
        assert_string_equal(import(&spec).notice, "");
        assert_string_equal(others(repository), before);
        assert_string_equal(sh_output("git -C '%s' status --porcelain", spec.path), "");
    }
}

static void damage_is_refused(void **state)
{
    (void)state;
    const char *repository = git_test_repository("damage"), *path;
    struct worktree_spec spec = worktree_test_spec(repository, "damage");
    worktree_test_add(&spec);
    const char *git = spec.git;
    path = spec.path;
    const char *good = sh_output("cat '%s/refs/heads/swarm/damage'", git);

    sh("echo 'ref: refs/../../../outside' > '%s/HEAD'", git);
    import_refused(&spec, "HEAD of the worktree");
    sh("echo 'ref: refs/stash' > '%s/HEAD'", git);
    import_refused(&spec, "which is no branch");
    sh("echo rubbish > '%s/HEAD'", git);
    import_refused(&spec, "cannot be read");
    sh("rm '%s/HEAD' && mkfifo '%s/HEAD'", git, git);
    import_refused(&spec, "cannot be read");
    sh("rm '%s/HEAD' && echo 'ref: refs/heads/swarm/damage' > '%s/HEAD'", git, git);

    const char *head = sh_output("echo '%s/refs/heads/swarm/damage'", git);
    sh("git -C '%s' rev-parse HEAD^{tree} > '%s'.new && mv '%s'.new '%s'", path, head, head, head);
    import_refused(&spec, "is a tree, not a commit");
    sh("echo 1234567890123456789012345678901234567890 > '%s'", head);
    import_refused(&spec, "1234567890123456789012345678901234567890 is missing");
    sh("rm '%s' && ln -s /etc/passwd '%s'", head, head);
    assert_false(import(&spec).moved); // as good as no commit
    sh("rm '%s' && echo %s > '%s'", head, good, head);

    // A blob whose content is another one's, one that is cut, and one that is not there.
    sh("cd '%s' && echo new > new && git add new && git commit -qm new", path);
    const char *blob = sh_output("git -C '%s' rev-parse HEAD:new", path);
    const char *file = sh_output("echo '%s/objects/%.2s/%s'", git, blob, blob + 2);
    const char *other = sh_output("cd '%s' && echo other | git hash-object -w --stdin", path);
    sh("chmod u+w '%s' && cp '%s' '%s'.good && cp '%s/objects/%.2s/%s' '%s'", file, file, head, git,
       other, other + 2, file);
    import_refused(&spec, "is damaged: its content is that of another one");
    sh("head -c 5 '%s'.good > '%s'", head, file);
    import_refused(&spec, blob);
    sh("rm '%s'", file);
    import_refused(&spec, "is missing");
    sh("mkfifo '%s'", file);
    import_refused(&spec, "is neither a file nor a folder");
    sh("rm '%s' && mv '%s'.good '%s'", file, head, file);

    sh("cd '%s' && mv pack ../pack && ln -s /tmp pack", sh_output("echo '%s/objects'", git));
    import_refused(&spec, "pack of ");
    sh("cd '%s/objects' && rm pack && mv ../pack pack && cd .. && mv objects real && "
       "ln -s real objects",
       git);
    import_refused(&spec, "is missing"); // a folder of ours is there again, and the link is not
    sh("cd '%s' && rm -r objects && mv real objects", git);

    // Names that git would not check out.
    const char *tree =
        sh_output("cd '%s' && printf '100644 .git\\0' > t && git rev-parse HEAD:new | "
                  "xxd -r -p >> t && git hash-object --literally -t tree -w t",
                  path);
    sh("cd '%s' && rm t && git update-ref HEAD $(git commit-tree -m evil %s)", path, tree);
    import_refused(&spec, "has a file of the name '.git'");
    sh("cd '%s' && git reset -q --hard %s && git commit -q --allow-empty -m good", path, good);
    assert_true(import(&spec).moved);
    assert_branch(&spec, "HEAD");
}

static void locks_of_a_killed_server_go(void **state)
{
    (void)state;
    const char *repository = git_test_repository("locks");
    struct worktree_spec spec = worktree_test_spec(repository, "locks");
    worktree_test_add(&spec);
    sh("cd '%s' && git commit -q --allow-empty -m x && touch -d '1 minute ago' "
       "'%s/.git/refs/swarmd/locks/tip.lock' '%s/.git/refs/heads/swarm/locks.lock'",
       spec.path, repository, repository);
    assert_true(import(&spec).moved);
    assert_branch(&spec, "HEAD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(git_works_inside),
        cmocka_unit_test(refs_follow_the_repository),
        cmocka_unit_test(many_objects_are_one_pack),
        cmocka_unit_test(gc_of_the_person_takes_nothing),
        cmocka_unit_test(branches_of_the_person_stay),
        cmocka_unit_test(changes_are_put_back),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(locks_of_a_killed_server_go),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
