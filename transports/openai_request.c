// SPDX-License-Identifier: MIT
#include "transports/openai_request.h"

#include "core/json.h"
#include "transports/model_http.h"
#include "transports/model_text.h"
#include "transports/model_turns.h"

// A run of parts [from, to) of the request.
struct run {
    const struct model_part *from, *to;
};

// The texts of one kind in a run, with an empty line between them.
static void write_texts(struct json_writer *w, struct run run, enum model_part_kind kind)
{
    struct buf joined;
    const struct model_part *first = NULL;
    size_t count = 0;
    for (const struct model_part *part = run.from; part < run.to; part++) {
        if (part->kind == kind && part->text.len) {
            first = first ? first : part;
            count++;
        }
    }
    if (count <= 1) {
        json_add_str(w, "content", first ? first->text : STR(""));
        return;
    }
    buf_init(&joined, MODEL_REQUEST_MAX);
    for (const struct model_part *part = first; part < run.to; part++) {
        if (part->kind != kind || part->text.len == 0)
            continue;
        if (joined.len)
            buf_add_str(&joined, STR("\n\n"));
        buf_add_str(&joined, part->text);
    }
    w->out->overflow |= joined.overflow;
    json_add_str(w, "content", buf_str(&joined));
    buf_release(&joined);
}

static bool has_text(struct run run, enum model_part_kind kind)
{
    for (const struct model_part *part = run.from; part < run.to; part++)
        if (part->kind == kind && part->text.len)
            return true;
    return false;
}

static bool has_calls(struct run run)
{
    for (const struct model_part *part = run.from; part < run.to; part++)
        if (part->kind == MODEL_TOOL_CALL)
            return true;
    return false;
}

static void write_call(struct json_writer *w, const struct model_part *call)
{
    json_begin_object(w);
    json_add_str(w, "id", call->call_id);
    json_add_str(w, "type", STR("function"));
    json_key(w, "function");
    json_begin_object(w);
    json_add_str(w, "name", call->name);
    json_add_str(w, "arguments", call->input.len ? call->input : STR("{}"));
    json_end_object(w);
    json_end_object(w);
}

// All of an answer that follows each other.
static struct run answer_at(const struct model_part *part, const struct model_part *end)
{
    struct run run = {part, part};
    while (run.to < end && model_is_assistant(run.to))
        run.to++;
    return run;
}

// Reasoning only: an empty message is refused by some.
static bool says_nothing(struct run run)
{
    return !has_calls(run) && !has_text(run, MODEL_ASSISTANT_TEXT);
}

static void write_assistant(struct json_writer *w, struct run run)
{
    bool calls = has_calls(run), text = has_text(run, MODEL_ASSISTANT_TEXT);
    if (says_nothing(run))
        return;
    json_begin_object(w);
    json_add_str(w, "role", STR("assistant"));
    if (text)
        write_texts(w, run, MODEL_ASSISTANT_TEXT);
    else
        json_add_null(w, "content");
    if (calls) {
        json_key(w, "tool_calls");
        json_begin_array(w);
        for (const struct model_part *part = run.from; part < run.to; part++)
            if (part->kind == MODEL_TOOL_CALL)
                write_call(w, part);
        json_end_array(w);
    }
    json_end_object(w);
}

static bool has_images(struct run run)
{
    for (const struct model_part *part = run.from; part < run.to; part++)
        if (part->kind == MODEL_USER_IMAGE)
            return true;
    return false;
}

// Only where there are images, as not every server takes parts.
static void write_user_parts(struct json_writer *w, struct run run)
{
    json_key(w, "content");
    json_begin_array(w);
    for (const struct model_part *part = run.from; part < run.to; part++) {
        if (part->text.len == 0 || !model_is_user(part))
            continue;
        json_begin_object(w);
        if (part->kind == MODEL_USER_IMAGE) {
            json_add_str(w, "type", STR("image_url"));
            json_key(w, "image_url");
            json_begin_object(w);
            model_add_data_url(w, "url", part);
            json_end_object(w);
        } else {
            json_add_str(w, "type", STR("text"));
            json_add_str(w, "text", part->text);
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static void write_user(struct json_writer *w, struct run run)
{
    json_begin_object(w);
    json_add_str(w, "role", STR("user"));
    if (has_images(run))
        write_user_parts(w, run);
    else
        write_texts(w, run, MODEL_USER_TEXT);
    json_end_object(w);
}

static void write_result(struct json_writer *w, const struct model_part *part)
{
    json_begin_object(w);
    json_add_str(w, "role", STR("tool"));
    json_add_str(w, "tool_call_id", part->call_id);
    model_add_result_text(w, "content", part);
    json_end_object(w);
}

// What the user says, also where an answer in between says nothing.
static struct run user_at(const struct model_part *part, const struct model_part *end)
{
    struct run run = {part, part};
    for (;;) {
        while (run.to < end && model_is_user(run.to))
            run.to++;
        struct run answer = answer_at(run.to, end);
        bool goes_on = answer.to > answer.from && answer.to < end && model_is_user(answer.to);
        if (!goes_on || !says_nothing(answer))
            return run;
        run.to = answer.to;
    }
}

static void write_messages(struct json_writer *w, const struct model_request *request)
{
    const struct model_part *part = request->parts, *end = part + request->part_count;
    json_key(w, "messages");
    json_begin_array(w);
    if (request->system.len) {
        json_begin_object(w);
        json_add_str(w, "role", STR("system"));
        json_add_str(w, "content", request->system);
        json_end_object(w);
    }
    while (part < end) {
        struct run run = {part, part + 1};
        if (part->kind == MODEL_TOOL_RESULT) {
            write_result(w, part);
        } else if (model_is_assistant(part)) {
            run = answer_at(part, end);
            write_assistant(w, run);
        } else {
            run = user_at(part, end);
            write_user(w, run);
        }
        part = run.to;
    }
    json_end_array(w);
}

static void write_tools(struct json_writer *w, const struct model_request *request)
{
    if (request->tool_count == 0)
        return;
    json_key(w, "tools");
    json_begin_array(w);
    for (size_t i = 0; i < request->tool_count; i++) {
        json_begin_object(w);
        json_add_str(w, "type", STR("function"));
        json_key(w, "function");
        json_begin_object(w);
        model_add_tool(w, &request->tools[i], "parameters");
        json_end_object(w);
        json_end_object(w);
    }
    json_end_array(w);
}

void openai_request_write(struct buf *out, const struct model_request *request, bool openai_itself)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_add_str(&w, "model", request->model);
    write_messages(&w, request);
    write_tools(&w, request);
    if (request->max_output_tokens > 0)
        json_add_int(&w, openai_itself ? "max_completion_tokens" : "max_tokens",
                     request->max_output_tokens);
    json_add_bool(&w, "stream", true);
    json_key(&w, "stream_options");
    json_begin_object(&w);
    json_add_bool(&w, "include_usage", true);
    json_end_object(&w);
    json_end_object(&w);
}
