// SPDX-License-Identifier: MIT
// A turn's requests to the model: when one is made, with what, and what follows from its end.
#include "core/prompt.h"
#include "core/tokens.h"
#include "core/turn.h"

// --- the request ---

static bool within_budgets(struct turn *turn)
{
    struct err err;
    switch (budget_ask(turn->agent, &err)) {
    case BUDGET_GOES:
        return true;
    case BUDGET_WAITS:
        return false;
    case BUDGET_ENDS:
        turn_stop(turn, STOP_BUDGET, NULL);
        return false;
    case BUDGET_FAILS:
        break;
    }
    turn_stop(turn, STOP_ERROR, &err);
    return false;
}

static bool within_limits(struct turn *turn)
{
    const struct agent *agent = turn->agent;
    const struct config *config = agent->swarm->setup.config;
    int64_t steps = agent->limits.steps ? agent->limits.steps : config->step_limit;
    if (turn->step >= steps) {
        event_notice(turn->agent, "warning",
                     "The turn reached its limit of %lld steps. Resume it, or send a message, to "
                     "go on.",
                     (long long)steps);
        turn_stop(turn, STOP_MAX_STEPS, NULL);
        return false;
    }
    return within_budgets(turn);
}

static bool start_request(struct turn *turn, struct provider *provider, struct arena *arena,
                          struct err *err)
{
    struct model_part *parts;
    size_t part_count, tool_count;
    const struct tool *const *tools = tool_all(&tool_count);
    struct model_tool schemas[16];
    size_t schema_count = 0;
    for (size_t i = 0; i < tool_count && i < sizeof(schemas) / sizeof(*schemas); i++) {
        if (turn->agent->mode != MODE_READ || tools[i]->effect == TOOL_READS)
            schemas[schema_count++] = tools[i]->schema;
    }
    struct model_info model = swarm_model(turn->agent);
    turn->agent->usage.context_size = model.context_size;
    struct buf system;
    struct window_limits limits;
    buf_init(&system, 64 << 10);
    prompt_system(turn->agent, &system);
    window_limits(&turn->agent->window, model.context_size, model.max_output, 0,
                  tokens_of_head(buf_str(&system), schemas, schema_count), &limits);
    if (!window_parts(&turn->agent->window, &turn->transcript, &limits, arena, &parts, &part_count,
                      err)) {
        buf_release(&system);
        return false;
    }
    struct model_request request = {
        .model = str_of(turn->agent->model),
        .system = buf_str(&system),
        .parts = parts,
        .part_count = part_count,
        .tools = schemas,
        .tool_count = schema_count,
        .model_max_output = model.max_output,
    };
    turn->call = provider->ops->start(provider, &request, &turn_sink, turn);
    buf_release(&system);
    return true;
}

void turn_request(struct turn *turn)
{
    if (!within_limits(turn))
        return;
    turn->step++;
    turn->tries = 0;
    turn->shortened = false;
    turn_retry(turn);
}

static void begin_request(struct turn *turn)
{
    struct agent *agent = turn->agent;
    struct err err;
    turn->phase = TURN_THINKING;
    turn->ended = false;
    turn->usage = (struct model_usage){-1, -1, -1, -1};
    turn->limits = (struct model_limits){0};
    turn_progress(turn);
    agent_set_activity(agent, "thinking");
    const struct provider_port *providers = &agent->swarm->setup.providers;
    struct provider *provider = providers->find(providers->ctx, str_of(agent->provider), &err);
    struct arena arena;
    arena_init(&arena, TURN_REQUEST_BYTES_MAX);
    if (!provider || !start_request(turn, provider, &arena, &err))
        turn_stop(turn, STOP_ERROR, &err);
    arena_release(&arena);
}

void turn_retry(struct turn *turn)
{
    struct err err;
    turn->tries++;
    turn->phase = TURN_PLACING;
    if (!turn_place_take(turn, &err))
        turn_stop(turn, STOP_ERROR, &err);
    else if (turn->ticket.held)
        begin_request(turn);
}

void turn_place_granted(struct turn *turn)
{
    struct err err;
    if (turn->ticket.held)
        begin_request(turn);
    else if (!turn_place_take(turn, &err)) // it was given back while the agent was paused
        turn_stop(turn, STOP_ERROR, &err);
    else if (turn->ticket.held)
        begin_request(turn);
}

// --- its end ---

void turn_count_usage(struct turn *turn)
{
    bool answered = turn->text || turn->reasoning || turn->call_count > 0;
    agent_count_request(turn->agent, turn->step, &turn->usage, answered);
    turn->usage = (struct model_usage){-1, -1, -1, -1};
}

void turn_answered(struct turn *turn)
{
    bool spoke = turn->text != NULL;
    turn->ended = false;
    turn_count_usage(turn);
    if (turn->end.finish == MODEL_FAILED) {
        turn_request_failed(turn);
        return;
    }
    turn_end_texts(turn, ITEM_COMPLETED);
    turn->phase = TURN_TOOLS;
    if (turn->call_count > 0) {
        turn_calls_begin(turn);
        return;
    }
    if (turn->end.finish == MODEL_MAX_TOKENS) {
        event_notice(turn->agent, "warning", "The answer was cut at the model's output limit.");
        turn_stop(turn, STOP_MAX_TOKENS, NULL);
    } else if (turn->end.finish == MODEL_REFUSED) {
        if (turn->end.err.kind != ERR_NONE)
            event_notice(turn->agent, "warning", "%s", turn->end.err.message);
        turn_stop(turn, STOP_REFUSED, NULL);
    } else {
        if (!spoke)
            event_notice(turn->agent, "warning", "The model ended its turn without a word.");
        turn_stop(turn, STOP_END_TURN, NULL);
    }
}
