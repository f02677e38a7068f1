// SPDX-License-Identifier: MIT
#include "transports/model_failure.h"

#include <string.h>

// Types, codes and states. Those that only repeat a status are in names_of_status.
static const struct {
    const char *name;
    enum model_failure failure;
} names[] = {
    {"context_length_exceeded", MODEL_FAILURE_CONTEXT_TOO_LARGE},
    {"exceed_context_size_error", MODEL_FAILURE_CONTEXT_TOO_LARGE}, // llama.cpp
    {"string_above_max_length", MODEL_FAILURE_CONTEXT_TOO_LARGE},
    {"request_too_large", MODEL_FAILURE_CONTEXT_TOO_LARGE},
    {"insufficient_quota", MODEL_FAILURE_QUOTA_EXHAUSTED},
    {"billing_hard_limit_reached", MODEL_FAILURE_QUOTA_EXHAUSTED},
    {"billing_not_active", MODEL_FAILURE_QUOTA_EXHAUSTED},
    {"billing_error", MODEL_FAILURE_QUOTA_EXHAUSTED},
    {"quota_exceeded", MODEL_FAILURE_QUOTA_EXHAUSTED},
    {"insufficient_balance", MODEL_FAILURE_QUOTA_EXHAUSTED},
    {"content_filter", MODEL_FAILURE_REFUSED},
    {"content_policy_violation", MODEL_FAILURE_REFUSED},
    {"image_content_policy_violation", MODEL_FAILURE_REFUSED},
    {"bio_policy", MODEL_FAILURE_REFUSED},
    {"invalid_api_key", MODEL_FAILURE_AUTH},
    {"authentication_error", MODEL_FAILURE_AUTH},
    {"permission_error", MODEL_FAILURE_AUTH},
    {"UNAUTHENTICATED", MODEL_FAILURE_AUTH},
    {"PERMISSION_DENIED", MODEL_FAILURE_AUTH},
    {"API_KEY_INVALID", MODEL_FAILURE_AUTH},
    {"rate_limit_exceeded", MODEL_FAILURE_RATE_LIMITED},
    {"rate_limit_error", MODEL_FAILURE_RATE_LIMITED},
    {"service_tier_capacity_exceeded", MODEL_FAILURE_OVERLOADED}, // Mistral
    {"RESOURCE_EXHAUSTED", MODEL_FAILURE_RATE_LIMITED},
    {"overloaded_error", MODEL_FAILURE_OVERLOADED},
    {"slow_down", MODEL_FAILURE_OVERLOADED},
    {"UNAVAILABLE", MODEL_FAILURE_OVERLOADED},
    {"timeout_error", MODEL_FAILURE_TIMEOUT},
    {"DEADLINE_EXCEEDED", MODEL_FAILURE_TIMEOUT},
};

static const struct {
    const char *name;
    int status;
} names_of_status[] = {
    {"invalid_request_error", 400},
    {"invalid_prompt", 400},
    {"content_policy_violation", 400},
    {"image_content_policy_violation", 400},
    {"bio_policy", 400},
    {"invalid_image", 400},
    {"invalid_image_format", 400},
    {"invalid_base64_image", 400},
    {"invalid_image_url", 400},
    {"invalid_image_mode", 400},
    {"image_too_large", 400},
    {"image_too_small", 400},
    {"image_parse_error", 400},
    {"image_file_too_large", 400},
    {"unsupported_image_media_type", 400},
    {"empty_image_file", 400},
    {"failed_to_download_image", 400},
    {"image_file_not_found", 400},
    {"context_length_exceeded", 400},
    {"authentication_error", 401},
    {"billing_error", 402},
    {"permission_error", 403},
    {"not_found_error", 404},
    {"request_too_large", 413},
    {"rate_limit_error", 429},
    {"rate_limit_exceeded", 429},
    {"insufficient_quota", 429},
    {"api_error", 500},
    {"server_error", 500},
    {"vector_store_timeout", 504},
    {"timeout_error", 504},
    {"overloaded_error", 529},
};

int model_failure_status(struct str name)
{
    for (size_t i = 0; i < sizeof(names_of_status) / sizeof(*names_of_status); i++)
        if (str_is(name, names_of_status[i].name))
            return names_of_status[i].status;
    return 0;
}

static enum model_failure of_name(struct str name)
{
    for (size_t i = 0; name.len && i < sizeof(names) / sizeof(*names); i++)
        if (str_is(name, names[i].name))
            return names[i].failure;
    return MODEL_FAILURE_NONE;
}

