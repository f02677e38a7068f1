// SPDX-License-Identifier: MIT
// What is kept of an agent that is removed with work in it: an annotated tag, for its date, of a
// commit with everything, under refs/swarmd/removed/.
#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/files/folder.h"
#include "core/git/checkpoint_parts.h"
#include "core/git/repository.h"
#include "core/git/repository_refs.h"

#include <stdio.h>
#include <string.h>

enum { REMOVED_NAMES_MAX = 100 }; // "<id>", "<id>.2" ...: removals of one agent that failed later

#define REMOVED_REFS "refs/swarmd/removed/"
#define DAY_S (24 * 60 * 60)

static bool tag_at(git_repository *repository, const char *ref, git_tag **tag)
{
    git_oid id;
    *tag = NULL;
    return git_reference_name_to_id(&id, repository, ref) == 0 &&
           git_tag_lookup(tag, repository, &id) == 0 && git_tag_tagger(*tag);
}

static void fill(struct removed_work *out, const char *ref, const git_oid *commit, int64_t when_s)
{
    snprintf(out->ref, sizeof out->ref, "%s", ref);
    git_oid_tostr(out->commit, sizeof out->commit, commit);
    out->until_ms = (when_s + (int64_t)REMOVED_DAYS * DAY_S) * 1000;
}

// What a removal that was cut off has kept already: the folder may be half gone by now.
static bool was_kept(git_repository *repository, const char *agent, struct removed_work *out)
{
    char *ref = mem_format(REMOVED_REFS "%s", agent);
    git_tag *tag;
    bool kept = tag_at(repository, ref, &tag);
    if (kept)
        fill(out, ref, git_tag_target_id(tag), git_tag_tagger(tag)->when.time);
    git_tag_free(tag);
    mem_free(ref);
    return kept;
}

// The branch, where a person moved it to commits that the worktree's HEAD does not have.
static bool moved_branch(struct view *view, git_oid *id)
{
    char *ref = mem_format("refs/heads/%s", view->place->spec.branch);
    bool moved = git_reference_name_to_id(id, view->repository, ref) == 0 &&
                 !git_oid_equal(id, &view->head) &&
                 git_graph_descendant_of(view->repository, &view->head, id) != 1;
    mem_free(ref);
    return moved;
}

// The head itself where that is all there is.
static bool commit_all(struct view *view, const git_signature *who, git_oid *id)
{
    git_oid branch;
    git_commit *parents[2] = {NULL, NULL};
    git_tree *tree = NULL;
    size_t count = moved_branch(view, &branch) ? 2 : 1;
    bool ok = git_commit_lookup(&parents[0], view->repository, &view->head) == 0 &&
              (count < 2 || git_commit_lookup(&parents[1], view->repository, &branch) == 0);
    if (ok && count == 1 && git_oid_equal(git_commit_tree_id(parents[0]), &view->tree)) {
        *id = view->head;
    } else if (ok) {
        char *message =
            mem_format("What %s had not committed when it was removed\n", view->place->spec.name);
        ok = git_tree_lookup(&tree, view->repository, &view->tree) == 0 &&
             git_commit_create(id, view->repository, NULL, who, who, NULL, message, tree, count,
                               (const git_commit **)parents) == 0;
        mem_free(message);
    }
    git_tree_free(tree);
    git_commit_free(parents[0]);
    git_commit_free(parents[1]);
    return ok;
}

