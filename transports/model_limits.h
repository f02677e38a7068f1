// SPDX-License-Identifier: MIT
// Rate limits out of an answer's headers: those of Anthropic (anthropic-ratelimit-*, whose resets
// are moments) and those of OpenAI and its likes (x-ratelimit-*, whose resets are spans like
// "1m30.5s", seconds, or moments in seconds or milliseconds since 1970).
#ifndef SWARMD_TRANSPORTS_MODEL_LIMITS_H
#define SWARMD_TRANSPORTS_MODEL_LIMITS_H

#include "core/base/str.h"
#include "core/model/model.h"

enum { MODEL_LIMIT_KINDS = 4 };

struct model_limits_reader {
    struct model_limits limits;
    int64_t reset_at[MODEL_LIMIT_KINDS]; // wall ms; -1: none, or told as a span
    int64_t date;                        // the server's clock, wall ms; -1 when not said
    bool any;
};

void model_limits_begin(struct model_limits_reader *reader);
void model_limits_take(struct model_limits_reader *reader, struct str line); // "Name: value"

// NULL when the headers said nothing. Moments become spans by the server's own clock, or by ours
// (now, wall ms) when it does not tell the time.
const struct model_limits *model_limits_end(struct model_limits_reader *reader, int64_t now);

#endif
