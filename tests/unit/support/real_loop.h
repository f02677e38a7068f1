// SPDX-License-Identifier: MIT
// The real loop in a test: turned until something has happened, or the test's deadline.
#ifndef SWARMD_TESTS_REAL_LOOP_H
#define SWARMD_TESTS_REAL_LOOP_H

#include "transports/loop.h"

enum { REAL_LOOP_DEADLINE_MS = 60000 };

// Commands start through $SWARMD_BIN_DIR/swarmd-exec.
struct loop *real_loop_create(void);

// Turns the loop until *count >= wanted. Fails the test at the deadline, or when the loop has
// nothing left to wait for.
void real_loop_until(struct loop *loop, const int *count, int wanted);

void real_loop_turns(struct loop *loop, int turns); // that do not block

void real_loop_destroy(struct loop *loop); // fails the test when a handle was forgotten

#endif
