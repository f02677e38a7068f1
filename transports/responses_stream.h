// SPDX-License-Identifier: MIT
// The answer of OpenAI's Responses API: output items that are added, grow and are done.
//
// What is whole in an item's end and did not come in pieces is taken from there. Events and items
// of kinds that are not known are passed over.
#ifndef SWARMD_TRANSPORTS_RESPONSES_STREAM_H
#define SWARMD_TRANSPORTS_RESPONSES_STREAM_H

#include "transports/model_stream.h"

struct responses_call {
    int64_t place; // output_index
    unsigned index;
    bool has_input; // some has come
    bool done;
    struct text_join join;
};

struct responses_stream {
    struct model_stream base; // first
    struct responses_call *calls;
    size_t call_count;
    int64_t text_place; // output_index of the newest text, or -1
    struct buf before;  // a reasoning item in front of the next call, as JSON
};

void responses_stream_open(struct model_stream *stream); // after model_stream_init()

#endif
