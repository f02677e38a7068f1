// SPDX-License-Identifier: MIT
#include "transports/gemini_stream.h"

#include "transports/gemini.h"
#include "transports/model_opaque.h"

static bool send_signature(struct model_stream *stream, enum model_part_kind of, unsigned index,
                           const struct json *part, struct err *err)
{
    struct str signature = json_str(part, "thoughtSignature");
    return signature.len == 0 || stream->stopped ||
           model_opaque_send_str(stream, of, index, GEMINI_KIND, "thoughtSignature", signature,
                                 err);
}

static bool take_call(struct model_stream *stream, const struct json *part, const struct json *call,
                      bool smuggled, struct err *err)
{
    const struct json *args = json_get(call, "args");
    struct text_join join = {0};
    unsigned index;
    if (!model_stream_begin_call(stream, json_str(call, "id"), json_str(call, "name"), &index, err))
        return false;
    if (args && args->type == JSON_OBJECT) {
        struct buf text;
        struct json_writer w;
        buf_init(&text, 2 * SSE_EVENT_MAX);
        json_writer_init(&w, &text);
        json_put_tree(&w, args);
        model_stream_input(stream, &join, index, buf_str(&text), smuggled);
        model_stream_end_input(stream, &join, index);
        buf_release(&text);
    }
    return send_signature(stream, MODEL_TOOL_CALL, index, part, err);
}

static bool take_part(struct model_stream *stream, const struct json *part, bool smuggled,
                      struct err *err)
{
    const struct json *call = json_get(part, "functionCall");
    if (call)
        return take_call(stream, part, call, smuggled, err);
    if (json_bool(part, "thought", false)) {
        model_stream_reasoning(stream, json_get(part, "text"), smuggled);
        return send_signature(stream, MODEL_REASONING, 0, part, err);
    }
    model_stream_text(stream, json_get(part, "text"), smuggled);
    return send_signature(stream, MODEL_ASSISTANT_TEXT, 0, part, err);
}

static void take_usage(struct model_stream *stream, const struct json *usage)
{
    int64_t said = json_int(usage, "candidatesTokenCount", -1);
    int64_t thought = json_int(usage, "thoughtsTokenCount", -1);
    struct model_usage totals = {
        .input = json_int(usage, "promptTokenCount", -1),
        .output = said < 0 ? thought : said + (thought > 0 ? thought : 0),
        .cache_read = json_int(usage, "cachedContentTokenCount", -1),
        .cache_write = -1,
    };
    if ((totals.input >= 0 || totals.output >= 0) && !stream->stopped)
        stream->sink->usage(stream->arg, &totals);
}

static bool is_one_of(struct str reason, const char *const *names)
{
    for (; *names; names++)
        if (str_is(reason, *names))
            return true;
    return false;
}

// `why` may be empty.
static void refuse(struct model_stream *stream, struct str reason, struct str why)
{
    struct buf words;
    buf_init(&words, MODEL_HEAD_MAX);
    buf_addf(&words, "%.*s%s%.*s", (int)(reason.len < 64 ? reason.len : 64), reason.data,
             why.len ? ": " : "", (int)(why.len < 1024 ? why.len : 1024), why.len ? why.data : "");
    stream->finished = stream->refused = true;
    model_error_refusal(stream->origin, buf_str(&words), &stream->why);
    buf_release(&words);
}

static bool take_finish(struct model_stream *stream, const struct json *candidate, struct err *err)
{
    static const char *const refused[] = {"SAFETY",
                                          "RECITATION",
                                          "LANGUAGE",
                                          "BLOCKLIST",
                                          "PROHIBITED_CONTENT",
                                          "SPII",
                                          "IMAGE_SAFETY",
                                          "IMAGE_PROHIBITED_CONTENT",
                                          "IMAGE_RECITATION",
                                          NULL};
    static const char *const broken[] = {"MALFORMED_FUNCTION_CALL",
                                         "UNEXPECTED_TOOL_CALL",
                                         "TOO_MANY_TOOL_CALLS",
                                         "MALFORMED_RESPONSE",
                                         "MISSING_THOUGHT_SIGNATURE",
                                         "OTHER",
                                         "IMAGE_OTHER",
                                         "NO_IMAGE",
                                         NULL};
    struct str reason = json_str(candidate, "finishReason");
    struct str message = json_str(candidate, "finishMessage");
    if (reason.len == 0)
        return true;
    if (is_one_of(reason, broken))
        return model_error_finish(stream->origin, reason, message, err);
    stream->finished = true;
    if (is_one_of(reason, refused))
        refuse(stream, reason, message);
    else if (str_is(reason, "MAX_TOKENS"))
        stream->finish = MODEL_MAX_TOKENS;
    return true;
}

static bool take_event(struct model_stream *stream, const struct json *event, bool smuggled,
                       struct err *err)
{
    const struct json *candidates = json_get(event, "candidates");
    const struct json *error = json_get(event, "error");
    const struct json *feedback = json_get(event, "promptFeedback");
    struct str blocked = json_str(feedback, "blockReason");
    if (error)
        return model_error_in_stream(stream->origin, error, &stream->fault, err);
    const struct json *candidate =
        candidates && candidates->type == JSON_ARRAY ? candidates->first : NULL;
    const struct json *parts = json_get(json_get(candidate, "content"), "parts");
    json_for_each(part, parts)
    {
        if (!take_part(stream, part, smuggled, err))
            return false;
    }
    take_usage(stream, json_get(event, "usageMetadata"));
    if (blocked.len)
        refuse(stream, blocked, json_str(feedback, "blockReasonMessage"));
    return take_finish(stream, candidate, err);
}

void gemini_stream_open(struct model_stream *stream)
{
    static const struct model_stream_ops ops = {.take = take_event};
    stream->ops = &ops;
}
