// SPDX-License-Identifier: MIT
// A look at an agent's place: the person's repository, opened so that it sees the worktree.
#include "core/base/mem.h"
#include "core/git/checkpoint_parts.h"
#include "core/git/repository.h"

#include <git2/sys/repository.h>
#include <string.h>

// The person's own index stays out of it: filters look into this one.
static bool set_index(git_repository *repository)
{
    git_index *index = NULL;
    int code = git_index_new(&index);
    if (code == 0)
        code = git_repository_set_index(repository, index);
    git_index_free(index);
    return code == 0;
}

// libgit2 1.5 leaks the path when it is the folder that the repository has already.
static bool set_folder(git_repository *repository, const char *path)
{
    const char *present = git_repository_workdir(repository);
    size_t len = strlen(path);
    if (present && strncmp(present, path, len) == 0 && strcmp(present + len, "/") == 0)
        return true;
    return git_repository_set_workdir(repository, path, 0) == 0;
}

static bool open_repository(struct view *view)
{
    const struct checkpoint_place *place = view->place;
    if (!worktree_check_place(&place->spec, view->err) ||
        !repository_open(&view->repository, place->spec.repository, true, view->err))
        return false;
    return (set_folder(view->repository, place->spec.path) && set_index(view->repository)) ||
           git_fail(view->err, ERR_WORKTREE, "cannot look at %s", place->spec.path);
}

static bool branch_id(git_repository *repository, const char *kind, const char *name, git_oid *id)
{
    char *ref = mem_format("refs/%s/%s", kind, name);
    bool found = git_reference_name_to_id(id, repository, ref) == 0;
    mem_free(ref);
    return found;
}

// The target may have been deleted meanwhile; then the base is all that is known.
static void find_merge_base(struct view *view, const git_oid *base)
{
    const char *target = view->place->target;
    git_oid id, common;
    view->merge_base = *base;
    bool found = target && (branch_id(view->repository, "heads", target, &id) ||
                            branch_id(view->repository, "remotes", target, &id));
    if (found && git_merge_base(&common, view->repository, &view->head, &id) == 0)
        view->merge_base = common;
}

static void find_head(struct view *view, const git_oid *base)
{
    const struct worktree_spec *spec = &view->place->spec;
    char *own = mem_format("swarmd/%s", spec->name);
    bool found = spec->branch
                     ? branch_id(view->repository, own, "tip", &view->head) ||
                           branch_id(view->repository, "heads", spec->branch, &view->head)
                     : git_reference_name_to_id(&view->head, view->repository, "HEAD") == 0;
    if (!found)
        view->head = *base;
    mem_free(own);
}

static bool find_commits(struct view *view)
{
    const struct checkpoint_place *place = view->place;
    struct worktree_import import;
    struct err ignored;
    git_oid base;
    if (place->spec.branch)
        worktree_import(&place->spec, &import, &ignored);
    if (git_oid_fromstr(&base, place->spec.base) < 0)
        return git_fail(view->err, ERR_WORKTREE, "'%s' is no commit", place->spec.base);
    find_head(view, &base);
    find_merge_base(view, &base);
    return true;
}

bool commit_tree(git_repository *repository, const git_oid *id, git_tree **tree, struct err *err)
{
    git_commit *commit = NULL;
    *tree = NULL;
    bool ok = git_commit_lookup(&commit, repository, id) == 0 && git_commit_tree(tree, commit) == 0;
    git_commit_free(commit);
    return ok || git_fail(err, ERR_WORKTREE, "cannot read the commit %s", git_oid_tostr_s(id));
}

static bool look(struct view *view)
{
    git_tree *tracked = NULL;
    bool ok = commit_tree(view->repository, &view->head, &tracked, view->err) &&
              snapshot_take(view->repository, view->place->spec.path, tracked, view->place->cache,
                            &view->snapshot, &view->tree, view->err);
    git_tree_free(tracked);
    return ok;
}

bool view_open(struct view *view, const struct checkpoint_place *place, struct err *err)
{
    *view = (struct view){.place = place, .err = err};
    snapshot_init(&view->snapshot);
    return open_repository(view) && find_commits(view) && look(view);
}

bool view_open_commits(struct view *view, const struct checkpoint_place *place, struct err *err)
{
    git_tree *tree = NULL;
    *view = (struct view){.place = place, .err = err};
    snapshot_init(&view->snapshot);
    bool ok = repository_open(&view->repository, place->spec.repository, true, err) &&
              find_commits(view) && commit_tree(view->repository, &view->head, &tree, err);
    if (ok)
        view->tree = *git_tree_id(tree);
    git_tree_free(tree);
    return ok;
}

void view_close(struct view *view)
{
    snapshot_release(&view->snapshot);
    git_repository_free(view->repository);
}

bool checkpoint_look_again(struct view *view, struct checkpoint_result *result)
{
    snapshot_release(&view->snapshot);
    snapshot_init(&view->snapshot);
    return look(view) && checkpoint_count(view, result);
}

bool checkpoint_seed(const struct checkpoint_place *place, struct err *err)
{
    char *index = mem_format("%s/index", place->spec.git);
    bool ok = snapshot_seed(index, place->cache, err);
    mem_free(index);
    return ok;
}
