// SPDX-License-Identifier: MIT
#include "core/git/merge_strategy.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/git/repository.h"

#include <string.h>

bool merge_is_within(git_repository *repository, const git_oid *commit, const git_oid *history)
{
    return git_oid_equal(commit, history) ||
           git_graph_descendant_of(repository, history, commit) == 1;
}

bool merge_find_base(const struct merging *merging, git_oid *base)
{
    git_oid made;
    const struct merge_spec *spec = merging->spec;
    return spec->merged_work && spec->merged_as && git_oid_fromstr(base, spec->merged_work) == 0 &&
           git_oid_fromstr(&made, spec->merged_as) == 0 &&
           merge_is_within(merging->repository, base, &merging->work) &&
           merge_is_within(merging->repository, &made, &merging->target) &&
           !merge_is_within(merging->repository, base, &merging->target);
}

static void take_text(const struct merge_result *result, const struct merge_path *path,
                      struct merge_conflict *conflict, size_t *room)
{
    git_blob *blob = NULL;
    bool has_markers =
        strcmp(path->conflict, "content") == 0 || strcmp(path->conflict, "added") == 0;
    if (!has_markers || !path->result.mode || *room == 0 ||
        git_blob_lookup(&blob, result->repository, &path->result.id) < 0)
        return;
    struct str text = str_from(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
    size_t most = *room < MERGE_CONFLICT_TEXT_MAX ? *room : MERGE_CONFLICT_TEXT_MAX;
    conflict->cut = text.len > most;
    if (conflict->cut)
        text = utf8_cut(text, most);
    conflict->text = mem_dup(text);
    *room -= text.len;
    git_blob_free(blob);
}

bool merge_show_conflicts(const struct merge_result *result, struct merge_plan *plan, bool texts,
                          struct err *err)
{
    size_t room = texts ? MERGE_TEXTS_MAX : 0, listed = 0;
    const char *first = "";
    plan->conflicts = mem_new_array(result->conflicts + 1, sizeof(*plan->conflicts));
    plan->conflict_count = result->conflicts;
    for (size_t i = 0; i < result->count && listed < result->conflicts; i++) {
        const struct merge_path *path = &result->paths[i];
        if (!path->conflict)
            continue;
        struct merge_conflict *conflict = &plan->conflicts[listed++];
        conflict->path = mem_dup(str_of(path->path));
        conflict->other = path->other ? mem_dup(str_of(path->other)) : NULL;
        conflict->kind = path->conflict;
        const struct merge_entry *stages[] = {&path->base, &path->ours, &path->theirs};
        for (int k = 0; k < 3; k++) {
            conflict->stages[k].mode = stages[k]->mode;
            git_oid_tostr(conflict->stages[k].id, MERGE_ID_MAX, &stages[k]->id);
        }
        take_text(result, path, conflict, &room);
        if (listed == 1)
            first = conflict->path;
    }
    return err_set(err, ERR_CONFLICT,
                   "%s and %s have conflicts in %zu file%s (%s): bring %s into the agent's work "
                   "first (swarm/update), or merge with git; nothing was changed",
                   result->our_name, result->their_name, result->conflicts,
                   result->conflicts == 1 ? "" : "s", first, result->our_name);
}

// --- merge and squash ---

static bool merge_once(struct merging *merging, const git_oid *base, git_oid *tree, struct err *err)
{
    struct merge_result result;
    git_tree *target = NULL;
    merge_result_init(&result, merging->repository, merging->plan->into,
                      merging->spec->agent.branch);
    bool ok = merge_histories(&result, base, &merging->target, &merging->work, err);
    if (ok && result.conflicts)
        ok = merge_show_conflicts(&result, merging->plan, merging->spec->dry_run, err);
    ok = ok && merge_tree_of(&target, merging->repository, &merging->target, err) &&
         merge_write(&result, target, tree, err);
    git_tree_free(target);
    merge_result_release(&result);
    return ok;
}

static char *merge_message(const struct merging *merging)
{
    if (merging->spec->message)
        return mem_dup(str_of(merging->plan->message));
    struct str subject = message_subject(merging->plan->message);
    return mem_format("Merge branch '%s' into %s\n\n%.*s\n", merging->spec->agent.branch,
                      merging->plan->into, STR_ARG(subject));
}

static bool by_merge(struct merging *merging, git_oid *tree, git_oid *commit, struct err *err)
{
    git_oid base, parents[] = {merging->target, merging->work};
    if (!merge_once(merging, merge_find_base(merging, &base) ? &base : NULL, tree, err))
        return false;
    if (merging->spec->dry_run)
        return true;
    bool squash = merging->spec->strategy == MERGE_SQUASH;
    char *message = squash ? mem_dup(str_of(merging->plan->message)) : merge_message(merging);
    bool ok = commit_make(merging->repository, &merging->by, NULL, message, tree, parents,
                          squash ? 1 : 2, commit, err);
    mem_free(message);
    return ok;
}

// --- fast-forward ---

static bool by_fast_forward(struct merging *merging, git_oid *tree, git_oid *commit,
                            struct err *err)
{
    git_tree *found = NULL;
    if (!merge_is_within(merging->repository, &merging->target, &merging->work))
        return err_set(err, ERR_REFUSED,
                       "%s cannot be fast-forwarded to %s, for it has commits that are not in "
                       "there: bring them in first (swarm/update), or merge in another way",
                       merging->plan->into, merging->spec->agent.branch);
    *commit = merging->work;
    if (!merge_tree_of(&found, merging->repository, commit, err))
        return false;
    *tree = *git_tree_id(found);
    git_tree_free(found);
    return true;
}

// --- rebase ---

static bool pick(struct merging *merging, git_commit *picked, git_oid *onto, git_oid *tree,
                 struct err *err)
{
    struct merge_result result;
    git_tree *base = NULL, *ours = NULL, *theirs = NULL;
    git_oid parent = *git_commit_parent_id(picked, 0);
    merge_result_init(&result, merging->repository, merging->plan->into,
                      merging->spec->agent.branch);
    bool ok = merge_tree_of(&base, merging->repository, &parent, err) &&
              merge_tree_of(&theirs, merging->repository, git_commit_id(picked), err) &&
              (git_tree_lookup(&ours, merging->repository, tree) == 0 ||
               git_fail(err, ERR_REPOSITORY, "cannot read a tree")) &&
              merge_trees(&result, merging->repository, base, ours, theirs, err);
    if (ok && result.conflicts)
        ok = merge_show_conflicts(&result, merging->plan, merging->spec->dry_run, err);
    ok = ok && merge_write(&result, ours, tree, err);
    // One that changes nothing any more is left out, as git does.
    if (ok && !merging->spec->dry_run && !git_oid_equal(tree, git_tree_id(ours)))
        ok = commit_make(merging->repository, &merging->by, git_commit_author(picked),
                         git_commit_message(picked), tree, onto, 1, onto, err);
    git_tree_free(base);
    git_tree_free(ours);
    git_tree_free(theirs);
    merge_result_release(&result);
    return ok;
}

static bool pick_all(struct merging *merging, git_revwalk *walk, git_oid *tree, git_oid *commit,
                     struct err *err)
{
    git_oid id;
    size_t count = 0;
    bool ok = true;
    while (ok && git_revwalk_next(&id, walk) == 0) {
        git_commit *picked = NULL;
        if (++count > MERGE_COMMITS_MAX)
            return err_set(err, ERR_LIMIT, "a rebase of more than %d commits: use squash or merge",
                           MERGE_COMMITS_MAX);
        if (git_commit_lookup(&picked, merging->repository, &id) < 0)
            return git_fail(err, ERR_REPOSITORY, "cannot read the commit %s", git_oid_tostr_s(&id));
        if (git_commit_parentcount(picked) != 1)
            ok = err_set(err, ERR_REFUSED,
                         "%s has merges in it, which a rebase would lose: use squash or merge",
                         merging->spec->agent.branch);
        ok = ok && pick(merging, picked, commit, tree, err);
        git_commit_free(picked);
    }
    return ok;
}

static bool by_rebase(struct merging *merging, git_oid *tree, git_oid *commit, struct err *err)
{
    git_revwalk *walk = NULL;
    git_oid base;
    git_tree *start = NULL;
    *commit = merging->target;
    if (!merge_tree_of(&start, merging->repository, commit, err))
        return false;
    *tree = *git_tree_id(start);
    git_tree_free(start);
    int code = git_revwalk_new(&walk, merging->repository);
    if (code == 0)
        code = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
    if (code == 0)
        code = git_revwalk_push(walk, &merging->work);
    if (code == 0)
        code = git_revwalk_hide(walk, &merging->target);
    if (code == 0 && merge_find_base(merging, &base))
        code = git_revwalk_hide(walk, &base);
    bool ok = code == 0 ? pick_all(merging, walk, tree, commit, err)
                        : git_fail(err, ERR_REPOSITORY, "cannot list the commits of %s",
                                   merging->spec->agent.branch);
    git_revwalk_free(walk);
    return ok;
}

bool merge_by_strategy(struct merging *merging, git_oid *tree, git_oid *commit, struct err *err)
{
    switch (merging->spec->strategy) {
    case MERGE_REBASE:
        return by_rebase(merging, tree, commit, err);
    case MERGE_FAST_FORWARD:
        return by_fast_forward(merging, tree, commit, err);
    case MERGE_COMMIT:
    case MERGE_SQUASH:
        break;
    }
    return by_merge(merging, tree, commit, err);
}
