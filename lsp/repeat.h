// SPDX-License-Identifier: MIT
// requestId of swarm/spawn and swarm/send: the same one within 24 h gives the same result again,
// and nothing is done twice; also after a restart, and while the first one is still under way.
#ifndef SWARMD_LSP_REPEAT_H
#define SWARMD_LSP_REPEAT_H

#include "lsp/call.h"

enum { REQUEST_ID_MAX = 256 }; // bytes

struct lookup; // in the store; the session's input waits for it

// A pending request to act with. NULL: the call was answered, or will be, or its message is held
// until the store has been asked (call->waits).
struct pending *repeat_pending(struct call *call, const char *method,
                               const struct pending_kind *kind);

void repeat_drop(struct session *session); // the message is handled, or the connection is gone

#endif
