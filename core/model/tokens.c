// SPDX-License-Identifier: MIT
#include "core/model/tokens.h"

int64_t tokens_of_bytes(size_t bytes)
{
    return (int64_t)((bytes * 2 + 6) / 7);
}

size_t tokens_to_bytes(int64_t tokens)
{
    return tokens > 0 ? (size_t)tokens * 7 / 2 : 0;
}

int64_t tokens_of_part(const struct model_part *part)
{
    if (part->kind == MODEL_USER_IMAGE)
        return TOKENS_IMAGE;
    size_t bytes = part->text.len + part->name.len + part->input.len + part->opaque.len;
    int64_t around = TOKENS_MESSAGE;
    if (part->kind == MODEL_TOOL_CALL)
        around = TOKENS_CALL;
    else if (part->kind == MODEL_TOOL_RESULT)
        around = TOKENS_RESULT;
    return tokens_of_bytes(bytes) + around;
}

int64_t tokens_of_parts(const struct model_part *parts, size_t count)
{
    int64_t tokens = 0;
    for (size_t i = 0; i < count; i++)
        tokens += tokens_of_part(&parts[i]);
    return tokens;
}

int64_t tokens_of_head(struct str system, const struct model_tool *tools, size_t tool_count)
{
    int64_t tokens = tokens_of_bytes(system.len) + TOKENS_MESSAGE;
    for (size_t i = 0; i < tool_count; i++) {
        size_t bytes = strlen(tools[i].name) + strlen(tools[i].description);
        tokens += tokens_of_bytes(bytes + strlen(tools[i].schema)) + TOKENS_CALL;
    }
    return tokens;
}

static int64_t ratio_or_one(int ratio)
{
    return ratio > 0 ? ratio : TOKENS_RATIO_ONE;
}

int64_t tokens_corrected(int64_t estimate, int ratio)
{
    return estimate * ratio_or_one(ratio) / TOKENS_RATIO_ONE;
}

int64_t tokens_uncorrected(int64_t tokens, int ratio)
{
    return tokens * TOKENS_RATIO_ONE / ratio_or_one(ratio);
}

int tokens_learn(int ratio, int64_t estimate, int64_t reported)
{
    if (reported <= 0 || estimate <= 0)
        return ratio;
    int64_t now = reported * TOKENS_RATIO_ONE / estimate;
    if (ratio > 0)
        now = (3 * (int64_t)ratio + now) / 4;
    if (now < TOKENS_RATIO_MIN)
        now = TOKENS_RATIO_MIN;
    return now > TOKENS_RATIO_MAX ? TOKENS_RATIO_MAX : (int)now;
}
