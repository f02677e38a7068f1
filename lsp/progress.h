// SPDX-License-Identifier: MIT
// Working agents as LSP's work-done progress; a part of plain.h. A token is "swarm/<agent id>".
#ifndef SWARMD_LSP_PROGRESS_H
#define SWARMD_LSP_PROGRESS_H

#include "lsp/rpc.h"
#include "lsp/session.h"

struct progress;

struct progress *progress_create(struct session *session);
void progress_destroy(struct progress *progress); // takes NULL
void progress_update(struct progress *progress);
void progress_answered(struct progress *progress, const struct rpc_message *message);

#endif
