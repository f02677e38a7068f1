// SPDX-License-Identifier: MIT
// A method being called, and a call that is answered later.
//
// A handler answers with call_begin() and call_end(), or call_fail(), or takes a struct pending.
// A call that came as a notification is answered nothing; its failure is shown to the person.
#ifndef SWARMD_LSP_CALL_H
#define SWARMD_LSP_CALL_H

#include "core/base/json.h"
#include "core/swarm/swarm.h"
#include "lsp/rpc.h"
#include "lsp/session.h"

#include <stdbool.h>

struct call {
    struct session *session;
    struct swarm *swarm;       // never NULL for a method that needs it
    struct rpc_id id;          // kind RPC_ID_NONE: a notification
    const struct json *params; // an object, or NULL
    struct outgoing out;
    bool waits; // set by a handler that is to be called again: see session_retry()
};

struct json_writer *call_begin(struct call *call); // write the result to it
void call_end(struct call *call);
void call_fail(struct call *call, const struct err *err);

struct pending;

// How a kind of request is answered.
struct pending_kind {
    // Writes the result, as one value.
    void (*result)(struct pending *pending, struct json_writer *json);
    bool shows_agent; // the result is made of op.agent, which may have been removed meanwhile
    bool can_be_left; // $/cancelRequest may answer it at once: it changes nothing
    bool is_large;    // the answer may have megabytes: few at a time, see SESSION_LARGE_MAX
};

// Kept until op.done or read.done, which come for certain, also when the connection is gone by
// then (session is NULL, and nobody is answered).
struct pending {
    struct list node; // in session->pending
    struct session *session;
    struct rpc_id id;
    const struct pending_kind *kind;
    bool left; // answered by pending_cancel(): it only keeps its place
    struct swarm_op op;
    struct journal_read read;
    int64_t seq;  // for `result`
    bool forward; // swarm/transcript: read with `after`
    char *agent_id;
    // repeat.c
    char *request_key;
    struct list by_request; // in server->repeatable, or in another one's followers
    struct list followers;  // get the same result
};

// NULL when there are too many already; the call is answered then. op.done and read.done are set.
struct pending *pending_new(struct call *call, const struct pending_kind *kind);
// The client does not wait for it any more: RPC_CANCELLED. False when it is too late for that.
bool pending_cancel(struct session *session, const struct rpc_id *id);
void pending_leave_all(struct session *session); // the connection is gone

#endif
