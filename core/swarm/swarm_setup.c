// SPDX-License-Identifier: MIT
// The worktree: made when the agent gets its first place, removed with the agent. The work is done
// on LANE_GIT, and what is intended is on disk before it begins.
#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/files/folder.h"
#include "core/git/worktree.h"
#include "core/swarm/review.h"
#include "core/swarm/swarm_internal.h"
#include "core/swarm/swarm_own.h"

#include <unistd.h>

enum {
    PROGRESS_MS = 500, // between two looks at a checkout
    KEPT_BYTES_MAX = 4096,
};

struct setup {
    struct review_job job; // takes turns with other jobs on the agent's files
    struct journal_wait wait;
    struct agent *agent;
    struct swarm_op *op;
    struct worktree_spec spec;
    char *git, *cache;
    char *output;    // folder of the whole outputs
    char *temporary; // its commands' /tmp
    struct removed_work kept;
    int64_t now_ms;
    enum seed_step next;
    bool fresh;           // made by this
    bool keep_worktree;   // what stands at the names of the worktree is not ours
    enum agent_state was; // when it was asked to be removed
    struct worktree_progress progress;
    struct timer *timer; // shows it; NULL but while a worktree is made
    struct swarm_seed *seed;
};

char *agent_git_folder(const struct agent *agent)
{
    return mem_format("%s/git/%s", agent->swarm->setup.state_folder, agent->id);
}

struct worktree_spec agent_worktree(const struct agent *agent, const char *git)
{
    const struct repository_config *seeding = swarm_seeding(agent);
    return (struct worktree_spec){
        .repository = agent->repository,
        .base = agent->base,
        .branch = agent->branch,
        .name = agent->id,
        .path = agent->worktree,
        .git = git,
        .sparse = seeding ? seeding->sparse : NULL,
    };
}

static struct setup *setup_new(struct agent *agent)
{
    struct setup *setup = mem_new(sizeof(*setup));
    setup->agent = agent;
    setup->git = agent_git_folder(agent);
    setup->spec = agent_worktree(agent, setup->git);
    setup->cache = review_cache(agent);
    setup->output = mem_format("%s/output/%s", agent->swarm->setup.state_folder, agent->id);
    setup->temporary = mem_format("%s/tmp/%s", agent->swarm->setup.state_folder, agent->id);
    list_init(&setup->wait.node);
    agent->setup = setup;
    return setup;
}

static void setup_free(struct setup *setup)
{
    setup->agent->setup = NULL;
    setup->agent->swarm->setup.ports->ops->timer_free(setup->timer);
    swarm_seed_free(setup->seed);
    mem_free(setup->output);
    mem_free(setup->git);
    mem_free(setup->temporary);
    mem_free(setup->cache);
    mem_free(setup);
}

static void setup_work(struct journal_wait *wait)
{
    struct setup *setup = list_entry(wait, struct setup, wait);
    review_add(setup->agent, &setup->job);
}

static void make_run(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    // It is there when the server was killed, or handed over, before `ready` was on disk.
    if (!worktree_is_made(&setup->spec))
        setup->fresh = worktree_add(&setup->spec, &job->err);
    if (job->err.kind == ERR_NONE)
        swarm_seed_read(setup->seed);
}

static void copy_run(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    swarm_seed_copy(setup->seed, &setup->spec, &job->err);
}

static void ready(struct agent *agent)
{
    struct err ignored; // not legal when it was paused meanwhile: `continue` comes here again
    bool answered = agent->state == STATE_WORKING; // a person was asked first
    if (!answered && !agent_enter(agent, CAUSE_READY, &ignored))
        return;
    if (!list_empty(&agent->approvals)) // paused with questions that are still open
        agent_enter(agent, CAUSE_ASK, &ignored);
    agent->backend->start(agent);
}

static void make_end(void *arg);

static void copy_done(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    if (job->err.kind == ERR_NONE)
        swarm_seed_run(setup->seed, make_end, setup);
    else
        make_end(setup);
}

static void make_done(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    if (job->err.kind == ERR_NONE)
        setup->next = swarm_seed_decide(setup->seed);
    if (job->err.kind != ERR_NONE || setup->next == SEED_ASK) {
        make_end(setup);
    } else if (setup->next == SEED_RUN) {
        copy_done(job);
    } else {
        job->run = copy_run;
        job->done = copy_done;
        review_add(setup->agent, job);
    }
}

// The answer begins all of it once more: what is there already stays.
static void ask(struct agent *agent, struct swarm_seed *seed)
{
    struct err ignored; // paused meanwhile: `continue` asks
    if (agent->state == STATE_WORKING || agent_enter(agent, CAUSE_READY, &ignored))
        swarm_seed_ask(seed);
}

