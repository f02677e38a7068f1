// SPDX-License-Identifier: MIT
// Repositories and the agents' worktrees: all of libgit2 is behind this header.
//
// Everything here blocks and runs on LANE_GIT; nothing here knows of agents. The administrative
// part of making and removing worktrees of one repository takes turns (a lock inside). The
// person's own tree, index, stash and HEAD are never written.
#ifndef SWARMD_CORE_WORKTREE_H
#define SWARMD_CORE_WORKTREE_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>

// Loads libgit2 (core/git_module.h) and sets up its global state; called on a lane before first
// use, idempotent, thread-safe.
bool git_start(struct err *err);
void git_stop(void);

struct repository_info {
    char *root;      // of the repository that `cwd` is in: its working directory, absolute, real
    char *base;      // full commit id that `base` (or HEAD) names
    char *base_name; // branch name when the base is one ("main"), else the commit id
};

// What is at cwd, and can an agent work there? ERR_REPOSITORY, saying what and what to do, for:
// no repository, a bare one, one with no commit, an unknown base, and what libgit2 1.5 cannot
// open or do (extensions worktreeConfig, partialClone, SHA-256 objects, split or sparse index).
// base NULL or "" is HEAD.
bool repository_probe(const char *cwd, const char *base, struct repository_info *out,
                      struct err *err);
void repository_info_release(struct repository_info *info);

struct worktree_spec {
    const char *repository; // root from the probe
    const char *base;       // commit id
    const char *branch;     // "swarm/<id>", made here; must not exist
    const char *name;       // the administrative name in .git/worktrees: the agent's id
    const char *path;       // absolute; parents are made 0700; must not exist
};

// Branch, administrative files and checkout; all or nothing: a failure leaves neither branch nor
// folder nor entry behind. The result is valid for the git command line.
bool worktree_add(const struct worktree_spec *spec, struct err *err);

// Did worktree_add() make this very one, to its end? For one who was killed before it could note
// it.
bool worktree_is_made(const struct worktree_spec *spec);

// Is there work that would be lost: uncommitted or untracked (not ignored) files in the
// worktree, or commits on the branch that no other branch or remote ref has? `what` gets a short
// description ("2 uncommitted files, 1 commit that is on no other branch").
bool worktree_has_work(const struct worktree_spec *spec, bool *has_work, char *what,
                       size_t what_size, struct err *err);

// Removes the folder, the entry and the branch. Missing parts are no error. Never follows a
// symlink out of the folder. ERR_WORKTREE when a person has locked the worktree, or when the
// repository itself is in the folder. A branch that is checked out elsewhere, and a worktree that
// the person has moved, are theirs by now and stay.
bool worktree_remove(const struct worktree_spec *spec, struct err *err);

#endif
