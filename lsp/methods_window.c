// SPDX-License-Identifier: MIT
// swarm/compact, swarm/pin and swarm/configure.
#include "lsp/methods.h"
#include "lsp/params.h"

static void compact_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_add_cstr(json, "delivery", pending->op.delivery);
    json_key(json, "agent");
    agent_write_json(json, pending->op.agent);
    json_end_object(json);
}

static const struct pending_kind compact_kind = {.result = compact_result, .shows_agent = true};

void method_compact(struct call *call)
{
    struct agent *agent;
    struct str instructions = STR("");
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !json_get_str(call->params, "instructions", &instructions, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &compact_kind);
    if (pending)
        swarm_compact(call->swarm, agent, instructions, &pending->op);
}

static void pin_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "pins");
    agent_write_pins(json, pending->op.agent);
    json_end_object(json);
}

static const struct pending_kind pin_kind = {.result = pin_result, .shows_agent = true};

void method_pin(struct call *call)
{
    struct agent *agent;
    struct str item_id = STR_NONE;
    bool pinned = true;
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !params_need_str(call->params, "itemId", &item_id, &err) ||
        !json_get_bool(call->params, "pinned", &pinned, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &pin_kind);
    if (pending)
        swarm_pin(call->swarm, agent, item_id, pinned, &pending->op);
}

static void configure_result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_key(json, "agent");
    agent_write_json(json, pending->op.agent);
    json_end_object(json);
}

static const struct pending_kind configure_kind = {.result = configure_result, .shows_agent = true};

void method_configure(struct call *call)
{
    struct agent *agent;
    struct str model = STR_NONE, mode = STR_NONE;
    struct err err;
    if (!params_need_agent(call->swarm, call->params, &agent, &err) ||
        !json_get_str(call->params, "model", &model, &err) ||
        !json_get_str(call->params, "mode", &mode, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &configure_kind);
    if (pending)
        swarm_configure(call->swarm, agent, model, mode, &pending->op);
}
