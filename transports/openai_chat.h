// SPDX-License-Identifier: MIT
// The dialect of OpenAI's chat completions, which most servers speak.
//
//   POST {base_url}/chat/completions, "stream": true
//
// openai_request.c writes the request, openai_stream.c reads the answer.
#ifndef SWARMD_TRANSPORTS_OPENAI_CHAT_H
#define SWARMD_TRANSPORTS_OPENAI_CHAT_H

#include "transports/model_http.h"

const struct model_dialect *openai_chat_dialect(void);

#endif