// Files and the person's command are through, or the first could not be made.
static void make_end(void *arg)
{
    struct setup *setup = arg;
    struct agent *agent = setup->agent;
    struct err err = setup->job.err;
    struct err ignored;
    if (err.kind == ERR_NONE)
        swarm_pool_want(agent->swarm->pool, &setup->spec);
    if (err.kind == ERR_NONE && *setup->progress.filter)
        event_notice(agent, "info",
                     "Files with the filter '%s' are in the worktree as they are committed (with "
                     "LFS: the pointers), since swarmd runs no filters.",
                     setup->progress.filter);
    if (err.kind == ERR_NONE && setup->fresh)
        review_learn_files(agent);
    struct swarm_seed *seed = setup->seed;
    bool asks = setup->next == SEED_ASK;
    setup->seed = NULL;
    setup_free(setup);
    agent_set_activity(agent, "%s", "");
    agent->worktree_made = err.kind == ERR_NONE && !asks;
    if (err.kind != ERR_NONE)
        log_line(agent->swarm->setup.log, LOG_WARNING, agent->id, "%s", err.message);
    bool handed_over = agent->swarm->handing_over && agent->stopping == CAUSE_COUNT;
    if (agent->swarm->closing && agent->stopping == CAUSE_COUNT && !handed_over)
        agent->stopping = CAUSE_RESTART;
    if (handed_over) {
        // It stays `starting`: making the worktree again finds this one.
    } else if (agent->stopping != CAUSE_COUNT) {
        agent_settle(agent);
    } else if (err.kind != ERR_NONE) {
        agent_set_error(agent, &err);
        agent_enter(agent, CAUSE_FAIL, &ignored);
    } else if (asks) {
        ask(agent, seed);
    } else {
        own_close(agent);
        ready(agent);
    }
    swarm_seed_free(seed);
    swarm_close_check(agent->swarm);
}

// 12,000
static void put_count(struct buf *out, size_t count)
{
    if (count >= 1000) {
        put_count(out, count / 1000);
        buf_addf(out, ",%03zu", count % 1000);
    } else {
        buf_addf(out, "%zu", count);
    }
}

// Small trees are there before anybody could read it. What nobody waits for any more is given up: a
// fetch of missing objects can take half an hour.
static void show_progress(void *arg)
{
    struct setup *setup = arg;
    const struct agent *agent = setup->agent;
    if (agent->stopping != CAUSE_COUNT || agent->swarm->closing)
        atomic_store(&setup->progress.stop, true);
    size_t done = atomic_load(&setup->progress.done), total = atomic_load(&setup->progress.total);
    struct buf text;
    buf_init(&text, AGENT_ACTIVITY_MAX);
    buf_add_str(&text, STR("checking out "));
    put_count(&text, done);
    buf_add_str(&text, STR(" of "));
    put_count(&text, total);
    if (swarm_seed_runs(setup->seed))
        swarm_seed_show(setup->seed);
    else if (total > 0)
        agent_set_activity(setup->agent, "%s files", text.data);
    buf_release(&text);
    setup->agent->swarm->setup.ports->ops->timer_set(setup->timer, PROGRESS_MS);
}

void setup_start(struct agent *agent)
{
    sandbox_probe(agent->swarm);
    if (agent->worktree_made) {
        ready(agent);
        return;
    }
    agent_set_activity(agent, "making the worktree");
    struct setup *setup = setup_new(agent);
    setup->job.run = make_run;
    setup->job.done = make_done;
    setup->seed = swarm_seed_create(agent);
    setup->spec.pool = swarm_pool_folder(agent->swarm->pool);
    setup->spec.progress = &setup->progress;
    setup->timer = port_timer_new(agent->swarm->setup.ports, show_progress, setup);
    agent->swarm->setup.ports->ops->timer_set(setup->timer, PROGRESS_MS);
    setup->wait.fn = setup_work; // the intent, `starting`, is on disk first
    journal_wait(agent->swarm->setup.journal, &setup->wait);
}

// Out of every list, the row marked, `removed` sent; op learns who it was.
static void swarm_forget(struct agent *agent, struct swarm_op *op)
{
    struct swarm *swarm = agent->swarm;
    memcpy(op->agent_id, agent->id, sizeof(op->agent_id));
    op->agent_num = agent->num;
    event_begin(agent, EVENT_REMOVED, "removed");
    event_end(agent, EVENT_REMOVED);
    agent_store(agent, true);
    overlap_forget(agent);
    swarm_index_remove(swarm, agent);
    list_remove(&agent->by_change);
    agent_free(agent);
}

