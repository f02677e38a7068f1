// SPDX-License-Identifier: MIT
// What streams back from the model: text and reasoning that grow, calls in pieces.
#include "core/base/mem.h"
#include "core/model/account.h"
#include "core/turn/turn.h"

static struct turn *turn_of(void *arg)
{
    return arg;
}

// --- live text ---

static void begin_text(struct turn *turn, enum item_kind kind, struct item **item,
                       struct live_item **live)
{
    *item = item_new(kind);
    (*item)->turn = turn->agent->usage.turns;
    (*item)->step = turn->step;
    event_item(turn->agent, *item);
    transcript_add(&turn->transcript, *item);
    *live = live_begin(turn->agent, *item);
}

static void end_text(struct turn *turn, struct item **item, struct live_item **live,
                     enum item_status status)
{
    if (!*item)
        return;
    (*item)->status = status;
    live_end(turn->agent->swarm, *live);
    event_item(turn->agent, *item);
    turn->transcript.bytes += (*item)->text.len;
    turn->transcript.bytes += (*item)->opaque ? strlen((*item)->opaque) : 0;
    *item = NULL;
    *live = NULL;
}

void turn_end_texts(struct turn *turn, enum item_status status)
{
    end_text(turn, &turn->reasoning, &turn->reasoning_live, status);
    end_text(turn, &turn->text, &turn->text_live, status);
}

static void add_text(struct turn *turn, struct item *item, struct live_item *live, struct str piece)
{
    turn_progress(turn);
    buf_add_str(&item->text, piece);
    live_changed(turn->agent->swarm, live);
    if (item->text.overflow) {
        struct err err;
        err_set(&err, ERR_LIMIT, "the model's answer is longer than %d bytes", ITEM_TEXT_MAX);
        turn_stop(turn, STOP_ERROR, &err);
    }
}

static void on_text(void *arg, struct str piece)
{
    struct turn *turn = turn_of(arg);
    if (turn->stop || piece.len == 0)
        return;
    end_text(turn, &turn->reasoning, &turn->reasoning_live, ITEM_COMPLETED);
    if (turn->text && turn->text->opaque) // it belongs to what was said before
        end_text(turn, &turn->text, &turn->text_live, ITEM_COMPLETED);
    if (!turn->text)
        begin_text(turn, ITEM_ASSISTANT, &turn->text, &turn->text_live);
    add_text(turn, turn->text, turn->text_live, piece);
}

static void begin_reasoning(struct turn *turn)
{
    end_text(turn, &turn->text, &turn->text_live, ITEM_COMPLETED);
    if (!turn->reasoning)
        begin_text(turn, ITEM_REASONING, &turn->reasoning, &turn->reasoning_live);
}

static void on_reasoning(void *arg, struct str piece)
{
    struct turn *turn = turn_of(arg);
    if (turn->stop || piece.len == 0)
        return;
    begin_reasoning(turn);
    add_text(turn, turn->reasoning, turn->reasoning_live, piece);
}

// --- calls ---

static struct turn_call *call_at(struct turn *turn, unsigned index)
{
    while (turn->call_count <= index && turn->call_count < MODEL_TOOL_CALLS_MAX)
        turn_call_new(turn);
    if (index < turn->call_count)
        return turn->calls[index];
    struct err err;
    err_set(&err, ERR_LIMIT, "the model made more than %d calls in one answer",
            MODEL_TOOL_CALLS_MAX);
    turn_stop(turn, STOP_ERROR, &err);
    return NULL;
}

static void on_tool_begin(void *arg, unsigned index, struct str call_id, struct str name)
{
    struct turn *turn = turn_of(arg);
    struct turn_call *call = turn->stop ? NULL : call_at(turn, index);
    if (!call)
        return;
    turn_progress(turn);
    mem_free(call->call_id);
    mem_free(call->name);
    call->call_id = mem_dup(call_id);
    call->name = mem_dup(name);
    agent_set_activity(turn->agent, "preparing %s", call->name);
}

static void on_tool_input(void *arg, unsigned index, struct str piece)
{
    struct turn *turn = turn_of(arg);
    struct turn_call *call = turn->stop ? NULL : call_at(turn, index);
    if (!call)
        return;
    turn_progress(turn);
    buf_add_str(&call->input, piece);
    if (call->input.overflow) {
        struct err err;
        err_set(&err, ERR_LIMIT, "the arguments of a call of %s are longer than %d bytes",
                call->name ? call->name : "a tool", ITEM_TEXT_MAX);
        turn_stop(turn, STOP_ERROR, &err);
    }
}

static void keep_opaque(char **opaque, struct str json)
{
    mem_free(*opaque);
    *opaque = mem_dup(json);
}

static void on_opaque(void *arg, enum model_part_kind of, unsigned index, struct str json)
{
    struct turn *turn = turn_of(arg);
    struct turn_call *call;
    if (turn->stop)
        return;
    turn_progress(turn);
    if (of == MODEL_REASONING) {
        begin_reasoning(turn);
        keep_opaque(&turn->reasoning->opaque, json);
        end_text(turn, &turn->reasoning, &turn->reasoning_live, ITEM_COMPLETED);
    } else if (of == MODEL_ASSISTANT_TEXT && turn->text) {
        keep_opaque(&turn->text->opaque, json);
    } else if (of == MODEL_TOOL_CALL && (call = call_at(turn, index))) {
        keep_opaque(&call->opaque, json);
    }
}

static void on_usage(void *arg, const struct model_usage *usage)
{
    turn_of(arg)->usage = *usage;
}

static void on_limits(void *arg, const struct model_limits *limits)
{
    struct turn *turn = turn_of(arg);
    turn->limits = *limits;
    account_set_limits(turn->account, limits);
}

static void on_end(void *arg, const struct model_end *end)
{
    struct turn *turn = turn_of(arg);
    account_ended(turn->account, &turn->ticket, end, &turn->usage);
    turn->call = NULL;
    turn->end = *end;
    turn->ended = true;
    turn_wake(turn);
}

const struct model_sink turn_sink = {
    .limits = on_limits,
    .text = on_text,
    .reasoning = on_reasoning,
    .tool_begin = on_tool_begin,
    .tool_input = on_tool_input,
    .opaque = on_opaque,
    .usage = on_usage,
    .end = on_end,
};

void turn_cut_stream(struct turn *turn)
{
    turn_place_give(turn);
    if (turn->call) {
        const struct agent *agent = turn->agent;
        const struct provider_port *providers = &agent->swarm->setup.providers;
        struct err ignored;
        struct provider *provider =
            providers->find(providers->ctx, str_of(agent->provider), &ignored);
        if (provider)
            provider->ops->cancel(turn->call);
        turn->call = NULL;
        turn_count_usage(turn);
    }
    turn_end_texts(turn, ITEM_FAILED);
    if (turn->phase == TURN_THINKING)
        turn_calls_release(turn); // half-streamed calls never existed
    turn->phase = TURN_TOOLS;
}
