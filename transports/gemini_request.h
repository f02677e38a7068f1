// SPDX-License-Identifier: MIT
// The body of a request to the Gemini API.
#ifndef SWARMD_TRANSPORTS_GEMINI_REQUEST_H
#define SWARMD_TRANSPORTS_GEMINI_REQUEST_H

#include "core/base/buf.h"
#include "core/model/model.h"

// Parts of one side that follow each other are one content, empty texts are left out. A signature
// goes back with the part that it came with; thoughts go back only when they have one. Models
// from 3 on refuse a step whose calls have none: where another provider's model made them, the
// first gets the value that the API has for this. Models from 2.5 on are asked to show their
// thoughts.
// provider: whose signatures and the like are sent back.
void gemini_request_write(struct buf *out, const struct model_request *request,
                          struct str provider);

#endif
