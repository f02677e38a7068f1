// SPDX-License-Identifier: MIT
// The work lanes of core/base/ports.h: threads of our own, so that neither libuv's pool (which also
// resolves names) nor another lane can hold up a lane.
//
// A lane starts its threads when work comes that no thread of it is free for, and keeps them. Work
// is taken first in, first out; on the lanes with two threads it may end in another order. While
// something is under way the loop stays alive.
#ifndef SWARMD_TRANSPORTS_LANES_H
#define SWARMD_TRANSPORTS_LANES_H

#include "core/base/ports.h"

enum {
    LANE_THREADS_MAX = 2,
    LANE_STACK_BYTES = 512 << 10,
};

struct uv_loop_s;
struct lanes;

struct lanes *lanes_create(struct uv_loop_s *uv, struct err *err);

void lanes_add(struct lanes *lanes, enum lane lane, struct work *work);

// Ends the threads when they have run all that is queued, and calls what `done` is left. Work that
// comes afterwards is run by the next lanes_join(). False when there was nothing to do.
bool lanes_join(struct lanes *lanes);

void lanes_close(struct lanes *lanes);   // after lanes_join(): begins to close the handle
void lanes_destroy(struct lanes *lanes); // after that handle has closed; takes NULL

#endif
