// SPDX-License-Identifier: MIT
#include "transports/openai_tools.h"

#include "core/base/mem.h"

static struct openai_tool_call *by_server_index(struct openai_stream *stream, int64_t index)
{
    // The newest first: a server that gives all its calls index 0 means the last one.
    for (size_t i = stream->call_count; i > 0; i--)
        if (stream->calls[i - 1].server_index == index)
            return &stream->calls[i - 1];
    return NULL;
}

static struct openai_tool_call *by_id(struct openai_stream *stream, struct str id)
{
    for (size_t i = stream->call_count; i > 0; i--)
        if (stream->calls[i - 1].id && str_is(id, stream->calls[i - 1].id))
            return &stream->calls[i - 1];
    return NULL;
}

// The call that a piece belongs to; NULL when it begins a new one.
static struct openai_tool_call *call_of(struct openai_stream *stream, int64_t index, struct str id,
                                        struct str name)
{
    if (index >= 0) {
        struct openai_tool_call *call = by_server_index(stream, index);
        bool another =
            call && call->begun && id.len && name.len && call->id && !str_is(id, call->id);
        return another ? NULL : call;
    }
    // Without an index: calls are whole, or told apart by id, or the pieces follow each other.
    struct openai_tool_call *call = NULL;
    if (id.len)
        call = by_id(stream, id);
    else if (stream->call_count)
        call = &stream->calls[stream->call_count - 1];
    return call && call->begun && name.len ? NULL : call;
}

static struct openai_tool_call *add_call(struct openai_stream *stream, int64_t index,
                                         struct err *err)
{
    if (stream->call_count == MODEL_TOOL_CALLS_MAX) {
        model_stream_too_many_calls(&stream->base, err);
        return NULL;
    }
    if (!stream->calls)
        stream->calls = mem_new_array(MODEL_TOOL_CALLS_MAX, sizeof(*stream->calls));
    struct openai_tool_call *call = &stream->calls[stream->call_count++];
    call->server_index = index;
    buf_init(&call->held, OPENAI_TOOL_HELD_MAX);
    return call;
}

static bool begin(struct openai_stream *stream, struct openai_tool_call *call, struct str name,
                  struct err *err)
{
    if (!model_stream_begin_call(&stream->base, str_of(call->id), name, &call->index, err))
        return false;
    const char *id = stream->base.call_ids[call->index];
    if (!call->id || strcmp(call->id, id) != 0) {
        mem_free(call->id);
        call->id = mem_dup(str_of(id));
    }
    call->begun = true;
    if (call->held.len && !stream->base.stopped)
        stream->base.sink->tool_input(stream->base.arg, call->index, buf_str(&call->held));
    buf_release(&call->held);
    return true;
}

static void hold_input(struct model_stream *stream, unsigned index, struct str piece)
{
    buf_add_str(&((struct openai_stream *)stream)->calls[index].held, piece);
}

static void take_piece(struct openai_stream *stream, struct openai_tool_call *call,
                       struct str piece, bool smuggled)
{
    struct model_outlet hold = {&call->join, hold_input, (unsigned)(call - stream->calls),
                                smuggled};
    if (call->begun)
        model_stream_input(&stream->base, &call->join, call->index, piece, smuggled);
    else
        model_stream_pass(&stream->base, &hold, piece);
}

static void take_arguments(struct openai_stream *stream, struct openai_tool_call *call,
                           const struct json *arguments, bool smuggled)
{
    if (!arguments)
        return;
    if (arguments->type == JSON_STRING) {
        take_piece(stream, call, arguments->string, smuggled);
    } else if (arguments->type == JSON_OBJECT) {
        struct buf text;
        struct json_writer w;
        buf_init(&text, SSE_EVENT_MAX);
        json_writer_init(&w, &text);
        json_put_tree(&w, arguments);
        take_piece(stream, call, buf_str(&text), smuggled);
        buf_release(&text);
    }
}

static void take_extra(struct openai_tool_call *call, const struct json *extra)
{
    struct buf text;
    struct json_writer w;
    if (!extra || extra->type != JSON_OBJECT)
        return;
    buf_init(&text, MODEL_OPAQUE_MAX);
    json_writer_init(&w, &text);
    json_put_tree(&w, extra);
    mem_free(call->extra);
    call->extra = text.overflow ? NULL : mem_dup(buf_str(&text));
    buf_release(&text);
}

static bool check_id(struct openai_stream *stream, struct str id, struct err *err)
{
    return id.len <= MODEL_NAME_MAX ||
           err_set(err, ERR_LIMIT, "%s: a tool call's id is longer than %d bytes",
                   stream->base.origin->provider, (int)MODEL_NAME_MAX);
}

bool openai_tools_take(struct openai_stream *stream, const struct json *piece, bool smuggled,
                       struct err *err)
{
    const struct json *function = json_get(piece, "function");
    struct str id = json_str(piece, "id"), name = json_str(function, "name");
    int64_t index = json_int(piece, "index", -1);
    if (stream->base.stopped || !check_id(stream, id, err))
        return false;
    struct openai_tool_call *call = call_of(stream, index, id, name);
    if (!call && !(call = add_call(stream, index, err)))
        return false;
    if (id.len && !call->id)
        call->id = mem_dup(id);
    if (name.len && !call->begun && !begin(stream, call, name, err))
        return false;
    if (!smuggled)
        take_extra(call, json_get(piece, "extra_content"));
    if (!stream->base.stopped)
        take_arguments(stream, call, json_get(function, "arguments"), smuggled);
    if (call->held.overflow)
        return err_set(err, ERR_LIMIT, "%s: a tool call's arguments came before its name",
                       stream->base.origin->provider);
    return !stream->base.stopped;
}

bool openai_tools_end(struct openai_stream *stream, struct err *err)
{
    for (size_t i = 0; i < stream->call_count; i++) {
        struct openai_tool_call *call = &stream->calls[i];
        if (!call->begun)
            return err_set(err, ERR_PROVIDER, "%s: the model called a tool without a name",
                           stream->base.origin->provider);
        model_stream_end_input(&stream->base, &call->join, call->index);
    }
    return true;
}

void openai_tools_release(struct openai_stream *stream)
{
    for (size_t i = 0; i < stream->call_count; i++) {
        mem_free(stream->calls[i].id);
        mem_free(stream->calls[i].extra);
        buf_release(&stream->calls[i].held);
    }
    mem_free(stream->calls);
    stream->calls = NULL;
    stream->call_count = 0;
}
