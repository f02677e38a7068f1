// SPDX-License-Identifier: MIT
// What agents that are not there any more have left, and agents whose files are not there.
// Everything here blocks and runs on LANE_GIT.
#ifndef SWARMD_CORE_GIT_WORKTREE_ORPHANS_H
#define SWARMD_CORE_GIT_WORKTREE_ORPHANS_H

#include "core/git/checkpoint.h"

#include <stdatomic.h>

enum {
    ORPHANS_MAX = 1000,            // shown at once
    ORPHAN_REPOSITORIES_MAX = 256, // that are looked into
    ORPHAN_NAMES_MAX = 1 << 20,    // in a folder of the state folder, or references
    ORPHAN_WHY_MAX = 320,
    ORPHAN_WORK_MAX = 200,
};

enum orphan_kind {
    ORPHAN_WORKTREE, // in the state folder, and in a repository perhaps: no agent has that id
    ORPHAN_BRANCH,   // in a repository alone; it may be of a swarmd with another state folder
    ORPHAN_AGENT,    // an agent whose worktree or repository is not there
    ORPHAN_KEPT,     // kept of an agent that was removed more than REMOVED_DAYS ago; id: the ref
};

struct orphan {
    enum orphan_kind kind;
    char *id;
    char *repository; // NULL: not known
    char *path;       // of the worktree's folder; NULL: there is none
    char why[ORPHAN_WHY_MAX];
    char work[ORPHAN_WORK_MAX]; // what clearing it would keep; "": nothing to lose
    bool cleared;
    struct removed_work kept;
    struct err err; // kind ERR_NONE, or why it was not cleared
};

struct orphan_agent {
    const char *id, *repository;
    const char *worktree; // NULL: not made, or it has none of its own
};

struct orphan_search {
    const char *state_folder;
    const char *cwd; // of one more repository to look into; or NULL
    int64_t now_ms;
    struct orphan_agent *agents; // by id
    size_t agent_count;
    atomic_bool stop; // set by another thread: find no more
};

struct orphans {
    struct orphan list[ORPHANS_MAX];
    size_t count;
    bool more;
};

// What cannot be read is left out. The strings of what it finds are the caller's: mem_free().
void orphans_find(struct orphan_search *search, struct orphans *out);

// Keeps its work as checkpoint_keep_removed() does, then removes it all; orphan->err when it
// cannot. Not for ORPHAN_AGENT.
void orphan_clear(const struct orphan_search *search, struct orphan *orphan);

#endif
