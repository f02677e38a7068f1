// SPDX-License-Identifier: MIT
// The loop: core/base/ports.h over libuv, with our own work lanes and posix_spawn (no uv_spawn).
#ifndef SWARMD_TRANSPORTS_LOOP_H
#define SWARMD_TRANSPORTS_LOOP_H

#include "core/base/ports.h"

struct uv_loop_s;
struct loop;

// `exec_helper` is the path of swarmd-exec (copied); it is looked at when a command starts.
struct loop *loop_create(const char *exec_helper, struct err *err);

const struct ports *loop_ports(struct loop *loop);
struct uv_loop_s *loop_uv(struct loop *loop);

void loop_run(struct loop *loop);  // until loop_stop(), or nothing is left to wait for
void loop_stop(struct loop *loop); // from the loop thread; loop_run returns after this turn

// Joins the lanes' threads and closes what is the loop's own. Prints to stderr every handle that
// somebody forgot to close, and returns how many.
int loop_destroy(struct loop *loop);

// Longest time in microseconds that one turn's callbacks have taken since the last call.
int64_t loop_longest_turn_us(struct loop *loop);

// Calls fn on the loop for SIGTERM, SIGINT and SIGHUP, from loop_create to loop_destroy.
void loop_on_signal(struct loop *loop, void (*fn)(void *arg, int signal), void *arg);

#endif
