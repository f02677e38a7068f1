// SPDX-License-Identifier: MIT
// swarm/subscribe and swarm/unsubscribe.
#include "lsp/methods.h"
#include "lsp/params.h"
#include "lsp/subscription.h"

bool watch_read_entry(struct swarm *swarm, const struct json *params, struct filter_entry *entry,
                      struct err *err)
{
    struct str id = STR_NONE, scope = STR_NONE;
    *entry = (struct filter_entry){.kind = FILTER_ALL, .deltas = true};
    if (!json_get_str(params, "agentId", &id, err) || !json_get_str(params, "scope", &scope, err) ||
        !json_get_bool(params, "deltas", &entry->deltas, err))
        return false;
    if (id.data && scope.data)
        return err_set(err, ERR_PARAMS, "scope: give agentId or scope, not both");
    if (scope.data) {
        entry->kind = FILTER_SCOPE;
        entry->scope = scope;
    } else if (id.data) {
        struct agent *agent;
        if (!params_need_agent(swarm, params, &agent, err))
            return false;
        entry->kind = FILTER_AGENT;
        entry->agent = agent->num;
    }
    return true;
}

void method_subscribe(struct call *call)
{
    struct filter_entry entry;
    struct err err;
    int64_t after = -1, seq = 0;
    if (!watch_read_entry(call->swarm, call->params, &entry, &err) ||
        !params_get_int(call->params, "after", 0, INT64_MAX, &after, &err) ||
        !subscription_add(call->session->subscription, &entry, after, &seq, &err)) {
        call_fail(call, &err);
        return;
    }
    struct json_writer *json = call_begin(call);
    json_begin_object(json);
    json_add_int(json, "seq", seq);
    json_end_object(json);
    call_end(call);
}

void method_unsubscribe(struct call *call)
{
    struct filter_entry entry;
    struct err err;
    if (watch_read_entry(call->swarm, call->params, &entry, &err)) {
        subscription_remove(call->session->subscription, &entry);
    } else if (err.kind != ERR_UNKNOWN_AGENT) { // of one that is removed nothing comes anyway
        call_fail(call, &err);
        return;
    }
    json_put_null(call_begin(call));
    call_end(call);
}
