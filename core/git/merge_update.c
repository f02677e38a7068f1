// SPDX-License-Identifier: MIT
// Bringing a branch into the agent's work and worktree.
#include "core/base/mem.h"
#include "core/git/merge_checkout.h"
#include "core/git/merge_strategy.h"
#include "core/git/merge_target.h"
#include "core/git/merge_work.h"
#include "core/git/repository.h"

#include <string.h>

// --- planning ---

static char *update_message(const struct merging *merging)
{
    return mem_format("Merge branch '%s' into %s\n", merging->plan->into,
                      merging->spec->agent.branch);
}

static bool merge_target(struct merging *merging, struct merge_result *result, git_oid *tree,
                         struct err *err)
{
    git_oid base;
    git_tree *work = NULL;
    bool ok = merge_histories(result, merge_find_base(merging, &base) ? &base : NULL,
                              &merging->work, &merging->target, err) &&
              merge_tree_of(&work, merging->repository, &merging->work, err) &&
              merge_write(result, work, tree, err);
    git_tree_free(work);
    if (!ok || !result->conflicts)
        return ok;
    merging->plan->marked = merging->spec->conflicts == CONFLICTS_MARK;
    struct err told;
    merge_show_conflicts(result, merging->plan, merging->spec->dry_run, &told);
    if (!merging->plan->marked)
        return err_set(err, ERR_CONFLICT,
                       "%s and %s have conflicts in %zu file%s: let the agent resolve them, or "
                       "take them with markers; nothing was changed",
                       result->our_name, result->their_name, result->conflicts,
                       result->conflicts == 1 ? "" : "s");
    return true;
}

static bool make_commit(struct merging *merging, const git_oid *tree, git_oid *commit,
                        struct err *err)
{
    git_oid parents[] = {merging->work, merging->target};
    if (merging->spec->dry_run)
        return true;
    char *message = update_message(merging);
    bool ok = merging->plan->marked // only its files are needed
                  ? commit_make_unsigned(merging->repository, &merging->by, message, tree, parents,
                                         2, commit, err)
                  : commit_make(merging->repository, &merging->by, NULL, message, tree, parents, 2,
                                commit, err);
    mem_free(message);
    return ok;
}

static bool compute(struct merging *merging, struct err *err)
{
    struct merge_plan *plan = merging->plan;
    struct merge_result result;
    git_oid tree, commit = merging->target;
    git_tree *target = NULL;
    bool ok = true;
    if (merge_is_within(merging->repository, &merging->target, &merging->work)) {
        plan->nothing = true;
        memcpy(plan->new_id, plan->work_id, sizeof(plan->new_id));
        return true;
    }
    merge_result_init(&result, merging->repository, merging->spec->agent.branch, plan->into);
    if (merge_is_within(merging->repository, &merging->work, &merging->target)) {
        ok = merge_tree_of(&target, merging->repository, &merging->target, err);
        if (ok)
            tree = *git_tree_id(target);
    } else {
        ok =
            merge_target(merging, &result, &tree, err) && make_commit(merging, &tree, &commit, err);
    }
    merge_result_release(&result);
    git_tree_free(target);
    return ok && merge_list_files(merging, &merging->work, &tree, err) &&
           (merging->spec->dry_run || merge_keep(merging, &commit, err));
}

bool merge_plan_update(const struct merge_spec *spec, struct merge_plan *plan, struct err *err)
{
    *plan = (struct merge_plan){
        .repository = mem_dup(str_of(spec->agent.repository)),
        .name = mem_dup(str_of(spec->agent.name)),
        .message = message_make(spec),
        .update = true,
    };
    struct merging merging = {.spec = spec, .plan = plan};
    git_oid head, tree;
    bool ok = merge_open(&merging, err);
    if (ok)
        merge_let_go(merging.repository, plan->name);
    ok = ok && target_read(spec, merging.repository, plan, err) &&
         (git_oid_fromstr(&merging.target, plan->old_id) == 0 ||
          git_fail(err, ERR_REPOSITORY, "cannot read %s", plan->ref)) &&
         author_find(&merging.by, merging.repository, spec->author, err) &&
         work_look(spec, merging.repository, plan, &head, &tree, err) &&
         merge_make_work(&merging, &head, &tree, err) && compute(&merging, err);
    author_release(&merging.by);
    git_repository_free(merging.repository);
    return ok;
}

// --- doing it ---

static bool commit_to_it(git_repository *worktree, struct merge_plan *plan, struct err *err)
{
    return plan->marked ? work_begin_merge(worktree, plan, err)
                        : work_set_head(worktree, plan->work_id, plan->new_id, err);
}

bool update_apply(const struct merge_spec *spec, struct merge_plan *plan, struct err *err)
{
    git_repository *worktree = NULL;
    struct checkout checkout;
    git_oid old, new;
    struct err undo_err;
    bool there;
    if (!work_open(&worktree, &spec->agent, plan->work_id, plan->work_id, &there, err)) {
        git_repository_free(worktree);
        return false;
    }
    git_oid_fromstr(&old, plan->work_id);
    git_oid_fromstr(&new, plan->new_id);
    bool ok = checkout_open(&checkout, worktree, plan->name, &old, &new, plan, err) &&
              checkout_begin(&checkout, err);
    if (ok && !commit_to_it(worktree, plan, err)) {
        ok = false;
        if (!checkout_undo(&checkout, &undo_err))
            *err = undo_err;
    }
    ok = ok && checkout_finish(&checkout, err);
    checkout_close(&checkout);
    if (ok && plan->marked)
        ok = work_note_conflicts(worktree, plan, err);
    git_repository_free(worktree);
    return ok && work_bring_branch(&spec->agent, err);
}

// --- after a crash ---

static bool is_done(git_repository *worktree, const struct merge_plan *plan)
{
    git_oid id;
    char text[MERGE_ID_MAX];
    if (plan->marked)
        return git_repository_state(worktree) == GIT_REPOSITORY_STATE_MERGE;
    if (git_reference_name_to_id(&id, worktree, "HEAD") < 0)
        return false;
    git_oid_tostr(text, sizeof(text), &id);
    return strcmp(text, plan->new_id) == 0;
}

bool update_reconcile(const struct worktree_spec *agent, struct merge_plan *plan, bool *done,
                      struct err *err)
{
    git_repository *worktree = NULL;
    struct checkout checkout;
    git_oid old, new;
    bool begun = false, there;
    // What was not committed may not have got there; then nothing else has begun.
    if (!work_advance(agent, plan->work_old, plan->work_id, err) &&
        !work_open(&worktree, agent, plan->new_id, plan->new_id, &there, err)) {
        git_repository_free(worktree);
        return false;
    }
    if (!worktree && !work_open(&worktree, agent, plan->work_id, plan->new_id, &there, err)) {
        git_repository_free(worktree);
        return false;
    }
    *done = is_done(worktree, plan);
    git_oid_fromstr(&old, plan->work_id);
    git_oid_fromstr(&new, plan->new_id);
    bool ok = checkout_open(&checkout, worktree, plan->name, &old, &new, plan, err) &&
              checkout_resume(&checkout, &begun, err);
    if (ok && begun && *done && checkout.locked)
        ok = checkout_finish(&checkout, err);
    else if (ok && begun && !*done)
        ok = checkout_undo(&checkout, err);
    checkout_close(&checkout);
    git_repository_free(worktree);
    return ok && work_bring_branch(agent, err);
}
