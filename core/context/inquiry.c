// SPDX-License-Identifier: MIT
#include "core/context/inquiry.h"

#include "core/swarm/swarm_internal.h"

static const struct ports *ports_of(const struct inquiry *inquiry)
{
    return inquiry->agent->swarm->setup.ports;
}

static const char *provider_name(const struct inquiry *inquiry)
{
    return inquiry->provider ? inquiry->provider : inquiry->agent->provider;
}

static const char *model_name(const struct inquiry *inquiry)
{
    return inquiry->provider ? inquiry->model : inquiry->agent->model;
}

static struct provider *provider_of(const struct inquiry *inquiry, struct err *err)
{
    const struct provider_port *providers = &inquiry->agent->swarm->setup.providers;
    return providers->find(providers->ctx, str_of(provider_name(inquiry)), err);
}

// --- the stream ---

static void on_text(void *arg, struct str piece)
{
    struct inquiry *inquiry = arg;
    buf_add_str(&inquiry->answer, piece);
}

static void on_limits(void *arg, const struct model_limits *limits)
{
    struct inquiry *inquiry = arg;
    account_set_limits(inquiry->account, limits);
}

static void on_usage(void *arg, const struct model_usage *usage)
{
    struct inquiry *inquiry = arg;
    inquiry->try_usage = *usage;
}

static void on_end(void *arg, const struct model_end *end)
{
    struct inquiry *inquiry = arg;
    inquiry->call = NULL;
    inquiry->end = *end;
    port_defer(ports_of(inquiry), &inquiry->later);
}

static const struct model_sink sink = {
    .limits = on_limits,
    .text = on_text,
    .reasoning = model_skip_text,
    .tool_begin = model_skip_tool_begin,
    .tool_input = model_skip_tool_input,
    .opaque = model_skip_opaque,
    .usage = on_usage,
    .end = on_end,
};

// --- one try ---

static void fail_later(struct inquiry *inquiry, const struct err *err)
{
    inquiry->end = (struct model_end){.finish = MODEL_FAILED, .err = *err};
    port_defer(ports_of(inquiry), &inquiry->later);
}

static void ask(struct inquiry *inquiry)
{
    struct err err;
    struct provider *provider = provider_of(inquiry, &err);
    if (!provider) {
        fail_later(inquiry, &err);
        return;
    }
    const struct model_part part = {.kind = MODEL_USER_TEXT, .text = buf_str(&inquiry->text)};
    const struct model_request request = {
        .model = str_of(model_name(inquiry)),
        .system = buf_str(&inquiry->system),
        .parts = &part,
        .part_count = 1,
        .max_output_tokens = inquiry->max_output,
    };
    buf_clear(&inquiry->answer);
    inquiry->try_usage = (struct model_usage){-1, -1, -1, -1};
    inquiry->call = provider->ops->start(provider, &request, &sink, inquiry);
}

static void on_granted(struct limiter_ticket *ticket)
{
    ask(list_entry(ticket, struct inquiry, ticket));
}

static void try_now(struct inquiry *inquiry)
{
    struct err err;
    inquiry->tries++;
    inquiry->account =
        accounts_find(inquiry->agent->swarm->accounts, str_of(provider_name(inquiry)));
    if (!inquiry->account) {
        err_set(&err, ERR_CONFIG, "no provider is called '%s'", provider_name(inquiry));
        fail_later(inquiry, &err);
        return;
    }
    switch (limiter_take(account_limiter(inquiry->account), inquiry->user, &inquiry->ticket)) {
    case LIMITER_HELD:
        ask(inquiry);
        break;
    case LIMITER_WAITS:
        break;
    case LIMITER_FULL:
        err_set(&err, ERR_LIMIT, "too many requests wait for %s", provider_name(inquiry));
        fail_later(inquiry, &err);
        break;
    }
}

// --- its end ---

static int64_t sum(int64_t total, int64_t more)
{
    if (more < 0)
        return total;
    return total < 0 ? more : total + more;
}

static void count(struct inquiry *inquiry)
{
    struct model_usage *usage = &inquiry->usage;
    usage->input = sum(usage->input, inquiry->try_usage.input);
    usage->output = sum(usage->output, inquiry->try_usage.output);
    usage->cache_read = sum(usage->cache_read, inquiry->try_usage.cache_read);
    usage->cache_write = sum(usage->cache_write, inquiry->try_usage.cache_write);
    inquiry->try_usage = (struct model_usage){-1, -1, -1, -1};
}

static void cut(struct inquiry *inquiry)
{
    struct err ignored;
    struct provider *provider = inquiry->call ? provider_of(inquiry, &ignored) : NULL;
    if (provider)
        provider->ops->cancel(inquiry->call);
    inquiry->call = NULL;
    count(inquiry);
    limiter_cancel(&inquiry->ticket);
}

