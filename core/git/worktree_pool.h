// SPDX-License-Identifier: MIT
// Worktrees that were made ahead: `<pool>/<name>/` with `tree/` and `index`. For
// core/git/worktree*.c only.
//
// One is used by a rename of its tree, which leaves the stat data of the index true, and never
// comes back: what an agent has worked in is removed, since to prove that nothing of it is left
// (ignored files, modes, attributes) costs as much as to write it anew.
//
// The name is <repository>-<key>-<bytes>-<number>. The key is a hash of all that decides what is
// in the files: commit, patterns, settings, the person's attributes.
#ifndef SWARMD_CORE_GIT_WORKTREE_POOL_H
#define SWARMD_CORE_GIT_WORKTREE_POOL_H

#include "core/git/worktree.h"

struct git_repository;

enum {
    POOL_ITEMS_MAX = 1000,
    POOL_LEFTOVER_S = 3600, // after that, what was begun by a server that was killed is removed
};

// Moves one to spec->path, and its index to `index`. False when there is none, or it cannot be
// had: then nothing is at spec->path.
bool pool_take(struct git_repository *repository, const struct worktree_spec *spec,
               const char *index);

#endif
