// SPDX-License-Identifier: MIT
// What OpenAI-compatible servers say when they fail, as errors for people.
//
// Shapes that are understood: {"error": {"message", "type", "code"}}, {"error": "..."},
// {"message": ...}, {"detail": ...}, plain text. The key never gets into a message, also when the
// server repeats it.
#ifndef SWARMD_TRANSPORTS_OPENAI_ERROR_H
#define SWARMD_TRANSPORTS_OPENAI_ERROR_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/json.h"

struct http_answer;

enum { OPENAI_ERROR_SHOWN_MAX = 300 }; // bytes of the server's own words in a message

// Who is being talked to.
struct openai_origin {
    char *provider;    // its configured name
    char *api_key_env; // or NULL
    char *api_key;     // or NULL
};

// The server's own words, on one line, cut. Appends.
void openai_error_text(struct buf *out, const struct openai_origin *origin, struct str body);

// An answer whose status is not 2xx.
void openai_error_status(const struct openai_origin *origin, const struct http_answer *answer,
                         struct err *err);

// The member "error" of a piece of the stream. Always returns false, like err_set().
bool openai_error_in_stream(const struct openai_origin *origin, const struct json *error,
                            struct err *err);

// An event of type "error". Always returns false.
bool openai_error_event(const struct openai_origin *origin, struct arena *arena, struct str data,
                        struct err *err);

#endif
