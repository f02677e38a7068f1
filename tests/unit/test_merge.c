// SPDX-License-Identifier: MIT
// Merging an agent's worktree into branches of the person's repository: git is the judge.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/git/merge.h"
#include "tests/unit/support/git.h"
#include "tests/unit/support/worktree.h"

#include <signal.h>

struct scene {
    const char *repository;
    struct worktree_spec agent;
    struct merge_spec spec;
    struct merge_plan plan;
    struct err err;
};

// main has `a` with ten lines; the agent has changed line 2 and committed that, and added `new`.
static void begin(struct scene *scene, const char *name)
{
    *scene = (struct scene){.repository = git_test_repository(name)};
    sh("cd '%s' && seq 10 > a && seq 5 > b && git add . && git commit -qm second",
       scene->repository);
    scene->agent = worktree_test_spec(scene->repository, name);
    worktree_test_add(&scene->agent);
    sh("cd '%s' && sed -i 's/^2$/two/' a && git commit -qam 'change two' && echo new > new",
       scene->agent.path);
    scene->spec = (struct merge_spec){
        .agent = scene->agent, .base_name = "main", .task = "do it", .answer = "It is done."};
}

static bool merge(struct scene *scene)
{
    merge_plan_release(&scene->plan);
    scene->err = (struct err){0};
    if (!merge_plan(&scene->spec, &scene->plan, &scene->err))
        return false;
    return scene->spec.dry_run || merge_apply(&scene->spec, &scene->plan, &scene->err);
}

static void must_merge(struct scene *scene)
{
    if (!merge(scene))
        fail_msg("%s", scene->err.message);
}

static void must_refuse(struct scene *scene, enum err_kind kind, const char *says)
{
    const char *before = worktree_test_tree(scene->repository);
    const char *refs =
        sh_output("git -C '%s' show-ref --heads | grep -v refs/heads/swarm/", scene->repository);
    if (merge(scene))
        fail_msg("it was merged");
    if (scene->err.kind != kind || !strstr(scene->err.message, says))
        fail_msg("%s: \"%s\" does not say \"%s\"", err_kind_name(scene->err.kind),
                 scene->err.message, says);
    assert_string_equal(worktree_test_tree(scene->repository), before);
    assert_string_equal(
        sh_output("git -C '%s' show-ref --heads | grep -v refs/heads/swarm/", scene->repository),
        refs);
}

static void end(struct scene *scene)
{
    merge_plan_release(&scene->plan);
    sh("git -C '%s' fsck --no-dangling && ! test -e '%s/.git/index.lock' && "
       "! ls -d '%s'/.git/swarmd-* && test -z \"$(git -C '%s' for-each-ref refs/swarmd/*/merge*)\"",
       scene->repository, scene->repository, scene->repository, scene->repository);
}

static const char *git(const struct scene *scene, const char *line)
{
    return sh_output("cd '%s' && git %s", scene->repository, line);
}

static void into_the_checked_out_branch(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "merged");
    sh("cd '%s' && echo mine >> README && echo draft > draft && sed -i 's/^9$/nine/' b && git add "
       "b",
       scene.repository);
    must_merge(&scene);
    assert_int_equal(scene.plan.uncommitted, 1);
    assert_int_equal(scene.plan.file_count, 2);
    assert_string_equal(git(&scene, "status --porcelain"), " M README\n?? draft");
    assert_string_equal(git(&scene, "log -1 --format=%s%n%b"),
                        "Merge branch 'swarm/merged' into main\ndo it");
    assert_string_equal(git(&scene, "log -1 --format=%B main^2"), "do it\n\nIt is done.");
    assert_string_equal(
        sh_output("sed -n 2p '%s/a'; cat '%s/new'", scene.repository, scene.repository),
        "two\nnew");
    // The agent goes on from there, with nothing left to commit.
    assert_string_equal(sh_output("git -C '%s' status --porcelain", scene.agent.path), "");
    assert_string_equal(sh_output("git -C '%s' rev-parse HEAD", scene.agent.path),
                        git(&scene, "rev-parse swarm/merged"));
    must_merge(&scene);
    assert_true(scene.plan.nothing);
    end(&scene);
}

