// SPDX-License-Identifier: MIT
// How many tokens a request will have, before the provider says so.
//
// The estimate is ceil(bytes / 3.5), and TOKENS_MESSAGE, TOKENS_CALL and TOKENS_RESULT for what
// dialects put around each part; an image is TOKENS_IMAGE. It is the same for every model, and
// corrected for each agent by a ratio: what its provider reported for its own requests, over what
// was estimated of them.
#ifndef SWARMD_CORE_MODEL_TOKENS_H
#define SWARMD_CORE_MODEL_TOKENS_H

#include "core/model/model.h"

enum {
    TOKENS_MESSAGE = 4,
    TOKENS_CALL = 10,
    TOKENS_RESULT = 6,
    TOKENS_IMAGE = 2000,     // whatever its size
    TOKENS_RATIO_ONE = 1000, // ratios are in thousandths
    // A server that reports less or more than these counts something else, or nothing.
    TOKENS_RATIO_MIN = 500,
    TOKENS_RATIO_MAX = 3000,
};

int64_t tokens_of_bytes(size_t bytes);
size_t tokens_to_bytes(int64_t tokens); // the largest number of bytes that has so many
int64_t tokens_of_part(const struct model_part *part);
int64_t tokens_of_parts(const struct model_part *parts, size_t count);
int64_t tokens_of_head(struct str system, const struct model_tool *tools, size_t tool_count);

int64_t tokens_corrected(int64_t estimate, int ratio); // as the provider counts
int64_t tokens_uncorrected(int64_t tokens, int ratio); // the estimate that would give them
// The running ratio after a request: the first report counts whole, a later one a quarter.
// ratio 0: none so far. A report that is not positive changes nothing.
int tokens_learn(int ratio, int64_t estimate, int64_t reported);

#endif
