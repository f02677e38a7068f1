// SPDX-License-Identifier: MIT
// The dialect of Anthropic's Messages API.
//
//   POST {base_url}/v1/messages, "stream": true ("/messages" when the base URL ends in "/v1")
//
// anthropic_request.c writes the request, anthropic_stream.c reads the answer.
#ifndef SWARMD_TRANSPORTS_ANTHROPIC_H
#define SWARMD_TRANSPORTS_ANTHROPIC_H

#include "transports/model_http.h"

#define ANTHROPIC_KIND "anthropic" // of what it keeps as opaque

const struct model_dialect *anthropic_dialect(void);

#endif
