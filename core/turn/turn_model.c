// SPDX-License-Identifier: MIT
// A turn's requests to the model: when one is made, with what, and what follows from its end.
#include "core/model/tokens.h"
#include "core/turn/turn.h"

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

static bool start_request(struct turn *turn, const struct turn_head *head,
                          struct provider *provider, struct arena *arena, struct err *err)
{
    struct model_part *parts;
    size_t count;
    if (!window_parts(&turn->agent->window, &turn->transcript, arena, &parts, &count, err))
        return false;
    turn->estimate = head->tokens + tokens_of_parts(parts, count);
    turn->agent->usage.context_used =
        tokens_corrected(turn->estimate, turn->agent->window.ratio); // until the provider says
    turn->agent->usage.context_size = head->model.context_size;
    agent_touch(turn->agent);
    const struct model_request request = {
        .model = str_of(turn->agent->model),
        .system = buf_str(&head->system),
        .parts = parts,
        .part_count = count,
        .tools = head->tools,
        .tool_count = head->tool_count,
        .model_max_output = head->model.max_output,
    };
    turn->call = provider->ops->start(provider, &request, &turn_sink, turn);
    return true;
}

void turn_request(struct turn *turn)
{
    if (!within_limits(turn) || !turn_window_ready(turn))
        return;
    if (turn->compact_only) {
        turn_stop(turn, STOP_END_TURN, NULL);
        return;
    }
    turn->step++;
    turn->tries = 0;
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
    struct turn_head head;
    arena_init(&arena, TURN_REQUEST_BYTES_MAX);
    turn_head_make(turn, &head);
    if (!provider || !start_request(turn, &head, provider, &arena, &err))
        turn_stop(turn, STOP_ERROR, &err);
    turn_head_release(&head);
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

// What was said at the end of the first turns stays in sight, as what was asked does.
static void pin_last_word(struct turn *turn, const struct item *text)
{
    struct err full;
    struct agent *agent = turn->agent;
    if (text && agent->usage.turns <= WINDOW_FIRST_TURNS && turn->call_count == 0)
        window_pin(&agent->window, text->seq, true, &full);
}

static void end_turn(struct turn *turn, bool spoke)
{
    const struct model_end *end = &turn->end;
    if (end->finish == MODEL_MAX_TOKENS) {
        bool full = end->failure == MODEL_FAILURE_CONTEXT_TOO_LARGE;
        event_notice(turn->agent, "warning", "The answer was cut at the model's %s.",
                     full ? "context window, which is full" : "output limit");
        turn_stop(turn, STOP_MAX_TOKENS, NULL);
    } else if (end->finish == MODEL_REFUSED) {
        if (end->err.kind != ERR_NONE)
            event_notice(turn->agent, "warning", "%s", end->err.message);
        turn_stop(turn, STOP_REFUSED, NULL);
    } else {
        if (!spoke)
            event_notice(turn->agent, "warning", "The model ended its turn without a word.");
        turn_stop(turn, STOP_END_TURN, NULL);
    }
}

void turn_answered(struct turn *turn)
{
    bool spoke = turn->text != NULL;
    struct window *window = &turn->agent->window;
    turn->ended = false;
    window->ratio = tokens_learn(window->ratio, turn->estimate, turn->usage.input);
    turn_count_usage(turn);
    if (turn->end.finish == MODEL_FAILED) {
        turn_request_failed(turn);
        return;
    }
    turn->overflowed = false;
    pin_last_word(turn, turn->text);
    turn_end_texts(turn, ITEM_COMPLETED);
    turn->phase = TURN_TOOLS;
    if (turn->end.finish == MODEL_REFUSED)
        turn_calls_release(turn); // what was refused is not done, either
    if (turn->call_count > 0)
        turn_calls_begin(turn);
    else if (turn->end.finish != MODEL_PAUSED) // else, with no calls: the next request
        end_turn(turn, spoke);
}
