// SPDX-License-Identifier: MIT
// How servers say that there is no such model, or none any more. Few have a name for it, so words
// are looked at: a wrong path is a 404, too, and must not be taken for it.
#include "transports/model_failure.h"

#include <string.h>

static bool says(struct str message, const char *words)
{
    size_t len = strlen(words);
    for (size_t at = 0; at + len <= message.len; at++)
        if (strncasecmp(message.data + at, words, len) == 0)
            return true;
    return false;
}

bool model_failure_is_gone(const struct model_words *words)
{
    static const char *const of_400[] = {"not a valid model", "invalid model",  "model not exist",
                                         "model not found",   "no such model",  "unknown model",
                                         "model_not_found",   "decommissioned", NULL};
    if (str_is(words->code, "model_not_found") || str_is(words->type, "model_not_found") ||
        str_is(words->code, "model_decommissioned"))
        return true;
    // OpenAI: The model `x` does not exist; Anthropic: model: x; Google: models/x is not found;
    // Ollama: model "x" not found; OpenRouter: No endpoints found for x.
    if (words->status == 404)
        return says(words->message, "model") || says(words->message, "no endpoints found");
    for (size_t i = 0; words->status == 400 && of_400[i]; i++)
        if (says(words->message, of_400[i]))
            return true;
    return false;
}
