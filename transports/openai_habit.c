// SPDX-License-Identifier: MIT
#include "transports/openai_habit.h"

#include "transports/model_http.h"

#include <string.h>

enum { REASONING = OPENAI_REASONING_ALWAYS | OPENAI_REASONING_NEVER };

static int known_of(struct str base_url)
{
    static const struct {
        const char *host;
        int habits;
    } known[] = {
        {"://api.groq.com/", OPENAI_REASONING_NEVER},
        {"mistral.ai/", OPENAI_NO_STREAM_OPTIONS | OPENAI_SHORT_IDS | OPENAI_ANSWER_BEFORE_USER |
                            OPENAI_REASONING_NEVER},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_find(base_url, str_of(known[i].host)) >= 0)
            return known[i].habits;
    return 0;
}

int openai_habits(const struct model_target *target)
{
    int known = known_of(target->base_url);
    return target->habits & REASONING ? (known & ~REASONING) | target->habits
                                      : known | target->habits;
}

static bool says_one_of(const char *message, const char *const *words)
{
    for (; *words; words++)
        if (strcasestr(message, *words))
            return true;
    return false;
}

static int about_reasoning(const char *message)
{
    static const char *const wanted[] = {"passed back", "missing", "must include", "preserved",
                                         NULL};
    static const char *const unwanted[] = {
        "unsupported",  "not supported", "not permitted", "unexpected",         "unknown",
        "unrecognized", "not allowed",   "extra inputs",  "additional propert", NULL};
    if (!strcasestr(message, "reasoning"))
        return 0;
    if (says_one_of(message, wanted))
        return OPENAI_REASONING_ALWAYS;
    return says_one_of(message, unwanted) ? OPENAI_REASONING_NEVER : 0;
}

int openai_habits_after(int habits, const struct err *refusal)
{
    const char *message = refusal->message;
    int reasoning = about_reasoning(message);
    if (reasoning)
        return (habits & ~REASONING) | reasoning;
    if (strstr(message, "stream_options"))
        habits |= OPENAI_NO_STREAM_OPTIONS;
    if (strcasestr(message, "tool call id") && strcasestr(message, "length of 9"))
        habits |= OPENAI_SHORT_IDS;
    if (strcasestr(message, "role 'user' after role 'tool'"))
        habits |= OPENAI_ANSWER_BEFORE_USER;
    return habits;
}

static bool is_short(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return id.len == OPENAI_SHORT_ID;
}

struct str openai_short_id(struct str id, char out[OPENAI_SHORT_ID])
{
    static const char signs[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    if (is_short(id))
        return id;
    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.data[i]) * 0x100000001b3;
    for (size_t i = 0; i < OPENAI_SHORT_ID; i++, hash /= sizeof(signs) - 1)
        out[i] = signs[hash % (sizeof(signs) - 1)];
    return str_from(out, OPENAI_SHORT_ID);
}
