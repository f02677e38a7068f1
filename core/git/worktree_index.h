// SPDX-License-Identifier: MIT
// Writes the index of a plan as git has it, with the trees it was made from. For
// core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_INDEX_H
#define SWARMD_CORE_GIT_WORKTREE_INDEX_H

#include "core/git/worktree_plan.h"

enum { INDEX_BYTES_MAX = 0x7fffffff };

bool plan_write_index(const struct plan *plan, const char *file, struct err *err);

#endif
