// SPDX-License-Identifier: MIT
#include "transports/responses_stream.h"

#include "core/base/mem.h"
#include "transports/model_opaque.h"
#include "transports/openai_responses.h"

static struct responses_stream *of(struct model_stream *stream)
{
    return (struct responses_stream *)stream;
}

static int64_t place_of(const struct json *event)
{
    return json_int(event, "output_index", 0);
}

// --- opaque

static void begin_opaque(const struct model_stream *stream, struct json_writer *w, struct buf *text)
{
    buf_init(text, 2 * MODEL_OPAQUE_MAX);
    json_writer_init(w, text);
    json_begin_object(w);
    json_add_str(w, "kind", STR(RESPONSES_KIND));
    json_add_cstr(w, "provider", stream->origin->provider);
}

static bool end_opaque(struct model_stream *stream, struct json_writer *w,
                       enum model_part_kind kind, unsigned index, struct err *err)
{
    json_end_object(w);
    // A buffer that ran over would be no JSON: it is as much too large as it can be.
    size_t len = w->out->overflow ? w->out->max : w->out->len;
    bool ok = model_opaque_send(stream, kind, index, str_from(w->out->data, len), err);
    buf_release(w->out);
    return ok;
}

// The item as it may come back: some members of an answer are refused in a request.
static void put_reasoning_item(struct json_writer *w, const struct json *item, bool smuggled)
{
    json_begin_object(w);
    json_add_str(w, "type", STR("reasoning"));
    json_add_str(w, "id", json_str(item, "id"));
    json_key(w, "summary");
    const struct json *summary = json_get(item, "summary");
    if (summary && summary->type == JSON_ARRAY && !smuggled) {
        json_put_tree(w, summary);
    } else {
        json_begin_array(w);
        json_end_array(w);
    }
    json_add_str(w, "encrypted_content", json_str(item, "encrypted_content"));
    json_end_object(w);
}

// --- calls

static struct responses_call *find_call(struct model_stream *stream, int64_t place)
{
    for (size_t i = of(stream)->call_count; i > 0; i--)
        if (of(stream)->calls[i - 1].place == place)
            return &of(stream)->calls[i - 1];
    return NULL;
}

static bool send_before(struct model_stream *stream, unsigned index, struct err *err)
{
    struct buf *before = &of(stream)->before, text;
    struct json_writer w;
    if (before->len == 0)
        return true;
    begin_opaque(stream, &w, &text);
    json_add_raw(&w, "before", buf_str(before));
    buf_clear(before);
    return end_opaque(stream, &w, MODEL_TOOL_CALL, index, err);
}

static struct responses_call *begin_call(struct model_stream *stream, int64_t place,
                                         const struct json *item, struct err *err)
{
    unsigned index;
    if (!model_stream_begin_call(stream, json_str(item, "call_id"), json_str(item, "name"), &index,
                                 err))
        return NULL;
    if (!of(stream)->calls)
        of(stream)->calls = mem_new_array(MODEL_TOOL_CALLS_MAX, sizeof(*of(stream)->calls));
    struct responses_call *call = &of(stream)->calls[of(stream)->call_count++];
    call->place = place;
    call->index = index;
    return send_before(stream, index, err) ? call : NULL;
}

static void take_arguments(struct model_stream *stream, struct responses_call *call,
                           struct str piece, bool smuggled)
{
    if (piece.len == 0)
        return;
    call->has_input = true;
    model_stream_input(stream, &call->join, call->index, piece, smuggled);
}

static bool end_call(struct model_stream *stream, int64_t place, const struct json *item,
                     bool smuggled, struct err *err)
{
    struct responses_call *call = find_call(stream, place);
    if ((!call || call->done) && !(call = begin_call(stream, place, item, err)))
        return false;
    if (!call->has_input)
        take_arguments(stream, call, json_str(item, "arguments"), smuggled);
    model_stream_end_input(stream, &call->join, call->index);
    call->done = true;
    return true;
}

// --- texts

static void take_text(struct model_stream *stream, const struct json *event,
                      const struct json *text, bool smuggled)
{
    of(stream)->text_place = place_of(event);
    model_stream_text(stream, text, smuggled);
}

// Another message of the same answer: a paragraph of its own.
static void begin_message(struct model_stream *stream, const struct json *event)
{
    static const struct json gap = {.type = JSON_STRING, .string = {"\n\n", 2}};
    if (of(stream)->text_place >= 0 && of(stream)->text_place != place_of(event))
        model_stream_text(stream, &gap, false);
}

static bool end_message(struct model_stream *stream, const struct json *event,
                        const struct json *item, bool smuggled, struct err *err)
{
    struct str phase = json_str(item, "phase");
    if (of(stream)->text_place != place_of(event)) { // no piece of it has come
        json_for_each(part, json_get(item, "content"))
        {
            stream->refused = stream->refused || str_is(json_str(part, "type"), "refusal");
            take_text(stream, event, json_get(part, "text"), smuggled);
            take_text(stream, event, json_get(part, "refusal"), smuggled);
        }
    }
    model_stream_end_text(stream);
    if (phase.len == 0 || smuggled || stream->stopped)
        return true;
    return model_opaque_send_str(stream, MODEL_ASSISTANT_TEXT, 0, RESPONSES_KIND, "phase", phase,
                                 err);
}

