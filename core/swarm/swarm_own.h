// SPDX-License-Identifier: MIT
// The files by which a repository says what it wants in worktrees of it: .worktreeinclude, patterns
// of ignored files that are copied there, and .worktreesetup, commands for the shell.
//
// A person is asked about each content once: the answer, whichever it is, is kept as a rule of the
// repository, "worktreeinclude(<hash>)" or "worktreesetup(<hash>)" (core/permission/rule.h), where
// the hash is what `git hash-object` says of the file. The configuration answers, too.
#ifndef SWARMD_CORE_SWARM_SWARM_OWN_H
#define SWARMD_CORE_SWARM_SWARM_OWN_H

#include "core/agent/agent.h"
#include "core/git/worktree.h"
#include "core/permission/permission.h"
#include "core/swarm/config.h"

enum { OWN_FILE_MAX = 64 << 10 }; // bytes

enum own_state {
    OWN_ABSENT,   // or empty
    OWN_UNUSABLE, // no file, too long, or not text
    OWN_READ,     // not used, or not decided on yet
    OWN_USED,
    OWN_ASKED,
};

struct own_file {
    enum own_state state;
    struct buf text;
    char hash[WORKTREE_COMMIT_MAX];
};

struct own_files {
    struct own_file files[OWN_COUNT];
};

const char *own_file_name(enum own_kind kind);

// On LANE_GIT: both files, as they are in the person's checkout.
void own_read(struct own_files *own, const char *repository);
void own_release(struct own_files *own); // all zeros are fine

// What is to be done with them; says in a notice what is not used. False: a person is to be asked.
bool own_decide(struct own_files *own, struct agent *agent, const struct repository_config *config);

// Asks, unless it has; the agent, which is working, waits then.
void own_ask(struct own_files *own, struct agent *agent);
void own_close(struct agent *agent); // without an answer

bool own_is_question(const struct approval *approval);
enum verdict own_judge_again(const struct agent *agent, const struct approval *approval);

#endif
