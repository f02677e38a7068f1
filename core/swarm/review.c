// SPDX-License-Identifier: MIT
// The queue of jobs, and the checkpoint after a turn.
#include "core/swarm/review.h"

#include "core/base/mem.h"
#include "core/git/merge.h"
#include "core/turn/turn.h"

#include <stdio.h>

// --- the queue ---

static void job_run(struct work *work)
{
    struct review_job *job = list_entry(work, struct review_job, work);
    if (git_start(&job->err))
        job->run(job);
}

static void start_first(struct agent *agent)
{
    struct review_job *job = list_entry(agent->reviews.next, struct review_job, node);
    port_work(agent->swarm->setup.ports, LANE_GIT, &job->work);
}

static void job_done(struct work *work)
{
    struct review_job *job = list_entry(work, struct review_job, work);
    struct agent *agent = job->agent;
    struct swarm *swarm = agent->swarm;
    list_remove(&job->node);
    bool more = !list_empty(&agent->reviews); // a removal is the last one
    if (agent->turn)
        turn_wake(agent->turn);
    job->done(job);
    if (more)
        start_first(agent);
    swarm_schedule(swarm);
    swarm_close_check(swarm);
}

void review_add(struct agent *agent, struct review_job *job)
{
    bool idle = list_empty(&agent->reviews);
    job->agent = agent;
    job->err.kind = ERR_NONE;
    job->work.run = job_run;
    job->work.done = job_done;
    list_append(&agent->reviews, &job->node);
    if (idle)
        start_first(agent);
}

static bool has_kind(const struct agent *agent, enum review_kind kind)
{
    list_for_each(node, &agent->reviews)
    {
        if (list_entry(node, struct review_job, node)->kind == kind)
            return true;
    }
    return false;
}

bool review_holds_tools(const struct agent *agent)
{
    return has_kind(agent, REVIEW_KEEP) || has_kind(agent, REVIEW_CHANGE);
}

bool review_holds_turn(const struct agent *agent)
{
    return has_kind(agent, REVIEW_CHANGE);
}

char *review_cache(const struct agent *agent)
{
    return mem_format("%s/git/%s.files", agent->swarm->setup.state_folder, agent->id);
}

struct checkpoint_place review_place(const struct agent *agent, char **git, char **cache)
{
    *git = agent_git_folder(agent);
    *cache = review_cache(agent);
    return (struct checkpoint_place){
        .spec = agent_worktree(agent, *git),
        .target = agent->base_name,
        .cache = *cache,
    };
}

// --- after the worktree was made ---

struct learn {
    struct review_job job;
    struct checkpoint_place place;
    char *git, *cache;
};

static void learn_run(struct review_job *job)
{
    struct learn *learn = list_entry(job, struct learn, job);
    struct err ignored; // then it reads them
    checkpoint_seed(&learn->place, &ignored);
}

static void learn_done(struct review_job *job)
{
    struct learn *learn = list_entry(job, struct learn, job);
    mem_free(learn->git);
    mem_free(learn->cache);
    mem_free(learn);
}

void review_learn_files(struct agent *agent)
{
    struct learn *learn = mem_new(sizeof(*learn));
    learn->job.kind = REVIEW_LOOK;
    learn->job.run = learn_run;
    learn->job.done = learn_done;
    learn->place = review_place(agent, &learn->git, &learn->cache);
    review_add(agent, &learn->job);
}

// --- after a turn ---

struct keep {
    struct review_job job;
    struct checkpoint_place place;
    char *git, *cache;
    int64_t turn;
    char parent[CHECKPOINT_NAME_MAX];
    struct checkpoint_result result;
    struct tree_changes changed; // for who else changed them
};

static void keep_run(struct review_job *job)
{
    struct keep *keep = list_entry(job, struct keep, job);
    struct err ignored; // the calls told of some of them already
    if (checkpoint_make(&keep->place, keep->turn, keep->parent, &keep->result, &job->err))
        merge_changed_paths(&keep->place.spec, keep->place.target, keep->result.name,
                            OVERLAP_AGENT_PATHS_MAX + 1, &keep->changed, &ignored);
}

static void tell_left(struct agent *agent, const struct checkpoint_result *result)
{
    if (result->left > agent->left_told)
        event_notice(agent, "warning",
                     "%zu %s in no checkpoint and no diff, for %s over %d MiB, cannot be read, or "
                     "%s a repository of its own: %s%s",
                     result->left, result->left == 1 ? "file is" : "files are",
                     result->left == 1 ? "it is" : "they are", 100,
                     result->left == 1 ? "is" : "are in", result->first_left,
                     result->left > 1 ? " ..." : "");
    agent->left_told = result->left;
}

void review_take_result(struct agent *agent, const struct checkpoint_result *result)
{
    memcpy(agent->checkpoint, result->name, sizeof(agent->checkpoint));
    agent->changes = result->changes;
    agent->changes_known = true;
    tell_left(agent, result);
    agent_touch(agent);
    agent_store(agent, false);
}

static void keep_done(struct review_job *job)
{
    struct keep *keep = list_entry(job, struct keep, job);
    struct agent *agent = job->agent;
    if (job->err.kind == ERR_NONE) {
        review_take_result(agent, &keep->result);
        overlap_take_all(agent, &keep->changed);
    } else {
        log_line(agent->swarm->setup.log, LOG_WARNING, agent->id, "no checkpoint: %s",
                 job->err.message);
        event_notice(agent, "warning", "There is no checkpoint of turn %lld: %s",
                     (long long)keep->turn, job->err.message);
    }
    mem_free(keep->git);
    mem_free(keep->cache);
    tree_changes_release(&keep->changed);
    mem_free(keep);
}

void review_turn_ended(struct agent *agent)
{
    if (!agent->isolated || !agent->worktree_made || !agent->touched)
        return;
    agent->touched = false;
    struct keep *keep = mem_new(sizeof(*keep));
    keep->job.kind = REVIEW_KEEP;
    keep->job.run = keep_run;
    keep->job.done = keep_done;
    keep->place = review_place(agent, &keep->git, &keep->cache);
    keep->turn = agent->usage.turns;
    memcpy(keep->parent, agent->checkpoint, sizeof(keep->parent));
    review_add(agent, &keep->job);
}
