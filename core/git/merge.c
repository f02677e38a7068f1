// SPDX-License-Identifier: MIT
#include "core/git/merge.h"

#include "core/base/mem.h"
#include "core/git/merge_checkout.h"
#include "core/git/merge_index.h"
#include "core/git/merge_strategy.h"
#include "core/git/merge_target.h"
#include "core/git/merge_work.h"
#include "core/git/repository.h"
#include "core/git/repository_refs.h"

#include <string.h>

void merge_plan_release(struct merge_plan *plan)
{
    for (size_t i = 0; plan->files && i < plan->file_count && i < MERGE_FILES_MAX; i++)
        mem_free(plan->files[i].path);
    for (size_t i = 0; plan->conflicts && i < plan->conflict_count; i++) {
        mem_free(plan->conflicts[i].path);
        mem_free(plan->conflicts[i].other);
        mem_free(plan->conflicts[i].text);
    }
    for (size_t i = 0; i < plan->dirty_count; i++)
        mem_free(plan->dirty[i].path);
    char *strings[] = {plan->repository, plan->name,    plan->ref,   plan->folder,
                       plan->into,       plan->message, plan->notice};
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
        mem_free(strings[i]);
    mem_free(plan->files);
    mem_free(plan->conflicts);
    mem_free(plan->dirty);
    *plan = (struct merge_plan){0};
}

// --- what keeps the new commits until a branch does ---

static char *keeper_of(const char *name, const char *what)
{
    return mem_format("refs/swarmd/%s/%s", name, what);
}

static bool keep(git_repository *repository, const char *name, const char *what, const git_oid *id,
                 struct err *err)
{
    char *ref_name = keeper_of(name, what);
    bool ok = refs_set(repository, ref_name, id, NULL, REFS_OURS, NULL) == 0 ||
              git_fail(err, ERR_REPOSITORY, "cannot write %s", ref_name);
    mem_free(ref_name);
    return ok;
}

void merge_let_go(git_repository *repository, const char *name)
{
    static const char *const whats[] = {"merge", "merge-work"};
    for (size_t i = 0; i < 2; i++) {
        char *ref_name = keeper_of(name, whats[i]);
        refs_remove(repository, ref_name, REFS_OURS);
        mem_free(ref_name);
    }
}

// --- planning ---

// With what is not committed: the commit that it will be, or for a dry run one that nobody keeps.
bool merge_make_work(struct merging *merging, const git_oid *head, const git_oid *tree,
                     struct err *err)
{
    struct merge_plan *plan = merging->plan;
    git_tree *old = NULL;
    git_oid parents[2] = {*head};
    bool is_merge = false;
    merging->work = *head;
    bool ok = merge_tree_of(&old, merging->repository, head, err) &&
              work_merged(&merging->spec->agent, merging->repository, plan, head, tree, &parents[1],
                          &is_merge, err);
    if (ok && (is_merge || !git_oid_equal(git_tree_id(old), tree)))
        ok = merging->spec->dry_run // unsigned, and nobody keeps it
                 ? commit_make_unsigned(merging->repository, &merging->by, plan->message, tree,
                                        parents, is_merge ? 2 : 1, &merging->work, err)
                 : commit_make(merging->repository, &merging->by, NULL, plan->message, tree,
                               parents, is_merge ? 2 : 1, &merging->work, err);
    git_tree_free(old);
    git_oid_tostr(plan->work_id, sizeof(plan->work_id), &merging->work);
    return ok;
}

bool merge_list_files(struct merging *merging, const git_oid *from, const git_oid *tree,
                      struct err *err)
{
    struct merge_plan *plan = merging->plan;
    struct merge_result changes;
    git_tree *old = NULL, *new = NULL;
    merge_result_init(&changes, merging->repository, "", "");
    bool ok = merge_tree_of(&old, merging->repository, from, err) &&
              (git_tree_lookup(&new, merging->repository, tree) == 0 ||
               git_fail(err, ERR_REPOSITORY, "cannot read a tree")) &&
              merge_walk(&changes, old, new, old, err);
    plan->file_count = changes.count;
    plan->files = mem_new_array(changes.count + 1, sizeof(*plan->files));
    for (size_t i = 0; i < changes.count && i < MERGE_FILES_MAX; i++) {
        const struct merge_path *path = &changes.paths[i];
        plan->files[i].path = mem_dup(str_of(path->path));
        plan->files[i].status = !path->base.mode   ? "added"
                                : !path->ours.mode ? "deleted"
                                                   : "modified";
    }
    merge_result_release(&changes);
    git_tree_free(old);
    git_tree_free(new);
    return ok;
}

bool merge_keep(struct merging *merging, const git_oid *commit, struct err *err)
{
    git_oid_tostr(merging->plan->new_id, sizeof(merging->plan->new_id), commit);
    return keep(merging->repository, merging->plan->name, "merge", commit, err) &&
           keep(merging->repository, merging->plan->name, "merge-work", &merging->work, err);
}

