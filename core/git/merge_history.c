// SPDX-License-Identifier: MIT
// Merging two commits: what their histories have in common, also when that is several commits, and
// writing the tree that comes out.
#include "core/base/mem.h"
#include "core/git/merge_parts.h"
#include "core/git/repository.h"

#include <string.h>

bool merge_tree_of(git_tree **tree, git_repository *repository, const git_oid *id, struct err *err)
{
    git_commit *commit = NULL;
    *tree = NULL;
    int code = git_commit_lookup(&commit, repository, id);
    if (code == 0)
        code = git_commit_tree(tree, commit);
    git_commit_free(commit);
    return code == 0 || git_fail(err, ERR_REPOSITORY, "cannot read the commit %s in %s",
                                 git_oid_tostr_s(id), git_repository_path(repository));
}

bool merge_changes(struct merge_result *changes, git_repository *repository, const git_oid *commit,
                   const git_oid *tree, struct err *err)
{
    git_tree *old = NULL, *new = NULL;
    merge_result_init(changes, repository, "", "");
    bool ok = merge_tree_of(&old, repository, commit, err);
    if (ok && git_tree_lookup(&new, repository, tree) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot read the tree %s in %s", git_oid_tostr_s(tree),
                      git_repository_path(repository));
    ok = ok && merge_walk(changes, old, new, old, err);
    git_tree_free(old);
    git_tree_free(new);
    return ok;
}

// --- the tree that comes out ---

struct write {
    const struct merge_result *result;
    struct err *err;
};

static bool write_folder(struct write *write, git_tree *old, size_t first, size_t end, size_t depth,
                         git_oid *id, bool *empty);

static bool put(struct write *write, git_treebuilder *builder, const char *name,
                const struct merge_entry *entry)
{
    int code = 0;
    if (entry->mode)
        code = git_treebuilder_insert(NULL, builder, name, &entry->id, entry->mode);
    else if (git_treebuilder_get(builder, name))
        code = git_treebuilder_remove(builder, name);
    return code == 0 || git_fail(write->err, ERR_REPOSITORY, "cannot make the tree with %s", name);
}

static bool put_folder(struct write *write, git_treebuilder *builder, git_tree *old,
                       const char *name, size_t first, size_t end, size_t depth)
{
    const git_tree_entry *entry = old ? git_tree_entry_byname(old, name) : NULL;
    struct merge_entry made = {.mode = GIT_FILEMODE_TREE};
    git_tree *below = NULL;
    bool empty = false;
    if (entry && git_tree_entry_type(entry) == GIT_OBJECT_TREE &&
        git_tree_lookup(&below, write->result->repository, git_tree_entry_id(entry)) < 0)
        return git_fail(write->err, ERR_REPOSITORY, "cannot read the folder %s", name);
    bool ok = write_folder(write, below, first, end, depth, &made.id, &empty);
    git_tree_free(below);
    if (empty)
        made.mode = 0;
    return ok && put(write, builder, name, &made);
}

// All paths of [first, end) begin with the same `depth` bytes, the folder's. Of a name, the paths
// below it and itself need not stand together ("a", "a-b", "a/b"): leaves are put first if they
// go, and last if they come.
static bool write_names(struct write *write, git_treebuilder *builder, git_tree *old, size_t first,
                        size_t end, size_t depth)
{
    const struct merge_path *paths = write->result->paths;
    bool ok = true;
    for (size_t i = first; i < end && ok; i++) {
        const char *name = paths[i].path + depth;
        if (!strchr(name, '/') && !paths[i].result.mode) {
            const git_tree_entry *there = git_treebuilder_get(builder, name);
            if (there && git_tree_entry_type(there) != GIT_OBJECT_TREE)
                ok = put(write, builder, name, &paths[i].result);
        }
    }
    for (size_t i = first; i < end && ok;) {
        const char *name = paths[i].path + depth, *slash = strchr(name, '/');
        size_t next = i + 1;
        if (slash) {
            size_t len = (size_t)(slash - name) + 1;
            while (next < end && strncmp(paths[next].path + depth, name, len) == 0)
                next++;
            char *folder = mem_dup(str_from(name, len - 1));
            ok = put_folder(write, builder, old, folder, i, next, depth + len);
            mem_free(folder);
        }
        i = next;
    }
    for (size_t i = first; i < end && ok; i++) {
        if (!strchr(paths[i].path + depth, '/') && paths[i].result.mode)
            ok = put(write, builder, paths[i].path + depth, &paths[i].result);
    }
    return ok;
}

