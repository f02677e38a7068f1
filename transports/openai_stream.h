// SPDX-License-Identifier: MIT
// The answer of an OpenAI-compatible chat server: from bytes of the body to calls of the sink.
//
// No network in here: transports/openai_chat.c feeds it, and so do tests and fuzzers. Servers
// differ; what is borne: tool calls without index or id, whole calls in one piece, an id that is
// repeated or used twice, arguments as an object, content in parts, characters cut between two
// pieces, no [DONE] at the end, errors inside the stream.
#ifndef SWARMD_TRANSPORTS_OPENAI_STREAM_H
#define SWARMD_TRANSPORTS_OPENAI_STREAM_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/model.h"
#include "transports/openai_error.h"
#include "transports/sse.h"
#include "transports/text_join.h"

#include <stdbool.h>

enum {
    OPENAI_TOOL_NAME_MAX = 256,     // bytes of a tool's name and of a call's id
    OPENAI_TOOL_HELD_MAX = 1 << 20, // bytes of arguments that come before the call's name
    OPENAI_HEAD_MAX = 4096,         // kept of a body that is no event stream, for the message
};

struct openai_tool_call {
    int64_t server_index; // -1: the server gave none
    char *id;             // as the server has it, or NULL
    bool begun;           // the sink knows it
    unsigned index;       // then: by which number
    struct buf held;      // arguments before that
    struct text_join join;
};

struct openai_stream {
    const struct model_sink *sink;
    void *arg;
    const struct openai_origin *origin; // for messages
    struct arena *arena;                // scratch; empty between feeds, may be shared
    struct sse sse;
    struct buf head;
    struct text_join text, reasoning;
    struct openai_tool_call *calls;
    size_t call_count;
    unsigned begun_count;
    bool any_event; // one was seen
    bool finished;  // a finish_reason was seen
    bool refused;   // the model sent a refusal
    bool done;      // [DONE] was seen: nothing more is looked at
    bool stopped;
    enum model_finish finish;
};

void openai_stream_init(struct openai_stream *stream, const struct model_sink *sink, void *arg,
                        const struct openai_origin *origin, struct arena *arena);
void openai_stream_release(struct openai_stream *stream);

// Calls sink->text, reasoning, tool_begin, tool_input and usage; never sink->end. False when the
// answer is over: by an error (err->kind is set), or by openai_stream_stop(). After [DONE] it
// returns true and stream->done is set.
bool openai_stream_feed(struct openai_stream *stream, struct str bytes, struct err *err);

// No sink call after this one; also from within a sink call.
void openai_stream_stop(struct openai_stream *stream);

// The body has ended or [DONE] came: fills what sink->end is to be given. Sends held back
// characters first.
void openai_stream_end(struct openai_stream *stream, struct model_end *end);

#endif
