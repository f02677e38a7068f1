// SPDX-License-Identifier: MIT
// The dialect of OpenAI's chat completions, which most servers speak.
//
//   POST {base_url}/chat/completions, "stream": true
//
// openai_request.c writes the request, openai_stream.c reads the answer, openai_error.c words the
// failures; this joins them to HTTP.
#ifndef SWARMD_TRANSPORTS_OPENAI_CHAT_H
#define SWARMD_TRANSPORTS_OPENAI_CHAT_H

#include "core/model.h"
#include "core/str.h"

#include <stdint.h>

struct http;
struct ports;

struct openai_chat_spec { // all copied
    struct str name;      // as configured
    struct str base_url;  // without a slash at its end
    struct str api_key;   // empty: no Authorization is sent
    struct str api_key_env;
    int64_t stall_ms;
};

struct provider *openai_chat_create(const struct ports *ports, struct http *http,
                                    const struct openai_chat_spec *spec);
void openai_chat_destroy(struct provider *provider); // takes NULL; after its last call has ended

#endif
