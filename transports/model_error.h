// SPDX-License-Identifier: MIT
// What model servers say when they fail, as errors for people.
//
// Shapes that are understood: {"error": {"message", "type", "code", "status"}}, {"error": "..."},
// {"message": ...}, {"detail": ...}, plain text. The key never gets into a message, also when the
// server repeats it.
#ifndef SWARMD_TRANSPORTS_MODEL_ERROR_H
#define SWARMD_TRANSPORTS_MODEL_ERROR_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/model/model.h"

struct http_answer;

enum { MODEL_ERROR_SHOWN_MAX = 300 }; // bytes of the server's own words in a message

// Who is being talked to.
struct model_origin {
    char *provider;        // its configured name
    const char *key_place; // "the environment variable X"; or NULL
    char *api_key;         // or NULL
};

// The server's own words, on one line, cut. Appends.
void model_error_text(struct buf *out, const struct model_origin *origin, struct str body);

// An answer whose status is not 2xx: fills all but `finish`.
void model_error_status(const struct model_origin *origin, const struct http_answer *answer,
                        struct model_end *end);

// What an error inside a stream says beside its message.
struct model_fault {
    enum model_failure failure; // none: nothing but the message is known
    int status;                 // the HTTP status that it names, by number or by name, or 0
    int64_t retry_after_ms;     // -1 when not said
};

// An error inside a stream: the member "error" of a piece, or the piece itself. Always returns
// false, like err_set().
bool model_error_in_stream(const struct model_origin *origin, const struct json *error,
                           struct model_fault *fault, struct err *err);

// The same for an event of type "error", whatever its data are.
bool model_error_event(const struct model_origin *origin, struct arena *arena, struct str data,
                       struct model_fault *fault, struct err *err);

// The model has refused, and the server says why, or not (then err stays as it is).
void model_error_refusal(const struct model_origin *origin, struct str why, struct err *err);

// The answer ended for a reason that is the model's fault, or nobody's. Always returns false.
bool model_error_finish(const struct model_origin *origin, struct str reason, struct str why,
                        struct err *err);

#endif
