// SPDX-License-Identifier: MIT
#include "transports/model_stream.h"

#include "core/base/mem.h"

#include <sys/random.h>

enum { SCRATCH_MAX = 4 * SSE_EVENT_MAX }; // a rewritten event: a byte becomes four at most

void model_stream_init(struct model_stream *stream, const struct model_sink *sink, void *arg,
                       const struct model_origin *origin, struct arena *arena)
{
    *stream = (struct model_stream){.sink = sink,
                                    .arg = arg,
                                    .origin = origin,
                                    .arena = arena,
                                    .finish = MODEL_END_TURN,
                                    .fault = {.retry_after_ms = -1}};
    sse_init(&stream->sse);
    buf_init(&stream->head, MODEL_HEAD_MAX);
}

void model_stream_release(struct model_stream *stream)
{
    if (stream->ops->release)
        stream->ops->release(stream);
    for (unsigned i = 0; i < stream->call_count; i++)
        mem_free(stream->call_ids[i]);
    mem_free(stream->call_ids);
    sse_release(&stream->sse);
    buf_release(&stream->head);
}

void model_stream_stop(struct model_stream *stream)
{
    stream->stopped = true;
}

// --- text

void model_stream_pass(struct model_stream *stream, const struct model_outlet *to, struct str piece)
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

static void send_text(struct model_stream *stream, unsigned index, struct str piece)
{
    (void)index;
    stream->sink->text(stream->arg, piece);
}

static void send_reasoning(struct model_stream *stream, unsigned index, struct str piece)
{
    (void)index;
    stream->sink->reasoning(stream->arg, piece);
}

static void send_input(struct model_stream *stream, unsigned index, struct str piece)
{
    stream->sink->tool_input(stream->arg, index, piece);
}

void model_stream_text(struct model_stream *stream, const struct json *value, bool smuggled)
{
    struct model_outlet to = {&stream->text, send_text, 0, smuggled};
    if (value && value->type == JSON_STRING)
        model_stream_pass(stream, &to, value->string);
}

void model_stream_reasoning(struct model_stream *stream, const struct json *value, bool smuggled)
{
    struct model_outlet to = {&stream->reasoning, send_reasoning, 0, smuggled};
    if (value && value->type == JSON_STRING)
        model_stream_pass(stream, &to, value->string);
}

void model_stream_input(struct model_stream *stream, struct text_join *join, unsigned index,
                        struct str piece, bool smuggled)
{
    struct model_outlet to = {join, send_input, index, smuggled};
    model_stream_pass(stream, &to, piece);
}

static void end_pass(struct model_stream *stream, const struct model_outlet *to)
{
    struct buf rest;
    if (text_join_empty(to->join) || stream->stopped)
        return;
    buf_init(&rest, 16);
    text_join_end(to->join, &rest);
    to->send(stream, to->index, buf_str(&rest));
    buf_release(&rest);
}

void model_stream_end_text(struct model_stream *stream)
{
    end_pass(stream, &(struct model_outlet){&stream->text, send_text, 0, false});
}

void model_stream_end_reasoning(struct model_stream *stream)
{
    end_pass(stream, &(struct model_outlet){&stream->reasoning, send_reasoning, 0, false});
}

void model_stream_end_input(struct model_stream *stream, struct text_join *join, unsigned index)
{
    end_pass(stream, &(struct model_outlet){join, send_input, index, false});
}

// --- calls

static char *made_up_id(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        number = (uintptr_t)&number;
    return mem_format("call_%016llx", (unsigned long long)number);
}

// Two calls with one id could not be told apart by their results.
static bool id_is_taken(const struct model_stream *stream, struct str id)
{
    for (unsigned i = 0; i < stream->call_count; i++)
        if (str_is(id, stream->call_ids[i]))
            return true;
    return false;
}

bool model_stream_too_many_calls(const struct model_stream *stream, struct err *err)
{
    return err_set(err, ERR_LIMIT, "%s: the answer has more than %d tool calls",
                   stream->origin->provider, (int)MODEL_TOOL_CALLS_MAX);
}

bool model_stream_begin_call(struct model_stream *stream, struct str id, struct str name,
                             unsigned *index, struct err *err)
{
    if (stream->stopped)
        return false;
    if (id.len > MODEL_NAME_MAX || name.len > MODEL_NAME_MAX)
        return err_set(err, ERR_LIMIT, "%s: a tool call's name or id is longer than %d bytes",
                       stream->origin->provider, (int)MODEL_NAME_MAX);
    if (name.len == 0)
        return err_set(err, ERR_PROVIDER, "%s: the model called a tool without a name",
                       stream->origin->provider);
    if (stream->call_count == MODEL_TOOL_CALLS_MAX)
        return model_stream_too_many_calls(stream, err);
    if (!stream->call_ids)
        stream->call_ids = mem_new_array(MODEL_TOOL_CALLS_MAX, sizeof(*stream->call_ids));
    char *own = id.len && !id_is_taken(stream, id) ? mem_dup(id) : made_up_id();
    *index = stream->call_count++;
    stream->call_ids[*index] = own;
    stream->sink->tool_begin(stream->arg, *index, str_of(own), name);
    return true;
}

// --- events

static bool malformed(struct model_stream *stream, struct err *err)
{
    struct err why = *err;
    return err_set(err, why.kind == ERR_LIMIT ? ERR_LIMIT : ERR_PROVIDER,
                   "%s: the server sent a piece that is not JSON: %s", stream->origin->provider,
                   why.message);
}

