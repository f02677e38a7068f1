// SPDX-License-Identifier: MIT
// The dialect of the Gemini API: generated content as a stream of events.
//
//   POST {base_url}/models/{model}:streamGenerateContent?alt=sse
//
// gemini_request.c writes the request, gemini_stream.c reads the answer. The key goes into a
// header, never into the URL.
#ifndef SWARMD_TRANSPORTS_GEMINI_H
#define SWARMD_TRANSPORTS_GEMINI_H

#include "transports/model_http.h"

#define GEMINI_KIND "gemini" // what it keeps as opaque: {"kind", "thoughtSignature"}

const struct model_dialect *gemini_dialect(void);

#endif
