// SPDX-License-Identifier: MIT
// The answer of Anthropic's Messages API: content blocks that begin, grow and end.
//
// Blocks of kinds that are not known are passed over, and so are events.
#ifndef SWARMD_TRANSPORTS_ANTHROPIC_STREAM_H
#define SWARMD_TRANSPORTS_ANTHROPIC_STREAM_H

#include "transports/model_stream.h"

enum { ANTHROPIC_OPEN_BLOCKS_MAX = 8 }; // at once; the API has one, more fail the request

enum anthropic_block_kind {
    ANTHROPIC_NO_BLOCK, // a free place
    ANTHROPIC_TEXT,
    ANTHROPIC_THINKING,
    ANTHROPIC_TOOL_USE,
    ANTHROPIC_OTHER,
};

struct anthropic_block {
    enum anthropic_block_kind kind;
    int64_t index;         // the server's
    unsigned call;         // of a tool_use: its number for the sink
    struct text_join join; // of its input
    struct buf signature;  // of thinking
    bool thought;          // thinking that has text
};

struct anthropic_stream {
    struct model_stream base; // first
    struct anthropic_block blocks[ANTHROPIC_OPEN_BLOCKS_MAX];
    struct model_usage usage; // as the API counts: input is what the cache had no part in
};

void anthropic_stream_open(struct model_stream *stream); // after model_stream_init()

#endif
