// SPDX-License-Identifier: MIT
// The git command line, for what libgit2 cannot do: to fetch what a partial clone left away. For
// core/worktree*.c only.
#ifndef SWARMD_CORE_WORKTREE_GIT_H
#define SWARMD_CORE_WORKTREE_GIT_H

#include "core/str.h"
#include "core/worktree.h"

struct git_repository;
struct plan;

enum {
    GIT_RUN_MS_MAX = 30 * 60 * 1000,
    GIT_SAID_MAX = 64 << 10, // bytes of what it wrote that are looked at
    GIT_ARGUMENTS_MAX = 32,
};

// Runs git in the repository, without hooks and fsmonitor and without a prompt, `input` on stdin.
// ERR_REPOSITORY with git's own words, or saying that there is no git; progress may be NULL.
bool git_run(struct git_repository *repository, const char *const arguments[], struct str input,
             struct worktree_progress *progress, struct err *err);

// Of a partial clone: fetches the trees of the commit; the blobs of a plan. True at once for
// every other repository.
bool git_fetch_trees(struct git_repository *repository, const char *commit,
                     struct worktree_progress *progress, struct err *err);
bool git_fetch_blobs(struct git_repository *repository, const struct plan *plan,
                     struct worktree_progress *progress, struct err *err);

#endif
