// SPDX-License-Identifier: MIT
// Merging an agent's work: planned on LANE_GIT, the intent on disk, done on LANE_GIT, noted. One at
// a time in the whole swarm, so that two into one branch follow each other. The agent begins no
// turn meanwhile.
#include "core/swarm/swarm_merge.h"
#include "core/base/mem.h"
#include "core/git/merge.h"
#include "core/swarm/review.h"
#include "core/swarm/swarm_internal.h"

#include <string.h>

enum { ANSWER_ITEMS = 50, ANSWER_BYTES_MAX = 48 << 20, PATHS_SHOWN = 200 };

const char *const merge_strategy_names[] = {"merge", "squash", "rebase", "ff", NULL};

static bool strategy_from_name(struct str name, enum merge_strategy *strategy)
{
    for (int i = 0; merge_strategy_names[i]; i++) {
        if (str_is(name, merge_strategy_names[i])) {
            *strategy = (enum merge_strategy)i;
            return true;
        }
    }
    return false;
}

struct agent_merge *agent_merge_new(struct agent *agent, struct swarm_op *op)
{
    struct agent_merge *merge = mem_new(sizeof(*merge));
    merge->agent = agent;
    merge->op = op;
    struct checkpoint_place place = review_place(agent, &merge->git, &merge->cache);
    merge->spec.agent = place.spec;
    merge->spec.cache = merge->cache;
    merge->spec.base_name = agent->base_name;
    list_init(&merge->node);
    list_init(&merge->wait.node);
    agent->merge = merge;
    return merge;
}

static void next_merge(struct swarm *swarm)
{
    if (list_empty(&swarm->merges))
        return;
    struct agent_merge *first = list_entry(swarm->merges.next, struct agent_merge, node);
    review_add(first->agent, &first->job);
}

// Nobody waits for it any more.
void agent_merge_end(struct agent_merge *merge)
{
    struct agent *agent = merge->agent;
    struct swarm *swarm = agent->swarm;
    bool was_first = swarm->merges.next == &merge->node;
    list_remove(&merge->node);
    agent->merge = NULL;
    merge_plan_release(&merge->plan);
    char *strings[] = {merge->git,     merge->cache,  merge->into,
                       merge->message, merge->answer, merge->co_author};
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
        mem_free(strings[i]);
    mem_free(merge);
    if (was_first)
        next_merge(swarm);
    swarm_schedule(swarm);
    swarm_close_check(swarm);
}

void agent_merge_fail(struct agent_merge *merge)
{
    struct swarm_op *op = merge->op;
    struct swarm *swarm = merge->agent->swarm;
    op->err = merge->job.err;
    merge_write_failure(merge, &op->answer);
    agent_merge_end(merge);
    op_fail(swarm, op);
}

// --- doing it ---

static void note(struct agent_merge *merge)
{
    struct agent *agent = merge->agent;
    const struct merge_plan *plan = &merge->plan;
    struct item *item = item_new(ITEM_MERGE);
    struct buf paths;
    struct json_writer w;
    item->status = ITEM_COMPLETED;
    item->turn = agent->usage.turns;
    item->name = mem_dup(str_of(plan->into));
    item->call_id = mem_dup(str_of(plan->new_id));
    item->title = mem_dup(str_of(merge_strategy_names[merge->spec.strategy]));
    buf_init(&paths, ITEM_TEXT_MAX);
    json_writer_init(&w, &paths);
    json_begin_array(&w);
    for (size_t i = 0; plan->files && i < plan->file_count && i < PATHS_SHOWN; i++)
        json_put_str(&w, str_of(plan->files[i].path));
    json_end_array(&w);
    item->paths = buf_detach(&paths, NULL);
    buf_addf(&item->text, "merged into %s as %.12s: %zu file%s", plan->into, plan->new_id,
             plan->file_count, plan->file_count == 1 ? "" : "s");
    event_item(agent, item);
    item_free(item);
}

static void remember(struct agent *agent, const struct agent_merge *merge)
{
    bool detached = merge->spec.strategy == MERGE_SQUASH || merge->spec.strategy == MERGE_REBASE;
    if (!detached)
        return; // the branch itself tells
    mem_free(agent->merged_work);
    mem_free(agent->merged_as);
    agent->merged_work = mem_dup(str_of(merge->plan.work_id));
    agent->merged_as = mem_dup(str_of(merge->plan.new_id));
}

static void apply_run(struct review_job *job)
{
    struct agent_merge *merge = list_entry(job, struct agent_merge, job);
    merge_apply(&merge->spec, &merge->plan, &job->err);
}

