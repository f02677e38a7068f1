// SPDX-License-Identifier: MIT
#include "core/model.h"

const char *model_failure_name(enum model_failure failure)
{
    static const char *const names[MODEL_FAILURE_COUNT] = {
        [MODEL_FAILURE_NONE] = "none",
        [MODEL_FAILURE_AUTH] = "auth",
        [MODEL_FAILURE_INVALID_REQUEST] = "invalidRequest",
        [MODEL_FAILURE_CONTEXT_TOO_LARGE] = "contextTooLarge",
        [MODEL_FAILURE_RATE_LIMITED] = "rateLimited",
        [MODEL_FAILURE_QUOTA_EXHAUSTED] = "quotaExhausted",
        [MODEL_FAILURE_OVERLOADED] = "overloaded",
        [MODEL_FAILURE_NETWORK] = "network",
        [MODEL_FAILURE_TIMEOUT] = "timeout",
        [MODEL_FAILURE_REFUSED] = "refused",
        [MODEL_FAILURE_SERVER] = "server",
    };
    return names[failure];
}

bool model_failure_is_passing(enum model_failure failure)
{
    switch (failure) {
    case MODEL_FAILURE_RATE_LIMITED:
    case MODEL_FAILURE_OVERLOADED:
    case MODEL_FAILURE_NETWORK:
    case MODEL_FAILURE_TIMEOUT:
    case MODEL_FAILURE_SERVER:
        return true;
    default:
        return false;
    }
}
