// SPDX-License-Identifier: MIT
#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/model/account_parts.h"

#include <stdio.h>

struct accounts *accounts_create(const struct accounts_setup *setup)
{
    struct accounts *accounts = mem_new(sizeof(*accounts));
    accounts->setup = *setup;
    quota_init(accounts);
    return accounts;
}

void accounts_destroy(struct accounts *accounts)
{
    if (!accounts)
        return;
    accounts_close(accounts);
    for (size_t i = 0; i < CONFIG_PROVIDERS_MAX; i++) {
        if (accounts->made[i])
            limiter_destroy(accounts->made[i]->limiter);
        mem_free(accounts->made[i]);
    }
    mem_free(accounts);
}

// --- one of them ---

// A server on this machine knows best how much it does at once.
static bool is_here(const struct provider_config *config)
{
    static const char *const hosts[] = {"://localhost", "://127.", "://[::1]", NULL};
    if (config->kind == PROVIDER_DEMO)
        return true;
    for (const char *const *host = hosts; *host && config->base_url; host++)
        if (str_find(str_of(config->base_url), str_of(*host)) >= 0)
            return true;
    return false;
}

static struct account *account_new(struct accounts *accounts, const struct provider_config *config)
{
    struct account *account = mem_new(sizeof(*account));
    const struct ports *ports = accounts->setup.ports;
    int rule = config->concurrency;
    if (rule == CONCURRENCY_DEFAULT)
        rule = is_here(config) ? CONCURRENCY_OFF : CONCURRENCY_ADAPTIVE;
    account->accounts = accounts;
    account->config = config;
    if (rule > 0)
        account->limiter = limiter_create(ports, LIMITER_FIXED, rule);
    else if (rule == CONCURRENCY_OFF)
        account->limiter = limiter_create(ports, LIMITER_OFF, 0);
    else
        account->limiter = limiter_create(ports, LIMITER_ADAPTIVE, LIMITER_PLACES_FIRST);
    limiter_set_exhausted(account->limiter, quota_probe_at(account) > 0);
    return account;
}

struct account *accounts_find(struct accounts *accounts, struct str provider)
{
    const struct config *config = accounts->setup.config;
    for (size_t i = 0; i < config->provider_count; i++) {
        if (!str_is(provider, config->providers[i].name))
            continue;
        if (!accounts->made[i])
            accounts->made[i] = account_new(accounts, &config->providers[i]);
        return accounts->made[i];
    }
    return NULL;
}

struct limiter *account_limiter(struct account *account)
{
    return account->limiter;
}

void account_count_retry(struct account *account)
{
    account->retries++;
}

// --- what answers say ---

static struct limiter_window window_of(const struct model_limit *limit)
{
    return (struct limiter_window){limit->limit, limit->remaining, limit->reset_ms};
}

static double share_left(const struct limiter_window *window)
{
    return window->limit > 0 && window->remaining >= 0
               ? (double)window->remaining / (double)window->limit
               : 1;
}

// Of the limits of tokens, the one that is nearest to its end.
void account_set_limits(struct account *account, const struct model_limits *limits)
{
    const struct model_limit *others[] = {&limits->input_tokens, &limits->output_tokens};
    struct limiter_rates rates = {window_of(&limits->requests), window_of(&limits->tokens)};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        struct limiter_window window = window_of(others[i]);
        if (rates.tokens.limit < 0 || share_left(&window) < share_left(&rates.tokens))
            rates.tokens = window;
    }
    account->cache_is_free = limits->input_tokens.limit >= 0;
    limiter_set_rates(account->limiter, &rates);
}

static int64_t tokens_of(const struct account *account, const struct model_usage *usage)
{
    if (usage->input < 0)
        return -1;
    int64_t tokens = usage->input + (usage->output > 0 ? usage->output : 0);
    return account->cache_is_free && usage->cache_read > 0 ? tokens - usage->cache_read : tokens;
}

static enum limiter_outcome outcome_of(const struct model_end *end)
{
    if (end->finish != MODEL_FAILED)
        return LIMITER_ANSWERED;
    switch (end->failure) {
    case MODEL_FAILURE_RATE_LIMITED:
        return LIMITER_TURNED_AWAY;
    case MODEL_FAILURE_OVERLOADED:
        return LIMITER_OVERLOADED;
    case MODEL_FAILURE_NETWORK:
    case MODEL_FAILURE_TIMEOUT:
    case MODEL_FAILURE_SERVER:
        return LIMITER_BROKE;
    default:
        return LIMITER_ANSWERED;
    }
}

void account_say(struct account *account, const char *text)
{
    const struct accounts_setup *setup = &account->accounts->setup;
    log_line(setup->log, LOG_WARNING, NULL, "%s", text);
    if (setup->say)
        setup->say(setup->arg, text);
}

