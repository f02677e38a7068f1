// SPDX-License-Identifier: MIT
// The dialect of OpenAI's Responses API, without state on the server ("store": false).
//
//   POST {base_url}/responses, "stream": true
//
// responses_request.c writes the request, responses_stream.c reads the answer.
#ifndef SWARMD_TRANSPORTS_OPENAI_RESPONSES_H
#define SWARMD_TRANSPORTS_OPENAI_RESPONSES_H

#include "transports/model_http.h"

// What it keeps as opaque: {"kind", "item": a reasoning item}, {"kind", "phase"} of text, and
// {"kind", "before": a reasoning item} of a call that reasoning came in front of when the answer
// had calls already.
#define RESPONSES_KIND "openai-responses"

const struct model_dialect *openai_responses_dialect(void);

#endif
