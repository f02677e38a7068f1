// SPDX-License-Identifier: MIT
// Writes the files of a plan, with two threads. For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_WRITE_H
#define SWARMD_CORE_GIT_WORKTREE_WRITE_H

#include "core/git/worktree.h"
#include "core/git/worktree_plan.h"

enum {
    WRITE_THREADS = 2,
    WRITE_BATCH = 32,             // files that a thread takes at once
    WRITE_BYTES_MAX = 0x7ffff000, // of one file that is converted
    // Time stamps are this much in the past: git takes a file for perhaps changed that is as young
    // as its index, and would read all of them again at its first look.
    WRITE_AGE_S = 2,
};

// `folder` is open, and holds nothing but .git; nothing is written through a symlink or outside of
// it, whatever the commit contains. Fills the stat data of the entries. progress may be NULL;
// threads is at most WRITE_THREADS.
bool plan_write(struct plan *plan, struct git_repository *repository, int folder, const char *top,
                int threads, struct worktree_progress *progress, struct err *err);

#endif
