// SPDX-License-Identifier: MIT
// The body of a request to an OpenAI-compatible chat server.
#ifndef SWARMD_TRANSPORTS_OPENAI_REQUEST_H
#define SWARMD_TRANSPORTS_OPENAI_REQUEST_H

#include "core/buf.h"
#include "core/model.h"

#include <stdbool.h>

// Groups the flat run of parts into messages: user parts that follow each other are one message
// (some servers' templates insist on turns), and so are assistant parts with their calls.
// Reasoning is not sent back. `openai_itself`: the server is OpenAI's own, which has other names
// for some options.
void openai_request_write(struct buf *out, const struct model_request *request, bool openai_itself);

#endif
