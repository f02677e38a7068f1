// SPDX-License-Identifier: MIT
// A run of lines that are no text, in the output of a command: it becomes one line that says how
// many bytes it had. Text between such lines is held back, since bytes that are no text look like
// some now and then: once there is enough of it, or nothing follows, it comes out; else it counts
// to the run.
#ifndef SWARMD_CORE_TOOLS_BINARY_RUN_H
#define SWARMD_CORE_TOOLS_BINARY_RUN_H

#include "core/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BINARY_RUN_SURE = 400,      // of a score: text follows, in truth
    BINARY_RUN_HELD_MAX = 4096, // bytes of text that are held; more comes out, whatever its score
};

struct binary_run {
    int64_t bytes; // of the run; 0: there is none, and nothing is held
    char held[BINARY_RUN_HELD_MAX];
    size_t held_len;
    int64_t held_bytes; // that went in for it
    int64_t score;      // of it: bytes of text, less what speaks against it
};

// A line that is no text, and what is held was none.
void binary_run_add(struct binary_run *run, int64_t bytes);
// A line of text comes: is it held? Not without a run, and not once it is sure that text follows:
// then end the run before the line.
bool binary_run_holds(struct binary_run *run, size_t len, int64_t score);
// Takes that line from the end of out; `bytes` went in for it.
void binary_run_take(struct binary_run *run, size_t len, int64_t bytes, struct buf *out);
void binary_run_end(struct binary_run *run, struct buf *out); // appends it, and what is held

#endif
