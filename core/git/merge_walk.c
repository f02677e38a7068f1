// SPDX-License-Identifier: MIT
// Three trees side by side: every path at which they are not all the same.
#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/merge_parts.h"
#include "core/git/repository.h"

#include <stdlib.h>
#include <string.h>

enum { BASE, OURS, THEIRS, SIDES };

struct walk {
    struct merge_result *result;
    struct err *err;
    int depth;
    bool gone[SIDES]; // the folder was in the base, and is not on that side
};

static bool walk_folder(struct walk *walk, const char *folder, git_tree *trees[SIDES]);

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The names of all three, each once.
static const char **names_of(git_tree *trees[SIDES], size_t *count)
{
    size_t total = 0, kept = 0;
    for (int i = 0; i < SIDES; i++)
        total += trees[i] ? git_tree_entrycount(trees[i]) : 0;
    const char **names = mem_new_array(total + 1, sizeof(*names));
    size_t n = 0;
    for (int i = 0; i < SIDES; i++) {
        for (size_t k = 0; trees[i] && k < git_tree_entrycount(trees[i]); k++)
            names[n++] = git_tree_entry_name(git_tree_entry_byindex(trees[i], k));
    }
    qsort(names, total, sizeof(*names), by_text);
    for (size_t i = 0; i < total; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
            names[kept++] = names[i];
    }
    *count = kept;
    return names;
}

static struct merge_entry entry_of(const git_tree_entry *entry)
{
    struct merge_entry found = {0};
    if (entry) {
        found.id = *git_tree_entry_id(entry);
        found.mode = git_tree_entry_filemode(entry);
    }
    return found;
}

static bool add_path(struct walk *walk, char *path, const struct merge_entry entries[SIDES])
{
    struct merge_result *result = walk->result;
    if (result->count == MERGE_PATHS_MAX)
        return err_set(walk->err, ERR_LIMIT, "more than %d files differ: merge with git itself",
                       MERGE_PATHS_MAX);
    if (result->count == result->capacity) {
        result->capacity = result->capacity ? 2 * result->capacity : 64;
        result->paths = mem_resize(result->paths, result->capacity, sizeof(*result->paths));
    }
    struct merge_path *added = &result->paths[result->count++];
    *added = (struct merge_path){
        .path = mem_dup(str_of(path)),
        .base = entries[BASE],
        .ours = entries[OURS],
        .theirs = entries[THEIRS],
        .ours_folder_gone = walk->gone[OURS],
        .theirs_folder_gone = walk->gone[THEIRS],
    };
    return true;
}

static bool walk_below(struct walk *walk, const char *path, const struct merge_entry entries[SIDES])
{
    struct walk below = *walk;
    git_tree *trees[SIDES] = {NULL};
    bool ok = true;
    if (++below.depth > MERGE_DEPTH_MAX)
        return err_set(walk->err, ERR_LIMIT, "%s is more than %d folders deep", path,
                       MERGE_DEPTH_MAX);
    for (int i = 0; i < SIDES && ok; i++) {
        bool there = entries[i].mode == GIT_FILEMODE_TREE;
        if (there && git_tree_lookup(&trees[i], walk->result->repository, &entries[i].id) < 0)
            ok = git_fail(walk->err, ERR_REPOSITORY, "cannot read the folder %s", path);
        below.gone[i] =
            walk->gone[i] || (i != BASE && entries[BASE].mode == GIT_FILEMODE_TREE && !there);
    }
    ok = ok && walk_folder(&below, path, trees);
    for (int i = 0; i < SIDES; i++)
        git_tree_free(trees[i]);
    return ok;
}

static bool walk_name(struct walk *walk, const char *path, git_tree *trees[SIDES], const char *name)
{
    struct merge_entry entries[SIDES] = {0}, files[SIDES] = {0};
    bool folders = false, leaves = false;
    for (int i = 0; i < SIDES; i++) {
        entries[i] = entry_of(trees[i] ? git_tree_entry_byname(trees[i], name) : NULL);
        bool folder = entries[i].mode == GIT_FILEMODE_TREE;
        folders |= folder;
        leaves |= entries[i].mode && !folder;
        if (!folder)
            files[i] = entries[i];
    }
    if (merge_same(&entries[BASE], &entries[OURS]) && merge_same(&entries[BASE], &entries[THEIRS]))
        return true;
    // git never makes such a tree, but who writes objects by hand can.
    if (file_is_git(name) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return err_set(walk->err, ERR_REFUSED,
                       "there is a file named '%s' in the commits: git "
                       "would not take that either",
                       path);
    return (!leaves || add_path(walk, (char *)path, files)) &&
           (!folders || walk_below(walk, path, entries));
}

static bool walk_folder(struct walk *walk, const char *folder, git_tree *trees[SIDES])
{
    size_t count;
    const char **names = names_of(trees, &count);
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++) {
        char *path = *folder ? mem_format("%s/%s", folder, names[i]) : mem_dup(str_of(names[i]));
        ok = walk_name(walk, path, trees, names[i]);
        mem_free(path);
    }
    mem_free(names);
    return ok;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct merge_path *)a)->path, ((const struct merge_path *)b)->path);
}

bool merge_walk(struct merge_result *result, git_tree *base, git_tree *ours, git_tree *theirs,
                struct err *err)
{
    struct walk walk = {.result = result, .err = err};
    git_tree *trees[SIDES] = {base, ours, theirs};
    if (!walk_folder(&walk, "", trees))
        return false;
    if (result->count)
        qsort(result->paths, result->count, sizeof(*result->paths), by_path);
    return true;
}

struct merge_path *merge_find(const struct merge_result *result, const char *path)
{
    struct merge_path key = {.path = (char *)path};
    if (!result->count)
        return NULL;
    return bsearch(&key, result->paths, result->count, sizeof(key), by_path);
}
