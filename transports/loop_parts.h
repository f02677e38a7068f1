// SPDX-License-Identifier: MIT
// What the loop lends to the other files of transports/.
#ifndef SWARMD_TRANSPORTS_LOOP_PARTS_H
#define SWARMD_TRANSPORTS_LOOP_PARTS_H

struct loop;

enum { LOOP_SCRATCH_BYTES = 64 << 10 };

// A buffer to read into. What is in it is valid until the callback that read it returns.
char *loop_scratch(struct loop *loop);

#endif