static void strategies(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "strategies");
    sh("cd '%s' && git switch -qc elsewhere && git branch squashed && git branch rebased && "
       "git branch forwarded && git branch old HEAD^",
       scene.repository);
    scene.spec.strategy = MERGE_SQUASH;
    scene.spec.into = "squashed";
    scene.spec.message = "All of it";
    scene.spec.co_author = "qwen <qwen@swarmd.invalid>";
    must_merge(&scene);
    assert_string_equal(git(&scene, "log --format=%B elsewhere..squashed"),
                        "All of it\n\nCo-authored-by: qwen <qwen@swarmd.invalid>");
    scene.spec.strategy = MERGE_FAST_FORWARD;
    scene.spec.into = "refs/heads/forwarded";
    must_merge(&scene);
    assert_string_equal(git(&scene, "rev-parse forwarded"),
                        git(&scene, "rev-parse swarm/strategies"));
    sh("cd '%s' && git switch -q rebased && echo on >> b && git commit -qam more && "
       "git switch -q elsewhere",
       scene.repository);
    scene.spec.into = "rebased";
    must_refuse(&scene, ERR_REFUSED, "cannot be fast-forwarded");
    scene.spec.strategy = MERGE_REBASE;
    must_merge(&scene);
    assert_string_equal(git(&scene, "log --format=%s elsewhere..rebased"),
                        "All of it\nchange two\nmore");
    assert_string_equal(git(&scene, "rev-parse rebased^^^"), git(&scene, "rev-parse elsewhere"));
    end(&scene);
}

static void goes_on_after_a_squash(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "goes-on");
    scene.spec.strategy = MERGE_SQUASH;
    must_merge(&scene);
    char *work = mem_dup(str_of(scene.plan.work_id)), *made = mem_dup(str_of(scene.plan.new_id));
    sh("cd '%s' && sed -i 's/^two$/zwei/' a", scene.repository);
    sh("cd '%s' && git commit -qam person && cd '%s' && sed -i 's/^8$/eight/' a", scene.repository,
       scene.agent.path);
    scene.spec.merged_work = work;
    scene.spec.merged_as = made;
    must_merge(&scene);
    assert_string_equal(sh_output("sed -n '2p;8p' '%s/a'", scene.repository), "zwei\neight");
    mem_free(work);
    mem_free(made);
    end(&scene);
}

static void what_is_in_the_way(void **state)
{
    (void)state;
    static const struct {
        const char *name, *line, *path, *why;
    } ways[] = {
        {"changed", "echo mine >> a", "a", "changed"},
        {"staged", "echo mine >> a && git add a && git show HEAD:a > a", "a", "staged"},
        {"missing", "rm a", "a", "missing"},
        {"untracked", "echo mine > new", "new", "untracked"},
        {"ignored", "echo new > .git/info/exclude && echo mine > new", "new", "untracked"},
        {"folder", "mkdir new && echo mine > new/inside", "new", "untracked"},
        {"mode", "chmod +x a", "a", "changed"},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        struct scene scene;
        begin(&scene, ways[i].name);
        sh("cd '%s' && git add new && git commit -qm new", scene.agent.path);
        sh("cd '%s' && %s", scene.repository, ways[i].line);
        must_refuse(&scene, ERR_DIRTY, "nothing was changed");
        assert_int_equal(scene.plan.dirty_count, 1);
        assert_string_equal(scene.plan.dirty[0].path, ways[i].path);
        assert_string_equal(scene.plan.dirty[0].why, ways[i].why);
        scene.spec.dry_run = true;
        must_merge(&scene);
        assert_int_equal(scene.plan.dirty_count, 1);
        end(&scene);
    }
}

