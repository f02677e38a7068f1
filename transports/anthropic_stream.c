// SPDX-License-Identifier: MIT
#include "transports/anthropic_stream.h"

#include "transports/anthropic.h"
#include "transports/model_opaque.h"

static struct anthropic_stream *of(struct model_stream *stream)
{
    return (struct anthropic_stream *)stream;
}

// --- blocks

static struct anthropic_block *find_block(struct model_stream *stream, int64_t index)
{
    for (size_t i = 0; i < ANTHROPIC_OPEN_BLOCKS_MAX; i++) {
        struct anthropic_block *block = &of(stream)->blocks[i];
        if (block->kind != ANTHROPIC_NO_BLOCK && block->index == index)
            return block;
    }
    return NULL;
}

static bool end_block(struct model_stream *stream, struct anthropic_block *block, struct err *err)
{
    bool ok = true;
    if (block->kind == ANTHROPIC_TEXT)
        model_stream_end_text(stream);
    if (block->kind == ANTHROPIC_TOOL_USE)
        model_stream_end_input(stream, &block->join, block->call);
    if (block->kind == ANTHROPIC_THINKING) {
        model_stream_end_reasoning(stream);
        if (block->signature.len || block->thought) // some servers sign nothing
            ok = model_opaque_send_str(stream, MODEL_REASONING, 0, ANTHROPIC_KIND, "signature",
                                       buf_str(&block->signature), err);
    }
    buf_release(&block->signature);
    block->kind = ANTHROPIC_NO_BLOCK;
    return ok;
}

static enum anthropic_block_kind kind_of(struct str type)
{
    if (str_is(type, "text"))
        return ANTHROPIC_TEXT;
    if (str_is(type, "thinking"))
        return ANTHROPIC_THINKING;
    return str_is(type, "tool_use") ? ANTHROPIC_TOOL_USE : ANTHROPIC_OTHER;
}

static struct anthropic_block *new_block(struct model_stream *stream, int64_t index,
                                         enum anthropic_block_kind kind, struct err *err)
{
    struct anthropic_block *block = find_block(stream, index);
    if (block && !end_block(stream, block, err))
        return NULL;
    for (size_t i = 0; !block && i < ANTHROPIC_OPEN_BLOCKS_MAX; i++)
        if (of(stream)->blocks[i].kind == ANTHROPIC_NO_BLOCK)
            block = &of(stream)->blocks[i];
    if (!block) {
        err_set(err, ERR_LIMIT, "%s: the answer has more than %d blocks open at once",
                stream->origin->provider, (int)ANTHROPIC_OPEN_BLOCKS_MAX);
        return NULL;
    }
    *block = (struct anthropic_block){.kind = kind, .index = index};
    buf_init(&block->signature, MODEL_OPAQUE_MAX);
    return block;
}

static bool begin_block(struct model_stream *stream, const struct json *event, bool smuggled,
                        struct err *err)
{
    const struct json *content = json_get(event, "content_block");
    struct str type = json_str(content, "type");
    struct anthropic_block *block =
        new_block(stream, json_int(event, "index", 0), kind_of(type), err);
    if (!block)
        return false;
    if (block->kind == ANTHROPIC_TEXT) {
        model_stream_text(stream, json_get(content, "text"), smuggled);
    } else if (block->kind == ANTHROPIC_THINKING) {
        block->thought = json_str(content, "thinking").len > 0;
        model_stream_reasoning(stream, json_get(content, "thinking"), smuggled);
        buf_add_str(&block->signature, json_str(content, "signature"));
    } else if (block->kind == ANTHROPIC_TOOL_USE) {
        return model_stream_begin_call(stream, json_str(content, "id"), json_str(content, "name"),
                                       &block->call, err);
    } else if (str_is(type, "redacted_thinking")) {
        return model_opaque_send_str(stream, MODEL_REASONING, 0, ANTHROPIC_KIND, "redacted",
                                     json_str(content, "data"), err);
    }
    return true;
}