static bool take_json(struct model_stream *stream, const struct json *event, bool smuggled,
                      struct err *err)
{
    if (event->type == JSON_OBJECT)
        return stream->ops->take(stream, event, smuggled, err) && !stream->stopped;
    return err_set(err, ERR_PROVIDER, "%s: the server sent a piece that is no JSON object",
                   stream->origin->provider);
}

// The cold path: what the reader refused may be only a character cut in two.
static bool take_odd(struct model_stream *stream, struct str data, struct err *err)
{
    struct buf rewritten;
    buf_init(&rewritten, SCRATCH_MAX);
    struct json *event = NULL;
    struct err again;
    bool ok = text_smuggle(&rewritten, data) && !rewritten.overflow;
    arena_reset(stream->arena);
    if (ok && json_parse(&event, stream->arena, buf_str(&rewritten), &again))
        ok = take_json(stream, event, true, err);
    else
        ok = malformed(stream, err);
    buf_release(&rewritten);
    return ok;
}

struct feeding {
    struct model_stream *stream;
    struct err *err;
    bool refused; // an event was not taken: err names the server already
};

static bool take_event(void *arg, const struct sse_event *event)
{
    struct feeding *feeding = arg;
    struct model_stream *stream = feeding->stream;
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
    struct json *json = NULL;
    bool ok;
    if (str_is(event->type, "error"))
        ok = model_error_event(stream->origin, stream->arena, data, &stream->fault, feeding->err);
    else if (json_parse(&json, stream->arena, data, feeding->err))
        ok = take_json(stream, json, false, feeding->err);
    else
        ok = take_odd(stream, data, feeding->err);
    arena_reset(stream->arena);
    feeding->refused = !ok;
    return ok;
}

bool model_stream_feed(struct model_stream *stream, struct str bytes, struct err *err)
{
    struct feeding feeding = {stream, err, false};
    err->kind = ERR_NONE;
    if (stream->stopped)
        return false;
    if (!stream->any_event) {
        size_t room = MODEL_HEAD_MAX - stream->head.len;
        buf_add(&stream->head, bytes.data, bytes.len < room ? bytes.len : room);
    }
    if (sse_feed(&stream->sse, bytes, take_event, &feeding, err))
        return !stream->stopped;
    if (stream->stopped)
        err->kind = ERR_NONE;
    else if (!feeding.refused)
        err_wrap(err, "%s", stream->origin->provider);
    return false;
}

// --- the end

// A body without one event: most often an error of something in between, as JSON or HTML.
static void end_without_events(struct model_stream *stream, struct err *err)
{
    struct str head = str_trim(buf_str(&stream->head));
    if (head.len == 0) {
        err_set(err, ERR_PROVIDER, "%s: the server's answer is empty", stream->origin->provider);
        return;
    }
    struct buf text;
    buf_init(&text, MODEL_HEAD_MAX);
    model_error_text(&text, stream->origin, head);
    err_set(err, ERR_PROVIDER,
            "%s: the server's answer is no event stream (does it support \"stream\": true?): %.*s",
            stream->origin->provider, STR_ARG(buf_str(&text)));
    buf_release(&text);
}

static bool is_whole(struct model_stream *stream, struct err *err)
{
    if (!stream->any_event) {
        end_without_events(stream, err);
        return false;
    }
    if (!stream->done && !stream->finished) {
        stream->fault.failure = MODEL_FAILURE_NETWORK;
        return err_set(err, ERR_PROVIDER, "%s: the stream ended early", stream->origin->provider);
    }
    return !stream->ops->end || stream->ops->end(stream, err);
}

// An answer that passes a ceiling of ours would pass it again.
static enum model_failure failure_of(const struct model_stream *stream, const struct err *err)
{
    if (stream->fault.failure != MODEL_FAILURE_NONE)
        return stream->fault.failure;
    return err->kind == ERR_LIMIT ? MODEL_FAILURE_INVALID_REQUEST : MODEL_FAILURE_SERVER;
}

void model_stream_failed(const struct model_stream *stream, struct model_end *end)
{
    end->finish = MODEL_FAILED;
    end->failure = failure_of(stream, &end->err);
    end->http_status = stream->fault.status ? stream->fault.status : 200;
    end->retry_after_ms = stream->fault.retry_after_ms;
}

void model_stream_end(struct model_stream *stream, struct model_end *end)
{
    *end = (struct model_end){.finish = MODEL_FAILED, .http_status = 200, .retry_after_ms = -1};
    model_stream_end_reasoning(stream);
    model_stream_end_text(stream);
    if (stream->stopped)
        return;
    if (!is_whole(stream, &end->err)) {
        model_stream_failed(stream, end);
        return;
    }
    end->finish = stream->finish;
    if (stream->finish == MODEL_MAX_TOKENS && stream->window_full)
        end->failure = MODEL_FAILURE_CONTEXT_TOO_LARGE;
    if (stream->refused || stream->finish == MODEL_REFUSED) {
        end->finish = MODEL_REFUSED;
        end->failure = MODEL_FAILURE_REFUSED;
        end->err = stream->why;
    } else if ((end->finish == MODEL_END_TURN || end->finish == MODEL_PAUSED) &&
               stream->call_count) {
        end->finish = MODEL_TOOL_CALLS;
    }
}
