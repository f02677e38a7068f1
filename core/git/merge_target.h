// SPDX-License-Identifier: MIT
// The branch that work is brought into: what it is, and who has it checked out.
#ifndef SWARMD_CORE_GIT_MERGE_TARGET_H
#define SWARMD_CORE_GIT_MERGE_TARGET_H

#include "core/git/merge_parts.h"

// Fills plan->into, ref and old_id.
bool target_read(const struct merge_spec *spec, git_repository *repository, struct merge_plan *plan,
                 struct err *err);
// And folder. ERR_REFUSED for one that is checked out in another
// worktree, or in the middle of a rebase or the like.
bool target_find(const struct merge_spec *spec, git_repository *repository, struct merge_plan *plan,
                 struct err *err);
// Is it still (not) checked out in the tree of `repository`, as plan->folder says?
bool target_is_same(git_repository *repository, const struct merge_plan *plan, struct err *err);

#endif
