// SPDX-License-Identifier: MIT
#include "transports/responses_request.h"

#include "core/base/json.h"
#include "transports/model_opaque.h"
#include "transports/model_text.h"
#include "transports/model_turns.h"
#include "transports/openai_responses.h"

// Of the user's parts from `at` on: is there anything to send?
static bool has_content(const struct model_part *at, const struct model_part *end)
{
    for (; at < end && model_is_user(at); at++)
        if (at->text.len)
            return true;
    return false;
}

static void write_user(struct json_writer *w, const struct model_part **at,
                       const struct model_part *end)
{
    json_begin_object(w);
    json_add_str(w, "type", STR("message"));
    json_add_str(w, "role", STR("user"));
    json_key(w, "content");
    json_begin_array(w);
    for (; *at < end && model_is_user(*at); ++*at) {
        if ((*at)->text.len == 0)
            continue;
        bool image = (*at)->kind == MODEL_USER_IMAGE;
        json_begin_object(w);
        json_add_str(w, "type", image ? STR("input_image") : STR("input_text"));
        if (image)
            model_add_data_url(w, "image_url", *at);
        else
            json_add_str(w, "text", (*at)->text);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void write_assistant(struct json_writer *w, const struct model_part *part,
                            const struct json *opaque)
{
    struct str phase = json_str(opaque, "phase");
    if (part->text.len == 0)
        return;
    json_begin_object(w);
    json_add_str(w, "type", STR("message"));
    json_add_str(w, "role", STR("assistant"));
    json_add_str(w, "content", part->text);
    if (phase.len)
        json_add_str(w, "phase", phase);
    json_end_object(w);
}

static void write_item(struct json_writer *w, const struct json *item)
{
    if (item && item->type == JSON_OBJECT)
        json_put_tree(w, item);
}

static void write_call(struct json_writer *w, const struct model_part *part,
                       const struct json *opaque)
{
    write_item(w, json_get(opaque, "before"));
    json_begin_object(w);
    json_add_str(w, "type", STR("function_call"));
    json_add_str(w, "call_id", part->call_id);
    json_add_str(w, "name", part->name);
    json_add_str(w, "arguments", part->input.len ? part->input : STR("{}"));
    json_end_object(w);
}

static void write_result(struct json_writer *w, const struct model_part *part)
{
    json_begin_object(w);
    json_add_str(w, "type", STR("function_call_output"));
    json_add_str(w, "call_id", part->call_id);
    model_add_result_text(w, "output", part);
    json_end_object(w);
}

static void write_part(struct json_writer *w, struct arena *arena, const struct model_part *part,
                       struct str provider)
{
    const struct json *opaque = model_opaque_read(arena, RESPONSES_KIND, provider, part->opaque);
    if (part->kind == MODEL_ASSISTANT_TEXT)
        write_assistant(w, part, opaque);
    else if (part->kind == MODEL_REASONING)
        write_item(w, json_get(opaque, "item"));
    else if (part->kind == MODEL_TOOL_CALL)
        write_call(w, part, opaque);
    else if (part->kind == MODEL_TOOL_RESULT)
        write_result(w, part);
    arena_reset(arena);
}

static void write_input(struct json_writer *w, const struct model_request *request,
                        struct str provider)
{
    const struct model_part *at = request->parts, *end = at + request->part_count;
    struct arena arena;
    arena_init(&arena, MODEL_OPAQUE_TREE_MAX);
    json_key(w, "input");
    json_begin_array(w);
    while (at < end) {
        if (model_is_user(at) && has_content(at, end))
            write_user(w, &at, end);
        else
            write_part(w, &arena, at++, provider);
    }
    json_end_array(w);
    arena_release(&arena);
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
        model_add_tool(w, &request->tools[i], "parameters");
        json_add_bool(w, "strict", false); // our schemas have optional arguments
        json_end_object(w);
    }
    json_end_array(w);
}

static bool is_digit_from(struct str s, size_t at, char least)
{
    return s.len > at && s.data[at] >= least && s.data[at] <= '9';
}

// Other models refuse the options that belong to reasoning.
static bool is_reasoning_model(struct str model)
{
    if (str_find(model, STR("-chat")) >= 0)
        return false;
    return (str_starts(model, STR("o")) && is_digit_from(model, 1, '1')) ||
           (str_starts(model, STR("gpt-")) && is_digit_from(model, 4, '5'));
}

static void write_reasoning(struct json_writer *w, struct str model)
{
    if (!is_reasoning_model(model))
        return;
    json_key(w, "reasoning");
    json_begin_object(w);
    json_add_str(w, "summary", STR("auto"));
    json_end_object(w);
    json_key(w, "include");
    json_begin_array(w);
    json_put_str(w, STR("reasoning.encrypted_content"));
    json_end_array(w);
}

void responses_request_write(struct buf *out, const struct model_request *request,
                             struct str provider)
{
    struct json_writer w;
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_add_str(&w, "model", request->model);
    json_add_bool(&w, "stream", true);
    json_add_bool(&w, "store", false);
    if (request->max_output_tokens > 0)
        json_add_int(&w, "max_output_tokens", request->max_output_tokens);
    write_reasoning(&w, request->model);
    if (request->system.len)
        json_add_str(&w, "instructions", request->system);
    write_tools(&w, request);
    write_input(&w, request, provider);
    json_end_object(&w);
}
