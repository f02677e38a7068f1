// SPDX-License-Identifier: MIT
// The body of a request to an OpenAI-compatible chat server.
#ifndef SWARMD_TRANSPORTS_OPENAI_REQUEST_H
#define SWARMD_TRANSPORTS_OPENAI_REQUEST_H

#include "core/base/buf.h"
#include "core/model/model.h"
#include "transports/model_http.h"

// Groups the flat run of parts into messages: user parts that follow each other are one message
// (some servers' templates insist on turns), and so are assistant parts with their calls.
// Reasoning goes back to servers that want it (openai_reasoning.h). OpenAI's own server has other
// names for some options.
void openai_request_write(struct buf *out, const struct model_request *request,
                          const struct model_target *target);

#endif
