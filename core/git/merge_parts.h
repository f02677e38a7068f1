// SPDX-License-Identifier: MIT
// What core/git/merge*.c share: merging trees and histories in memory. Nobody else includes this;
// the door to all of it is core/git/merge.h.
//
// The rule of every doubt here: where git itself might give another result, it is a conflict.
#ifndef SWARMD_CORE_GIT_MERGE_PARTS_H
#define SWARMD_CORE_GIT_MERGE_PARTS_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/git/merge.h"

#include <git2.h>

enum {
    MERGE_PATHS_MAX = 1000000,        // that differ between the three trees
    MERGE_DEPTH_MAX = 256,            // of folders
    MERGE_TEXT_BYTES_MAX = 32 << 20,  // a larger file that both sides changed is a conflict
    MERGE_SCORED_BYTES_MAX = 4 << 20, // larger files are renamed only when they are the same
    MERGE_RENAME_PAIRS_MAX = 200000,  // of files that are compared
    MERGE_RECURSION_MAX = 3,          // bases of bases
};

struct merge_entry { // of a tree; mode 0: there is none
    git_oid id;
    uint32_t mode;
};

// One path at which the three trees are not all the same.
struct merge_path {
    char *path;
    struct merge_entry base, ours, theirs;
    struct merge_entry result; // with a conflict: what a worktree gets, with markers where it can
    const char *conflict;      // its kind (merge.h), or NULL
    const char *other;         // of a conflict: the path that it has on the other side, or NULL
    // Their folder is not on the other side any more: it may have been renamed.
    bool ours_folder_gone, theirs_folder_gone;
};

struct merge_result {
    git_repository *repository;
    struct merge_path *paths; // by path
    size_t count, capacity;
    size_t conflicts;
    const char *our_name, *their_name; // in markers
};

// NULL trees are empty. False: it could not be looked at.
bool merge_trees(struct merge_result *result, git_repository *repository, git_tree *base,
                 git_tree *ours, git_tree *theirs, struct err *err);
void merge_result_init(struct merge_result *result, git_repository *repository, const char *ours,
                       const char *theirs);
void merge_result_release(struct merge_result *result);
void merge_conflict(struct merge_result *result, struct merge_path *path, const char *kind,
                    const struct merge_path *other); // the first one of a path stays
struct merge_path *merge_find(const struct merge_result *result, const char *path);

// The tree that `result` makes of `ours`, written to the repository; conflicts as they stand in it.
bool merge_write(const struct merge_result *result, git_tree *ours, git_oid *tree, struct err *err);

// The result of merging two commits, with the bases that their histories have, or with `base` when
// that is not NULL. No common history is ERR_REFUSED.
bool merge_histories(struct merge_result *result, const git_oid *base, const git_oid *ours,
                     const git_oid *theirs, struct err *err);
bool merge_tree_of(git_tree **tree, git_repository *repository, const git_oid *commit,
                   struct err *err);
// What `tree` changes of the commit, as `ours`. To be released in any case.
bool merge_changes(struct merge_result *changes, git_repository *repository, const git_oid *commit,
                   const git_oid *tree, struct err *err);

void merge_add_dirty(struct merge_plan *plan, const char *path, const char *why);

// --- merge_walk.c ---
bool merge_walk(struct merge_result *result, git_tree *base, git_tree *ours, git_tree *theirs,
                struct err *err);

// --- merge_rename.c: where a file that one side has no more went to ---
enum merge_rename { RENAME_NONE, RENAME_CLEAR, RENAME_UNCLEAR };
struct merge_renames;
struct merge_renames *merge_renames_new(struct merge_result *result);
void merge_renames_free(struct merge_renames *renames);
enum merge_rename merge_renamed(struct merge_renames *renames, const struct merge_path *source,
                                bool by_us, struct merge_path **target);

// --- merge_text.c ---
// The merge of three files (base->mode 0: two that were added). NULL when it is clean, else the
// kind of conflict, with the text that has markers, if there can be one, as the result.
const char *merge_files(struct merge_result *result, const char *path,
                        const struct merge_entry *base, const struct merge_entry *ours,
                        const struct merge_entry *theirs, struct merge_entry *merged);

static inline bool merge_same(const struct merge_entry *a, const struct merge_entry *b)
{
    return a->mode == b->mode && (a->mode == 0 || git_oid_equal(&a->id, &b->id));
}

static inline bool merge_is_file(const struct merge_entry *entry)
{
    return entry->mode == GIT_FILEMODE_BLOB || entry->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

#endif
