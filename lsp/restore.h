// SPDX-License-Identifier: MIT
// What a bridge (bridge.h) tells at `initialize` beside what its client does, as the member
// `swarmBridge` of the parameters: the folder it was started in, and, when its client was served by
// another host before, what that one knew of the connection. So the client misses nothing and sees
// nothing twice, and need not know that there is another host.
//
//     "swarmBridge": {"folder": "/home/me", "nextId": 1073741830, "takesUp": true,
//                     "position": 3120, "lagged": false,
//                     "subscriptions": [{"add": true, "params": {...}}]}
//
// In return the session tells it how far the client's events have got, as the notification
// `$/swarm/position {seq, lagged}`, which the bridge keeps for itself.
#ifndef SWARMD_LSP_RESTORE_H
#define SWARMD_LSP_RESTORE_H

#include "core/base/json.h"
#include "lsp/session.h"

struct restore;

// From `initialize`; NULL when there is no bridge.
struct restore *restore_read(struct session *session, const struct json *params);
void restore_free(struct restore *restore); // takes NULL

// When the session's events begin: its subscriptions are as they were, everything after the
// position follows, and what the end of the host before has cut off goes on. Once.
void restore_apply(struct restore *restore, struct session *session);

// Tells the bridge where the subscription stands, when it has moved.
void restore_tell_position(struct restore *restore, struct session *session, int64_t position,
                           bool lagged);

// What is replayed is behind it: the bridge goes back too, and is told when the replay is done.
void restore_position_fell(struct restore *restore); // takes NULL

#endif
