// SPDX-License-Identifier: MIT
// The answer of a model server, from bytes of the body to calls of the sink: what all dialects
// have in common. An event stream is cut into JSON values, text is joined, calls are numbered.
//
// No network in here: transports/model_http.c feeds it, and so do tests and fuzzers. A dialect
// embeds it as the first member of its own struct and sets `ops`. What every dialect bears:
// characters cut between two pieces, an id that is missing or used twice, errors inside the
// stream, no end mark.
#ifndef SWARMD_TRANSPORTS_MODEL_STREAM_H
#define SWARMD_TRANSPORTS_MODEL_STREAM_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/model/model.h"
#include "transports/model_error.h"
#include "transports/sse.h"
#include "transports/text_join.h"

#include <stdbool.h>

enum {
    MODEL_NAME_MAX = 256,  // bytes of a tool's name and of a call's id
    MODEL_HEAD_MAX = 4096, // kept of a body that is no event stream, for the message
};

struct model_stream;

struct model_stream_ops {
    // One event, a JSON object; `smuggled`: see text_join.h. Sets finished, refused, finish and
    // done as they come. False with err, or when the stream was stopped.
    bool (*take)(struct model_stream *stream, const struct json *event, bool smuggled,
                 struct err *err);
    // The answer is over: sends what is held back. NULL: nothing is.
    bool (*end)(struct model_stream *stream, struct err *err);
    void (*release)(struct model_stream *stream); // NULL: nothing to free
};

struct model_stream {
    const struct model_stream_ops *ops;
    const struct model_sink *sink;
    void *arg;
    const struct model_origin *origin; // for messages
    struct arena *arena;               // scratch; empty between feeds, may be shared
    struct sse sse;
    struct buf head;
    struct text_join text, reasoning;
    char **call_ids; // of the calls that the sink knows
    unsigned call_count;
    bool any_event; // one was seen
    bool finished;  // the model has said why it ended
    bool refused;   // the model sent a refusal
    bool done;      // the end mark was seen: nothing more is looked at
    bool stopped;
    enum model_finish finish;
    bool window_full;         // with MODEL_MAX_TOKENS: of the model's window, not of its output
    struct err why;           // with refused: what the server says of it; or nothing
    struct model_fault fault; // of an error inside the stream
};

// Before the dialect's own part.
void model_stream_init(struct model_stream *stream, const struct model_sink *sink, void *arg,
                       const struct model_origin *origin, struct arena *arena);
void model_stream_release(struct model_stream *stream);

// Calls everything of the sink but sink->end. False when the answer is over: by an error
// (err->kind is set), or by model_stream_stop(). After the end mark it returns true and
// stream->done is set.
bool model_stream_feed(struct model_stream *stream, struct str bytes, struct err *err);

// No sink call after this one; also from within a sink call.
void model_stream_stop(struct model_stream *stream);

// The body has ended or the end mark came: fills what sink->end is to be given. Sends held back
// characters first.
void model_stream_end(struct model_stream *stream, struct model_end *end);

// The answer failed, with end->err: fills the rest.
void model_stream_failed(const struct model_stream *stream, struct model_end *end);

// --- for dialects

// Where a run of text goes, and what is held back of it.
struct model_outlet {
    struct text_join *join;
    void (*send)(struct model_stream *stream, unsigned index, struct str piece);
    unsigned index;
    bool smuggled;
};
void model_stream_pass(struct model_stream *stream, const struct model_outlet *to,
                       struct str piece);

// Strings; another type counts as absent.
void model_stream_text(struct model_stream *stream, const struct json *value, bool smuggled);
void model_stream_reasoning(struct model_stream *stream, const struct json *value, bool smuggled);
void model_stream_input(struct model_stream *stream, struct text_join *join, unsigned index,
                        struct str piece, bool smuggled);
// Nothing of this run follows.
void model_stream_end_text(struct model_stream *stream);
void model_stream_end_reasoning(struct model_stream *stream);
void model_stream_end_input(struct model_stream *stream, struct text_join *join, unsigned index);

// The next call begins; its number is *index. An id that is empty or taken is replaced. False with
// err, or when the stream was stopped.
bool model_stream_begin_call(struct model_stream *stream, struct str id, struct str name,
                             unsigned *index, struct err *err);
bool model_stream_too_many_calls(const struct model_stream *stream, struct err *err); // false

#endif