static bool says(struct str message, struct str words)
{
    for (size_t at = 0; at + words.len <= message.len; at++)
        if (strncasecmp(message.data + at, words.data, words.len) == 0)
            return true;
    return false;
}

static bool says_one_of(struct str message, const char *const *words)
{
    for (; *words; words++)
        if (says(message, str_of(*words)))
            return true;
    return false;
}

// The words of those who have no name for it: vLLM, SGLang, llama.cpp, Ollama, LM Studio, Mistral,
// DeepSeek, xAI, OpenRouter, Together; Anthropic and Google, too.
static bool says_too_long(struct str message)
{
    static const char *const words[] = {"context length",
                                        "context window",
                                        "context size",
                                        "context limit",
                                        "context overflow",
                                        "context the overflows",
                                        "prompt is too long",
                                        "input is too long",
                                        "prompt too long",
                                        "maximum prompt length",
                                        "maximum model length",
                                        "maximum number of tokens allowed",
                                        "too large for model with",
                                        "reduce the length",
                                        "too many tokens",
                                        "tokens + `max_new_tokens`",
                                        NULL};
    return says_one_of(message, words);
}

static bool says_no_money(struct str message)
{
    static const char *const words[] = {"credit balance is too low", "insufficient credits",
                                        "insufficient balance", "requires more credits", NULL};
    return says_one_of(message, words);
}

// Mistakes of a request, by words: the statuses that servers give for them.
static bool may_be_about_the_request(int64_t status)
{
    return status == 0 || status == 400 || status == 413 || status == 422 || status == 500;
}

static enum model_failure of_status(int64_t status)
{
    switch (status) {
    case 401:
    case 403:
        return MODEL_FAILURE_AUTH;
    case 402:
        return MODEL_FAILURE_QUOTA_EXHAUSTED;
    case 408:
    case 504:
    case 524: // of Cloudflare's: the server behind it took too long
        return MODEL_FAILURE_TIMEOUT;
    case 413:
        return MODEL_FAILURE_CONTEXT_TOO_LARGE;
    case 429:
        return MODEL_FAILURE_RATE_LIMITED;
    case 498: // of Groq's
    case 503:
    case 529:
        return MODEL_FAILURE_OVERLOADED;
    case 409:
    case 425:
        return MODEL_FAILURE_SERVER;
    default:
        return status >= 300 && status < 500 ? MODEL_FAILURE_INVALID_REQUEST : MODEL_FAILURE_SERVER;
    }
}

enum model_failure model_failure_of(const struct model_words *words)
{
    const struct str said[] = {words->code, words->type, words->reason, words->state};
    enum model_failure failure = MODEL_FAILURE_NONE;
    for (size_t i = 0; i < sizeof(said) / sizeof(*said) && failure == MODEL_FAILURE_NONE; i++)
        failure = of_name(said[i]);
    if (words->status == 403 && words->flagged)
        return MODEL_FAILURE_REFUSED;
    bool vague = failure == MODEL_FAILURE_NONE || failure == MODEL_FAILURE_RATE_LIMITED;
    if (vague && (says_no_money(words->message) || says(words->quota, STR("PerDay"))))
        return MODEL_FAILURE_QUOTA_EXHAUSTED;
    // Larger than what a minute allows: called rate limited, but waiting does not help.
    if (vague && says(words->message, STR("request too large for")))
        return MODEL_FAILURE_CONTEXT_TOO_LARGE;
    if (failure == MODEL_FAILURE_NONE && may_be_about_the_request(words->status) &&
        says_too_long(words->message))
        return MODEL_FAILURE_CONTEXT_TOO_LARGE;
    return failure == MODEL_FAILURE_NONE ? of_status(words->status) : failure;
}

enum err_kind model_failure_kind(enum model_failure failure)
{
    switch (failure) {
    case MODEL_FAILURE_AUTH:
        return ERR_AUTH;
    case MODEL_FAILURE_CONTEXT_TOO_LARGE:
        return ERR_LIMIT;
    case MODEL_FAILURE_RATE_LIMITED:
    case MODEL_FAILURE_QUOTA_EXHAUSTED:
        return ERR_RATE_LIMITED;
    case MODEL_FAILURE_REFUSED:
        return ERR_REFUSED;
    default:
        return ERR_PROVIDER;
    }
}
