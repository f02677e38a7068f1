// SPDX-License-Identifier: MIT
// What an agent's requests and its time at work come to: in its own usage, in an event, and in the
// store, all in one commit.
#include "core/swarm/swarm_internal.h"

static void put(struct agent *agent, const char *provider, const char *model,
                const struct usage_sum *sum)
{
    struct swarm *swarm = agent->swarm;
    struct store_usage usage = {
        .day = port_wall_ms(swarm->setup.ports) / USAGE_DAY_MS,
        .agent = agent->num,
        .agent_id = str_of(agent->id),
        .scope = str_of(agent->scope),
        .swarm = str_of(agent->swarm_id),
        .provider = str_of(provider),
        .model = str_of(model),
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
    put(agent, agent->provider, agent->model, &sum);
    budget_spend(agent, &sum, journal_next_seq(agent->swarm->setup.journal));
}

static int64_t tell(struct agent *agent, int64_t step, const char *provider, const char *model,
                    const struct usage_sum *sum)
{
    struct json_writer *w = event_begin(agent, EVENT_TURN, "request");
    json_add_int(w, "turn", agent->usage.turns);
    json_add_int(w, "step", step);
    json_add_cstr(w, "provider", provider);
    json_add_cstr(w, "model", model);
    json_key(w, "usage");
    json_begin_object(w);
    usage_add_members(w, sum);
    json_end_object(w);
    return event_end(agent, EVENT_TURN);
}

static void count(struct agent *agent, int64_t step, const char *provider, const char *model,
                  struct usage_sum *sum)
{
    sum->work_ms = take_work(agent);
    int64_t seq = tell(agent, step, provider, model, sum);
    put(agent, provider, model, sum);
    agent_touch(agent);
    budget_spend(agent, sum, seq);
    agent_store(agent, false);
}

void agent_model_changed(struct agent *agent)
{
    agent->window.size = 0;
    agent->window.ratio = 0;
    agent->usage.context_size = swarm_model(agent).context_size;
}

static bool is_nothing(const struct model_usage *usage, bool answered)
{
    return usage->input < 0 && usage->output < 0 && !answered;
}

void agent_count_request(struct agent *agent, int64_t step, const struct model_usage *usage,
                         bool answered)
{
    if (is_nothing(usage, answered))
        return;
    fallback_answered(agent);
    struct model_info model = swarm_model(agent);
    struct usage_sum sum = usage_of_request(usage, &model);
    if (usage->input >= 0)
        agent->usage.context_used = sum.input_tokens + sum.output_tokens;
    count(agent, step, agent->provider, agent->model, &sum);
}

void agent_count_inquiry(struct agent *agent, const char *provider, const char *model,
                         const struct model_usage *usage, bool answered)
{
    if (is_nothing(usage, answered))
        return;
    struct model_info info =
        catalogue_find(agent->swarm->catalogue, str_of(provider), str_of(model));
    struct usage_sum sum = usage_of_request(usage, &info);
    count(agent, 0, provider, model, &sum);
}
