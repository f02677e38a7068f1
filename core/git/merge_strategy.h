// SPDX-License-Identifier: MIT
// The four ways to bring a commit into another, in memory.
#ifndef SWARMD_CORE_GIT_MERGE_STRATEGY_H
#define SWARMD_CORE_GIT_MERGE_STRATEGY_H

#include "core/git/merge_commit.h"

struct merging {
    const struct merge_spec *spec;
    struct merge_plan *plan;
    git_repository *repository;
    struct merge_author by;
    git_oid target, work; // the commits
};

// The tree that comes out, and, unless it is a dry run, the commit. ERR_CONFLICT fills the plan.
bool merge_by_strategy(struct merging *merging, git_oid *tree, git_oid *commit, struct err *err);

// What an earlier squash took along, when both sides still have it: from there it goes on.
bool merge_find_base(const struct merging *merging, git_oid *base);
bool merge_is_within(git_repository *repository, const git_oid *commit, const git_oid *history);

// merge.c: keeps what will be needed, in refs/swarmd/<name>/. Fills plan->work_id and work.
bool merge_open(struct merging *merging, struct err *err); // the repository
bool merge_make_work(struct merging *merging, const git_oid *head, const git_oid *tree,
                     struct err *err);
bool merge_list_files(struct merging *merging, const git_oid *old, const git_oid *tree,
                      struct err *err);
bool merge_keep(struct merging *merging, const git_oid *commit, struct err *err);
// What a plan kept that was done, given up, or left by a crash before its intent was stored.
void merge_let_go(git_repository *repository, const char *name);
// merge_update.c
bool update_apply(const struct merge_spec *spec, struct merge_plan *plan, struct err *err);
bool update_reconcile(const struct worktree_spec *agent, struct merge_plan *plan, bool *done,
                      struct err *err);

// Puts the conflicts into the plan; with texts when they are to be shown. Always false.
bool merge_show_conflicts(const struct merge_result *result, struct merge_plan *plan, bool texts,
                          struct err *err);

#endif
