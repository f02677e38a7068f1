// SPDX-License-Identifier: MIT
// swarm/pause, swarm/continue, swarm/queue and swarm/stats.
#include "core/model/account.h"
#include "lsp/methods.h"
#include "lsp/params.h"

#include <sys/resource.h>
#include <unistd.h>

enum { STATS_ROWS_MAX = 100 }; // scopes, and models, of today

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
        usage_sum_add(&sum.sum, &agent->usage.sum);
        sum.turns += agent->usage.turns;
        sum.tool_calls += agent->usage.tool_calls;
    }
    json_key(json, "totals"); // of the agents that are listed
    json_begin_object(json);
    usage_add_members(json, &sum.sum);
    json_add_int(json, "turns", sum.turns);
    json_add_int(json, "toolCalls", sum.tool_calls);
    json_end_object(json);
}

static void put_sandbox(struct json_writer *json, const struct swarm *swarm)
{
    const char *weak;
    json_key(json, "sandbox");
    json_begin_object(json);
    json_add_cstr(json, "state", swarm_sandbox(swarm, &weak));
    if (weak)
        json_add_cstr(json, "missing", weak);
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

static void stats_result(struct pending *pending, struct json_writer *json)
{
    struct swarm *swarm = pending->op.swarm;
    struct swarm_counts counts;
    swarm_count(swarm, &counts);
    json_begin_object(json);
    put_states(json, swarm);
    json_add_int(json, "active", (int64_t)counts.active);
    json_add_int(json, "maxActive", swarm_config(swarm)->max_active);
    put_totals(json, swarm);
    json_add_raw(json, "today", buf_str(&pending->read.out));
    json_key(json, "providers");
    accounts_write_json(json, swarm_accounts(swarm));
    put_process(json);
    put_sandbox(json, swarm);
    json_add_int(json, "seq", journal_committed(swarm_journal(swarm)));
    json_end_object(json);
}

static const struct pending_kind stats_kind = {.result = stats_result, .can_be_left = true};

void method_stats(struct call *call)
{
    struct pending *pending = pending_new(call, &stats_kind);
    if (!pending)
        return;
    struct store_usage_query *query = &pending->read.usage;
    int64_t today = swarm_now_ms(call->swarm) / USAGE_DAY_MS;
    pending->op.swarm = call->swarm;
    *query = (struct store_usage_query){
        .wanted = true, .overview = true, .from = today, .to = today, .limit = STATS_ROWS_MAX};
    journal_read(swarm_journal(call->swarm), &pending->read);
}
