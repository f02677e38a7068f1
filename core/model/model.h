// SPDX-License-Identifier: MIT
// The provider port: one neutral request, one stream of neutral pieces back.
//
// A dialect (transports/anthropic.c, transports/demo.c) turns a request into its provider's
// wire form and its stream into calls of the sink. The core knows no dialect.
//
// Some providers give things along that only they understand and that they want back with the
// next request: signatures, encrypted reasoning. Such a thing is `opaque`: a JSON object whose
// member "kind" names the dialect that made it. The core keeps it with its item, also across
// restarts, and hands it out again; a dialect ignores what another one has made.
#ifndef SWARMD_CORE_MODEL_MODEL_H
#define SWARMD_CORE_MODEL_MODEL_H

#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A request's transcript is a flat run of parts. Dialects group them: consecutive assistant
// parts (text, reasoning, calls) are one message. The core guarantees that the calls of one step
// stand together, followed by exactly one result for each, in the same order, and that the run
// begins with a user part.
enum model_part_kind {
    MODEL_USER_TEXT,
    MODEL_USER_IMAGE,
    MODEL_ASSISTANT_TEXT,
    MODEL_REASONING,
    MODEL_TOOL_CALL,
    MODEL_TOOL_RESULT,
};

struct model_part {
    enum model_part_kind kind;
    struct str text;    // of user, assistant and reasoning parts; the output of a result; an
                        // image's bytes in base64
    struct str call_id; // of a call and of its result
    struct str name;    // of a call and of its result: the tool; of an image: its media type
    struct str input;   // of a call: its arguments, a JSON object
    struct str opaque;  // of assistant, reasoning and call parts; or empty
    bool failed;        // of a result
};

struct model_tool {
    const char *name;
    const char *description;
    const char *schema; // JSON Schema of the arguments: an object
};

// Valid only during provider_ops.start(): a dialect keeps nothing of it.
struct model_request {
    struct str model; // without the provider's prefix
    struct str system;
    const struct model_part *parts;
    size_t part_count;
    const struct model_tool *tools;
    size_t tool_count;
    int64_t max_output_tokens; // 0: the provider's default
    int64_t model_max_output;  // what the model can answer at most; 0: not known
};

struct model_usage {     // tokens; -1 where the provider did not say
    int64_t input;       // all of the request, those of the cache included
    int64_t output;      // reasoning included
    int64_t cache_read;  // of input
    int64_t cache_write; // of input
};

enum model_finish {
    MODEL_END_TURN,
    MODEL_TOOL_CALLS,
    MODEL_PAUSED, // not at its end: it goes on when it gets what it has said so far
    MODEL_MAX_TOKENS,
    MODEL_REFUSED, // err may say why; calls that came with it are not to be run
    MODEL_FAILED,  // err says why
};

// What kind of failure it was: it alone decides what happens next.
enum model_failure {
    MODEL_FAILURE_NONE,
    MODEL_FAILURE_AUTH,              // no key, a wrong one, or one that may not do this: fail
    MODEL_FAILURE_INVALID_REQUEST,   // would fail in the same way again: fail
    MODEL_FAILURE_CONTEXT_TOO_LARGE, // would fit with a shorter transcript
    MODEL_FAILURE_RATE_LIMITED,      // too many requests or tokens for now
    MODEL_FAILURE_QUOTA_EXHAUSTED,   // money, or the day's quota, is used up
    MODEL_FAILURE_OVERLOADED,        // the server has too much to do, for everybody
    MODEL_FAILURE_NETWORK,           // no connection, or one that broke
    MODEL_FAILURE_TIMEOUT,           // nothing came for too long, here or behind the server
    MODEL_FAILURE_REFUSED,           // by a filter: the same request stays refused
    MODEL_FAILURE_SERVER,            // its own fault: a crash, or an answer that makes no sense
    MODEL_FAILURE_COUNT
};

// "none", "auth", "invalidRequest", "contextTooLarge", "rateLimited", "quotaExhausted",
// "overloaded", "network", "timeout", "refused", "server"
const char *model_failure_name(enum model_failure failure);
// May the same request go well later? All others would fail in the same way again.
bool model_failure_is_passing(enum model_failure failure);

