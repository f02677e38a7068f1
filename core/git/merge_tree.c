// SPDX-License-Identifier: MIT
// Three trees into one. What only one side changed is taken; what both changed is merged by its
// lines; everything about renames and folders that is not plain is a conflict.
#include "core/base/mem.h"
#include "core/git/merge_parts.h"
#include "core/git/repository.h"

#include <string.h>

void merge_result_init(struct merge_result *result, git_repository *repository, const char *ours,
                       const char *theirs)
{
    *result =
        (struct merge_result){.repository = repository, .our_name = ours, .their_name = theirs};
}

void merge_result_release(struct merge_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        mem_free(result->paths[i].path);
    mem_free(result->paths);
    result->paths = NULL;
    result->count = result->capacity = result->conflicts = 0;
}

void merge_conflict(struct merge_result *result, struct merge_path *path, const char *kind,
                    const struct merge_path *other)
{
    if (!path->conflict) {
        result->conflicts++;
        path->conflict = kind;
        path->other = other && other != path ? other->path : NULL;
    }
}

static bool is_changed_by_both(const struct merge_path *path)
{
    return !merge_same(&path->ours, &path->theirs) && !merge_same(&path->base, &path->ours) &&
           !merge_same(&path->base, &path->theirs);
}

static void take_plain(struct merge_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        struct merge_path *path = &result->paths[i];
        bool theirs = merge_same(&path->base, &path->ours);
        path->result = theirs ? path->theirs : path->ours;
    }
}

// One side has it no more; the other changed it. Has it only moved?
static void merge_gone(struct merge_result *result, struct merge_renames *renames,
                       struct merge_path *path)
{
    bool by_us = !path->ours.mode;
    struct merge_entry *changed = by_us ? &path->theirs : &path->ours;
    struct merge_path *target;
    enum merge_rename rename = merge_renamed(renames, path, by_us, &target);
    struct merge_entry *in_the_way =
        rename == RENAME_CLEAR ? (by_us ? &target->theirs : &target->ours) : NULL;
    path->result = *changed;
    if (rename != RENAME_CLEAR || in_the_way->mode) {
        merge_conflict(result, path, rename == RENAME_NONE ? "deleted" : "renamed", target);
        return;
    }
    struct merge_entry *moved = by_us ? &target->ours : &target->theirs;
    const struct merge_entry *ours = by_us ? moved : changed, *theirs = by_us ? changed : moved;
    const char *kind =
        merge_files(result, target->path, &path->base, ours, theirs, &target->result);
    path->result.mode = 0;
    if (kind)
        merge_conflict(result, target, kind, path);
}

// Gone on both sides: to the same place, or nowhere.
static void check_gone(struct merge_result *result, struct merge_renames *renames,
                       struct merge_path *path)
{
    struct merge_path *by_us, *by_them;
    enum merge_rename ours = merge_renamed(renames, path, true, &by_us);
    enum merge_rename theirs = merge_renamed(renames, path, false, &by_them);
    if (ours == RENAME_NONE && theirs == RENAME_NONE)
        return;
    if (ours == RENAME_UNCLEAR || theirs == RENAME_UNCLEAR) {
        merge_conflict(result, path, "renamed", by_us ? by_us : by_them);
        return;
    }
    if (by_us != by_them) {
        struct merge_path *shown = by_us ? by_us : by_them;
        merge_conflict(result, shown, "renamed", path);
        if (by_them && by_them != shown)
            merge_conflict(result, by_them, "renamed", path);
        return;
    }
    by_us->base = path->base; // not two files that were added
}

// --- folders ---

struct folder { // the outermost one of a path, and what was found for it
    struct str name;
    const struct merge_path *moved;
};

// Was a file of this folder, from a part of it that this side has no more, renamed by this side?
static const struct merge_path *renamed_folder(struct merge_result *result,
                                               struct merge_renames *renames, struct folder *known,
                                               const char *path, bool by_us)
{
    struct str name = str_from(path, strcspn(path, "/") + 1);
    if (str_equal(known->name, name))
        return known->moved;
    *known = (struct folder){name, NULL};
    for (size_t i = 0; i < result->count && !known->moved; i++) {
        const struct merge_path *other = &result->paths[i];
        bool folder_gone = by_us ? other->ours_folder_gone : other->theirs_folder_gone;
        bool gone = other->base.mode && !(by_us ? other->ours.mode : other->theirs.mode);
        struct merge_path *target;
        if (gone && folder_gone && str_starts(str_of(other->path), name) &&
            merge_renamed(renames, other, by_us, &target) != RENAME_NONE)
            known->moved = other;
    }
    return known->moved;
}

static void check_folders(struct merge_result *result, struct merge_renames *renames)
{
    struct folder by_us = {0}, by_them = {0};
    for (size_t i = 0; i < result->count; i++) {
        struct merge_path *path = &result->paths[i];
        bool added_by_us = !path->base.mode && path->ours.mode && path->theirs_folder_gone;
        bool added_by_them = !path->base.mode && path->theirs.mode && path->ours_folder_gone;
        const struct merge_path *moved = NULL;
        if (added_by_us)
            moved = renamed_folder(result, renames, &by_them, path->path, false);
        if (!moved && added_by_them)
            moved = renamed_folder(result, renames, &by_us, path->path, true);
        if (moved)
            merge_conflict(result, path, "folder", moved);
    }
}

// A file where another path needs a folder.
static void check_files_and_folders(struct merge_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        struct merge_path *path = &result->paths[i];
        if (!path->result.mode)
            continue;
        char *above = mem_dup(str_of(path->path));
        for (char *slash = strrchr(above, '/'); slash; slash = strrchr(above, '/')) {
            *slash = '\0';
            struct merge_path *file = merge_find(result, above);
            if (!file || !file->result.mode)
                continue;
            merge_conflict(result, file, "folder", path);
            // Both cannot stand in one tree.
            if (file->ours.mode)
                path->result.mode = 0;
            else
                file->result.mode = 0;
        }
        mem_free(above);
    }
}

// --- all of it ---

static void merge_changed(struct merge_result *result, struct merge_renames *renames)
{
    for (size_t i = 0; i < result->count; i++) {
        struct merge_path *path = &result->paths[i];
        if (path->base.mode && !path->ours.mode && !path->theirs.mode)
            check_gone(result, renames, path);
    }
    for (size_t i = 0; i < result->count; i++) {
        struct merge_path *path = &result->paths[i];
        bool one_gone = path->base.mode && !path->ours.mode != !path->theirs.mode;
        if (is_changed_by_both(path) && one_gone)
            merge_gone(result, renames, path);
    }
    for (size_t i = 0; i < result->count; i++) {
        struct merge_path *path = &result->paths[i];
        bool both_there = path->ours.mode && path->theirs.mode;
        if (!is_changed_by_both(path) || !both_there)
            continue;
        const char *kind =
            merge_files(result, path->path, &path->base, &path->ours, &path->theirs, &path->result);
        if (kind)
            merge_conflict(result, path, kind, NULL);
    }
}

bool merge_trees(struct merge_result *result, git_repository *repository, git_tree *base,
                 git_tree *ours, git_tree *theirs, struct err *err)
{
    result->repository = repository;
    if (!merge_walk(result, base, ours, theirs, err))
        return false;
    take_plain(result);
    struct merge_renames *renames = merge_renames_new(result);
    merge_changed(result, renames);
    check_folders(result, renames);
    merge_renames_free(renames);
    check_files_and_folders(result);
    return true;
}
