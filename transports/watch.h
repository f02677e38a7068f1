// SPDX-License-Identifier: MIT
// Waits for the end of a process that is not ours, such as the editor (a pidfd on the loop).
#ifndef SWARMD_TRANSPORTS_WATCH_H
#define SWARMD_TRANSPORTS_WATCH_H

#include <stdint.h>

struct loop;
struct watch;

// NULL when there is no such process here, or the system has no pidfd. `ended` comes once.
struct watch *watch_process(struct loop *loop, int64_t pid, void (*ended)(void *arg), void *arg);
void watch_end(struct watch *watch); // takes NULL; also from within `ended`; nothing after

#endif
