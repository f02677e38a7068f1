// SPDX-License-Identifier: MIT
// What editors ask of an agent's files: checkpoints, diff, rewind, revert.
#include "core/base/mem.h"
#include "core/swarm/review.h"
#include "core/swarm/swarm_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct request {
    struct review_job job;
    struct checkpoint_place place;
    char *git, *cache;
    struct swarm_op *op;
    int64_t turn;
    char parent[CHECKPOINT_NAME_MAX];
    struct checkpoint_result result;
    // of diff
    struct diff_query query;
    char *from, *to;
    struct str *paths;
    // of rewind and revert
    char *name; // of the checkpoint, or the path
    bool transcript;
    struct hunk_name hunk;
};

static bool can_look(const struct agent *agent, struct err *err)
{
    if (agent->removing || agent->leaving)
        return err_set(err, ERR_WRONG_STATE, "%s is being removed", agent->id);
    if (agent->isolated && !agent->worktree_made)
        return err_set(err, ERR_WRONG_STATE, "%s is %s: it has no files yet", agent->id,
                       state_name(agent->state));
    return true;
}

static bool can_change(const struct agent *agent, struct err *err)
{
    bool rests = !state_is_active(agent->state) && agent->state != STATE_QUEUED &&
                 agent->state != STATE_PAUSED && agent->state != STATE_BLOCKED;
    if (agent->swarm->closing)
        return err_set(err, ERR_REFUSED, "the server is ending");
    if (!agent->isolated)
        return err_set(err, ERR_WRONG_STATE,
                       "%s works in the repository itself (isolation none), where nothing is "
                       "taken back",
                       agent->id);
    if (agent->merge)
        return err_set(err, ERR_WRONG_STATE, "%s is being merged", agent->id);
    if (!rests || agent->turn || agent->setup)
        return err_set(err, ERR_WRONG_STATE,
                       "%s is %s: files are taken back only while no turn runs; cancel it first",
                       agent->id, state_name(agent->state));
    return can_look(agent, err) && journal_can_take(agent->swarm->setup.journal, err);
}

static void request_free(struct request *request)
{
    for (size_t i = 0; i < request->query.path_count; i++)
        mem_free((char *)request->paths[i].data);
    mem_free(request->paths);
    mem_free(request->from);
    mem_free(request->to);
    mem_free(request->name);
    mem_free(request->git);
    mem_free(request->cache);
    mem_free(request);
}

// What of the answer was written before it failed is not data of the error.
static void refuse(struct agent *agent, struct swarm_op *op)
{
    buf_clear(&op->answer);
    op_fail(agent->swarm, op);
}

// NULL when the agent is in no state for it: then it is answered.
static struct request *request_new(struct agent *agent, enum review_kind kind, struct swarm_op *op)
{
    buf_init(&op->answer, DIFF_JSON_MAX);
    if (!(kind == REVIEW_CHANGE ? can_change : can_look)(agent, &op->err)) {
        refuse(agent, op);
        return NULL;
    }
    struct request *request = mem_new(sizeof(*request));
    request->job.kind = kind;
    request->op = op;
    request->place = review_place(agent, &request->git, &request->cache);
    request->turn = agent->usage.turns;
    memcpy(request->parent, agent->checkpoint, sizeof(request->parent));
    return request;
}

static void finish(struct request *request)
{
    struct agent *agent = request->job.agent;
    struct swarm_op *op = request->op;
    op->err = request->job.err;
    if (op->err.kind == ERR_NONE)
        op_finish(agent, op);
    else
        refuse(agent, op);
    request_free(request);
}

static void look_done(struct review_job *job)
{
    finish(list_entry(job, struct request, job));
}

// --- looking ---

static void list_run(struct review_job *job)
{
    struct request *request = list_entry(job, struct request, job);
    checkpoint_list(&request->place, &request->op->answer, &job->err);
}

void swarm_checkpoints(struct swarm *swarm, struct agent *agent, struct swarm_op *op)
{
    (void)swarm;
    struct request *request = request_new(agent, REVIEW_LOOK, op);
    if (!request)
        return;
    request->job.run = list_run;
    request->job.done = look_done;
    review_add(agent, &request->job);
}

static void diff_run(struct review_job *job)
{
    struct request *request = list_entry(job, struct request, job);
    checkpoint_diff(&request->place, &request->query, &request->op->answer, &job->err);
}

void swarm_diff(struct swarm *swarm, struct agent *agent, const struct diff_query *query,
                struct swarm_op *op)
{
    (void)swarm;
    struct request *request = request_new(agent, REVIEW_LOOK, op);
    if (!request)
        return;
    request->from = mem_dup(query->from);
    request->to = mem_dup(query->to);
    request->paths = mem_new_array(query->path_count + 1, sizeof(*request->paths));
    for (size_t i = 0; i < query->path_count; i++)
        request->paths[i] = str_of(mem_dup(query->paths[i]));
    request->query = (struct diff_query){
        .from = str_of(request->from),
        .to = str_of(request->to),
        .paths = request->paths,
        .path_count = query->path_count,
    };
    request->job.run = diff_run;
    request->job.done = look_done;
    review_add(agent, &request->job);
}

