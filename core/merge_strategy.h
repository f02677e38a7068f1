// SPDX-License-Identifier: MIT
// The four ways to bring a commit into another, in memory.
#ifndef SWARMD_CORE_MERGE_STRATEGY_H
#define SWARMD_CORE_MERGE_STRATEGY_H

#include "core/merge_commit.h"

struct merging {
    const struct merge_spec *spec;
    struct merge_plan *plan;
    git_repository *repository;
    struct merge_author by;
    git_oid target, work; // the commits
};

// The tree that comes out, and, unless it is a dry run, the commit. ERR_CONFLICT fills the plan.
bool merge_by_strategy(struct merging *merging, git_oid *tree, git_oid *commit, struct err *err);

// Puts the conflicts into the plan; with texts when they are to be shown. Always false.
bool merge_show_conflicts(const struct merge_result *result, struct merge_plan *plan, bool texts,
                          struct err *err);

#endif