static void states_of_the_repository(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "states");
    scene.spec.into = "nowhere";
    must_refuse(&scene, ERR_REPOSITORY, "no branch 'nowhere'");
    scene.spec.into = "swarm/states";
    must_refuse(&scene, ERR_PARAMS, "own branch");
    scene.spec.into = NULL;
    sh("cd '%s' && touch .git/index.lock", scene.repository);
    must_refuse(&scene, ERR_REFUSED, "index.lock");
    sh("cd '%s' && rm .git/index.lock && git switch -qc other && git worktree add -q ../second "
       "main",
       scene.repository);
    must_refuse(&scene, ERR_REFUSED, "second");
    sh("cd '%s' && rm -rf ../second && echo x >> b && git commit -qam x", scene.repository);
    must_merge(&scene);
    assert_string_equal(git(&scene, "log -1 --format=%s main^2"), "do it");
    // In the middle of a rebase of main.
    sh("cd '%s' && git worktree prune && git switch -q main && echo y >> b && git commit -qam y && "
       "! git rebase -q other",
       scene.repository);
    sh("cd '%s' && echo more > more", scene.agent.path);
    must_refuse(&scene, ERR_REFUSED, "rebase");
    sh("cd '%s' && git rebase --abort && ! git merge -q other", scene.repository);
    must_refuse(&scene, ERR_REFUSED, "merge");
    sh("cd '%s' && git merge --abort && git switch -q --detach", scene.repository);
    must_merge(&scene);
    assert_string_equal(git(&scene, "status --porcelain"), "");
    end(&scene);
}

static void conflicts(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "conflicts");
    sh("cd '%s' && sed -i 's/^2$/zwei/' a && git commit -qam zwei", scene.repository);
    must_refuse(&scene, ERR_CONFLICT, "(a)");
    assert_int_equal(scene.plan.conflict_count, 1);
    assert_string_equal(scene.plan.conflicts[0].kind, "content");
    assert_null(scene.plan.conflicts[0].text);
    scene.spec.dry_run = true;
    must_refuse(&scene, ERR_CONFLICT, "(a)");
    assert_non_null(strstr(scene.plan.conflicts[0].text,
                           "<<<<<<< main\nzwei\n=======\ntwo\n>>>>>>> swarm/conflicts\n"));
    end(&scene);
}

static void every_kind_of_file(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "kinds");
    sh("cd '%s' && echo '*.txt text eol=crlf' > .gitattributes && printf 'x\\ny\\n' > t.txt && "
       "mkdir -p deep/er && echo f > deep/er/f && git add . && git commit -qm kinds",
       scene.repository);
    sh("cd '%s' && git merge -q $(git -C '%s' rev-parse main)", scene.agent.path, scene.repository);
    sh("cd '%s' && ln -s nowhere soft && chmod +x a && rm -r deep && echo file > deep && rm b && "
       "mkdir b && echo inside > b/inside && printf 'x\\nz\\n' > t.txt && printf 'a\\0b' > binary "
       "&& "
       "rm link && echo plain > link",
       scene.agent.path);
    must_merge(&scene);
    assert_string_equal(git(&scene, "status --porcelain"), "");
    assert_string_equal(
        sh_output("cd '%s' && git diff-index HEAD; readlink soft; cat deep b/inside "
                  "link; test -x a; od -c t.txt | head -1",
                  scene.repository),
        "nowhere\nfile\ninside\nplain\n0000000   x  \\r  \\n   z  \\r  \\n");
    end(&scene);
}

static void signed_commits(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "signed");
    sh("cd '%s' && ssh-keygen -q -t ed25519 -N '' -f ../key && "
       "git config gpg.format ssh && git config user.signingkey \"$PWD/../key\" && "
       "echo \"test@localhost $(cat ../key.pub)\" > ../signers && "
       "git config gpg.ssh.allowedSignersFile \"$PWD/../signers\" && git config commit.gpgsign "
       "true",
       scene.repository);
    must_merge(&scene);
    sh("cd '%s' && git verify-commit main && git verify-commit main^2", scene.repository);
    sh("cd '%s' && echo again > again", scene.agent.path);
    sh("cd '%s' && rm ../key", scene.repository);
    must_refuse(&scene, ERR_REPOSITORY, "did not sign");
    end(&scene);
}

