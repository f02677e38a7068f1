// SPDX-License-Identifier: MIT
// The output of a running command for the eye: pieces of valid UTF-8, not too often and not too
// much. What is left out here comes with the result.
#ifndef SWARMD_CORE_TOOLS_LIVE_OUTPUT_H
#define SWARMD_CORE_TOOLS_LIVE_OUTPUT_H

#include "core/base/buf.h"
#include "core/base/ports.h"
#include "core/base/str.h"

#include <stdbool.h>

enum {
    LIVE_INTERVAL_MS = 50,  // between two pieces
    LIVE_PIECE_MAX = 8192,  // bytes of one; what comes faster is left out, and said
    LIVE_TOTAL_MAX = 48000, // bytes of all of them
};

struct live_output {
    const struct ports *ports;
    void (*piece)(void *arg, struct str piece);
    void *arg;
    struct timer *timer; // made with the first piece
    bool resting;        // a piece was sent just now: the timer runs
    struct buf waiting;
    size_t left_out; // bytes after those that wait
    size_t sent;
    bool ended; // nothing more is sent
};

// `piece` NULL: nobody looks. It is called from live_output_add() and from a timer.
void live_output_init(struct live_output *live, const struct ports *ports,
                      void (*piece)(void *arg, struct str piece), void *arg);
void live_output_release(struct live_output *live);
void live_output_add(struct live_output *live, struct str bytes);

#endif
