// SPDX-License-Identifier: MIT
// A turn's requests to the model and the stream that comes back.
#include "core/mem.h"
#include "core/prompt.h"
#include "core/turn.h"

#include <stdio.h>
#include <sys/random.h>

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

static void end_texts(struct turn *turn, enum item_status status)
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

static void on_end(void *arg, const struct model_end *end)
{
    struct turn *turn = turn_of(arg);
    turn->call = NULL;
    turn->end = *end;
    turn->ended = true;
    turn_wake(turn);
}

static const struct model_sink sink = {
    .text = on_text,
    .reasoning = on_reasoning,
    .tool_begin = on_tool_begin,
    .tool_input = on_tool_input,
    .opaque = on_opaque,
    .usage = on_usage,
    .end = on_end,
};

// --- the request ---

static bool within_limits(struct turn *turn)
{
    const struct agent *agent = turn->agent;
    const struct config *config = agent->swarm->setup.config;
    int64_t steps = agent->limits.steps ? agent->limits.steps : config->step_limit;
    int64_t tokens = agent->usage.input_tokens + agent->usage.output_tokens;
    if (turn->step >= steps) {
        event_notice(turn->agent, "warning",
                     "The turn reached its limit of %lld steps. Resume it, or send a message, to "
                     "go on.",
                     (long long)steps);
        turn_stop(turn, STOP_MAX_STEPS, NULL);
        return false;
    }
    if (agent->limits.tokens > 0 && tokens >= agent->limits.tokens) {
        event_notice(turn->agent, "warning", "The agent used %lld of its %lld tokens.",
                     (long long)tokens, (long long)agent->limits.tokens);
        turn_stop(turn, STOP_BUDGET, NULL);
        return false;
    }
    return true;
}

static bool start_request(struct turn *turn, struct provider *provider, struct arena *arena,
                          struct err *err)
{
    struct model_part *parts;
    size_t part_count, tool_count;
    if (!transcript_parts(&turn->transcript, arena, &parts, &part_count, err))
        return false;
    const struct tool *const *tools = tool_all(&tool_count);
    struct model_tool schemas[16];
    size_t schema_count = 0;
    for (size_t i = 0; i < tool_count && i < sizeof(schemas) / sizeof(*schemas); i++) {
        if (turn->agent->mode != MODE_READ || tools[i]->effect == TOOL_READS)
            schemas[schema_count++] = tools[i]->schema;
    }
    struct buf system;
    buf_init(&system, 64 << 10);
    prompt_system(turn->agent, &system);
    struct model_request request = {
        .model = str_of(turn->agent->model),
        .system = buf_str(&system),
        .parts = parts,
        .part_count = part_count,
        .tools = schemas,
        .tool_count = schema_count,
    };
    turn->call = provider->ops->start(provider, &request, &sink, turn);
    buf_release(&system);
    return true;
}

void turn_request(struct turn *turn)
{
    if (!within_limits(turn))
        return;
    turn->step++;
    turn->tries = 0;
    turn_retry(turn);
}

void turn_retry(struct turn *turn)
{
    struct agent *agent = turn->agent;
    struct err err;
    turn->tries++;
    turn->phase = TURN_THINKING;
    turn->ended = false;
    turn->usage = (struct model_usage){-1, -1, -1, -1};
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

// --- its end ---

static int64_t known(int64_t tokens)
{
    return tokens > 0 ? tokens : 0;
}

static void count_usage(struct turn *turn)
{
    struct usage *usage = &turn->agent->usage;
    usage->input_tokens += known(turn->usage.input);
    usage->output_tokens += known(turn->usage.output);
    usage->cache_read_tokens += known(turn->usage.cache_read);
    usage->cache_write_tokens += known(turn->usage.cache_write);
    if (turn->usage.input >= 0)
        usage->context_used = known(turn->usage.input) + known(turn->usage.output);
    turn->usage = (struct model_usage){-1, -1, -1, -1};
    agent_touch(turn->agent);
}

// --- trying again ---

// Too many requests, a server that is overloaded or broken, no answer at all. Everything else
// would fail the same way again.
static bool is_passing(const struct model_end *end)
{
    int status = end->http_status;
    bool no_answer = (status == 0 || status == 200) && end->err.kind == ERR_PROVIDER;
    return status == 408 || status == 429 || status >= 500 || no_answer;
}

// Exponential with full jitter: clients that failed together do not come back together.
static int64_t retry_delay(const struct turn *turn)
{
    if (turn->end.retry_after_ms >= 0)
        return turn->end.retry_after_ms;
    int64_t most = (int64_t)TURN_RETRY_MS << (turn->tries - 1);
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        random = UINT32_MAX;
    if (most > TURN_RETRY_MS_MAX)
        most = TURN_RETRY_MS_MAX;
    return 1 + (int64_t)random * most / UINT32_MAX;
}

static bool try_again(struct turn *turn)
{
    int64_t delay = retry_delay(turn);
    if (!is_passing(&turn->end) || turn->tries >= TURN_TRIES_MAX || delay > TURN_RETRY_AFTER_MS_MAX)
        return false;
    char why[32] = "no answer";
    if (turn->end.http_status >= 400)
        snprintf(why, sizeof(why), "%d", turn->end.http_status);
    log_line(turn->agent->swarm->setup.log, LOG_WARNING, turn->agent->id,
             "try %d failed, the next in %lld ms: %s", turn->tries, (long long)delay,
             turn->end.err.message);
    agent_set_activity(turn->agent, "retry in %lld s (%s)", (long long)(delay + 999) / 1000, why);
    turn->phase = TURN_RETRYING;
    turn_wait_until(turn, port_mono_ms(turn->agent->swarm->setup.ports) + delay);
    return true;
}

// What had come of an answer that is made anew stays in the store, as failed; the model is not
// told of it.
static void forget_partial_text(struct turn *turn)
{
    list_for_each_safe(node, &turn->transcript.items)
    {
        struct item *item = list_entry(node, struct item, node);
        bool partial = item->kind == ITEM_ASSISTANT || item->kind == ITEM_REASONING;
        if (partial && item->turn == turn->agent->usage.turns && item->step == turn->step) {
            list_remove(node);
            item_free(item);
        }
    }
}

static void failed(struct turn *turn)
{
    end_texts(turn, ITEM_FAILED);
    turn_calls_release(turn);
    if (try_again(turn))
        forget_partial_text(turn);
    else
        turn_stop(turn, turn->end.err.kind == ERR_REFUSED ? STOP_REFUSED : STOP_ERROR,
                  &turn->end.err);
}

void turn_answered(struct turn *turn)
{
    bool spoke = turn->text != NULL;
    turn->ended = false;
    count_usage(turn);
    if (turn->end.finish == MODEL_FAILED) {
        failed(turn);
        return;
    }
    end_texts(turn, ITEM_COMPLETED);
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

void turn_cut_stream(struct turn *turn)
{
    if (turn->call) {
        const struct agent *agent = turn->agent;
        const struct provider_port *providers = &agent->swarm->setup.providers;
        struct err ignored;
        struct provider *provider =
            providers->find(providers->ctx, str_of(agent->provider), &ignored);
        if (provider)
            provider->ops->cancel(turn->call);
        turn->call = NULL;
        count_usage(turn);
    }
    end_texts(turn, ITEM_FAILED);
    if (turn->phase == TURN_THINKING)
        turn_calls_release(turn); // half-streamed calls never existed
    turn->phase = TURN_TOOLS;
}
