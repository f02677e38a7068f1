// SPDX-License-Identifier: MIT
// The answer of the Gemini API: pieces of a candidate, each with whole parts. There is no end mark.
//
// A call comes whole, often without an id.
#ifndef SWARMD_TRANSPORTS_GEMINI_STREAM_H
#define SWARMD_TRANSPORTS_GEMINI_STREAM_H

#include "transports/model_stream.h"

struct gemini_stream {
    struct model_stream base; // first; it has no state of its own
};

void gemini_stream_open(struct model_stream *stream); // after model_stream_init()

#endif