// --- taking back ---

static void add_result(struct swarm_op *op, const struct checkpoint_result *result)
{
    struct json_writer w;
    json_writer_init(&w, &op->answer);
    json_put_str(&w, str_of(result->name));
}

// The model is told what happened to its files, as if a person had said it.
static void tell_model(struct agent *agent, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell_model(struct agent *agent, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct item *item = item_new_user(NULL, str_of(text), "swarmd");
    item->turn = agent->usage.turns;
    event_item(agent, item);
    item_free(item);
}

static void rewind_run(struct review_job *job)
{
    struct request *request = list_entry(job, struct request, job);
    checkpoint_rewind(&request->place, request->turn, request->parent, str_of(request->name),
                      &request->result, &job->err);
}

static void add_rewind(struct agent *agent, const struct request *request)
{
    struct item *item = item_new(ITEM_REWIND);
    struct buf json;
    struct json_writer w;
    buf_init(&json, ERR_MESSAGE_MAX);
    json_writer_init(&w, &json);
    json_begin_object(&w);
    json_add_cstr(&w, "checkpoint", request->name);
    json_add_int(&w, "turn", strtoll(request->name, NULL, 10));
    json_add_cstr(&w, "kept", request->result.name);
    json_add_bool(&w, "transcript", request->transcript);
    json_end_object(&w);
    item->input = buf_detach(&json, NULL);
    item->status = ITEM_COMPLETED;
    item->turn = agent->usage.turns;
    buf_addf(&item->text, "Files are back at checkpoint %s%s; what they were is checkpoint %s.",
             request->name,
             request->transcript ? ", and the model sees nothing of what was said after it" : "",
             request->result.name);
    event_item(agent, item);
    item_free(item);
    if (request->transcript)
        window_reset(&agent->window); // a summary may tell of what was taken back
}

static void rewind_done(struct review_job *job)
{
    struct request *request = list_entry(job, struct request, job);
    struct agent *agent = job->agent;
    if (job->err.kind == ERR_NONE) {
        review_take_result(agent, &request->result);
        snprintf(agent->checkpoint, sizeof(agent->checkpoint), "%s", request->name);
        add_rewind(agent, request);
        if (!request->transcript)
            tell_model(agent,
                       "The files of the worktree were put back to what they were at the end of "
                       "turn %s. Changes made after it are gone.",
                       request->name);
        agent_publish(agent);
        journal_want_sync(agent->swarm->setup.journal);
        add_result(request->op, &request->result);
    } else if (*request->result.name) { // kept, but not all of the way back
        memcpy(agent->checkpoint, request->result.name, sizeof(agent->checkpoint));
        agent_store(agent, false);
    }
    finish(request);
}

void swarm_rewind(struct swarm *swarm, struct agent *agent, struct str checkpoint, bool transcript,
                  struct swarm_op *op)
{
    (void)swarm;
    struct request *request = request_new(agent, REVIEW_CHANGE, op);
    if (!request)
        return;
    request->name = mem_dup(checkpoint);
    request->transcript = transcript;
    request->job.run = rewind_run;
    request->job.done = rewind_done;
    review_add(agent, &request->job);
}

static void revert_run(struct review_job *job)
{
    struct request *request = list_entry(job, struct request, job);
    checkpoint_revert(&request->place, request->turn, request->parent, str_of(request->name),
                      &request->hunk, &request->result, &job->err);
}

static void revert_done(struct review_job *job)
{
    struct request *request = list_entry(job, struct request, job);
    struct agent *agent = job->agent;
    if (job->err.kind == ERR_NONE) {
        review_take_result(agent, &request->result);
        if (request->hunk.given)
            tell_model(agent, "A person took back a part of your changes of %s (hunk %lld).",
                       request->name, (long long)request->hunk.index + 1);
        else
            tell_model(agent, "A person took back your changes of %s.", request->name);
        agent_publish(agent);
        journal_want_sync(agent->swarm->setup.journal);
        add_result(request->op, &request->result);
    } else if (*request->result.name) {
        memcpy(agent->checkpoint, request->result.name, sizeof(agent->checkpoint));
        agent_store(agent, false);
    }
    finish(request);
}

void swarm_revert(struct swarm *swarm, struct agent *agent, struct str path,
                  const struct hunk_name *hunk, struct swarm_op *op)
{
    (void)swarm;
    struct request *request = request_new(agent, REVIEW_CHANGE, op);
    if (!request)
        return;
    request->name = mem_dup(path);
    request->hunk = *hunk;
    request->job.run = revert_run;
    request->job.done = revert_done;
    review_add(agent, &request->job);
}
