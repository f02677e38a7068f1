// SPDX-License-Identifier: MIT
// The body of a request to OpenAI's Responses API.
#ifndef SWARMD_TRANSPORTS_RESPONSES_REQUEST_H
#define SWARMD_TRANSPORTS_RESPONSES_REQUEST_H

#include "core/base/buf.h"
#include "core/model/model.h"

// Nothing is kept on the server, so reasoning goes back as the encrypted items that came. OpenAI's
// reasoning models (o1, o3, ..., gpt-5 and later) are asked for them, and for a summary to show.
// Texts that are empty are left out.
// provider: whose signatures and the like are sent back.
void responses_request_write(struct buf *out, const struct model_request *request,
                             struct str provider);

#endif
