// SPDX-License-Identifier: MIT
#include "core/swarm/review_watch.h"

#include "core/base/mem.h"
#include "core/swarm/review.h"
#include "core/tools/tool.h"

#include <string.h>

struct review_watch {
    struct review_job job;
    struct agent *agent;
    struct timer *timer;
    struct checkpoint_place place;
    char *git, *cache;
    struct tree_changes changed;
    int running; // commands
    bool changed_maybe, armed, looking;
    int64_t began, pause_ms;
};

static const struct ports *ports_of(const struct review_watch *watch)
{
    return watch->agent->swarm->setup.ports;
}

static bool has_neighbour(const struct agent *agent)
{
    list_for_each(node, &agent->swarm->agents)
    {
        const struct agent *other = list_entry(node, struct agent, node);
        if (other != agent && other->worktree_made && other->repository &&
            strcmp(other->repository, agent->repository) == 0)
            return true;
    }
    return false;
}

static void arm(struct review_watch *watch, int64_t ms)
{
    if (watch->armed || watch->looking)
        return;
    watch->armed = true;
    ports_of(watch)->ops->timer_set(watch->timer, ms);
}

static void look_run(struct review_job *job)
{
    struct review_watch *watch = list_entry(job, struct review_watch, job);
    checkpoint_present_paths(&watch->place, OVERLAP_AGENT_PATHS_MAX + 1, &watch->changed,
                             &job->err);
}

static void look_done(struct review_job *job)
{
    struct review_watch *watch = list_entry(job, struct review_watch, job);
    int64_t took = port_mono_ms(ports_of(watch)) - watch->began;
    // After the turn's end its checkpoint, which comes next, knows better.
    if (job->err.kind == ERR_NONE && watch->agent->turn)
        overlap_take_all(watch->agent, &watch->changed);
    tree_changes_release(&watch->changed);
    mem_free(watch->git);
    mem_free(watch->cache);
    watch->looking = false;
    watch->pause_ms = took * WATCH_SHARE > WATCH_AGAIN_MS ? took * WATCH_SHARE : WATCH_AGAIN_MS;
    if (watch->running || watch->changed_maybe)
        arm(watch, watch->pause_ms);
}

static void tick(void *arg)
{
    struct review_watch *watch = arg;
    struct agent *agent = watch->agent;
    watch->armed = false;
    if (!agent->turn || !agent->worktree_made || agent->swarm->closing)
        return;
    if (!list_empty(&agent->reviews) || !has_neighbour(agent)) {
        if (watch->running || (watch->changed_maybe && has_neighbour(agent)))
            arm(watch, WATCH_AGAIN_MS);
        return;
    }
    watch->changed_maybe = agent->overlap_stale = false;
    watch->looking = true;
    watch->began = port_mono_ms(ports_of(watch));
    watch->job.kind = REVIEW_LOOK;
    watch->job.run = look_run;
    watch->job.done = look_done;
    watch->place = review_place(agent, &watch->git, &watch->cache);
    review_add(agent, &watch->job);
}

static struct review_watch *watch_of(struct agent *agent)
{
    if (!agent->watch) {
        agent->watch = mem_new(sizeof(*agent->watch));
        agent->watch->agent = agent;
        agent->watch->pause_ms = WATCH_FIRST_MS;
        agent->watch->timer = port_timer_new(agent->swarm->setup.ports, tick, agent->watch);
    }
    return agent->watch;
}

void review_call_begins(struct agent *agent, const struct tool *tool)
{
    if (!agent->isolated || tool->effect != TOOL_RUNS_COMMANDS)
        return;
    struct review_watch *watch = watch_of(agent);
    watch->running++;
    arm(watch, watch->pause_ms);
}

void review_call_ended(struct agent *agent, const struct tool *tool)
{
    if (!agent->watch || tool->effect != TOOL_RUNS_COMMANDS)
        return;
    if (agent->watch->running > 0)
        agent->watch->running--;
    agent->watch->changed_maybe = true;
    arm(agent->watch, agent->watch->pause_ms);
}

void review_look_soon(struct agent *agent)
{
    if (!agent->isolated || !agent->turn)
        return;
    struct review_watch *watch = watch_of(agent);
    watch->changed_maybe = true;
    arm(watch, watch->pause_ms);
}

void review_watch_free(struct agent *agent)
{
    if (!agent->watch)
        return;
    ports_of(agent->watch)->ops->timer_free(agent->watch->timer);
    mem_free(agent->watch);
    agent->watch = NULL;
}
