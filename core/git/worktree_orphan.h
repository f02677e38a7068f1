// SPDX-License-Identifier: MIT
// One orphan: where it belongs, and what would be lost with it. For core/git/worktree_orphans.c
// only.
#ifndef SWARMD_CORE_GIT_WORKTREE_ORPHAN_H
#define SWARMD_CORE_GIT_WORKTREE_ORPHAN_H

#include "core/git/worktree_orphans.h"

// orphan->repository, by the record of its git directory or by the folder itself.
void orphan_find_repository(const struct orphan_search *search, struct orphan *orphan);
void orphan_find_work(const struct orphan_search *search, struct orphan *orphan);

#endif
