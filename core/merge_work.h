// SPDX-License-Identifier: MIT
// What an agent's worktree has: its newest commit, and what is not committed.
#ifndef SWARMD_CORE_MERGE_WORK_H
#define SWARMD_CORE_MERGE_WORK_H

#include "core/merge_parts.h"

// Imports what was committed. Fills plan->work_old, uncommitted, left; *head is that commit, and
// *tree of everything that is in the worktree.
bool work_look(const struct worktree_spec *agent, git_repository *repository,
               struct merge_plan *plan, git_oid *head, git_oid *tree, struct err *err);

// The worktree's HEAD and index go from one commit to the other, whose files are there already.
// Brings the branch along. Nothing to do when it is there already; ERR_WRONG_STATE when HEAD is
// elsewhere.
bool work_advance(const struct worktree_spec *agent, const char *from, const char *to,
                  struct err *err);

// The same for commits whose files differ: they are exchanged, too.
bool work_checkout(const struct worktree_spec *agent, const char *from, const char *to,
                   struct merge_plan *plan, struct err *err);

#endif
