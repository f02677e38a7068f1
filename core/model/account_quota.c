// SPDX-License-Identifier: MIT
// A quota that is used up: everybody waits, and from time to time a small request looks whether it
// is back. When to look next is an alarm: it is what tells, across a restart too, that a quota is
// used up.
#include "core/base/mem.h"
#include "core/model/account_parts.h"

#include <stdio.h>

static const char kind[] = "quota";

enum { PROBE_TOKENS = 16 }; // of the answer; the least that all providers take

static struct str name_of(const struct account *account)
{
    return str_of(account->config->name);
}

int64_t quota_probe_at(const struct account *account)
{
    struct alarms *alarms = account->accounts->setup.alarms;
    return alarms ? alarm_due(alarms, kind, name_of(account)) : 0;
}

static bool set_alarm(struct account *account, struct str model)
{
    const struct accounts_setup *setup = &account->accounts->setup;
    int64_t due = port_wall_ms(setup->ports) + setup->config->quota_probe_s * 1000LL;
    struct err err;
    if (!setup->alarms)
        return false;
    if (alarm_set(setup->alarms, kind, name_of(account), due, model, &err))
        return true;
    log_line(setup->log, LOG_ERROR, NULL, "%s", err.message);
    return false;
}

bool account_exhausted(struct account *account, const char *model, const struct model_end *end)
{
    char text[2 * ERR_MESSAGE_MAX];
    if (account_is_exhausted(account))
        return true; // one of those that were under way
    if (!set_alarm(account, str_of(model)))
        return false;
    limiter_set_exhausted(account->limiter, true);
    snprintf(
        text, sizeof(text),
        "The quota of %s is used up. All its agents wait; it is looked at every %d s, and they go "
        "on by themselves. %s",
        account->config->name, account->accounts->setup.config->quota_probe_s, end->err.message);
    account_say(account, text);
    return true;
}

static void end_wait(struct accounts *accounts, struct str name)
{
    struct account *account = accounts_find(accounts, name);
    if (account)
        limiter_set_exhausted(account->limiter, false);
    accounts->setup.quota_back(accounts->setup.quota_arg, name);
}

static void is_back(struct account *account)
{
    struct alarms *alarms = account->accounts->setup.alarms;
    char text[200];
    alarm_clear(alarms, kind, name_of(account));
    end_wait(account->accounts, name_of(account));
    snprintf(text, sizeof(text), "%s answers again: its agents go on.", account->config->name);
    account_say(account, text);
}

// --- the probe ---

// What says nothing about the quota leaves it at that, until the next look. Anything else is for
// the agents to see.
static bool says_nothing(const struct model_end *end)
{
    return end->finish == MODEL_FAILED && (end->failure == MODEL_FAILURE_QUOTA_EXHAUSTED ||
                                           model_failure_is_passing(end->failure));
}

static void on_end(void *arg, const struct model_end *end)
{
    struct account *account = arg;
    account->probe = NULL;
    if (says_nothing(end))
        log_line(account->accounts->setup.log, LOG_INFO, NULL, "%s is still out of quota: %s",
                 account->config->name, end->err.message);
    else
        is_back(account);
}

static const struct model_sink probe_sink = {
    .text = model_skip_text,
    .reasoning = model_skip_text,
    .tool_begin = model_skip_tool_begin,
    .tool_input = model_skip_tool_input,
    .opaque = model_skip_opaque,
    .usage = model_skip_usage,
    .end = on_end,
};

static void look(struct account *account, struct str model)
{
    const struct provider_port *providers = &account->accounts->setup.providers;
    struct model_part part = {.kind = MODEL_USER_TEXT, .text = STR("Answer with the word: yes")};
    struct model_request request = {
        .model = model,
        .parts = &part,
        .part_count = 1,
        .max_output_tokens = PROBE_TOKENS,
    };
    struct err err;
    account->provider = providers->find(providers->ctx, name_of(account), &err);
    if (account->provider)
        account->probe =
            account->provider->ops->start(account->provider, &request, &probe_sink, account);
    else
        end_wait(account->accounts, name_of(account)); // its agents say what is wrong
}

// With nobody who waits, the next request looks itself. One that the configuration has no more is
// for its agents to say.
static void on_alarm(void *arg, struct str name, struct str model)
{
    struct accounts *accounts = arg;
    struct account *account = accounts_find(accounts, name);
    bool awaited = account && (account->probe ||
                               accounts->setup.awaits_quota(accounts->setup.quota_arg, name));
    // Set again: for the next look, and for a crash within this one.
    if (!awaited || !set_alarm(account, model))
        end_wait(accounts, name);
    else if (!account->probe)
        look(account, model);
}

bool account_is_exhausted(const struct account *account)
{
    return limiter_state(account->limiter).exhausted;
}

void quota_init(struct accounts *accounts)
{
    if (accounts->setup.alarms)
        alarms_handle(accounts->setup.alarms, kind, on_alarm, accounts);
}

void accounts_close(struct accounts *accounts)
{
    for (size_t i = 0; i < CONFIG_PROVIDERS_MAX; i++) {
        struct account *account = accounts->made[i];
        if (account && account->probe)
            account->provider->ops->cancel(account->probe);
        if (account)
            account->probe = NULL;
    }
}
