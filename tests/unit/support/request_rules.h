// SPDX-License-Identifier: MIT
// What the servers of each kind refuse a request for, as their documentation and their errors say.
#ifndef SWARMD_TESTS_REQUEST_RULES_H
#define SWARMD_TESTS_REQUEST_RULES_H

#include "core/base/json.h"

#include <stdbool.h>

// NULL: the request is fine. The text is valid until the next call.
const char *anthropic_fault(const struct json *body);
const char *openai_chat_fault(const struct json *body);
const char *openai_responses_fault(const struct json *body);
const char *gemini_fault(const struct json *body, bool signatures); // as versions from 3 on want

#endif