struct model_end {
    enum model_finish finish;
    // Of MODEL_FAILED. Of MODEL_REFUSED it is refused; of MODEL_MAX_TOKENS contextTooLarge where
    // the model's window ended the answer and not the limit of its output. Else none.
    enum model_failure failure;
    struct err err;  // with MODEL_FAILED: provider, auth, rateLimited, refused, limit
    int http_status; // 0 when there was no answer; the one that an error inside the stream names
    int64_t retry_after_ms; // -1 when not said
    bool model_gone;        // of MODEL_FAILED: the server knows no such model
    int64_t context_size;   // of contextTooLarge: the tokens that its error names as the most; or 0
};

// What the headers of an answer say of the account's rate limits; -1 where they do not.
struct model_limit {
    int64_t limit;
    int64_t remaining; // after this request
    int64_t reset_ms;  // from now until it is whole again
};

struct model_limits {
    struct model_limit requests;
    struct model_limit tokens;       // where input and output count together
    struct model_limit input_tokens; // Anthropic alone has these two
    struct model_limit output_tokens;
};

// Pieces arrive on the loop, in the order of the stream, never from within start(). Views are
// valid during the call. Text is valid UTF-8, cut only between code points.
struct model_sink {
    // Before all others, also when the answer is an error; not when the headers say nothing. May
    // be NULL.
    void (*limits)(void *arg, const struct model_limits *limits);
    void (*text)(void *arg, struct str piece);
    void (*reasoning)(void *arg, struct str piece);
    // A call begins (index counts from 0 within the answer), then its arguments come in pieces,
    // which may be interleaved between calls.
    void (*tool_begin)(void *arg, unsigned index, struct str call_id, struct str name);
    void (*tool_input)(void *arg, unsigned index, struct str piece);
    // Of MODEL_REASONING: of the reasoning so far, which ends with it, also when it has no text.
    // Of MODEL_ASSISTANT_TEXT: of the text so far; nothing when there was none. Of
    // MODEL_TOOL_CALL: of the call `index`. A second one replaces the first.
    void (*opaque)(void *arg, enum model_part_kind of, unsigned index, struct str json);
    void (*usage)(void *arg, const struct model_usage *usage); // totals of this request so far
    void (*end)(void *arg, const struct model_end *end);       // once; the call is invalid after
};

// For what a sink has no use for: they do nothing.
void model_skip_text(void *arg, struct str piece);
void model_skip_tool_begin(void *arg, unsigned index, struct str call_id, struct str name);
void model_skip_tool_input(void *arg, unsigned index, struct str piece);
void model_skip_opaque(void *arg, enum model_part_kind of, unsigned index, struct str json);
void model_skip_usage(void *arg, const struct model_usage *usage);

enum {
    MODEL_TOOL_CALLS_MAX = 64,  // calls in one answer; more fail the request
    MODEL_OPAQUE_MAX = 4 << 20, // bytes of one opaque; more fail the request
};

struct model_call;
struct provider;

struct provider_ops {
    // Never NULL; failures come through sink->end.
    struct model_call *(*start)(struct provider *provider, const struct model_request *request,
                                const struct model_sink *sink, void *arg);
    // Takes effect at once: no sink call after it, `end` neither. The call is invalid after.
    void (*cancel)(struct model_call *call);
};

// Embedded as the first member of each dialect's own struct.
struct provider {
    const struct provider_ops *ops;
    char *name;    // as configured: "local"
    bool scripted; // the demo: every client is told
};

// Which models a provider offers. The caller embeds it and keeps it until `done`, which comes once,
// never from within the asking. What was asked less than 6 h ago is not asked again, unless
// `fresh`.
struct model_query {
    struct str provider; // as configured; outlives the query
    bool fresh;
    void (*done)(struct model_query *query);
    // out
    struct err err;
    struct str ids;   // one a line; valid within `done`
    struct list node; // the port's own
};

// Finds a provider by its configured name. The first use of one whose key is missing gives
// ERR_AUTH that names the environment variable.
struct provider_port {
    void *ctx;
    struct provider *(*find)(void *ctx, struct str name, struct err *err);
    void (*list)(void *ctx, struct model_query *query);
};

#endif