// So that a dirty tree is met before anything is done; for a dry run it is no error.
static bool check_tree(struct merging *merging, const git_oid *tree, const git_oid *commit,
                       struct err *err)
{
    struct merge_plan *plan = merging->plan;
    struct checkout checkout;
    git_oid to;
    struct err found;
    if (!plan->folder)
        return true;
    to = *commit;
    if (merging->spec->dry_run && !commit_make_unsigned(merging->repository, &merging->by,
                                                        "dry run", tree, NULL, 0, &to, err))
        return false;
    bool ok = checkout_open(&checkout, merging->repository, merging->spec->agent.name,
                            &merging->target, &to, plan, &found) &&
              checkout_check(&checkout, &found);
    checkout_close(&checkout);
    if (!ok && !(merging->spec->dry_run && found.kind == ERR_DIRTY)) {
        *err = found;
        return false;
    }
    return true;
}

static bool compute(struct merging *merging, struct err *err)
{
    struct merge_plan *plan = merging->plan;
    git_oid tree, commit = {{0}};
    if (merge_is_within(merging->repository, &merging->work, &merging->target)) {
        plan->nothing = true;
        memcpy(plan->new_id, plan->old_id, sizeof(plan->new_id));
        return true;
    }
    if (!merge_by_strategy(merging, &tree, &commit, err) ||
        !merge_list_files(merging, &merging->target, &tree, err) ||
        !check_tree(merging, &tree, &commit, err))
        return false;
    if (merging->spec->dry_run)
        return true;
    return merge_keep(merging, &commit, err);
}

static bool plan_in(struct merging *merging, struct err *err)
{
    const struct merge_spec *spec = merging->spec;
    struct merge_plan *plan = merging->plan;
    git_oid head, tree;
    merge_let_go(merging->repository, plan->name);
    return target_find(spec, merging->repository, plan, err) &&
           (git_oid_fromstr(&merging->target, plan->old_id) == 0 ||
            git_fail(err, ERR_REPOSITORY, "cannot read %s", plan->ref)) &&
           author_find(&merging->by, merging->repository, spec->author, err) &&
           work_look(spec, merging->repository, plan, &head, &tree, err) &&
           merge_make_work(merging, &head, &tree, err) && compute(merging, err);
}

bool merge_open(struct merging *merging, struct err *err)
{
    const struct worktree_spec *agent = &merging->spec->agent;
    return worktree_check_place(agent, err) && worktree_check(agent, err) &&
           repository_open(&merging->repository, agent->repository, true, err) &&
           index_prepare(merging->repository, agent->name, err);
}

bool merge_plan(const struct merge_spec *spec, struct merge_plan *plan, struct err *err)
{
    *plan = (struct merge_plan){
        .repository = mem_dup(str_of(spec->agent.repository)),
        .name = mem_dup(str_of(spec->agent.name)),
        .message = message_make(spec),
    };
    struct merging merging = {.spec = spec, .plan = plan};
    bool ok = merge_open(&merging, err) && plan_in(&merging, err);
    author_release(&merging.by);
    git_repository_free(merging.repository);
    return ok;
}

// --- doing it ---

static bool move_target(git_repository *repository, const struct merge_plan *plan, struct err *err)
{
    git_oid old, new;
    char *log = mem_format("merge swarm/%s: by swarmd", plan->name);
    int code = git_oid_fromstr(&old, plan->old_id) | git_oid_fromstr(&new, plan->new_id);
    if (code == 0)
        code = refs_set(repository, plan->ref, &new, &old, REFS_SHARED, log);
    mem_free(log);
    if (code == GIT_EMODIFIED || code == GIT_ENOTFOUND)
        return err_set(err, ERR_REFUSED, "%s was moved or deleted meanwhile: try again",
                       plan->into);
    return code == 0 || git_fail(err, ERR_REPOSITORY, "cannot move %s", plan->ref);
}

static bool apply_to_tree(git_repository *repository, struct merge_plan *plan, struct err *err)
{
    struct checkout checkout;
    git_oid old, new;
    struct err undo_err;
    git_oid_fromstr(&old, plan->old_id);
    git_oid_fromstr(&new, plan->new_id);
    bool ok = checkout_open(&checkout, repository, plan->name, &old, &new, plan, err) &&
              checkout_begin(&checkout, err);
    if (ok && !(target_is_same(repository, plan, err) && move_target(repository, plan, err))) {
        ok = false;
        if (!checkout_undo(&checkout, &undo_err))
            *err = undo_err;
    }
    ok = ok && checkout_finish(&checkout, err);
    checkout_close(&checkout);
    return ok;
}