static bool update(struct scene *scene)
{
    merge_plan_release(&scene->plan);
    scene->err = (struct err){0};
    return merge_plan_update(&scene->spec, &scene->plan, &scene->err) &&
           (scene->spec.dry_run || merge_apply(&scene->spec, &scene->plan, &scene->err));
}

static const char *in_worktree(const struct scene *scene, const char *line)
{
    return sh_output("cd '%s' && %s", scene->agent.path, line);
}

static void brings_the_branch_into_the_work(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "updated");
    sh("cd '%s' && sed -i 's/^9$/nine/' a && echo more > more && rm run.sh && git add -A && "
       "git commit -qm person",
       scene.repository);
    const char *before = worktree_test_tree(scene.repository);
    if (!update(&scene))
        fail_msg("%s", scene.err.message);
    assert_string_equal(in_worktree(&scene,
                                    "sed -n '2p;9p' a; cat more new; ls run.sh 2>&1 | wc -l; "
                                    "git status --porcelain; git log -1 --format=%s"),
                        "two\nnine\nmore\nnew\n1\nMerge branch 'main' into swarm/updated");
    assert_string_equal(in_worktree(&scene, "git rev-parse HEAD"),
                        git(&scene, "rev-parse swarm/updated"));
    assert_string_equal(git(&scene, "merge-base --is-ancestor main swarm/updated && echo yes"),
                        "yes");
    assert_string_equal(worktree_test_tree(scene.repository), before);
    assert_true(update(&scene) && scene.plan.nothing);
    scene.spec.strategy = MERGE_FAST_FORWARD;
    must_merge(&scene);
    end(&scene);
}

static void conflicts_become_markers(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "marked");
    sh("cd '%s' && sed -i 's/^2$/zwei/' a && echo more > more && git add -A && "
       "git commit -qm zwei",
       scene.repository);
    assert_false(update(&scene));
    assert_int_equal(scene.err.kind, ERR_CONFLICT);
    assert_string_equal(in_worktree(&scene, "git status --porcelain; git log -1 --format=%s"),
                        "?? new\nchange two");
    scene.spec.conflicts = CONFLICTS_MARK;
    if (!update(&scene))
        fail_msg("%s", scene.err.message);
    assert_int_equal(scene.plan.conflict_count, 1);
    assert_string_equal(in_worktree(&scene, "git status --porcelain; sed -n 2,6p a"),
                        "UU a\nA  more\n<<<<<<< swarm/marked\ntwo\n=======\nzwei\n>>>>>>> main");
    // It is not merged before they are gone, whoever commits.
    must_refuse(&scene, ERR_CONFLICT, "still has conflicts");
    sh("cd '%s' && sed -i '/^[<=>]/d' a", scene.agent.path);
    must_merge(&scene);
    assert_string_equal(sh_output("sed -n 2,3p '%s/a'", scene.repository), "two\nzwei");
    assert_string_equal(git(&scene, "log -1 --format=%P main^2 | wc -w"), "2");
    assert_string_equal(in_worktree(&scene, "git status"),
                        "On branch swarm/marked\nnothing to commit, working tree clean");
    end(&scene);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); // as in the server
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(into_the_checked_out_branch),
        cmocka_unit_test(strategies),
        cmocka_unit_test(goes_on_after_a_squash),
        cmocka_unit_test(what_is_in_the_way),
        cmocka_unit_test(states_of_the_repository),
        cmocka_unit_test(conflicts),
        cmocka_unit_test(every_kind_of_file),
        cmocka_unit_test(signed_commits),
        cmocka_unit_test(brings_the_branch_into_the_work),
        cmocka_unit_test(conflicts_become_markers),
    };
    return cmocka_run_group_tests(tests, git_test_setup, git_test_teardown);
}
