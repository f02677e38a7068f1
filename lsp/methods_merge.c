// SPDX-License-Identifier: MIT
// swarm/merge, swarm/update and swarm/overlaps.
#include "lsp/methods.h"
#include "lsp/params.h"

static void answer_result(struct pending *pending, struct json_writer *json)
{
    json_put_raw(json, buf_str(&pending->op.answer));
}

static const struct pending_kind answer_kind = {.result = answer_result};

void method_update(struct call *call)
{
    static const char *const choices[] = {"refuse", "markers", "resolve", NULL};
    struct agent *agent;
    struct update_params params = {0};
    int conflicts = UPDATE_REFUSE;
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !json_get_str(call->params, "from", &params.from, &err) ||
        !params_get_choice(call->params, "conflicts", choices, &conflicts, &err) ||
        !json_get_bool(call->params, "dryRun", &params.dry_run, &err)) {
        call_fail(call, &err);
        return;
    }
    params.conflicts = conflicts;
    struct pending *pending = pending_new(call, &answer_kind);
    if (pending)
        swarm_update(call->swarm, agent, &params, &pending->op);
}

void method_merge(struct call *call)
{
    struct agent *agent;
    struct merge_params params = {0};
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !json_get_str(call->params, "into", &params.into, &err) ||
        !json_get_str(call->params, "strategy", &params.strategy, &err) ||
        !json_get_str(call->params, "message", &params.message, &err) ||
        !json_get_bool(call->params, "dryRun", &params.dry_run, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &answer_kind);
    if (pending)
        swarm_merge(call->swarm, agent, &params, &pending->op);
}

void method_overlaps(struct call *call)
{
    struct str scope = STR_NONE;
    struct err err;
    if (!json_get_str(call->params, "scope", &scope, &err)) {
        call_fail(call, &err);
        return;
    }
    struct json_writer *json = call_begin(call);
    json_begin_object(json);
    json_key(json, "overlaps");
    swarm_write_overlaps(call->swarm, scope, json);
    json_add_int(json, "seq", journal_committed(swarm_journal(call->swarm)));
    json_end_object(json);
    call_end(call);
}
