// SPDX-License-Identifier: MIT
// The table of methods: what is dispatched on is what is advertised.
#ifndef SWARMD_LSP_METHODS_H
#define SWARMD_LSP_METHODS_H

#include "core/base/json.h"
#include "core/base/str.h"
#include "lsp/call.h"

enum method_flags {
    METHOD_REQUEST = 1,
    METHOD_NOTIFICATION = 2, // may be one; with METHOD_REQUEST: either
    METHOD_SWARM = 4,        // waits until the store is loaded
    METHOD_BARE = 8,         // takes no parameters: what comes as such is not looked at
};

struct method {
    const char *name;
    void (*handle)(struct call *call);
    unsigned flags;
};

const struct method *method_find(struct str name); // NULL when unknown
void methods_advertise(struct json_writer *json);  // an array of names

// methods_base.c
void method_initialize(struct call *call);
void method_shutdown(struct call *call);
void method_exit(struct call *call);
void method_cancel_request(struct call *call);
void method_set_trace(struct call *call);
void method_cancel_progress(struct call *call);

// methods_spawn.c
void method_spawn(struct call *call);
void method_send(struct call *call);

// methods_agent.c
void method_list(struct call *call);
void method_get(struct call *call);
void method_transcript(struct call *call);
void method_cancel(struct call *call);
void method_kill(struct call *call);
void method_resume(struct call *call);
void method_remove(struct call *call);

// methods_prune.c
void method_prune(struct call *call);

// methods_approve.c
void method_approve(struct call *call);
void method_approvals(struct call *call);

// methods_rules.c
void method_rules(struct call *call);
void method_audit(struct call *call);

// methods_control.c
void method_pause(struct call *call);
void method_continue(struct call *call);
void method_queue(struct call *call);
void method_stats(struct call *call);

// methods_models.c
void method_models(struct call *call);

// methods_usage.c
void method_usage(struct call *call);
void method_budget(struct call *call);
// methods_merge.c
void method_merge(struct call *call);
void method_update(struct call *call);
void method_overlaps(struct call *call);

// methods_review.c
void method_checkpoints(struct call *call);
void method_diff(struct call *call);
void method_rewind(struct call *call);
void method_revert(struct call *call);

// methods_window.c
void method_compact(struct call *call);
void method_configure(struct call *call);
void method_pin(struct call *call);

// methods_search.c
void method_search(struct call *call);

// methods_watch.c
void method_subscribe(struct call *call);
void method_unsubscribe(struct call *call);
struct filter_entry;
bool watch_read_entry(struct swarm *swarm, const struct json *params, struct filter_entry *entry,
                      struct err *err); // agentId, scope, or neither: all

#endif