static void remove_run(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    struct err ignored; // what is too old goes with the next one
    struct checkpoint_place place = {.spec = setup->spec, .cache = setup->cache};
    if (!setup->keep_worktree &&
        (!checkpoint_keep_removed(&place, !setup->op, &setup->kept, &job->err) ||
         !worktree_remove(&setup->spec, &job->err)))
        return;
    if (!setup->keep_worktree)
        checkpoint_clear_removed(setup->spec.repository, setup->now_ms, NULL, NULL, &ignored);
    unlink(setup->cache);
    if (folder_remove(setup->temporary, &job->err))
        folder_remove(setup->output, &job->err);
}

void remove_write_kept(const char *id, const struct removed_work *kept, struct json_writer *w)
{
    char until[TIME_TEXT_MAX];
    char *restore = mem_format("git branch %s %s", id, kept->ref);
    time_format(kept->until_ms, until);
    json_begin_object(w);
    json_add_cstr(w, "ref", kept->ref);
    json_add_cstr(w, "commit", kept->commit);
    json_add_cstr(w, "restore", restore);
    json_add_cstr(w, "until", until);
    json_add_int(w, "left", (int64_t)kept->left);
    json_end_object(w);
    mem_free(restore);
}

// Where the work is now, and how it comes back.
static void tell_kept(const struct setup *setup)
{
    const struct removed_work *kept = &setup->kept;
    const struct agent *agent = setup->agent;
    struct buf text;
    struct json_writer w;
    buf_init(&text, KEPT_BYTES_MAX);
    json_writer_init(&w, &text);
    remove_write_kept(agent->id, kept, &w);
    log_line(agent->swarm->setup.log, LOG_INFO, agent->id, "its work is kept in %s: %.*s",
             agent->repository, STR_ARG(buf_str(&text)));
    if (setup->op) {
        setup->op->answer = text;
        return;
    }
    buf_release(&text);
}

static void remove_done(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    struct agent *agent = setup->agent;
    struct swarm *swarm = agent->swarm;
    struct swarm_op *op = setup->op;
    struct err err = job->err;
    if (err.kind == ERR_NONE && *setup->kept.ref)
        tell_kept(setup);
    setup_free(setup);
    if (err.kind != ERR_NONE) {
        agent->removing = agent->leaving = false;
        agent_set_error(agent, &err);
        agent_publish(agent);
        if (op) {
            op->err = err;
            op_fail(swarm, op);
        }
    } else {
        struct swarm_op unasked; // at start nobody waits for it
        swarm_forget(agent, op ? op : &unasked);
        if (op)
            op_await(swarm, op);
    }
    swarm_close_check(swarm);
}

static void remove_begin(struct setup *setup)
{
    struct agent *agent = setup->agent;
    agent->removing = true;
    setup->now_ms = port_wall_ms(agent->swarm->setup.ports);
    agent_publish(agent);
    setup->job.run = remove_run;
    setup->job.done = remove_done;
    setup->wait.fn = setup_work; // the intent is on disk first
    journal_wait(agent->swarm->setup.journal, &setup->wait);
}

static void look_run(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    bool has_work = false;
    char what[200] = "";
    if (!worktree_has_work(&setup->spec, &has_work, what, sizeof(what), &job->err))
        return;
    if (has_work)
        err_set(&job->err, ERR_DIRTY,
                "%s has work that is nowhere else (%s): merge it, or remove it with force",
                setup->agent->id, what);
}

static void look_done(struct review_job *job)
{
    struct setup *setup = list_entry(job, struct setup, job);
    struct agent *agent = setup->agent;
    if (job->err.kind == ERR_NONE && agent->state != setup->was)
        err_set(&job->err, ERR_WRONG_STATE, "%s was started meanwhile", agent->id);
    if (job->err.kind == ERR_NONE) {
        remove_begin(setup);
        return;
    }
    agent->leaving = false;
    setup->op->err = job->err;
    op_fail(agent->swarm, setup->op);
    setup_free(setup);
    swarm_schedule(agent->swarm);
    swarm_close_check(agent->swarm);
}

void setup_remove(struct agent *agent, struct swarm_op *op)
{
    struct setup *setup = setup_new(agent);
    agent->leaving = true;
    setup->op = op;
    setup->was = agent->state;
    // Without a worktree of its own, or when it could not be made, only the agent goes.
    bool never_made = !agent->worktree_made && agent->state == STATE_FAILED;
    setup->keep_worktree = !agent->isolated || never_made;
    if (op && !op->force && agent->worktree_made && !setup->keep_worktree) {
        setup->job.run = look_run;
        setup->job.done = look_done;
        review_add(agent, &setup->job);
        return;
    }
    remove_begin(setup);
}
