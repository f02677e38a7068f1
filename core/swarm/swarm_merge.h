// SPDX-License-Identifier: MIT
// What the files of merging share (swarm_merge*.c). Nobody else includes it.
#ifndef SWARMD_CORE_SWARM_SWARM_MERGE_H
#define SWARMD_CORE_SWARM_SWARM_MERGE_H

#include "core/git/merge.h"
#include "core/swarm/review.h"

struct agent_merge {
    struct list node; // in swarm->merges
    struct agent *agent;
    struct swarm_op *op; // NULL after a restart
    struct review_job job;
    struct journal_wait wait;
    struct journal_read read; // the final answer
    struct merge_spec spec;
    struct merge_plan plan;
    char *git, *cache, *into, *message, *answer, *co_author;
    bool done;    // after a restart
    bool update;  // the other way
    bool resolve; // its conflicts become a task
};

extern const char *const merge_strategy_names[]; // by enum merge_strategy; NULL at the end

struct agent_merge *agent_merge_new(struct agent *agent, struct swarm_op *op);
void agent_merge_end(struct agent_merge *merge);  // and the next one begins
void agent_merge_fail(struct agent_merge *merge); // with merge->err

// swarm_update.c
void update_note(const struct agent_merge *merge);  // in the transcript
char *update_task(const struct agent_merge *merge); // what the agent is told; mem_free()

// swarm_merge_json.c
void merge_write_answer(const struct agent_merge *merge, struct buf *out);
void merge_write_failure(const struct agent_merge *merge,
                         struct buf *out); // data.files, or nothing
// The text of the last answer among items, one a line; or NULL. mem_free().
char *merge_last_answer(struct str items);

#endif
