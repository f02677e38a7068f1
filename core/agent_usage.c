// SPDX-License-Identifier: MIT
// What an agent's requests and its time at work come to: in its own usage, in an event, and in the
// store, all in one commit.
#include "core/swarm_internal.h"

static void put(struct agent *agent, const struct usage_sum *sum)
{
    struct swarm *swarm = agent->swarm;
    struct store_usage usage = {
        .day = port_wall_ms(swarm->setup.ports) / USAGE_DAY_MS,
        .agent = agent->num,
        .agent_id = str_of(agent->id),
        .scope = str_of(agent->scope),
        .swarm = str_of(agent->swarm_id),
        .provider = str_of(agent->provider),
        .model = str_of(agent->model),
        .sum = *sum,
    };
    usage_sum_add(&agent->usage.sum, sum);
    journal_put_usage(swarm->setup.journal, &usage);
}

static int64_t since(const struct agent *agent)
{
    if (agent->state != STATE_WORKING || !agent->working_since)
        return 0;
    return port_mono_ms(agent->swarm->setup.ports) - agent->working_since;
}

int64_t agent_work_ms(const struct agent *agent)
{
    return agent->usage.sum.work_ms + since(agent);
}

static int64_t take_work(struct agent *agent)
{
    int64_t ms = since(agent);
    agent->working_since = port_mono_ms(agent->swarm->setup.ports);
    return ms;
}

void agent_count_work(struct agent *agent)
{
    struct usage_sum sum = {.work_ms = take_work(agent)};
    if (sum.work_ms <= 0)
        return;
    put(agent, &sum);
    budget_spend(agent, &sum, journal_next_seq(agent->swarm->setup.journal));
}

static int64_t tell(struct agent *agent, int64_t step, const struct usage_sum *sum)
{
    struct json_writer *w = event_begin(agent, EVENT_TURN, "request");
    json_add_int(w, "turn", agent->usage.turns);
    json_add_int(w, "step", step);
    json_add_cstr(w, "provider", agent->provider);
    json_add_cstr(w, "model", agent->model);
    json_key(w, "usage");
    json_begin_object(w);
    usage_add_members(w, sum);
    json_end_object(w);
    return event_end(agent, EVENT_TURN);
}

void agent_count_request(struct agent *agent, int64_t step, const struct model_usage *usage,
                         bool answered)
{
    if (usage->input < 0 && usage->output < 0 && !answered)
        return;
    fallback_answered(agent);
    struct model_info model = swarm_model(agent);
    struct usage_sum sum = usage_of_request(usage, &model);
    sum.work_ms = take_work(agent);
    if (usage->input >= 0)
        agent->usage.context_used = sum.input_tokens + sum.output_tokens;
    int64_t seq = tell(agent, step, &sum);
    put(agent, &sum);
    agent_touch(agent);
    budget_spend(agent, &sum, seq);
    agent_store(agent, false);
}