static bool grow_block(struct model_stream *stream, const struct json *event, bool smuggled,
                       struct err *err)
{
    struct anthropic_block *block = find_block(stream, json_int(event, "index", 0));
    const struct json *delta = json_get(event, "delta");
    struct str type = json_str(delta, "type");
    if (!block)
        return true;
    if (block->kind == ANTHROPIC_TEXT && str_is(type, "text_delta")) {
        model_stream_text(stream, json_get(delta, "text"), smuggled);
    } else if (block->kind == ANTHROPIC_THINKING && str_is(type, "thinking_delta")) {
        block->thought = block->thought || json_str(delta, "thinking").len > 0;
        model_stream_reasoning(stream, json_get(delta, "thinking"), smuggled);
    } else if (block->kind == ANTHROPIC_THINKING && str_is(type, "signature_delta")) {
        buf_add_str(&block->signature, json_str(delta, "signature"));
        if (block->signature.overflow)
            return err_set(err, ERR_LIMIT, "%s: a signature is larger than %d MiB",
                           stream->origin->provider, MODEL_OPAQUE_MAX >> 20);
    } else if (block->kind == ANTHROPIC_TOOL_USE && str_is(type, "input_json_delta")) {
        model_stream_input(stream, &block->join, block->call, json_str(delta, "partial_json"),
                           smuggled);
    }
    return true;
}

// --- the message

static void take_count(int64_t *count, const struct json *usage, const char *key)
{
    *count = json_int(usage, key, *count);
}

static int64_t known(int64_t count)
{
    return count > 0 ? count : 0;
}

static void take_usage(struct model_stream *stream, const struct json *usage)
{
    struct model_usage *counted = &of(stream)->usage;
    take_count(&counted->input, usage, "input_tokens");
    take_count(&counted->output, usage, "output_tokens");
    take_count(&counted->cache_read, usage, "cache_read_input_tokens");
    take_count(&counted->cache_write, usage, "cache_creation_input_tokens");
    struct model_usage totals = *counted;
    if (totals.input >= 0)
        totals.input += known(totals.cache_read) + known(totals.cache_write);
    if ((totals.input >= 0 || totals.output >= 0) && !stream->stopped)
        stream->sink->usage(stream->arg, &totals);
}

static void take_stop(struct model_stream *stream, const struct json *delta)
{
    struct str reason = json_str(delta, "stop_reason");
    if (reason.len == 0)
        return;
    stream->finished = true;
    if (str_is(reason, "max_tokens") || str_is(reason, "model_context_window_exceeded")) {
        stream->finish = MODEL_MAX_TOKENS;
        stream->window_full = !str_is(reason, "max_tokens");
    } else if (str_is(reason, "refusal")) {
        stream->refused = true;
        model_error_refusal(stream->origin,
                            json_str(json_get(delta, "stop_details"), "explanation"), &stream->why);
    } else { // end_turn, stop_sequence, tool_use
        stream->finish = str_is(reason, "pause_turn") ? MODEL_PAUSED : MODEL_END_TURN;
    }
}

static bool take_event(struct model_stream *stream, const struct json *event, bool smuggled,
                       struct err *err)
{
    struct str type = json_str(event, "type");
    if (str_is(type, "content_block_delta"))
        return grow_block(stream, event, smuggled, err);
    if (str_is(type, "content_block_start"))
        return begin_block(stream, event, smuggled, err);
    if (str_is(type, "content_block_stop")) {
        struct anthropic_block *block = find_block(stream, json_int(event, "index", 0));
        return !block || end_block(stream, block, err);
    }
    if (str_is(type, "message_start")) {
        take_usage(stream, json_get(json_get(event, "message"), "usage"));
    } else if (str_is(type, "message_delta")) {
        take_stop(stream, json_get(event, "delta"));
        take_usage(stream, json_get(event, "usage"));
    } else if (str_is(type, "message_stop")) {
        stream->done = true;
    } else if (str_is(type, "error")) {
        return model_error_in_stream(stream->origin, json_get(event, "error"), &stream->fault, err);
    }
    return true;
}

static bool end(struct model_stream *stream, struct err *err)
{
    for (size_t i = 0; i < ANTHROPIC_OPEN_BLOCKS_MAX; i++) {
        struct anthropic_block *block = &of(stream)->blocks[i];
        if (block->kind != ANTHROPIC_NO_BLOCK && !end_block(stream, block, err))
            return false;
    }
    return true;
}

static void release(struct model_stream *stream)
{
    for (size_t i = 0; i < ANTHROPIC_OPEN_BLOCKS_MAX; i++)
        buf_release(&of(stream)->blocks[i].signature);
}

void anthropic_stream_open(struct model_stream *stream)
{
    static const struct model_stream_ops ops = {take_event, end, release};
    stream->ops = &ops;
    of(stream)->usage = (struct model_usage){-1, -1, -1, -1};
}
