// SPDX-License-Identifier: MIT
// Jobs on an agent's files that run on LANE_GIT, one at a time for each agent: checkpoints, diffs,
// taking back, the look for work, the removal. And the requests that are made of them.
//
// The checkpoint of a turn is made after the turn has ended, so the end waits for nothing; the next
// turn may begin meanwhile and ask its model, but its first tool call waits for the checkpoint
// (review_holds_tools()). When the server dies before it is there, the next checkpoint holds
// that turn's changes, too.
#ifndef SWARMD_CORE_SWARM_REVIEW_H
#define SWARMD_CORE_SWARM_REVIEW_H

#include "core/git/checkpoint.h"
#include "core/swarm/swarm_internal.h"

enum review_kind {
    REVIEW_LOOK,   // changes nothing, or what no turn sees
    REVIEW_KEEP,   // must be done before the next tool call
    REVIEW_CHANGE, // changes the worktree: no turn begins before it is done
};

// Embedded by its owner, who keeps it until `done`.
struct review_job {
    enum review_kind kind;
    void (*run)(struct review_job *job);  // on LANE_GIT; git_start() was called
    void (*done)(struct review_job *job); // on the loop; may free the job, and, when it is the last
                                          // one, the agent
    struct err err;                       // of git_start(); then run's own
    // the queue's own
    struct agent *agent;
    struct list node;
    struct work work;
};

void review_add(struct agent *agent, struct review_job *job);
bool review_holds_tools(const struct agent *agent);
bool review_holds_turn(const struct agent *agent);

// Where the agent works; the two strings are made here: mem_free() them.
struct checkpoint_place review_place(const struct agent *agent, char **git, char **cache);
char *review_cache(const struct agent *agent); // the file of its snapshot cache; mem_free()

// Takes over what is known of the files now: name of the newest checkpoint, numbers, notices.
void review_take_result(struct agent *agent, const struct checkpoint_result *result);

// A worktree was just made: notes what its files are, so that the first checkpoint need not read
// them all. Nobody waits for it.
void review_learn_files(struct agent *agent);

// A turn has ended, or a merge: the numbers anew, and a checkpoint, when a call ran that may have
// changed files (agent->touched), and one did.
void review_turn_ended(struct agent *agent);

#endif
