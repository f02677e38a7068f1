// SPDX-License-Identifier: MIT
// What differs between two trees: files, renames, numbers of lines, patches. For
// core/git/checkpoint*.c and core/git/tree_*.c only; runs on LANE_GIT.
//
// Renames are found as `git diff -M` of git 2.39 finds them: the same content first, then a base
// name that only one removed and one new file have, then the most alike; at least half of the
// larger file must be in the other. Binary is what has a NUL among its first 8000 bytes, or what
// .gitattributes says so of.
#ifndef SWARMD_CORE_GIT_TREE_DIFF_H
#define SWARMD_CORE_GIT_TREE_DIFF_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <git2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TREE_FILE_BYTES_MAX = 8 << 20, // a larger file is summarised: no lines are compared
    TREE_RENAMES_MAX = 1000,       // new times removed files is at most the square of it;
    TREE_RENAME_BYTES_MAX =
        128 << 20, // beyond, or when more would be read, only moved ones are found
    TREE_SCORE_MAX = 60000,
    TREE_SCORE_MIN = TREE_SCORE_MAX / 2,
};

enum tree_status { TREE_ADDED, TREE_MODIFIED, TREE_REMOVED, TREE_RENAMED, TREE_RETYPED };
const char *tree_status_name(enum tree_status status); // "added" ...

struct tree_file {
    enum tree_status status;
    char *path;     // of the new side; of the old one where it was removed
    char *old_path; // of a renamed one, else NULL
    git_oid old_id, new_id;
    uint16_t old_mode, new_mode; // 0: not there
    int score;                   // of a renamed one
    // filled by tree_file_compare()
    int64_t added, removed;
    bool compared, binary, large; // large: over TREE_FILE_BYTES_MAX
};

struct tree_diff {
    struct tree_file *files; // by path
    size_t count;
};

// old_tree NULL is the empty tree.
bool tree_diff_make(git_repository *repository, git_tree *old_tree, git_tree *new_tree,
                    struct tree_diff *diff, struct err *err);
void tree_diff_release(struct tree_diff *diff);

// ERR_WORKTREE when a .gitattributes above path is no regular file: libgit2 would hang on a pipe.
bool tree_attributes_are_safe(git_repository *repository, const char *path, struct err *err);
// By attributes, else by content. The attributes must be safe.
bool tree_is_text(git_repository *repository, const char *path, const void *bytes, size_t len);

// Merges pairs of removed and added files into renamed ones.
bool tree_find_renames(git_repository *repository, struct tree_diff *diff, struct err *err);

// Fills the numbers. *patch is NULL when there are no lines to show (binary, large, a submodule,
// or only the mode or name changed); git_patch_free() it. patch itself may be NULL.
bool tree_file_compare(git_repository *repository, struct tree_file *file, git_patch **patch,
                       struct err *err);

// The lines of a hunk as a number: what tells a stale hunk from the one that was meant.
bool tree_hunk_hash(git_patch *patch, size_t hunk, uint64_t *hash);

// Appends what git apply takes (for a binary or large file only that it differs).
bool tree_file_write_patch(git_repository *repository, struct tree_file *file, git_patch *patch,
                           struct buf *out, struct err *err);

#endif
