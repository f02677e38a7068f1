// SPDX-License-Identifier: MIT
#include "core/model/model.h"

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

// --- a sink that skips ---

void model_skip_text(void *arg, struct str piece)
{
    (void)arg;
    (void)piece;
}

void model_skip_tool_begin(void *arg, unsigned index, struct str call_id, struct str name)
{
    (void)arg;
    (void)index;
    (void)call_id;
    (void)name;
}

void model_skip_tool_input(void *arg, unsigned index, struct str piece)
{
    (void)arg;
    (void)index;
    (void)piece;
}

void model_skip_opaque(void *arg, enum model_part_kind of, unsigned index, struct str json)
{
    (void)arg;
    (void)of;
    (void)index;
    (void)json;
}

void model_skip_usage(void *arg, const struct model_usage *usage)
{
    (void)arg;
    (void)usage;
}