static bool tag_all(struct view *view, struct removed_work *out)
{
    const char *agent = view->place->spec.name;
    git_signature *who = NULL;
    git_object *target = NULL;
    git_oid commit, id, there;
    char *name = mem_format("removed/%s", agent), *ref = mem_format("refs/swarmd/%s", name);
    char *message = mem_format("%s was removed; this is kept for %d days\n", agent, REMOVED_DAYS);
    bool ok = git_signature_now(&who, "swarmd", "swarmd@localhost") == 0 &&
              commit_all(view, who, &commit) &&
              git_object_lookup(&target, view->repository, &commit, GIT_OBJECT_COMMIT) == 0 &&
              git_tag_annotation_create(&id, view->repository, name, target, who, message) == 0;
    for (int i = 2;
         i <= REMOVED_NAMES_MAX && git_reference_name_to_id(&there, view->repository, ref) == 0;
         i++) {
        mem_free(ref);
        ref = mem_format(REMOVED_REFS "%s.%d", agent, i);
    }
    if (ok) {
        checkpoint_sync(view, &commit);
        checkpoint_sync(view, &id);
        ok = checkpoint_set_ref(view->repository, ref, &id);
    }
    if (ok)
        fill(out, ref, &commit, who->when.time);
    else
        git_fail(view->err, ERR_WORKTREE,
                 "%s is not removed, for its work cannot be kept as %s; to remove it without, "
                 "delete %s first",
                 agent, ref, view->place->spec.path);
    git_object_free(target);
    git_signature_free(who);
    mem_free(message);
    mem_free(ref);
    mem_free(name);
    return ok;
}

// No folder is no snapshot: what was committed is all there is.
static bool keep_view(const struct checkpoint_place *place, struct removed_work *out,
                      struct err *err)
{
    struct view view;
    bool ok = folder_exists(place->spec.path) ? view_open(&view, place, err)
                                              : view_open_commits(&view, place, err);
    if (!ok)
        err_wrap(err,
                 "%s is not removed, for its work cannot be kept; to remove it without, "
                 "delete %s first",
                 place->spec.name, place->spec.path);
    ok = ok && tag_all(&view, out);
    out->left = view.snapshot.left_count;
    if (out->left)
        snprintf(out->first_left, sizeof out->first_left, "%s", view.snapshot.left.data);
    view_close(&view);
    return ok;
}

bool checkpoint_keep_removed(const struct checkpoint_place *place, bool again,
                             struct removed_work *out, struct err *err)
{
    bool has_work = false;
    char what[200];
    struct err reason;
    git_repository *repository = NULL;
    *out = (struct removed_work){0};
    // In doubt there is some.
    if (worktree_has_work(&place->spec, &has_work, what, sizeof what, &reason) && !has_work)
        return true;
    if (!repository_open(&repository, place->spec.repository, true, err))
        return folder_exists(place->spec.path)
                   ? err_wrap(err,
                              "%s is not removed, for its work can be kept nowhere: put %s back, "
                              "or delete %s",
                              place->spec.name, place->spec.repository, place->spec.path)
                   : true;
    bool kept = again && was_kept(repository, place->spec.name, out);
    git_repository_free(repository);
    return kept || keep_view(place, out, err);
}

bool checkpoint_clear_removed(const char *path, int64_t now_ms,
                              void (*found)(void *arg, const char *ref), void *arg, struct err *err)
{
    git_repository *repository = NULL;
    git_reference_iterator *all = NULL;
    const char *ref;
    if (!repository_open(&repository, path, true, err))
        return false;
    bool ok = git_reference_iterator_glob_new(&all, repository, REMOVED_REFS "*") == 0 ||
              git_fail(err, ERR_REPOSITORY, "cannot read " REMOVED_REFS);
    while (ok && git_reference_next_name(&ref, all) == 0) {
        git_tag *tag;
        bool old = tag_at(repository, ref, &tag) &&
                   now_ms / 1000 - git_tag_tagger(tag)->when.time > (int64_t)REMOVED_DAYS * DAY_S;
        git_tag_free(tag);
        if (!old)
            continue;
        if (found)
            found(arg, ref);
        else if (refs_remove(repository, ref, REFS_OURS) < 0)
            ok = git_fail(err, ERR_REPOSITORY, "cannot remove %s", ref);
    }
    git_reference_iterator_free(all);
    git_repository_free(repository);
    return ok;
}
