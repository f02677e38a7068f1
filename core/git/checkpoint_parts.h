// SPDX-License-Identifier: MIT
// What the files of the checkpoints share (checkpoint*.c). Nobody else includes it.
#ifndef SWARMD_CORE_GIT_CHECKPOINT_PARTS_H
#define SWARMD_CORE_GIT_CHECKPOINT_PARTS_H

#include "core/base/json.h"
#include "core/git/checkpoint.h"
#include "core/git/snapshot.h"
#include "core/git/tree_diff.h"

#include <git2.h>

// One look at an agent's place.
struct view {
    const struct checkpoint_place *place;
    git_repository *repository; // the person's, looking at the worktree's files
    git_oid head;               // the agent's branch, or where it is gone the base
    git_oid merge_base;         // with the target
    struct snapshot snapshot;
    git_oid tree; // of the snapshot
    struct err *err;
};

// Opens, finds head and merge base, takes the snapshot. view_close() also after a failure.
bool view_open(struct view *view, const struct checkpoint_place *place, struct err *err);
// The same without the files: of a worktree whose folder is gone. The tree is that of head.
bool view_open_commits(struct view *view, const struct checkpoint_place *place, struct err *err);
void view_close(struct view *view);

// "refs/swarmd/<id>/<name>" from `name` onwards ("" for the folder); mem_free.
char *checkpoint_ref(const char *agent, const char *name);
// The commit that a name means. ERR_PARAMS when there is none.
bool checkpoint_find(struct view *view, struct str name, git_oid *commit, struct err *err);
bool commit_tree(git_repository *repository, const git_oid *commit, git_tree **tree,
                 struct err *err);

// Keeps view->tree as a commit, unless it is the parent's tree. reason: "turn", "rewind", "revert".
bool checkpoint_keep(struct view *view, int64_t turn, const char *parent, const char *reason,
                     struct checkpoint_result *result);
// The snapshot's objects and the commit (or tag) are on the disk; then a new ref may name it.
void checkpoint_sync(struct view *view, const git_oid *commit);
bool checkpoint_set_ref(git_repository *repository, const char *ref, const git_oid *id);
// Numbers of view->tree against the merge base, and what was left out.
bool checkpoint_count(struct view *view, struct checkpoint_result *result);
// The same after files were written: takes another snapshot.
bool checkpoint_look_again(struct view *view, struct checkpoint_result *result);
// Fills the numbers of all files, for at most DIFF_COUNT_MS_MAX.
bool diff_count_all(struct view *view, struct tree_diff *diff, struct changes *changes);

// --- files of the worktree (checkpoint_write.c) ---

// Writes `id` (of `mode`) to path, as a checkout would: attributes come from `commit`, or from the
// worktree when it is NULL. Replaces what is there at once; a folder there must be empty.
bool worktree_put(struct view *view, const char *path, const git_oid *id, uint16_t mode,
                  const git_oid *commit);
// Removes a file or symlink, and folders above it that are empty then. Missing is no error.
bool worktree_take(struct view *view, const char *path);
// Would a file at path take the place of one that the snapshot does not hold?
bool worktree_has_other(struct view *view, const char *path);

#endif