static void apply_done(struct review_job *job)
{
    struct agent_merge *merge = list_entry(job, struct agent_merge, job);
    struct agent *agent = merge->agent;
    mem_free(agent->merge_intent);
    agent->merge_intent = NULL;
    if (merge->job.err.kind != ERR_NONE) {
        agent_publish(agent);
        agent_merge_fail(merge);
        return;
    }
    if (merge->update) {
        update_note(merge);
    } else if (!merge->plan.nothing) {
        note(merge);
        remember(agent, merge);
        overlap_forget(agent);
    }
    if (merge->plan.left)
        event_notice(agent, "warning",
                     "%zu files were not taken along: they are too large, or cannot be read",
                     merge->plan.left);
    if (merge->plan.notice)
        event_notice(agent, "warning", "%s", merge->plan.notice);
    agent_publish(agent);
    journal_want_sync(agent->swarm->setup.journal);
    merge_write_answer(merge, &merge->op->answer);
    struct swarm_op *op = merge->op;
    char *task = merge->resolve && merge->plan.marked ? update_task(merge) : NULL;
    agent->touched = true; // what it changed counts against another commit now
    review_turn_ended(agent);
    agent_merge_end(merge);
    if (task)
        swarm_send(agent->swarm, agent, str_of(task), &(struct images){0}, DELIVER_QUEUE, op);
    else
        op_finish(agent, op);
    mem_free(task);
}

static void intent_on_disk(struct journal_wait *wait)
{
    struct agent_merge *merge = list_entry(wait, struct agent_merge, wait);
    merge->job.run = apply_run;
    merge->job.done = apply_done;
    review_add(merge->agent, &merge->job);
}

static void begin_apply(struct agent_merge *merge)
{
    struct agent *agent = merge->agent;
    struct buf intent;
    struct json_writer w;
    buf_init(&intent, 64 << 10);
    json_writer_init(&w, &intent);
    merge_write_intent(&merge->plan, &w);
    mem_free(agent->merge_intent);
    agent->merge_intent = buf_detach(&intent, NULL);
    agent_publish(agent);
    journal_want_sync(agent->swarm->setup.journal);
    merge->wait.fn = intent_on_disk;
    journal_wait(agent->swarm->setup.journal, &merge->wait);
}

// --- planning ---

static void plan_run(struct review_job *job)
{
    struct agent_merge *merge = list_entry(job, struct agent_merge, job);
    if (merge->update)
        merge_plan_update(&merge->spec, &merge->plan, &job->err);
    else
        merge_plan(&merge->spec, &merge->plan, &job->err);
}

static void plan_done(struct review_job *job)
{
    struct agent_merge *merge = list_entry(job, struct agent_merge, job);
    struct agent *agent = merge->agent;
    bool commits = merge->plan.uncommitted > 0;
    if (merge->job.err.kind == ERR_NONE && agent->swarm->closing)
        err_set(&merge->job.err, ERR_REFUSED, "the server is ending");
    if (merge->job.err.kind != ERR_NONE) {
        agent_merge_fail(merge);
    } else if (merge->spec.dry_run || (merge->plan.nothing && !commits)) {
        merge_write_answer(merge, &merge->op->answer);
        op_finish(agent, merge->op);
        agent_merge_end(merge);
    } else {
        begin_apply(merge);
    }
}

static void answer_read(struct journal_read *read)
{
    struct agent_merge *merge = list_entry(read, struct agent_merge, read);
    struct swarm *swarm = merge->agent->swarm;
    merge->answer = merge_last_answer(buf_str(&read->out)); // without it the task must do
    journal_read_release(read);
    merge->spec.answer = merge->answer;
    bool first = list_empty(&swarm->merges);
    list_append(&swarm->merges, &merge->node);
    if (first)
        next_merge(swarm);
}

static bool may_merge(struct swarm *swarm, const struct agent *agent, bool dry_run, struct err *err)
{
    if (swarm->closing)
        return err_set(err, ERR_REFUSED, "the server is ending");
    if (!journal_can_take(swarm->setup.journal, err))
        return false;
    if (!agent->isolated)
        return err_set(err, ERR_REFUSED,
                       "%s works in the repository itself: there is nothing to "
                       "merge",
                       agent->id);
    if (agent->removing || agent->leaving)
        return err_set(err, ERR_WRONG_STATE, "%s is being removed", agent->id);
    if (agent->merge)
        return err_set(err, ERR_WRONG_STATE, "%s is being merged already", agent->id);
    if (review_holds_turn(agent))
        return err_set(err, ERR_WRONG_STATE, "files of %s are being put back", agent->id);
    if (!agent->worktree_made || agent->setup)
        return err_set(err, ERR_WRONG_STATE, "%s has no worktree yet", agent->id);
    return dry_run || !agent->turn ||
           err_set(err, ERR_WRONG_STATE, "%s is %s: wait until its turn has ended, or cancel it",
                   agent->id, state_name(agent->state));
}

