// SPDX-License-Identifier: MIT
#include "transports/openai_stream.h"

#include "core/base/json.h"
#include "transports/openai_tools.h"

static struct openai_stream *of(struct model_stream *stream)
{
    return (struct openai_stream *)stream;
}

// Some servers send content as a list of typed parts.
static void take_content(struct model_stream *stream, const struct json *content, bool smuggled)
{
    if (!content || content->type != JSON_ARRAY) {
        model_stream_text(stream, content, smuggled);
        return;
    }
    json_for_each(part, content)
    {
        struct str type = json_str(part, "type");
        if (str_is(type, "text")) {
            model_stream_text(stream, json_get(part, "text"), smuggled);
        } else if (str_is(type, "thinking")) {
            const struct json *thinking = json_get(part, "thinking");
            model_stream_reasoning(stream, thinking, smuggled);
            if (thinking && thinking->type == JSON_ARRAY)
                json_for_each(inner, thinking)
                    model_stream_reasoning(stream, json_get(inner, "text"), smuggled);
        }
    }
}

static bool take_delta(struct model_stream *stream, const struct json *delta, bool smuggled,
                       struct err *err)
{
    json_for_each(member, delta)
    {
        if (stream->stopped)
            return false;
        if (str_is(member->key, "content")) {
            take_content(stream, member, smuggled);
        } else if (str_is(member->key, "reasoning_content") ||
                   (str_is(member->key, "reasoning") && !json_get(delta, "reasoning_content"))) {
            openai_reasoning_named(of(stream), member);
            model_stream_reasoning(stream, member, smuggled);
        } else if (str_is(member->key, "reasoning_details")) {
            openai_reasoning_take(of(stream), member, smuggled);
        } else if (str_is(member->key, "refusal") && member->type == JSON_STRING) {
            stream->refused = true;
            model_stream_text(stream, member, smuggled);
        } else if (str_is(member->key, "tool_calls") && member->type == JSON_ARRAY) {
            json_for_each(piece, member)
            {
                if (!openai_tools_take(of(stream), piece, smuggled, err))
                    return false;
            }
        }
    }
    return !stream->stopped;
}

// Those of OpenAI; "model_length" and "error" are Mistral's, "insufficient_system_resource" is
// DeepSeek's, "abort" vLLM's.
static bool take_finish(struct model_stream *stream, struct str reason, struct err *err)
{
    bool no_room = str_is(reason, "insufficient_system_resource");
    if (no_room || str_is(reason, "error") || str_is(reason, "abort")) {
        stream->fault.failure = no_room ? MODEL_FAILURE_OVERLOADED : MODEL_FAILURE_SERVER;
        return model_error_finish(stream->origin, reason, STR_NONE, err);
    }
    stream->finished = true;
    stream->window_full = str_is(reason, "model_length");
    if (str_is(reason, "length") || str_is(reason, "max_tokens") || stream->window_full)
        stream->finish = MODEL_MAX_TOKENS;
    else if (str_is(reason, "content_filter"))
        stream->finish = MODEL_REFUSED;
    else // stop, tool_calls, function_call: whether there are calls is what decides
        stream->finish = MODEL_END_TURN;
    return true;
}

// What was read from the cache has three names: OpenAI's and most others', DeepSeek's, Moonshot's.
static int64_t cached(const struct json *usage, const struct json *details)
{
    int64_t tokens = json_int(details, "cached_tokens", -1);
    if (tokens < 0)
        tokens = json_int(usage, "prompt_cache_hit_tokens", -1);
    return tokens < 0 ? json_int(usage, "cached_tokens", -1) : tokens;
}

static void take_usage(struct model_stream *stream, const struct json *usage)
{
    const struct json *details = json_get(usage, "prompt_tokens_details");
    struct model_usage totals = {
        .input = json_int(usage, "prompt_tokens", -1),
        .output = json_int(usage, "completion_tokens", -1),
        .cache_read = cached(usage, details),
        .cache_write = json_int(details, "cache_write_tokens", -1),
    };
    if ((totals.input >= 0 || totals.output >= 0) && !stream->stopped)
        stream->sink->usage(stream->arg, &totals);
}

static bool take_chunk(struct model_stream *stream, const struct json *chunk, bool smuggled,
                       struct err *err)
{
    const struct json *choices = NULL, *usage = NULL, *groq = NULL;
    json_for_each(member, chunk)
    {
        if (str_is(member->key, "choices"))
            choices = member;
        else if (str_is(member->key, "usage"))
            usage = member;
        else if (str_is(member->key, "x_groq"))
            groq = json_get(member, "usage");
        else if (str_is(member->key, "error") && member->type != JSON_NULL)
            return model_error_in_stream(stream->origin, member, &stream->fault, err);
    }
    if (choices && choices->type == JSON_ARRAY && choices->first) {
        const struct json *choice = choices->first;
        const struct json *delta = json_get(choice, "delta");
        if (delta && delta->type == JSON_OBJECT && !take_delta(stream, delta, smuggled, err))
            return false;
        struct str reason = json_str(choice, "finish_reason");
        take_usage(stream, json_get(choice, "usage")); // Moonshot's place for it
        if (reason.len && !take_finish(stream, reason, err))
            return false;
    }
    take_usage(stream, groq);
    take_usage(stream, usage);
    return !stream->stopped;
}

static bool end(struct model_stream *stream, struct err *err)
{
    return openai_tools_end(of(stream), err) && openai_reasoning_end(of(stream), err);
}

static void release(struct model_stream *stream)
{
    openai_tools_release(of(stream));
    openai_reasoning_release(&of(stream)->reasoning);
}

void openai_stream_open(struct model_stream *stream)
{
    static const struct model_stream_ops ops = {take_chunk, end, release};
    stream->ops = &ops;
}
