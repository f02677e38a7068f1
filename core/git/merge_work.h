// SPDX-License-Identifier: MIT
// What an agent's worktree has: its newest commit, and what is not committed.
#ifndef SWARMD_CORE_GIT_MERGE_WORK_H
#define SWARMD_CORE_GIT_MERGE_WORK_H

#include "core/git/merge_parts.h"

// Imports what was committed. Fills plan->work_old, uncommitted, left; *head is that commit, and
// *tree of everything that is in the worktree.
bool work_look(const struct merge_spec *spec, git_repository *repository, struct merge_plan *plan,
               git_oid *head, git_oid *tree, struct err *err);

// Is the worktree in the middle of a merge, which `tree` is to end? Then `other` is what is merged.
// ERR_CONFLICT, with plan->conflicts, while there are markers in its files.
bool work_merged(const struct worktree_spec *agent, git_repository *repository,
                 struct merge_plan *plan, const git_oid *head, const git_oid *tree, git_oid *other,
                 bool *is_merge, struct err *err);
// Begins one: HEAD stays, the index has the conflicts of the plan.
bool work_begin_merge(git_repository *worktree, const struct merge_plan *plan, struct err *err);
bool work_note_conflicts(git_repository *worktree, const struct merge_plan *plan, struct err *err);

// The worktree's HEAD and index go from one commit to the other, whose files are there already.
// Brings the branch along. Nothing to do when it is there already; ERR_WRONG_STATE when HEAD is
// elsewhere.
bool work_advance(const struct worktree_spec *agent, const char *from, const char *to,
                  struct err *err);

// Opens the worktree, whose HEAD must be `from`, or `to` (*there).
bool work_open(git_repository **repository, const struct worktree_spec *agent, const char *from,
               const char *to, bool *there, struct err *err);
bool work_set_head(git_repository *repository, const char *from, const char *to, struct err *err);
bool work_bring_branch(const struct worktree_spec *agent, struct err *err);

#endif
