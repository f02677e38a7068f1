// SPDX-License-Identifier: MIT
// What the demo says and calls next: a pure function of the transcript.
#ifndef SWARMD_TRANSPORTS_DEMO_SCRIPT_H
#define SWARMD_TRANSPORTS_DEMO_SCRIPT_H

#include "core/base/buf.h"
#include "core/model/model.h"

enum { DEMO_CALLS_MAX = 2, DEMO_TEXT_MAX = 64 << 10 };

struct demo_step {
    struct buf text;
    struct demo_step_call {
        const char *tool;
        struct buf input; // JSON
    } calls[DEMO_CALLS_MAX];
    size_t call_count;
};

void demo_step_init(struct demo_step *step, const struct model_request *request);
void demo_step_release(struct demo_step *step);

#endif
