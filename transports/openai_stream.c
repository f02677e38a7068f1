// SPDX-License-Identifier: MIT
#include "transports/openai_stream.h"

#include "core/json.h"
#include "transports/openai_tools.h"

enum { SCRATCH_MAX = 4 * SSE_EVENT_MAX }; // a rewritten event: a byte becomes four at most

void openai_stream_init(struct openai_stream *stream, const struct model_sink *sink, void *arg,
                        const struct openai_origin *origin, struct arena *arena)
{
    *stream = (struct openai_stream){
        .sink = sink, .arg = arg, .origin = origin, .arena = arena, .finish = MODEL_END_TURN};
    sse_init(&stream->sse);
    buf_init(&stream->head, OPENAI_HEAD_MAX);
}

void openai_stream_release(struct openai_stream *stream)
{
    sse_release(&stream->sse);
    buf_release(&stream->head);
    openai_tools_release(stream);
}

void openai_stream_stop(struct openai_stream *stream)
{
    stream->stopped = true;
}

void openai_stream_text(struct openai_stream *stream, const struct openai_text *to,
                        struct str piece)
{
    if (piece.len == 0 || stream->stopped)
        return;
    if (!to->smuggled && text_join_empty(to->join)) {
        to->send(stream, to->index, piece);
        return;
    }
    struct buf whole;
    buf_init(&whole, SCRATCH_MAX);
    text_join(to->join, piece, to->smuggled, &whole);
    if (whole.len)
        to->send(stream, to->index, buf_str(&whole));
    buf_release(&whole);
}

static void send_text(struct openai_stream *stream, unsigned index, struct str piece)
{
    (void)index;
    stream->sink->text(stream->arg, piece);
}

static void send_reasoning(struct openai_stream *stream, unsigned index, struct str piece)
{
    (void)index;
    stream->sink->reasoning(stream->arg, piece);
}

static void take_text(struct openai_stream *stream, const struct json *value, bool smuggled)
{
    struct openai_text to = {&stream->text, send_text, 0, smuggled};
    if (value && value->type == JSON_STRING)
        openai_stream_text(stream, &to, value->string);
}

static void take_reasoning(struct openai_stream *stream, const struct json *value, bool smuggled)
{
    struct openai_text to = {&stream->reasoning, send_reasoning, 0, smuggled};
    if (value && value->type == JSON_STRING)
        openai_stream_text(stream, &to, value->string);
}

// Some servers send content as a list of typed parts.
static void take_content(struct openai_stream *stream, const struct json *content, bool smuggled)
{
    if (!content || content->type != JSON_ARRAY) {
        take_text(stream, content, smuggled);
        return;
    }
    json_for_each(part, content)
    {
        struct str type = json_str(part, "type");
        if (str_is(type, "text")) {
            take_text(stream, json_get(part, "text"), smuggled);
        } else if (str_is(type, "thinking")) {
            const struct json *thinking = json_get(part, "thinking");
            take_reasoning(stream, thinking, smuggled);
            if (thinking && thinking->type == JSON_ARRAY)
                json_for_each(inner, thinking)
                    take_reasoning(stream, json_get(inner, "text"), smuggled);
        }
    }
}

static bool take_delta(struct openai_stream *stream, const struct json *delta, bool smuggled,
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
            take_reasoning(stream, member, smuggled);
        } else if (str_is(member->key, "refusal") && member->type == JSON_STRING) {
            stream->refused = true;
            take_text(stream, member, smuggled);
        } else if (str_is(member->key, "tool_calls") && member->type == JSON_ARRAY) {
            json_for_each(piece, member)
            {
                if (!openai_tools_take(stream, piece, smuggled, err))
                    return false;
            }
        }
    }
    return !stream->stopped;
}

static void take_finish(struct openai_stream *stream, struct str reason)
{
    stream->finished = true;
    if (str_is(reason, "length") || str_is(reason, "max_tokens"))
        stream->finish = MODEL_MAX_TOKENS;
    else if (str_is(reason, "content_filter"))
        stream->finish = MODEL_REFUSED;
    else // stop, tool_calls, function_call: whether there are calls is what decides
        stream->finish = MODEL_END_TURN;
}

static void take_usage(struct openai_stream *stream, const struct json *usage)
{
    const struct json *details = json_get(usage, "prompt_tokens_details");
    struct model_usage totals = {
        .input = json_int(usage, "prompt_tokens", -1),
        .output = json_int(usage, "completion_tokens", -1),
        .cache_read = json_int(details, "cached_tokens", -1),
        .cache_write = -1,
    };
    if (totals.input >= 0 || totals.output >= 0)
        stream->sink->usage(stream->arg, &totals);
}

static bool take_chunk(struct openai_stream *stream, const struct json *chunk, bool smuggled,
                       struct err *err)
{
    const struct json *choices = NULL, *usage = NULL;
    if (chunk->type != JSON_OBJECT)
        return err_set(err, ERR_PROVIDER, "%s: the server sent a piece that is no JSON object",
                       stream->origin->provider);
    json_for_each(member, chunk)
    {
        if (str_is(member->key, "choices"))
            choices = member;
        else if (str_is(member->key, "usage"))
            usage = member;
        else if (str_is(member->key, "error") && member->type != JSON_NULL)
            return openai_error_in_stream(stream->origin, member, err);
    }
    if (choices && choices->type == JSON_ARRAY && choices->first) {
        const struct json *choice = choices->first;
        const struct json *delta = json_get(choice, "delta");
        if (delta && delta->type == JSON_OBJECT && !take_delta(stream, delta, smuggled, err))
            return false;
        struct str reason = json_str(choice, "finish_reason");
        if (reason.len)
            take_finish(stream, reason);
    }
    if (usage && usage->type == JSON_OBJECT && !stream->stopped)
        take_usage(stream, usage);
    return !stream->stopped;
}