static bool write_folder(struct write *write, git_tree *old, size_t first, size_t end, size_t depth,
                         git_oid *id, bool *empty)
{
    git_treebuilder *builder = NULL;
    if (git_treebuilder_new(&builder, write->result->repository, old) < 0)
        return git_fail(write->err, ERR_REPOSITORY, "cannot make a tree");
    bool ok = write_names(write, builder, old, first, end, depth);
    *empty = ok && git_treebuilder_entrycount(builder) == 0;
    if (ok && git_treebuilder_write(id, builder) < 0)
        ok = git_fail(write->err, ERR_REPOSITORY, "cannot write a tree to %s",
                      git_repository_path(write->result->repository));
    git_treebuilder_free(builder);
    return ok;
}

bool merge_write(const struct merge_result *result, git_tree *ours, git_oid *tree, struct err *err)
{
    struct write write = {.result = result, .err = err};
    bool empty;
    return write_folder(&write, ours, 0, result->count, 0, tree, &empty);
}

// --- histories ---

static bool merge_with(struct merge_result *result, git_tree *base, const git_oid *ours,
                       const git_oid *theirs, struct err *err)
{
    git_tree *our_tree = NULL, *their_tree = NULL;
    bool ok = merge_tree_of(&our_tree, result->repository, ours, err) &&
              merge_tree_of(&their_tree, result->repository, theirs, err) &&
              merge_trees(result, result->repository, base, our_tree, their_tree, err);
    git_tree_free(our_tree);
    git_tree_free(their_tree);
    return ok;
}

// Where the bases themselves are in conflict, only what both sides have alike is sure.
static void doubt(struct merge_result *result, const struct merge_result *bases)
{
    for (size_t i = 0; i < bases->count; i++) {
        const char *paths[] = {bases->paths[i].path, bases->paths[i].other};
        if (!bases->paths[i].conflict)
            continue;
        for (int k = 0; k < 2; k++) {
            struct merge_path *path = paths[k] ? merge_find(result, paths[k]) : NULL;
            if (path && !merge_same(&path->ours, &path->theirs))
                merge_conflict(result, path, "content", NULL);
        }
    }
}

static bool merge_recursive(struct merge_result *result, const git_oid *ours, const git_oid *theirs,
                            int depth, struct err *err);

// Several bases: as git does, they are merged with each other, and the tree of that is the base.
static bool merge_bases(struct merge_result *result, const git_oidarray *bases, const git_oid *ours,
                        const git_oid *theirs, int depth, struct err *err)
{
    struct merge_result between;
    git_tree *first = NULL, *base = NULL;
    git_oid tree;
    merge_result_init(&between, result->repository, "one base", "another base");
    bool ok = merge_recursive(&between, &bases->ids[0], &bases->ids[1], depth + 1, err) &&
              merge_tree_of(&first, result->repository, &bases->ids[0], err) &&
              merge_write(&between, first, &tree, err);
    if (ok && git_tree_lookup(&base, result->repository, &tree) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot read a tree");
    ok = ok && merge_with(result, base, ours, theirs, err);
    if (ok)
        doubt(result, &between);
    git_tree_free(base);
    git_tree_free(first);
    merge_result_release(&between);
    return ok;
}

static bool merge_recursive(struct merge_result *result, const git_oid *ours, const git_oid *theirs,
                            int depth, struct err *err)
{
    git_oidarray bases = {0};
    git_tree *base = NULL;
    int code = git_merge_bases(&bases, result->repository, ours, theirs);
    bool ok = true;
    if (code < 0 && code != GIT_ENOTFOUND)
        ok = git_fail(err, ERR_REPOSITORY, "cannot find what %s and %s have in common",
                      result->our_name, result->their_name);
    else if (bases.count == 0 && depth == 0)
        ok = err_set(err, ERR_REFUSED,
                     "%s and %s have no history in common (was one of them replaced?); git merge "
                     "--allow-unrelated-histories can do it",
                     result->our_name, result->their_name);
    else if (bases.count > 2 || (bases.count == 2 && depth == MERGE_RECURSION_MAX))
        ok = err_set(err, ERR_REFUSED,
                     "%s and %s have %zu latest commits in common, as they were merged crosswise; "
                     "merge them with git itself",
                     result->our_name, result->their_name, bases.count);
    else if (bases.count == 2)
        ok = merge_bases(result, &bases, ours, theirs, depth, err);
    else
        ok = (bases.count == 0 || merge_tree_of(&base, result->repository, &bases.ids[0], err)) &&
             merge_with(result, base, ours, theirs, err);
    git_tree_free(base);
    git_oidarray_dispose(&bases);
    return ok;
}

bool merge_histories(struct merge_result *result, const git_oid *base, const git_oid *ours,
                     const git_oid *theirs, struct err *err)
{
    git_tree *tree = NULL;
    if (!base)
        return merge_recursive(result, ours, theirs, 0, err);
    bool ok = merge_tree_of(&tree, result->repository, base, err) &&
              merge_with(result, tree, ours, theirs, err);
    git_tree_free(tree);
    return ok;
}
