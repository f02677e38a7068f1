// SPDX-License-Identifier: MIT
#include "core/git/merge_work.h"

#include "core/base/mem.h"
#include "core/git/merge_checkout.h"
#include "core/git/repository.h"
#include "core/git/repository_refs.h"
#include "core/git/snapshot.h"
#include "core/git/worktree_private.h"

#include <git2/sys/repository.h>
#include <string.h>
#include <unistd.h>

static bool count_changes(git_repository *repository, const git_oid *head, const git_oid *tree,
                          size_t *count, struct err *err)
{
    struct merge_result changes;
    bool ok = merge_changes(&changes, repository, head, tree, err);
    *count = changes.count;
    merge_result_release(&changes);
    return ok;
}

// The person's repository, looking at the worktree's files, and never at the person's index.
static bool open_looking(git_repository **repository, const struct worktree_spec *agent,
                         struct err *err)
{
    git_index *index = NULL;
    if (!repository_open(repository, agent->repository, true, err))
        return false;
    int code = git_repository_set_workdir(*repository, agent->path, 0);
    if (code == 0)
        code = git_index_new(&index);
    if (code == 0)
        code = git_repository_set_index(*repository, index);
    git_index_free(index);
    return code == 0 || git_fail(err, ERR_WORKTREE, "cannot look at %s", agent->path);
}

static bool take_tree(const struct merge_spec *spec, struct merge_plan *plan, const git_oid *head,
                      git_oid *tree, struct err *err)
{
    git_repository *repository = NULL;
    git_tree *tracked = NULL;
    struct snapshot snapshot;
    snapshot_init(&snapshot);
    bool ok =
        open_looking(&repository, &spec->agent, err) &&
        merge_tree_of(&tracked, repository, head, err) &&
        snapshot_take(repository, spec->agent.path, tracked, spec->cache, &snapshot, tree, err);
    plan->left = snapshot.left_count;
    snapshot_release(&snapshot);
    git_tree_free(tracked);
    git_repository_free(repository);
    return ok;
}

// What the agent has begun there it, or a person, has to end.
static bool check_state(const struct worktree_spec *agent, struct err *err)
{
    git_repository *worktree = NULL;
    if (!private_open(&worktree, agent, err))
        return false;
    int state = git_repository_state(worktree);
    git_repository_free(worktree);
    return state == GIT_REPOSITORY_STATE_NONE || state == GIT_REPOSITORY_STATE_MERGE ||
           err_set(err, ERR_WRONG_STATE,
                   "%s is in the middle of something in its worktree (a rebase, a cherry-pick or a "
                   "revert): tell it to end that",
                   agent->name);
}

bool work_look(const struct merge_spec *spec, git_repository *repository, struct merge_plan *plan,
               git_oid *head, git_oid *tree, struct err *err)
{
    const struct worktree_spec *agent = &spec->agent;
    struct worktree_import import;
    if (!worktree_import(agent, &import, err))
        return false;
    if (*import.notice) {
        mem_free(plan->notice);
        plan->notice = mem_dup(str_of(import.notice));
    }
    memcpy(plan->work_old, import.commit, sizeof(plan->work_old));
    if (git_oid_fromstr(head, plan->work_old) < 0)
        return git_fail(err, ERR_WORKTREE, "the worktree %s has no commit", agent->path);
    return check_state(agent, err) && take_tree(spec, plan, head, tree, err) &&
           count_changes(repository, head, tree, &plan->uncommitted, err);
}

// --- moving on ---

bool work_open(git_repository **repository, const struct worktree_spec *agent, const char *from,
               const char *to, bool *there, struct err *err)
{
    git_oid head;
    char text[MERGE_ID_MAX];
    *there = false;
    if (!private_open(repository, agent, err))
        return false;
    if (git_reference_name_to_id(&head, *repository, "HEAD") < 0)
        return git_fail(err, ERR_WORKTREE, "cannot read HEAD of %s", agent->path);
    git_oid_tostr(text, sizeof(text), &head);
    *there = strcmp(text, to) == 0;
    return *there || strcmp(text, from) == 0 ||
           err_set(err, ERR_WRONG_STATE, "something was committed in %s meanwhile: try again",
                   agent->path);
}

bool work_set_head(git_repository *repository, const char *from, const char *to, struct err *err)
{
    git_reference *head = NULL, *resolved = NULL;
    git_oid old, new;
    int code = git_reference_lookup(&head, repository, "HEAD");
    if (code == 0)
        code = git_oid_fromstr(&old, from) | git_oid_fromstr(&new, to);
    if (code == 0 && git_reference_type(head) == GIT_REFERENCE_SYMBOLIC)
        code = git_reference_resolve(&resolved, head);
    if (code == 0)
        code = refs_set(repository, resolved ? git_reference_name(resolved) : "HEAD", &new, &old,
                        REFS_OURS, "swarmd: merge");
    git_reference_free(resolved);
    git_reference_free(head);
    return code == 0 || git_fail(err, ERR_WORKTREE, "cannot move HEAD of %s",
                                 git_repository_workdir(repository));
}

// What stays the same keeps the times and sizes that are noted; git looks at the rest.
static bool set_index(git_repository *repository, const char *to, struct err *err)
{
    git_index *index = NULL;
    git_tree *tree = NULL;
    git_oid id;
    int code = git_oid_fromstr(&id, to);
    char *lock = mem_format("%sindex.lock", git_repository_path(repository));
    unlink(lock); // no turn runs: it is of a command, or a server, that was killed
    mem_free(lock);
    bool ok = code == 0 && merge_tree_of(&tree, repository, &id, err);
    if (ok && (git_repository_index(&index, repository) < 0 ||
               git_index_read_tree(index, tree) < 0 || git_index_write(index) < 0))
        ok = git_fail(err, ERR_WORKTREE, "cannot write the index of %s",
                      git_repository_workdir(repository));
    git_index_free(index);
    git_tree_free(tree);
    return ok;
}

bool work_bring_branch(const struct worktree_spec *agent, struct err *err)
{
    struct worktree_import import;
    return worktree_import(agent, &import, err);
}

bool work_advance(const struct worktree_spec *agent, const char *from, const char *to,
                  struct err *err)
{
    git_repository *repository = NULL;
    bool there;
    bool ok = work_open(&repository, agent, from, to, &there, err);
    if (ok && !there)
        ok = work_set_head(repository, from, to, err) && set_index(repository, to, err);
    if (ok) // a merge that was under way has ended
        git_repository_state_cleanup(repository);
    git_repository_free(repository);
    return ok && work_bring_branch(agent, err);
}
