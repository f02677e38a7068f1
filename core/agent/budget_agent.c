// SPDX-License-Identifier: MIT
// The budgets that hold for an agent: asked before each request, told of each.
#include "core/agent/budget_account.h"
#include "core/base/mem.h"

#include <stdio.h>

struct budgets *budgets_create(struct swarm *swarm)
{
    struct budgets *budgets = mem_new(sizeof(*budgets));
    budgets->swarm = swarm;
    list_init(&budgets->accounts);
    return budgets;
}

void budgets_destroy(struct budgets *budgets)
{
    if (!budgets)
        return;
    list_for_each_safe(node, &budgets->accounts)
    {
        budget_account_free(list_entry(node, struct budget_account, node));
    }
    mem_free(budgets);
}

static bool kind_of_key(struct str *key, enum budget_kind *kind)
{
    for (int i = 0; i < BUDGET_KIND_COUNT; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "budget/%s/", budget_kind_name((enum budget_kind)i));
        if (!str_starts(*key, str_of(prefix)))
            continue;
        *kind = (enum budget_kind)i;
        *key = str_skip(*key, strlen(prefix));
        return i != BUDGET_AGENT;
    }
    return false;
}

void budgets_restore(struct budgets *budgets, struct str key, struct str value)
{
    struct arena arena;
    struct json *json;
    struct err ignored; // one that cannot be read sets nothing
    enum budget_kind kind;
    arena_init(&arena, 64 << 10);
    if (kind_of_key(&key, &kind) && json_parse(&json, &arena, value, &ignored)) {
        struct budget_account *account = budget_account_new(budgets, kind, key);
        account->own = budget_read_json(json_get(json, "own"));
        account->warned = (unsigned)json_int(json, "warned", 0);
    }
    arena_release(&arena);
}

// --- which hold ---

static bool is_set(const struct budget *budget)
{
    for (int i = 0; i < BUDGET_MEASURES; i++)
        if (budget->most[i])
            return true;
    return false;
}

// Whose budget of that kind holds for the agent; false: nobody's.
static bool name_of(const struct agent *agent, enum budget_kind kind, char day[USAGE_DAY_TEXT],
                    struct str *name)
{
    budget_today(agent->swarm, day);
    *name = kind == BUDGET_DAY     ? str_of(day)
            : kind == BUDGET_SCOPE ? str_of(agent->scope)
                                   : str_of(agent->swarm_id);
    return name->len > 0;
}

static const struct budget *configured(const struct swarm *swarm, enum budget_kind kind)
{
    return &swarm->setup.config->budgets[kind];
}

// The account, made when it is needed; NULL: there is no such budget.
static struct budget_account *budget_account_of(const struct agent *agent, enum budget_kind kind)
{
    struct swarm *swarm = agent->swarm;
    char day[USAGE_DAY_TEXT];
    struct str name;
    if (!name_of(agent, kind, day, &name))
        return NULL;
    struct budget_account *account = budget_account_find(swarm->budgets, kind, name);
    if (!account && is_set(configured(swarm, kind)))
        account = budget_account_new(swarm->budgets, kind, name);
    return account;
}

struct holding { // one budget that holds for an agent
    enum budget_kind kind;
    struct budget most;
    struct usage_sum spent;
    struct budget_account *account; // NULL: the agent's own
    unsigned *warned;
};

static bool find_holding(struct agent *agent, enum budget_kind kind, struct holding *out)
{
    *out = (struct holding){.kind = kind};
    if (kind == BUDGET_AGENT) {
        out->most = budget_over(&agent->budget, configured(agent->swarm, kind));
        out->spent = agent->usage.sum;
        out->spent.work_ms = agent_work_ms(agent);
        out->warned = &agent->budget_warned;
        return is_set(&out->most);
    }
    out->account = budget_account_of(agent, kind);
    if (!out->account)
        return false;
    out->most = budget_over(&out->account->own, configured(agent->swarm, kind));
    out->spent = out->account->spent;
    out->warned = &out->account->warned;
    return is_set(&out->most);
}

