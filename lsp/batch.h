// SPDX-License-Identifier: MIT
// Events on their way into swarm/events messages. A message begins with its first event and ends
// at about BATCH_BYTES; the bytes of an event are copied once, into the message that is sent.
#ifndef SWARMD_LSP_BATCH_H
#define SWARMD_LSP_BATCH_H

#include "core/base/json.h"
#include "lsp/session.h"

#include <stdbool.h>

enum { BATCH_BYTES = 256 << 10 };

struct batch {
    struct session *session;
    struct outgoing out;
    bool open;
};

void batch_init(struct batch *batch, struct session *session);
struct json_writer *batch_event(struct batch *batch); // write one event: an object
bool batch_is_full(const struct batch *batch);        // the client has SESSION_EVENTS_MAX unread
void batch_send(struct batch *batch);                 // what is left

#endif
