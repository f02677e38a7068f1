// SPDX-License-Identifier: MIT
// What a bridge remembers of the messages that pass through it, so that another host can take the
// place of one that died: what the client told, what it waits for, and how far its events got.
//
// Everything is bounded: subscriptions by TOLD_SUBSCRIPTIONS_MAX (what a session takes), requests
// by the host, which lets a client wait for 1024, and what is kept of them by TOLD_KEPT_MAX.
#ifndef SWARMD_LSP_TOLD_H
#define SWARMD_LSP_TOLD_H

#include "core/base/buf.h"
#include "core/base/list.h"
#include "lsp/rpc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOLD_SUBSCRIPTIONS_MAX = 10256,
    TOLD_KEPT_MAX = 64 << 20, // bytes of requests to be repeated; more are not repeated
    TOLD_ASKED_MAX = 256,     // requests of the host to the client that are not answered
};

enum told_kind {
    TOLD_LOST,     // it changes something and may have been done
    TOLD_REPEATED, // asked again, it does nothing twice
    TOLD_INITIALIZE,
    TOLD_SUBSCRIBE, // repeated too
    TOLD_SHUTDOWN,  // repeated too
};

struct told_request { // of the client's, unanswered
    struct list node;
    struct rpc_id id;
    enum told_kind kind;
    char *body; // JSON, when it is repeated
    size_t len;
    int64_t after; // of TOLD_SUBSCRIBE; -1 where it has none
};

struct told {
    char *initialize; // JSON; NULL before it came
    size_t initialize_len;
    bool initialized;    // the notification of that name came
    char *trace;         // the last $/setTrace, JSON; or NULL
    bool welcomed;       // `initialize` was answered
    bool shut;           // `shutdown` was
    struct list changes; // of subscriptions: struct told_change
    size_t change_count;
    struct list requests; // struct told_request, as they came
    size_t kept;
    int64_t position; // see restore.h; -1: not known
    bool lagged;
    int64_t next_id;               // of the host's requests
    int64_t asked[TOLD_ASKED_MAX]; // their ids, unanswered
    size_t asked_count;
};

void told_init(struct told *told);
void told_release(struct told *told);

// A message of the client, and its body.
void told_by_client(struct told *told, const struct rpc_message *message, struct str body);
// A message of the host. A response takes away the request that it answers: *kind, and true;
// false when there is none.
bool told_by_host(struct told *told, const struct rpc_message *message, enum told_kind *kind);
void told_drop(struct told *told, struct told_request *request);

// The client's `initialize` with the member swarmBridge (restore.h), as the body of a message.
// takes_up: another host served the client before.
bool told_write_initialize(const struct told *told, struct buf *out, bool takes_up);

#endif
