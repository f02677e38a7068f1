// SPDX-License-Identifier: MIT
#include "lsp/methods.h"

static const struct method methods[] = {
    {"initialize", method_initialize, METHOD_REQUEST},
    {"shutdown", method_shutdown, METHOD_REQUEST | METHOD_BARE},
    {"exit", method_exit, METHOD_NOTIFICATION | METHOD_BARE},
    {"$/cancelRequest", method_cancel_request, METHOD_NOTIFICATION},
    {"$/setTrace", method_set_trace, METHOD_NOTIFICATION},
    {"window/workDoneProgress/cancel", method_cancel_progress, METHOD_SWARM | METHOD_NOTIFICATION},

    {"swarm/spawn", method_spawn, METHOD_SWARM | METHOD_REQUEST | METHOD_NOTIFICATION},
    {"swarm/send", method_send, METHOD_SWARM | METHOD_REQUEST | METHOD_NOTIFICATION},
    {"swarm/list", method_list, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/get", method_get, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/transcript", method_transcript, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/subscribe", method_subscribe, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/unsubscribe", method_unsubscribe, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/cancel", method_cancel, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/kill", method_kill, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/resume", method_resume, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/remove", method_remove, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/prune", method_prune, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/approve", method_approve, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/pause", method_pause, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/continue", method_continue, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/queue", method_queue, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/compact", method_compact, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/configure", method_configure, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/pin", method_pin, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/stats", method_stats, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/models", method_models, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/usage", method_usage, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/budget", method_budget, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/checkpoints", method_checkpoints, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/diff", method_diff, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/rewind", method_rewind, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/revert", method_revert, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/search", method_search, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/merge", method_merge, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/update", method_update, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/overlaps", method_overlaps, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/approvals", method_approvals, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/rules", method_rules, METHOD_SWARM | METHOD_REQUEST},
    {"swarm/audit", method_audit, METHOD_SWARM | METHOD_REQUEST},
};

enum { METHOD_COUNT = sizeof(methods) / sizeof(*methods) };

const struct method *method_find(struct str name)
{
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (str_is(name, methods[i].name))
            return &methods[i];
    }
    return NULL;
}

void methods_advertise(struct json_writer *json)
{
    json_begin_array(json);
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (str_starts(str_of(methods[i].name), STR("swarm/")))
            json_put_str(json, str_of(methods[i].name));
    }
    json_end_array(json);
}
