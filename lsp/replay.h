// SPDX-License-Identifier: MIT
// Events from the store for one subscription: those of (after, until] that were asked for.
#ifndef SWARMD_LSP_REPLAY_H
#define SWARMD_LSP_REPLAY_H

#include "lsp/subscription.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLAYS_MAX = 1024 }; // waiting in one connection

// Queues one behind the others. entry NULL: what the whole filter of the connection wants.
// `until` is fixed when its turn comes: the cursor, which stands still meanwhile.
bool replay_add(struct subscription *subscription, const struct filter_entry *entry, int64_t after,
                struct err *err);
// Goes on where it waits for the client to read. False when there is no replay.
bool replay_step(struct subscription *subscription);
void replay_drop_all(struct subscription *subscription);

#endif