static bool is_known(const struct holding *holding)
{
    return !holding->account || holding->account->phase == BUDGET_LOADED;
}

static void describe_whose(const struct holding *holding, char *out, size_t size)
{
    if (holding->kind == BUDGET_AGENT)
        snprintf(out, size, "this agent");
    else if (holding->kind == BUDGET_DAY)
        snprintf(out, size, "the day %s (UTC)", holding->account->name);
    else
        snprintf(out, size, "the %s '%.200s'", budget_kind_name(holding->kind),
                 holding->account->name);
}

// --- the warning ---

static int64_t warn_at(int64_t most)
{
    return most - most / 100 * (100 - BUDGET_WARN_PERCENT) -
           most % 100 * (100 - BUDGET_WARN_PERCENT) / 100;
}

static void warn(struct agent *agent, struct holding *holding)
{
    unsigned before = *holding->warned;
    for (int i = 0; i < BUDGET_MEASURES; i++) {
        int64_t most = holding->most.most[i];
        int64_t used = budget_used(&holding->spent, (enum budget_measure)i);
        char how[96], whose[256];
        if (most == 0 || used < warn_at(most) || (*holding->warned & 1u << i))
            continue;
        *holding->warned |= 1u << i;
        budget_describe((enum budget_measure)i, used, most, how);
        describe_whose(holding, whose, sizeof(whose));
        event_notice(agent, "warning", "More than %d %% of the budget of %s is used: %s.",
                     BUDGET_WARN_PERCENT, whose, how);
    }
    if (*holding->warned != before && holding->account)
        budget_account_store(holding->account);
}

// --- before a request ---

// The measure that is used up, or BUDGET_MEASURES.
static enum budget_measure exhausted(const struct holding *holding)
{
    for (int i = 0; i < BUDGET_MEASURES; i++)
        if (holding->most.most[i] &&
            budget_used(&holding->spent, (enum budget_measure)i) >= holding->most.most[i])
            return (enum budget_measure)i;
    return BUDGET_MEASURES;
}

static void tell_end(struct agent *agent, const struct holding *holding, enum budget_measure which)
{
    char how[96], whose[256];
    budget_describe(which, budget_used(&holding->spent, which), holding->most.most[which], how);
    describe_whose(holding, whose, sizeof(whose));
    event_notice(agent, "warning",
                 "The budget of %s is used up: %s. The agent goes on when it is raised "
                 "(swarm/budget).",
                 whose, how);
}

enum budget_answer budget_ask(struct agent *agent, struct err *err)
{
    struct holding holding;
    bool waits = false;
    for (int kind = 0; kind < BUDGET_KIND_COUNT; kind++) {
        if (!find_holding(agent, (enum budget_kind)kind, &holding))
            continue;
        if (holding.account && holding.account->phase == BUDGET_FAILED) {
            *err = holding.account->err;
            holding.account->phase = BUDGET_NEW; // the next turn tries again
            return BUDGET_FAILS;
        }
        if (!is_known(&holding)) {
            budget_account_load(holding.account);
            waits = true;
            continue;
        }
        warn(agent, &holding); // of time that went by since the last request
        enum budget_measure which = exhausted(&holding);
        if (which != BUDGET_MEASURES) {
            tell_end(agent, &holding, which);
            return BUDGET_ENDS;
        }
    }
    agent->budget_waits = waits;
    return waits ? BUDGET_WAITS : BUDGET_GOES;
}

// --- after one ---

static void tell_unpriced(struct agent *agent)
{
    agent->unpriced_told = true;
    event_notice(agent, "warning",
                 "There is a budget in dollars, but what %s/%s costs is not known: its requests "
                 "are not counted in it. Prices can be put into the configuration (models).",
                 agent->provider, agent->model);
}

