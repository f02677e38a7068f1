// SPDX-License-Identifier: MIT
// swarm/approve: a person's answer to a tool call that waits.
#include "lsp/methods.h"
#include "lsp/params.h"

static void result(struct pending *pending, struct json_writer *json)
{
    json_begin_object(json);
    json_add_raw(json, "approval", buf_str(&pending->op.approval));
    json_end_object(json);
}

static const struct pending_kind kind = {.result = result};

static bool read_params(const struct json *params, struct str *id, enum decision *decision,
                        struct str *reason, struct err *err)
{
    struct str text = STR_NONE;
    if (!params_need_str(params, "approvalId", id, err) ||
        !params_need_str(params, "decision", &text, err) ||
        !json_get_str(params, "reason", reason, err))
        return false;
    if (!decision_from_name(text, decision))
        return err_set(err, ERR_PARAMS,
                       "decision: expected \"allow\", \"allowAlways\", \"reject\" or "
                       "\"rejectAlways\"");
    // Running the unchanged call would not be what was approved.
    const struct json *input = json_get(params, "input");
    if (input && input->type != JSON_NULL)
        return err_set(err, ERR_PARAMS,
                       "input: changing a call is not supported yet: reject it with a reason");
    return true;
}

void method_approve(struct call *call)
{
    struct str id = STR_NONE, reason = STR_NONE;
    enum decision decision = DECISION_NONE;
    struct err err;
    if (!read_params(call->params, &id, &decision, &reason, &err)) {
        call_fail(call, &err);
        return;
    }
    struct pending *pending = pending_new(call, &kind);
    if (pending)
        swarm_approve(call->swarm, id, decision, str_of(call->session->client), reason,
                      &pending->op);
}