static void say_opened(struct account *account, const struct model_end *end)
{
    const struct accounts_setup *setup = &account->accounts->setup;
    int64_t now = port_mono_ms(setup->ports);
    char text[256];
    if (account->said_at && now - account->said_at < ACCOUNT_NOTICE_MS)
        return;
    account->said_at = now;
    snprintf(
        text, sizeof(text),
        "%s turns requests away (HTTP %d). All its agents wait; one request at a time is tried, "
        "and they go on by themselves when it is answered.",
        account->config->name, end->http_status);
    account_say(account, text);
}

void account_ended(struct account *account, struct limiter_ticket *ticket,
                   const struct model_end *end, const struct model_usage *usage)
{
    struct limiter_end what = {outcome_of(end), end->retry_after_ms, tokens_of(account, usage)};
    limiter_give(ticket, &what);
    int64_t opened = limiter_state(account->limiter).opened;
    if (opened > account->opened)
        say_opened(account, end);
    account->opened = opened;
}

// --- looking ---

void account_describe_wait(const struct account *account, const struct limiter_ticket *ticket,
                           char text[ACCOUNT_WAIT_MAX])
{
    struct limiter_state state = limiter_state(account->limiter);
    size_t before = limiter_before(ticket);
    long long seconds = (long long)(state.wait_ms + 999) / 1000;
    const char *name = account->config->name;
    switch (state.wait) {
    case LIMITER_WAIT_PLACE:
        snprintf(text, ACCOUNT_WAIT_MAX, "waiting for a place (%zu before)", before);
        break;
    case LIMITER_WAIT_PACE:
        snprintf(text, ACCOUNT_WAIT_MAX, "waiting for a place (%zu before, one in %lld s)", before,
                 (long long)(state.gap_ms + 999) / 1000);
        break;
    case LIMITER_WAIT_ASKED:
    case LIMITER_WAIT_BREAKER:
        if (seconds > 0)
            snprintf(text, ACCOUNT_WAIT_MAX, "waiting for %.40s, which is tried in %lld s", name,
                     seconds);
        else
            snprintf(text, ACCOUNT_WAIT_MAX, "waiting for %.40s, which is being tried", name);
        break;
    case LIMITER_WAIT_EXHAUSTED:
        snprintf(text, ACCOUNT_WAIT_MAX, "waiting for quota of %.40s (asked every %d s)", name,
                 account->accounts->setup.config->quota_probe_s);
        break;
    }
}

static void add_window(struct json_writer *w, const char *name, const struct limiter_window *window)
{
    if (window->limit < 0 && window->remaining < 0)
        return;
    json_key(w, name);
    json_begin_object(w);
    if (window->limit >= 0)
        json_add_int(w, "limit", window->limit);
    if (window->remaining >= 0)
        json_add_int(w, "remaining", window->remaining);
    json_end_object(w);
}

static void write_account(struct json_writer *w, const struct account *account)
{
    struct limiter_state state = limiter_state(account->limiter);
    char time[25];
    json_begin_object(w);
    json_add_cstr(w, "name", account->config->name);
    json_add_cstr(w, "concurrency", limiter_mode_name(state.mode));
    if (state.places < LIMITER_PLACES_OFF)
        json_add_int(w, "places", state.places);
    json_add_int(w, "inUse", (int64_t)state.in_use);
    json_add_int(w, "waiting", (int64_t)state.waiting);
    json_add_int(w, "gapMs", state.gap_ms);
    json_add_int(w, "waitMs", state.wait_ms);
    json_add_cstr(w, "breaker", limiter_breaker_name(state.breaker));
    json_add_cstr(w, "quota", state.exhausted ? "exhausted" : "ok");
    if (quota_probe_at(account) > 0) {
        time_format(quota_probe_at(account), time);
        json_add_cstr(w, "quotaProbeAt", time);
    }
    json_add_int(w, "requests", state.requests);
    json_add_int(w, "retries", account->retries);
    json_add_int(w, "rateLimited", state.turned_away);
    json_add_int(w, "overloaded", state.overloaded);
    json_add_int(w, "broken", state.broke);
    add_window(w, "requestLimit", &state.rates.requests);
    add_window(w, "tokenLimit", &state.rates.tokens);
    json_end_object(w);
}

void accounts_write_json(struct json_writer *w, const struct accounts *accounts)
{
    json_begin_array(w);
    for (size_t i = 0; i < CONFIG_PROVIDERS_MAX; i++)
        if (accounts->made[i])
            write_account(w, accounts->made[i]);
    json_end_array(w);
}