void budget_spend(struct agent *agent, const struct usage_sum *sum, int64_t seq)
{
    struct holding holding;
    bool in_dollars = false;
    for (int kind = 0; kind < BUDGET_KIND_COUNT; kind++) {
        struct budget_account *account =
            kind == BUDGET_AGENT ? NULL : budget_account_of(agent, (enum budget_kind)kind);
        if (account)
            budget_account_add(account, sum, seq);
        if (!find_holding(agent, (enum budget_kind)kind, &holding))
            continue;
        in_dollars = in_dollars || holding.most.most[BUDGET_COST] > 0;
        if (is_known(&holding))
            warn(agent, &holding);
    }
    if (sum->unpriced && in_dollars && !agent->unpriced_told)
        tell_unpriced(agent);
}

// --- changing one ---

static struct budget_account *target_account(struct swarm *swarm,
                                             const struct budget_target *target, bool make)
{
    char day[USAGE_DAY_TEXT];
    budget_today(swarm, day);
    struct str name = target->kind == BUDGET_DAY ? str_of(day) : target->name;
    struct budget_account *account = budget_account_find(swarm->budgets, target->kind, name);
    return account || !make ? account : budget_account_new(swarm->budgets, target->kind, name);
}

struct budget budget_own(struct swarm *swarm, const struct budget_target *target)
{
    if (target->kind == BUDGET_AGENT)
        return target->agent->budget;
    const struct budget_account *account = target_account(swarm, target, false);
    return account ? account->own : (struct budget){{0}};
}

struct budget budget_of(struct swarm *swarm, const struct budget_target *target)
{
    struct budget own = budget_own(swarm, target);
    return budget_over(&own, configured(swarm, target->kind));
}

// Warned again only where the raised budget leaves room.
static void forget_warnings(struct swarm *swarm, const struct budget_target *target,
                            const struct usage_sum *spent, unsigned *warned)
{
    struct budget most = budget_of(swarm, target);
    for (int i = 0; i < BUDGET_MEASURES; i++)
        if (most.most[i] == 0 || budget_used(spent, (enum budget_measure)i) < warn_at(most.most[i]))
            *warned &= ~(1u << i);
}

static bool holds_for(struct agent *agent, const struct budget_target *target)
{
    char day[USAGE_DAY_TEXT];
    struct str name;
    if (target->kind == BUDGET_AGENT)
        return agent == target->agent;
    if (target->kind == BUDGET_DAY)
        return true;
    return name_of(agent, target->kind, day, &name) && str_equal(name, target->name);
}

bool budget_has_room(struct agent *agent)
{
    struct holding holding;
    for (int kind = 0; kind < BUDGET_KIND_COUNT; kind++)
        if (find_holding(agent, (enum budget_kind)kind, &holding) && is_known(&holding) &&
            exhausted(&holding) != BUDGET_MEASURES)
            return false;
    return true;
}

static void resume_stopped(struct swarm *swarm, const struct budget_target *target,
                           struct json_writer *resumed)
{
    struct err ignored;
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        bool stopped = agent->state == STATE_DONE && agent->stop_reason == STOP_BUDGET;
        if (!stopped || agent->removing || agent->leaving || !holds_for(agent, target) ||
            !budget_has_room(agent) || !agent_enter(agent, CAUSE_RESUME, &ignored))
            continue;
        json_put_str(resumed, str_of(agent->id));
    }
}

void budget_set(struct swarm *swarm, const struct budget_target *target, const struct budget *own,
                struct json_writer *resumed)
{
    if (target->kind == BUDGET_AGENT) {
        struct agent *agent = target->agent;
        agent->budget = *own;
        forget_warnings(swarm, target, &agent->usage.sum, &agent->budget_warned);
        agent_store(agent, false);
    } else {
        struct budget_account *account = target_account(swarm, target, true);
        account->own = *own;
        if (account->phase == BUDGET_LOADED)
            forget_warnings(swarm, target, &account->spent, &account->warned);
        else
            account->warned = 0;
        budget_account_store(account);
    }
    resume_stopped(swarm, target, resumed);
}