static bool read_params(struct swarm *swarm, const struct merge_params *params,
                        enum merge_strategy *strategy, struct err *err)
{
    const char *configured = swarm->setup.config->merge_strategy;
    struct str name = params->strategy.len ? params->strategy
                      : configured         ? str_of(configured)
                                           : STR("merge");
    if (!strategy_from_name(name, strategy))
        return err_set(err, ERR_PARAMS, "strategy: expected merge, squash, rebase or ff");
    if (params->message.len > MERGE_MESSAGE_MAX / 2)
        return err_set(err, ERR_PARAMS, "message: at most %d bytes", MERGE_MESSAGE_MAX / 2);
    return true;
}

static void begin(struct agent_merge *merge, bool dry_run)
{
    struct agent *agent = merge->agent;
    const struct config *config = agent->swarm->setup.config;
    if (config->merge_co_author)
        merge->co_author = mem_format("%s <%s@swarmd.invalid>", agent->model, agent->id);
    merge->spec.into = merge->into;
    merge->spec.message = merge->message;
    merge->spec.task = agent->task;
    merge->spec.author = config->merge_author;
    merge->spec.co_author = merge->co_author;
    merge->spec.merged_work = agent->merged_work;
    merge->spec.merged_as = agent->merged_as;
    merge->spec.dry_run = dry_run;
    merge->job.kind = dry_run ? REVIEW_LOOK : REVIEW_CHANGE;
    merge->job.run = plan_run;
    merge->job.done = plan_done;
    merge->read.agent = agent->num;
    merge->read.limit = ANSWER_ITEMS;
    merge->read.done = answer_read;
    journal_read(agent->swarm->setup.journal, &merge->read);
}

void swarm_merge(struct swarm *swarm, struct agent *agent, const struct merge_params *params,
                 struct swarm_op *op)
{
    enum merge_strategy strategy = MERGE_COMMIT;
    buf_init(&op->answer, ANSWER_BYTES_MAX);
    if (!read_params(swarm, params, &strategy, &op->err) ||
        !may_merge(swarm, agent, params->dry_run, &op->err)) {
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    struct agent_merge *merge = agent_merge_new(agent, op);
    merge->into = params->into.len ? mem_dup(params->into) : NULL;
    merge->message = str_trim(params->message).len ? mem_dup(params->message) : NULL;
    merge->spec.strategy = strategy;
    begin(merge, params->dry_run);
}

void swarm_update(struct swarm *swarm, struct agent *agent, const struct update_params *params,
                  struct swarm_op *op)
{
    buf_init(&op->answer, ANSWER_BYTES_MAX);
    bool resolves = params->conflicts == UPDATE_RESOLVE && !params->dry_run;
    if (!may_merge(swarm, agent, false, &op->err) ||
        (resolves && !agent_may(agent, CAUSE_SEND, &op->err))) {
        op_fail(swarm, op);
        return;
    }
    op->err.kind = ERR_NONE;
    struct agent_merge *merge = agent_merge_new(agent, op);
    merge->into = params->from.len ? mem_dup(params->from) : NULL;
    merge->update = true;
    merge->resolve = resolves;
    merge->spec.conflicts = params->conflicts == UPDATE_REFUSE ? CONFLICTS_REFUSE : CONFLICTS_MARK;
    begin(merge, params->dry_run);
}

// --- after a crash ---

static void recover_run(struct review_job *job)
{
    struct agent_merge *merge = list_entry(job, struct agent_merge, job);
    struct arena arena;
    struct json *json;
    arena_init(&arena, 1 << 20);
    if (json_parse(&json, &arena, str_of(merge->agent->merge_intent), &merge->job.err)) {
        if (merge_read_intent(json, &merge->plan))
            merge_reconcile(&merge->spec.agent, &merge->plan, &merge->done, &merge->job.err);
        else
            err_set(&merge->job.err, ERR_STORAGE, "the stored intent of a merge cannot be read");
    }
    arena_release(&arena);
}

static void recover_done(struct review_job *job)
{
    struct agent_merge *merge = list_entry(job, struct agent_merge, job);
    struct agent *agent = merge->agent;
    if (merge->job.err.kind != ERR_NONE)
        event_notice(agent, "error", "a merge that was cut off could not be settled: %s",
                     merge->job.err.message);
    else if (merge->done && merge->plan.update)
        update_note(merge);
    else if (merge->done)
        note(merge);
    mem_free(agent->merge_intent);
    agent->merge_intent = NULL;
    agent_publish(agent);
    agent_merge_end(merge);
}

void merge_recover(struct agent *agent)
{
    struct swarm *swarm = agent->swarm;
    struct agent_merge *merge = agent_merge_new(agent, NULL);
    merge->job.kind = REVIEW_CHANGE;
    merge->job.run = recover_run;
    merge->job.done = recover_done;
    bool first = list_empty(&swarm->merges);
    list_append(&swarm->merges, &merge->node);
    if (first)
        next_merge(swarm);
}
