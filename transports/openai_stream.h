// SPDX-License-Identifier: MIT
// The answer of an OpenAI-compatible chat server.
//
// Servers differ; what is borne beside what transports/model_stream.h bears: tool calls without
// index, whole calls in one piece, an id that is repeated, arguments as an object, content in
// parts.
#ifndef SWARMD_TRANSPORTS_OPENAI_STREAM_H
#define SWARMD_TRANSPORTS_OPENAI_STREAM_H

#include "transports/model_stream.h"
#include "transports/openai_reasoning.h"

enum { OPENAI_TOOL_HELD_MAX = 1 << 20 }; // bytes of arguments that come before the call's name

struct openai_tool_call {
    int64_t server_index; // -1: the server gave none
    char *id;             // as the server has it, or NULL
    char *extra;          // what Google's server gives along, a JSON object; or NULL
    bool begun;           // the sink knows it
    unsigned index;       // then: by which number
    struct buf held;      // arguments before that
    struct text_join join;
};

struct openai_stream {
    struct model_stream base; // first
    struct openai_reasoning reasoning;
    struct openai_tool_call *calls;
    size_t call_count;
};

void openai_stream_open(struct model_stream *stream); // after model_stream_init()

#endif
