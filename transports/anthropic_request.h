// SPDX-License-Identifier: MIT
// The body of a request to Anthropic's Messages API.
#ifndef SWARMD_TRANSPORTS_ANTHROPIC_REQUEST_H
#define SWARMD_TRANSPORTS_ANTHROPIC_REQUEST_H

#include "core/base/buf.h"
#include "core/model/model.h"

// The API insists on a limit; this one holds when the request has none. Reasoning counts too.
enum { ANTHROPIC_MAX_TOKENS = 32000 };

// Parts of one side that follow each other are one message, so that user and assistant take
// turns; results come first in theirs. Texts without a visible character are left out, since they
// are refused. Reasoning goes back only with its signature. Three places are marked for the
// cache: the end of tools and system, the end of the user's message that the last request ended
// with (it is read from there), and the end of this one (it is written up to there). Models from
// version 4.6 on are asked to think as they see fit, and to show a summary of it.
// provider: whose signatures and the like are sent back.
void anthropic_request_write(struct buf *out, const struct model_request *request,
                             struct str provider);

#endif
