// SPDX-License-Identifier: MIT
// For an editor whose client does not know swarmd: approvals as window/showMessageRequest, one at
// a time, and working agents as work-done progress, where the editor shows that.
//
// It follows the same filter as the connection's events. A question that the person closes without
// an answer stays open in the swarm and is not asked again on this connection.
#ifndef SWARMD_LSP_PLAIN_H
#define SWARMD_LSP_PLAIN_H

#include "lsp/rpc.h"
#include "lsp/session.h"

#include <stdbool.h>

enum {
    PLAIN_MS = 100,          // at most so often is anything looked at
    PLAIN_PROGRESS_MAX = 64, // shown at a time
};

struct plain;

struct plain *plain_create(struct session *session, bool shows_progress);
void plain_destroy(struct plain *plain); // takes NULL

void plain_changed(struct plain *plain); // something may be different in the swarm

// An answer to one of our requests; takes NULL, and what nobody asked.
void plain_answered(struct plain *plain, const struct rpc_message *message);

#endif