static void finish(struct inquiry *inquiry, const struct err *err)
{
    ports_of(inquiry)->ops->timer_stop(inquiry->timer);
    inquiry->err = *err;
    inquiry->done(inquiry); // may free it
}

static bool try_again(struct inquiry *inquiry)
{
    int64_t now = port_mono_ms(ports_of(inquiry));
    int64_t delay = inquiry->end.retry_after_ms >= 0
                        ? inquiry->end.retry_after_ms
                        : (int64_t)INQUIRY_RETRY_MS << (inquiry->tries - 1);
    if (!model_failure_is_passing(inquiry->end.failure) || inquiry->tries == INQUIRY_TRIES_MAX ||
        now + delay >= inquiry->deadline)
        return false;
    inquiry->waits = true;
    ports_of(inquiry)->ops->timer_set(inquiry->timer, delay);
    return true;
}

// More than the model can answer at all is refused by providers.
static int64_t raised(const struct inquiry *inquiry)
{
    struct model_info info =
        catalogue_find(inquiry->agent->swarm->catalogue, str_of(provider_name(inquiry)),
                       str_of(model_name(inquiry)));
    int64_t most = inquiry->max_output * INQUIRY_THINKING_FACTOR;
    return info.max_output > 0 && info.max_output < most ? info.max_output : most;
}

static bool ask_with_room_to_think(struct inquiry *inquiry)
{
    int64_t most = raised(inquiry);
    if (inquiry->end.finish != MODEL_MAX_TOKENS || inquiry->thought || most <= inquiry->max_output)
        return false;
    inquiry->thought = true;
    inquiry->max_output = most;
    try_now(inquiry);
    return true;
}

static void no_answer(const struct inquiry *inquiry, struct err *err)
{
    if (inquiry->end.finish == MODEL_MAX_TOKENS)
        err_set(err, ERR_PROVIDER, "the model gave no answer within %lld tokens, it only thought",
                (long long)inquiry->max_output);
    else
        err_set(err, ERR_PROVIDER, "the model gave no answer");
}

static void ended(struct deferred *deferred)
{
    struct inquiry *inquiry = list_entry(deferred, struct inquiry, later);
    struct err err = {.kind = ERR_NONE};
    if (inquiry->ticket.held)
        account_ended(inquiry->account, &inquiry->ticket, &inquiry->end, &inquiry->try_usage);
    count(inquiry);
    if (inquiry->end.finish == MODEL_FAILED) {
        if (try_again(inquiry))
            return;
        err = inquiry->end.err;
    } else if (str_trim(buf_str(&inquiry->answer)).len == 0) {
        if (ask_with_room_to_think(inquiry))
            return;
        no_answer(inquiry, &err);
    }
    finish(inquiry, &err);
}

static void tick(void *arg)
{
    struct inquiry *inquiry = arg;
    int64_t now = port_mono_ms(ports_of(inquiry));
    struct err err;
    if (inquiry->waits && now < inquiry->deadline) {
        inquiry->waits = false;
        ports_of(inquiry)->ops->timer_set(inquiry->timer, inquiry->deadline - now);
        try_now(inquiry);
        return;
    }
    cut(inquiry);
    list_remove(&inquiry->later.node);
    err_set(&err, ERR_PROVIDER, "no answer within %d s", INQUIRY_MS_MAX / 1000);
    finish(inquiry, &err);
}

void inquiry_init(struct inquiry *inquiry)
{
    *inquiry = (struct inquiry){.later.fn = ended};
    list_init(&inquiry->later.node);
}

void inquiry_start(struct inquiry *inquiry)
{
    const struct ports *ports = ports_of(inquiry);
    buf_init(&inquiry->answer, INQUIRY_ANSWER_MAX);
    inquiry->usage = inquiry->try_usage = (struct model_usage){-1, -1, -1, -1};
    inquiry->ticket.granted = on_granted;
    inquiry->deadline = port_mono_ms(ports) + INQUIRY_MS_MAX;
    inquiry->timer = port_timer_new(ports, tick, inquiry);
    ports->ops->timer_set(inquiry->timer, INQUIRY_MS_MAX);
    try_now(inquiry);
}

void inquiry_count(const struct inquiry *inquiry, bool answered)
{
    agent_count_inquiry(inquiry->agent, provider_name(inquiry), model_name(inquiry),
                        &inquiry->usage, answered);
}

void inquiry_release(struct inquiry *inquiry)
{
    if (inquiry->timer) {
        cut(inquiry);
        list_remove(&inquiry->later.node);
        ports_of(inquiry)->ops->timer_free(inquiry->timer);
        inquiry->timer = NULL;
    }
    buf_release(&inquiry->system);
    buf_release(&inquiry->text);
    buf_release(&inquiry->answer);
}
