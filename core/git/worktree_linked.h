// SPDX-License-Identifier: MIT
// Worktrees of an older swarmd, linked to their repository (`.git/worktrees/<name>`). None are
// made any more; those that are there go on as they are until they are removed. For
// core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_LINKED_H
#define SWARMD_CORE_GIT_WORKTREE_LINKED_H

#include "core/git/worktree.h"

struct git_repository;

// Is there one, finished, of this name and at this path?
bool linked_is_made(struct git_repository *repository, const struct worktree_spec *spec);
// Takes away what a server left that was killed while it made one, but not a branch with commits.
bool linked_clear_unfinished(struct git_repository *repository, const struct worktree_spec *spec,
                             struct err *err);
// ERR_WORKTREE when a person has locked it.
bool linked_check_unlocked(struct git_repository *repository, const struct worktree_spec *spec,
                           struct err *err);
// The entry in .git/worktrees, when it is ours.
bool linked_remove(struct git_repository *repository, const struct worktree_spec *spec,
                   struct err *err);
// Its HEAD; "" when there is none to be had, which is no error.
bool linked_head(const struct worktree_spec *spec, struct worktree_import *out, struct err *err);

#endif
