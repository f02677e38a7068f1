// SPDX-License-Identifier: MIT
// The git command line, for what libgit2 cannot do: to fetch what a partial clone left away, to
// read a split or sparse index, to run the programs of a filter. For core/git/worktree*.c and
// core/git/merge*.c.
#ifndef SWARMD_CORE_GIT_WORKTREE_GIT_H
#define SWARMD_CORE_GIT_WORKTREE_GIT_H

#include "core/base/str.h"
#include "core/git/worktree.h"

struct git_repository;
struct plan;

enum {
    GIT_RUN_MS_MAX = 30 * 60 * 1000,
    GIT_SAID_MAX = 64 << 10, // bytes of what it wrote that are looked at
    GIT_ARGUMENTS_MAX = 32,
};

struct git_command {
    const char *const *arguments; // until NULL
    const char *why;              // what swarmd needs git for: "a split index"
    struct str input;
    const char *index; // that it works on instead of the repository's, absolute; or NULL
    int in, out;       // 0: `input`, and /dev/null
    struct worktree_progress *progress; // or NULL
};

// Runs git in the repository, which is the person's and never an agent's, without hooks and
// fsmonitor and without a prompt. ERR_REPOSITORY with git's own words, or saying that there is no
// git.
bool git_run(struct git_repository *repository, const struct git_command *command, struct err *err);

// Of a partial clone: fetches the trees of the commit; the blobs of a plan. True at once for
// every other repository.
bool git_fetch_trees(struct git_repository *repository, const char *commit,
                     struct worktree_progress *progress, struct err *err);
bool git_fetch_blobs(struct git_repository *repository, const struct plan *plan,
                     struct worktree_progress *progress, struct err *err);

#endif