static bool end_reasoning(struct model_stream *stream, const struct json *item, bool smuggled,
                          struct err *err)
{
    struct json_writer w;
    struct buf text;
    model_stream_end_reasoning(stream);
    if (json_str(item, "encrypted_content").len == 0)
        return true;
    if (of(stream)->call_count > 0) {
        buf_clear(&of(stream)->before);
        json_writer_init(&w, &of(stream)->before);
        put_reasoning_item(&w, item, smuggled);
        return !of(stream)->before.overflow ||
               err_set(err, ERR_LIMIT, "%s: a reasoning item is larger than %d MiB",
                       stream->origin->provider, MODEL_OPAQUE_MAX >> 20);
    }
    begin_opaque(stream, &w, &text);
    json_key(&w, "item");
    put_reasoning_item(&w, item, smuggled);
    return end_opaque(stream, &w, MODEL_REASONING, 0, err);
}

// Parts of a summary are paragraphs.
static void begin_summary(struct model_stream *stream, const struct json *event)
{
    static const struct json gap = {.type = JSON_STRING, .string = {"\n\n", 2}};
    if (json_int(event, "summary_index", 0) > 0)
        model_stream_reasoning(stream, &gap, false);
}

// --- items

static bool begin_item(struct model_stream *stream, const struct json *event, struct err *err)
{
    const struct json *item = json_get(event, "item");
    struct str type = json_str(item, "type");
    if (str_is(type, "function_call"))
        return begin_call(stream, place_of(event), item, err) != NULL;
    if (str_is(type, "message"))
        begin_message(stream, event);
    return true;
}

static bool end_item(struct model_stream *stream, const struct json *event, bool smuggled,
                     struct err *err)
{
    const struct json *item = json_get(event, "item");
    struct str type = json_str(item, "type");
    if (str_is(type, "function_call"))
        return end_call(stream, place_of(event), item, smuggled, err);
    if (str_is(type, "message"))
        return end_message(stream, event, item, smuggled, err);
    return !str_is(type, "reasoning") || end_reasoning(stream, item, smuggled, err);
}

// --- the response

static void take_usage(struct model_stream *stream, const struct json *usage)
{
    const struct json *details = json_get(usage, "input_tokens_details");
    struct model_usage totals = {
        .input = json_int(usage, "input_tokens", -1),
        .output = json_int(usage, "output_tokens", -1),
        .cache_read = json_int(details, "cached_tokens", -1),
        .cache_write = json_int(details, "cache_write_tokens", -1),
    };
    if ((totals.input >= 0 || totals.output >= 0) && !stream->stopped)
        stream->sink->usage(stream->arg, &totals);
}

// Some servers say in the response alone, and not by the event's type, how it ended.
static bool end_response(struct model_stream *stream, const struct json *response, bool complete,
                         struct err *err)
{
    struct str status = json_str(response, "status");
    if (str_is(status, "failed"))
        return model_error_in_stream(stream->origin, json_get(response, "error"), &stream->fault,
                                     err);
    complete = complete && !str_is(status, "incomplete");
    struct str reason = json_str(json_get(response, "incomplete_details"), "reason");
    stream->finished = stream->done = true;
    if (!complete && str_is(reason, "content_filter"))
        stream->finish = MODEL_REFUSED;
    else if (!complete)
        stream->finish = MODEL_MAX_TOKENS;
    take_usage(stream, json_get(response, "usage"));
    return true;
}

static bool take_delta(struct model_stream *stream, struct str type, const struct json *event,
                       bool smuggled)
{
    const struct json *delta = json_get(event, "delta");
    if (str_is(type, "response.output_text.delta")) {
        take_text(stream, event, delta, smuggled);
    } else if (str_is(type, "response.reasoning_summary_text.delta") ||
               str_is(type, "response.reasoning_text.delta")) {
        model_stream_reasoning(stream, delta, smuggled);
    } else if (str_is(type, "response.function_call_arguments.delta")) {
        struct responses_call *call = find_call(stream, place_of(event));
        if (call)
            take_arguments(stream, call, json_str(event, "delta"), smuggled);
    } else if (str_is(type, "response.refusal.delta")) {
        stream->refused = true;
        take_text(stream, event, delta, smuggled);
    }
    return true;
}

static bool take_event(struct model_stream *stream, const struct json *event, bool smuggled,
                       struct err *err)
{
    struct str type = json_str(event, "type");
    const struct json *response = json_get(event, "response");
    if (str_ends(type, STR(".delta")))
        return take_delta(stream, type, event, smuggled);
    if (str_is(type, "response.output_item.added"))
        return begin_item(stream, event, err);
    if (str_is(type, "response.output_item.done"))
        return end_item(stream, event, smuggled, err);
    if (str_is(type, "response.completed") || str_is(type, "response.incomplete"))
        return end_response(stream, response, str_is(type, "response.completed"), err);
    if (str_is(type, "response.failed"))
        return model_error_in_stream(stream->origin, json_get(response, "error"), &stream->fault,
                                     err);
    if (str_is(type, "error"))
        return model_error_in_stream(stream->origin,
                                     json_get(event, "error") ? json_get(event, "error") : event,
                                     &stream->fault, err);
    if (str_is(type, "response.reasoning_summary_part.added"))
        begin_summary(stream, event);
    return true;
}

static bool end(struct model_stream *stream, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < of(stream)->call_count; i++) {
        struct responses_call *call = &of(stream)->calls[i];
        model_stream_end_input(stream, &call->join, call->index);
    }
    return true;
}

static void release(struct model_stream *stream)
{
    mem_free(of(stream)->calls);
    buf_release(&of(stream)->before);
}

void responses_stream_open(struct model_stream *stream)
{
    static const struct model_stream_ops ops = {take_event, end, release};
    stream->ops = &ops;
    of(stream)->text_place = -1;
    buf_init(&of(stream)->before, MODEL_OPAQUE_MAX);
}