static bool malformed(struct openai_stream *stream, struct err *err)
{
    struct err why = *err;
    return err_set(err, why.kind == ERR_LIMIT ? ERR_LIMIT : ERR_PROVIDER,
                   "%s: the server sent a piece that is not JSON: %s", stream->origin->provider,
                   why.message);
}

// The cold path: what the reader refused may be only a character cut in two.
static bool take_odd(struct openai_stream *stream, struct str data, struct err *err)
{
    struct buf rewritten;
    buf_init(&rewritten, SCRATCH_MAX);
    struct json *chunk = NULL;
    struct err again;
    bool ok = text_smuggle(&rewritten, data) && !rewritten.overflow;
    arena_reset(stream->arena);
    if (ok && json_parse(&chunk, stream->arena, buf_str(&rewritten), &again))
        ok = take_chunk(stream, chunk, true, err);
    else
        ok = malformed(stream, err);
    buf_release(&rewritten);
    return ok;
}

struct feeding {
    struct openai_stream *stream;
    struct err *err;
};

static bool take_event(void *arg, const struct sse_event *event)
{
    struct feeding *feeding = arg;
    struct openai_stream *stream = feeding->stream;
    if (stream->done)
        return true;
    struct str data = str_trim(event->data);
    stream->any_event = true;
    if (data.len == 0)
        return true;
    if (str_is(data, "[DONE]")) {
        stream->done = true;
        return true;
    }
    struct json *chunk = NULL;
    bool ok;
    if (str_is(event->type, "error"))
        ok = openai_error_event(stream->origin, stream->arena, data, feeding->err);
    else if (json_parse(&chunk, stream->arena, data, feeding->err))
        ok = take_chunk(stream, chunk, false, feeding->err);
    else
        ok = take_odd(stream, data, feeding->err);
    arena_reset(stream->arena);
    return ok;
}

bool openai_stream_feed(struct openai_stream *stream, struct str bytes, struct err *err)
{
    struct feeding feeding = {stream, err};
    err->kind = ERR_NONE;
    if (stream->stopped)
        return false;
    if (!stream->any_event) {
        size_t room = OPENAI_HEAD_MAX - stream->head.len;
        buf_add(&stream->head, bytes.data, bytes.len < room ? bytes.len : room);
    }
    if (sse_feed(&stream->sse, bytes, take_event, &feeding, err))
        return !stream->stopped;
    if (stream->stopped)
        err->kind = ERR_NONE;
    else if (err->kind == ERR_LIMIT)
        err_wrap(err, "%s", stream->origin->provider);
    return false;
}

static void flush_texts(struct openai_stream *stream)
{
    struct buf rest;
    buf_init(&rest, 16);
    text_join_end(&stream->reasoning, &rest);
    if (rest.len && !stream->stopped)
        stream->sink->reasoning(stream->arg, buf_str(&rest));
    buf_clear(&rest);
    text_join_end(&stream->text, &rest);
    if (rest.len && !stream->stopped)
        stream->sink->text(stream->arg, buf_str(&rest));
    buf_release(&rest);
}

// A body without one event: most often an error of something in between, as JSON or HTML.
static void end_without_events(struct openai_stream *stream, struct model_end *end)
{
    struct str head = str_trim(buf_str(&stream->head));
    end->finish = MODEL_FAILED;
    if (head.len == 0) {
        err_set(&end->err, ERR_PROVIDER, "%s: the server's answer is empty",
                stream->origin->provider);
        return;
    }
    struct buf text;
    buf_init(&text, OPENAI_HEAD_MAX);
    openai_error_text(&text, stream->origin, head);
    err_set(&end->err, ERR_PROVIDER,
            "%s: the server's answer is no event stream (does it support \"stream\": true?): %.*s",
            stream->origin->provider, STR_ARG(buf_str(&text)));
    buf_release(&text);
}

void openai_stream_end(struct openai_stream *stream, struct model_end *end)
{
    *end = (struct model_end){.finish = stream->finish, .http_status = 200, .retry_after_ms = -1};
    flush_texts(stream);
    if (stream->stopped)
        return;
    if (!stream->any_event) {
        end_without_events(stream, end);
        return;
    }
    if (!stream->done && !stream->finished) {
        end->finish = MODEL_FAILED;
        err_set(&end->err, ERR_PROVIDER, "%s: the stream ended early", stream->origin->provider);
        return;
    }
    if (!openai_tools_end(stream, &end->err)) {
        end->finish = MODEL_FAILED;
        return;
    }
    if (stream->refused)
        end->finish = MODEL_REFUSED;
    else if (end->finish == MODEL_END_TURN && stream->call_count)
        end->finish = MODEL_TOOL_CALLS;
}