bool merge_apply(const struct merge_spec *spec, struct merge_plan *plan, struct err *err)
{
    git_repository *repository = NULL;
    if (!repository_open(&repository, plan->repository, true, err))
        return false;
    bool ok = index_prepare(repository, plan->name, err) &&
              (strcmp(plan->work_old, plan->work_id) == 0 ||
               work_advance(&spec->agent, plan->work_old, plan->work_id, err));
    if (ok && !plan->nothing && plan->update)
        ok = update_apply(spec, plan, err);
    else if (ok && !plan->nothing && plan->folder)
        ok = apply_to_tree(repository, plan, err);
    else if (ok && !plan->nothing)
        ok = target_is_same(repository, plan, err) && move_target(repository, plan, err);
    merge_let_go(repository, plan->name);
    git_repository_free(repository);
    return ok;
}

// --- after a crash ---

void merge_write_intent(const struct merge_plan *plan, struct json_writer *w)
{
    json_begin_object(w);
    json_add_cstr(w, "repository", plan->repository);
    json_add_cstr(w, "name", plan->name);
    json_add_cstr(w, "into", plan->into);
    json_add_cstr(w, "old", plan->old_id);
    json_add_cstr(w, "new", plan->new_id);
    json_add_cstr(w, "workOld", plan->work_old);
    json_add_cstr(w, "work", plan->work_id);
    json_add_cstr(w, "folder", plan->folder);
    json_add_bool(w, "update", plan->update);
    json_add_bool(w, "marked", plan->marked);
    json_end_object(w);
}

static bool read_id(const struct json *json, const char *key, char id[MERGE_ID_MAX])
{
    struct str text = json_str(json, key);
    if (text.len == 0 || text.len >= MERGE_ID_MAX)
        return false;
    memcpy(id, text.data, text.len);
    id[text.len] = '\0';
    return true;
}

bool merge_read_intent(const struct json *json, struct merge_plan *plan)
{
    struct str repository = json_str(json, "repository"), name = json_str(json, "name"),
               into = json_str(json, "into"), folder = json_str(json, "folder");
    *plan = (struct merge_plan){0};
    if (!repository.len || !name.len || !into.len || !read_id(json, "old", plan->old_id) ||
        !read_id(json, "new", plan->new_id) || !read_id(json, "workOld", plan->work_old) ||
        !read_id(json, "work", plan->work_id))
        return false;
    plan->repository = mem_dup(repository);
    plan->name = mem_dup(name);
    plan->into = mem_dup(into);
    plan->ref = mem_format("refs/heads/%s", plan->into);
    plan->folder = folder.len ? mem_dup(folder) : NULL;
    plan->update = json_bool(json, "update", false);
    plan->marked = json_bool(json, "marked", false);
    return true;
}

// Did the target get there, also when more came on top since?
static bool is_done(git_repository *repository, const struct merge_plan *plan, const git_oid *new)
{
    git_oid now;
    return git_reference_name_to_id(&now, repository, plan->ref) == 0 &&
           (git_oid_equal(&now, new) || git_graph_descendant_of(repository, &now, new) == 1);
}

static bool reconcile_tree(git_repository *repository, struct merge_plan *plan, const git_oid *new,
                           bool done, struct err *err)
{
    struct checkout checkout;
    git_oid old;
    bool begun = false;
    git_oid_fromstr(&old, plan->old_id);
    bool ok = checkout_open(&checkout, repository, plan->name, &old, new, plan, err) &&
              checkout_resume(&checkout, &begun, err);
    // Without the lock a person has gone on there since, and has seen to the index.
    if (ok && begun && done && checkout.locked)
        ok = checkout_finish(&checkout, err);
    else if (ok && begun && !done)
        ok = checkout_undo(&checkout, err);
    checkout_close(&checkout);
    return ok;
}

bool merge_reconcile(const struct worktree_spec *agent, struct merge_plan *plan, bool *done,
                     struct err *err)
{
    git_repository *repository = NULL;
    git_oid new;
    *done = false;
    if (!repository_open(&repository, plan->repository, true, err))
        return false;
    bool ok = index_prepare(repository, plan->name, err) &&
              (git_oid_fromstr(&new, plan->new_id) == 0 ||
               git_fail(err, ERR_REPOSITORY, "the stored intent of a merge names no commit"));
    if (ok && plan->update) {
        ok = update_reconcile(agent, plan, done, err);
    } else if (ok) {
        refs_unlock(repository, plan->ref, plan->new_id);
        *done = is_done(repository, plan, &new);
        if (plan->folder)
            ok = reconcile_tree(repository, plan, &new, *done, err);
    }
    if (ok && !plan->update && strcmp(plan->work_old, plan->work_id) != 0) {
        struct err ignored; // when it was not moved, it may stay: nothing is lost
        work_advance(agent, plan->work_old, plan->work_id, &ignored);
    }
    merge_let_go(repository, plan->name);
    git_repository_free(repository);
    return ok;
}
