// SPDX-License-Identifier: MIT
// swarm/usage and swarm/budget.
#include "core/base/mem.h"
#include "lsp/methods.h"
#include "lsp/params.h"

enum { ROWS_DEFAULT = 100 };

// --- usage ---

static void usage_result(struct pending *pending, struct json_writer *json)
{
    const struct journal_read *read = &pending->read;
    json_begin_object(json);
    json_add_raw(json, "usage", buf_str(&read->out));
    if (read->more && read->usage.limit)
        json_add_int(json, "next", read->usage.skip + (int64_t)read->usage.limit);
    json_add_int(json, "seq", read->last);
    json_end_object(json);
}

static const struct pending_kind usage_kind = {
    .result = usage_result, .can_be_left = true, .is_large = true};

static bool read_day(const struct json *params, const char *key, int64_t *day, struct err *err)
{
    struct str text = STR_NONE;
    if (!json_get_str(params, key, &text, err))
        return false;
    return !text.data || usage_read_day(text, day) ||
           err_set(err, ERR_PARAMS, "%s: expected a day, as in \"2026-11-21\"", key);
}

// At most one of agentId, swarmId and scope. False: err.
static bool read_target(struct call *call, struct budget_target *target, int *count,
                        struct err *err)
{
    struct str id = STR_NONE, swarm = STR_NONE, scope = STR_NONE;
    if (!json_get_str(call->params, "agentId", &id, err) ||
        !json_get_str(call->params, "swarmId", &swarm, err) ||
        !json_get_str(call->params, "scope", &scope, err))
        return false;
    *count = (id.data != NULL) + (swarm.data != NULL) + (scope.data != NULL);
    if (*count > 1)
        return err_set(err, ERR_PARAMS, "agentId: give only one of agentId, swarmId and scope");
    if (id.data) {
        target->kind = BUDGET_AGENT;
        return params_need_agent(call->swarm, call->params, &target->agent, err);
    }
    target->kind = swarm.data ? BUDGET_SWARM : BUDGET_SCOPE;
    target->name = swarm.data ? swarm : scope;
    return true;
}

static bool read_usage(struct call *call, struct store_usage_query *query, struct str *name,
                       struct err *err)
{
    static const char *const by[] = {"day", "model", "agent", "scope", NULL};
    struct budget_target target = {0};
    int count, group = 0;
    int64_t limit = ROWS_DEFAULT;
    *query = (struct store_usage_query){.wanted = true, .to = INT64_MAX};
    if (!read_target(call, &target, &count, err) ||
        !read_day(call->params, "from", &query->from, err) ||
        !read_day(call->params, "to", &query->to, err) ||
        !params_get_choice(call->params, "by", by, &group, err) ||
        !params_get_int(call->params, "limit", 0, STORE_USAGE_ROWS_MAX, &limit, err) ||
        !params_get_int(call->params, "after", 0, INT64_MAX / 2, &query->skip, err))
        return false;
    query->by = (enum usage_by)group;
    query->limit = (size_t)limit;
    query->agent = target.agent ? target.agent->num : 0;
    *name = count && !target.agent ? target.name : STR_NONE;
    if (name->data && target.kind == BUDGET_SWARM)
        query->swarm = *name;
    else if (name->data)
        query->scope = *name;
    return true;
}

void method_usage(struct call *call)
{
    struct store_usage_query query;
    struct str name;
    struct err err;
    if (!read_usage(call, &query, &name, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &usage_kind);
    if (!pending)
        return;
    pending->agent_id = name.data ? mem_dup(name) : NULL; // keeps the name as long as the read
    if (query.scope.data)
        query.scope.data = pending->agent_id;
    if (query.swarm.data)
        query.swarm.data = pending->agent_id;
    pending->read.usage = query;
    journal_read(swarm_journal(call->swarm), &pending->read);
}

// --- budgets ---

static void budget_result(struct pending *pending, struct json_writer *json)
{
    json_put_raw(json, buf_str(&pending->op.answer));
}

static const struct pending_kind budget_kind = {.result = budget_result};

// A number is the limit, 0 none at all, null what the configuration says; what is absent stays.
static bool read_measure(const struct json *params, const char *key, enum budget_measure measure,
                         struct budget *budget, struct err *err)
{
    const struct json *member = json_get(params, key);
    int64_t most = 0;
    if (!member)
        return true;
    if (measure == BUDGET_COST ? !params_get_dollars(params, key, &most, err)
                               : !params_get_int(params, key, 0, INT64_MAX / 1000, &most, err))
        return false;
    budget->most[measure] = member->type == JSON_NULL ? 0 : most == 0 ? -1 : most;
    return true;
}

static bool read_budget(const struct json *params, struct budget *budget, struct err *err)
{
    return read_measure(params, "steps", BUDGET_STEPS, budget, err) &&
           read_measure(params, "tokens", BUDGET_TOKENS, budget, err) &&
           read_measure(params, "costUsd", BUDGET_COST, budget, err) &&
           read_measure(params, "seconds", BUDGET_SECONDS, budget, err);
}

static bool read_whose(struct call *call, struct budget_target *target, struct err *err)
{
    bool day = false;
    int count;
    if (!read_target(call, target, &count, err) || !json_get_bool(call->params, "day", &day, err))
        return false;
    if (count + day != 1)
        return err_set(err, ERR_PARAMS,
                       "agentId: give one of agentId, swarmId, scope, or day: true");
    if (day)
        target->kind = BUDGET_DAY;
    else if (target->kind != BUDGET_AGENT && (target->name.len == 0 || target->name.len > 256))
        return err_set(err, ERR_PARAMS, "%s: expected a name of 1 to 256 bytes",
                       target->kind == BUDGET_SWARM ? "swarmId" : "scope");
    return true;
}

void method_budget(struct call *call)
{
    struct budget_target target = {0};
    const struct json *change = NULL;
    struct budget own = {{0}};
    struct err err;
    bool ok =
        read_whose(call, &target, &err) && json_get_object(call->params, "budget", &change, &err);
    if (ok && change) {
        own = budget_own(call->swarm, &target);
        ok = read_budget(change, &own, &err) || err_wrap(&err, "budget");
    }
    if (!ok) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &budget_kind);
    if (pending)
        swarm_budget(call->swarm, &target, change ? &own : NULL, &pending->op);
}
