// SPDX-License-Identifier: MIT
// swarm/pause, swarm/continue, swarm/queue and swarm/stats.
#include "lsp/methods.h"
#include "lsp/params.h"

#include <sys/resource.h>
#include <unistd.h>

// --- pause, continue ---

// One agent when the request named one, else every agent: clients replace what they show.
static void agents_result(struct pending *pending, struct json_writer *json)
{
    struct swarm *swarm = pending->op.swarm;
    json_begin_object(json);
    json_key(json, "agents");
    json_begin_array(json);
    for (struct agent *agent = swarm_first(swarm); agent; agent = swarm_next(swarm, agent)) {
        if (pending->op.agent_num == 0 || pending->op.agent_num == agent->num)
            agent_write_json(json, agent);
    }
    json_end_array(json);
    json_end_object(json);
}

static const struct pending_kind agents_kind = {.result = agents_result, .is_large = true};

static void pause_or_continue(struct call *call, bool pause)
{
    struct agent *agent = NULL;
    struct err err;
    const struct json *id = json_get(call->params, "agentId");
    if (id && id->type != JSON_NULL &&
        !params_need_agent(call->swarm, call->params, &agent, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &agents_kind);
    if (!pending)
        return;
    if (agent)
        swarm_pause(call->swarm, agent, pause, &pending->op);
    else
        swarm_pause_all(call->swarm, pause, &pending->op);
}

void method_pause(struct call *call)
{
    pause_or_continue(call, true);
}

void method_continue(struct call *call)
{
    pause_or_continue(call, false);
}

// --- the queue ---

static void queue_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "queue");
    agent_write_queue(json, pending->op.agent);
    json_end_object(json);
}

static const struct pending_kind queue_kind = {.result = queue_result, .shows_agent = true};

static bool read_queue(struct call *call, struct agent **agent, struct str *item_id,
                       struct str *text, struct err *err)
{
    if (!params_need_agent(call->swarm, call->params, agent, err) ||
        !params_need_str(call->params, "itemId", item_id, err))
        return false;
    // Left out by mistake, it must not drop what a person wrote.
    if (!json_get(call->params, "text"))
        return err_set(err, ERR_PARAMS, "text: expected the new text, or null to drop the message");
    return json_get_str(call->params, "text", text, err);
}

void method_queue(struct call *call)
{
    struct agent *agent;
    struct str item_id = STR_NONE, text = STR_NONE;
    struct err err;
    if (!read_queue(call, &agent, &item_id, &text, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &queue_kind);
    if (pending)
        swarm_queue(call->swarm, agent, item_id, text, &pending->op);
}

// --- stats ---

static void put_states(struct json_writer *json, struct swarm *swarm)
{
    int64_t counts[STATE_COUNT] = {0};
    for (struct agent *agent = swarm_first(swarm); agent; agent = swarm_next(swarm, agent))
        counts[agent->state]++;
    json_key(json, "agents");
    json_begin_object(json);
    for (int state = 0; state < STATE_COUNT; state++)
        json_add_int(json, state_name((enum agent_state)state), counts[state]);
    json_end_object(json);
}

static void put_totals(struct json_writer *json, struct swarm *swarm)
{
    struct usage sum = {0};
    for (struct agent *agent = swarm_first(swarm); agent; agent = swarm_next(swarm, agent)) {
        sum.input_tokens += agent->usage.input_tokens;
        sum.output_tokens += agent->usage.output_tokens;
        sum.cache_read_tokens += agent->usage.cache_read_tokens;
        sum.cache_write_tokens += agent->usage.cache_write_tokens;
        sum.turns += agent->usage.turns;
        sum.tool_calls += agent->usage.tool_calls;
    }
    json_key(json, "totals"); // of the agents that are listed
    json_begin_object(json);
    json_add_int(json, "inputTokens", sum.input_tokens);
    json_add_int(json, "outputTokens", sum.output_tokens);
    json_add_int(json, "cacheReadTokens", sum.cache_read_tokens);
    json_add_int(json, "cacheWriteTokens", sum.cache_write_tokens);
    json_add_int(json, "turns", sum.turns);
    json_add_int(json, "toolCalls", sum.tool_calls);
    json_end_object(json);
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void put_process(struct json_writer *json)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    json_key(json, "process");
    json_begin_object(json);
    json_add_int(json, "pid", getpid());
    json_add_cstr(json, "version", SWARMD_VERSION);
    json_add_real(json, "userSeconds", seconds(usage.ru_utime));
    json_add_real(json, "systemSeconds", seconds(usage.ru_stime));
    json_add_int(json, "peakResidentBytes", (int64_t)usage.ru_maxrss * 1024);
    json_end_object(json);
}

void method_stats(struct call *call)
{
    struct swarm_counts counts;
    swarm_count(call->swarm, &counts);
    struct json_writer *json = call_begin(call);
    json_begin_object(json);
    put_states(json, call->swarm);
    json_add_int(json, "active", (int64_t)counts.active);
    json_add_int(json, "maxActive", swarm_config(call->swarm)->max_active);
    put_totals(json, call->swarm);
    put_process(json);
    json_add_int(json, "seq", journal_committed(swarm_journal(call->swarm)));
    json_end_object(json);
    call_end(call);
}
