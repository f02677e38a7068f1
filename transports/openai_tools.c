// SPDX-License-Identifier: MIT
#include "transports/openai_tools.h"

#include "core/mem.h"

#include <sys/random.h>

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
        err_set(err, ERR_LIMIT, "%s: the answer has more than %d tool calls",
                stream->origin->provider, (int)MODEL_TOOL_CALLS_MAX);
        return NULL;
    }
    if (!stream->calls)
        stream->calls = mem_new_array(MODEL_TOOL_CALLS_MAX, sizeof(*stream->calls));
    struct openai_tool_call *call = &stream->calls[stream->call_count++];
    call->server_index = index;
    buf_init(&call->held, OPENAI_TOOL_HELD_MAX);
    return call;
}

static char *made_up_id(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        number = (uintptr_t)&number;
    return mem_format("call_%016llx", (unsigned long long)number);
}

// Two calls with one id could not be told apart by their results.
static bool id_is_taken(struct openai_stream *stream, const struct openai_tool_call *call)
{
    for (size_t i = 0; i < stream->call_count; i++)
        if (&stream->calls[i] != call && stream->calls[i].id &&
            strcmp(stream->calls[i].id, call->id) == 0)
            return true;
    return false;
}

static void send_input(struct openai_stream *stream, unsigned index, struct str piece)
{
    stream->sink->tool_input(stream->arg, index, piece);
}

static void begin(struct openai_stream *stream, struct openai_tool_call *call, struct str name)
{
    if (call->id && id_is_taken(stream, call)) {
        mem_free(call->id);
        call->id = NULL;
    }
    if (!call->id)
        call->id = made_up_id();
    call->begun = true;
    call->index = stream->begun_count++; // a call may wait for its name while the next has one
    stream->sink->tool_begin(stream->arg, call->index, str_of(call->id), name);
    if (call->held.len && !stream->stopped)
        send_input(stream, call->index, buf_str(&call->held));
    buf_release(&call->held);
}

static void hold_input(struct openai_stream *stream, unsigned index, struct str piece)
{
    buf_add_str(&stream->calls[index].held, piece);
}

static void take_arguments(struct openai_stream *stream, struct openai_tool_call *call,
                           const struct json *arguments, bool smuggled)
{
    unsigned place = (unsigned)(call - stream->calls);
    struct openai_text to = {&call->join, call->begun ? send_input : hold_input,
                             call->begun ? call->index : place, smuggled};
    if (!arguments)
        return;
    if (arguments->type == JSON_STRING) {
        openai_stream_text(stream, &to, arguments->string);
    } else if (arguments->type == JSON_OBJECT) {
        struct buf text;
        struct json_writer w;
        buf_init(&text, SSE_EVENT_MAX);
        json_writer_init(&w, &text);
        json_put_tree(&w, arguments);
        openai_stream_text(stream, &to, buf_str(&text));
        buf_release(&text);
    }
}

static bool check_names(struct openai_stream *stream, struct str id, struct str name,
                        struct err *err)
{
    if (id.len <= OPENAI_TOOL_NAME_MAX && name.len <= OPENAI_TOOL_NAME_MAX)
        return true;
    return err_set(err, ERR_LIMIT, "%s: a tool call's name or id is longer than %d bytes",
                   stream->origin->provider, (int)OPENAI_TOOL_NAME_MAX);
}

bool openai_tools_take(struct openai_stream *stream, const struct json *piece, bool smuggled,
                       struct err *err)
{
    const struct json *function = json_get(piece, "function");
    struct str id = json_str(piece, "id"), name = json_str(function, "name");
    int64_t index = json_int(piece, "index", -1);
    if (stream->stopped || !check_names(stream, id, name, err))
        return false;
    struct openai_tool_call *call = call_of(stream, index, id, name);
    if (!call && !(call = add_call(stream, index, err)))
        return false;
    if (id.len && !call->id)
        call->id = mem_dup(id);
    if (name.len && !call->begun)
        begin(stream, call, name);
    if (!stream->stopped)
        take_arguments(stream, call, json_get(function, "arguments"), smuggled);
    if (call->held.overflow)
        return err_set(err, ERR_LIMIT, "%s: a tool call's arguments came before its name",
                       stream->origin->provider);
    return !stream->stopped;
}

bool openai_tools_end(struct openai_stream *stream, struct err *err)
{
    for (size_t i = 0; i < stream->call_count && !stream->stopped; i++) {
        struct openai_tool_call *call = &stream->calls[i];
        if (!call->begun)
            return err_set(err, ERR_PROVIDER, "%s: the model called a tool without a name",
                           stream->origin->provider);
        if (text_join_empty(&call->join))
            continue;
        struct buf rest;
        buf_init(&rest, 16);
        text_join_end(&call->join, &rest);
        send_input(stream, call->index, buf_str(&rest));
        buf_release(&rest);
    }
    return true;
}

void openai_tools_release(struct openai_stream *stream)
{
    for (size_t i = 0; i < stream->call_count; i++) {
        mem_free(stream->calls[i].id);
        buf_release(&stream->calls[i].held);
    }
    mem_free(stream->calls);
    stream->calls = NULL;
    stream->call_count = stream->begun_count = 0;
}
