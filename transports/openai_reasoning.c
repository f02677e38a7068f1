// SPDX-License-Identifier: MIT
#include "transports/openai_reasoning.h"

#include "core/base/mem.h"
#include "transports/model_opaque.h"
#include "transports/openai_stream.h"

void openai_reasoning_named(struct openai_stream *stream, const struct json *member)
{
    if (member->type != JSON_STRING)
        return;
    // A server that sends both wants the older one back.
    if (str_is(member->key, "reasoning_content"))
        stream->reasoning.field = "reasoning_content";
    else if (!stream->reasoning.field)
        stream->reasoning.field = "reasoning";
}

// --- the list

static const char *body_key(struct str type)
{
    if (str_is(type, "reasoning.text"))
        return "text";
    if (str_is(type, "reasoning.summary"))
        return "summary";
    return str_is(type, "reasoning.encrypted") ? "data" : NULL;
}

static struct openai_detail *grown(struct openai_reasoning *reasoning, struct str type,
                                   int64_t index)
{
    if (str_is(type, "reasoning.encrypted")) // each is whole
        return NULL;
    for (size_t i = reasoning->count; i > 0; i--) {
        struct openai_detail *detail = &reasoning->details[i - 1];
        if (str_is(type, detail->type) && detail->index == index)
            return detail;
        if (index < 0)
            break;
    }
    return NULL;
}

static struct openai_detail *add_detail(struct openai_reasoning *reasoning, struct str type,
                                        int64_t index)
{
    if (reasoning->count == OPENAI_DETAILS_MAX) {
        reasoning->given_up = true;
        return NULL;
    }
    if (!reasoning->details)
        reasoning->details = mem_new_array(OPENAI_DETAILS_MAX, sizeof(*reasoning->details));
    struct openai_detail *detail = &reasoning->details[reasoning->count++];
    detail->type = mem_dup(type);
    detail->index = index;
    buf_init(&detail->body, MODEL_OPAQUE_MAX);
    buf_init(&detail->signature, MODEL_OPAQUE_MAX);
    return detail;
}

static void note(char **name, struct str value)
{
    if (value.len && !*name)
        *name = mem_dup(value);
}

static void take_detail(struct openai_reasoning *reasoning, const struct json *piece)
{
    struct str type = json_str(piece, "type");
    int64_t index = json_int(piece, "index", -1);
    const char *key = body_key(type);
    if (!key)
        return;
    struct openai_detail *detail = grown(reasoning, type, index);
    if (!detail && !(detail = add_detail(reasoning, type, index)))
        return;
    buf_add_str(&detail->body, json_str(piece, key));
    buf_add_str(&detail->signature, json_str(piece, "signature"));
    note(&detail->id, json_str(piece, "id"));
    note(&detail->format, json_str(piece, "format"));
}

void openai_reasoning_take(struct openai_stream *stream, const struct json *list, bool smuggled)
{
    if (list->type != JSON_ARRAY)
        return;
    stream->reasoning.given_up = stream->reasoning.given_up || smuggled;
    json_for_each(piece, list)
    {
        take_detail(&stream->reasoning, piece);
    }
}

void openai_reasoning_release(struct openai_reasoning *reasoning)
{
    for (size_t i = 0; i < reasoning->count; i++) {
        struct openai_detail *detail = &reasoning->details[i];
        mem_free(detail->type);
        mem_free(detail->id);
        mem_free(detail->format);
        buf_release(&detail->body);
        buf_release(&detail->signature);
    }
    mem_free(reasoning->details);
    *reasoning = (struct openai_reasoning){0};
}

// --- the opaques

static void write_detail(struct json_writer *w, const struct openai_detail *detail)
{
    json_begin_object(w);
    json_add_cstr(w, "type", detail->type);
    json_add_str(w, body_key(str_of(detail->type)), buf_str(&detail->body));
    if (detail->signature.len)
        json_add_str(w, "signature", buf_str(&detail->signature));
    if (detail->id)
        json_add_cstr(w, "id", detail->id);
    if (detail->format)
        json_add_cstr(w, "format", detail->format);
    if (detail->index >= 0)
        json_add_int(w, "index", detail->index);
    json_end_object(w);
    w->out->overflow |= detail->body.overflow || detail->signature.overflow;
}

static bool has_details(const struct openai_reasoning *reasoning)
{
    return reasoning->count > 0 && !reasoning->given_up;
}

static void write_reasoning(struct json_writer *w, const struct openai_reasoning *reasoning)
{
    if (reasoning->field)
        json_add_cstr(w, "field", reasoning->field);
    if (!has_details(reasoning))
        return;
    json_key(w, "reasoning_details");
    json_begin_array(w);
    for (size_t i = 0; i < reasoning->count; i++)
        write_detail(w, &reasoning->details[i]);
    json_end_array(w);
}

static bool send(struct openai_stream *stream, const struct openai_reasoning *reasoning,
                 const struct openai_tool_call *call, struct err *err)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, 2 * MODEL_OPAQUE_MAX);
    json_writer_init(&w, &text);
    json_begin_object(&w);
    json_add_cstr(&w, "kind", OPENAI_CHAT_KIND);
    json_add_cstr(&w, "provider", stream->base.origin->provider);
    if (reasoning)
        write_reasoning(&w, reasoning);
    if (call && call->extra)
        json_add_raw(&w, "extra_content", str_of(call->extra));
    json_end_object(&w);
    // A buffer that ran over would be no JSON: it is as much too large as it can be.
    size_t len = text.overflow ? text.max : text.len;
    bool ok = model_opaque_send(&stream->base, call ? MODEL_TOOL_CALL : MODEL_ASSISTANT_TEXT,
                                call ? call->index : 0, str_from(text.data, len), err);
    buf_release(&text);
    return ok;
}

bool openai_reasoning_end(struct openai_stream *stream, struct err *err)
{
    const struct openai_reasoning *reasoning = &stream->reasoning;
    if (!reasoning->field && !has_details(reasoning))
        reasoning = NULL;
    if (stream->call_count == 0)
        return !reasoning || send(stream, reasoning, NULL, err);
    for (size_t i = 0; i < stream->call_count; i++) {
        const struct openai_tool_call *call = &stream->calls[i];
        const struct openai_reasoning *with = call->index == 0 ? reasoning : NULL;
        if ((with || call->extra) && !send(stream, with, call, err))
            return false;
    }
    return true;
}
