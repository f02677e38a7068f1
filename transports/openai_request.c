// SPDX-License-Identifier: MIT
#include "transports/openai_request.h"

#include "core/base/json.h"
#include "transports/model_opaque.h"
#include "transports/model_text.h"
#include "transports/model_turns.h"
#include "transports/openai_habit.h"
#include "transports/openai_reasoning.h"

struct writing {
    struct json_writer w;
    struct str provider;
    int habits;                     // a set of enum openai_habit
    struct arena arena;             // of one opaque
    const struct model_part *asked; // the last part of the user's
};

// A run of parts [from, to) of the request.
struct run {
    const struct model_part *from, *to;
};

// The texts of one kind in a run, with an empty line between them.
static void write_texts(struct json_writer *w, const char *key, struct run run,
                        enum model_part_kind kind)
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
        json_add_str(w, key, first ? first->text : STR(""));
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
    json_add_str(w, key, buf_str(&joined));
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

// --- what the server wants back

// NULL when there is none, or when another one has given it. Valid until the next call.
static const struct json *opaque_of(struct writing *writing, const struct model_part *part)
{
    if (part->opaque.len == 0 || (writing->habits & OPENAI_REASONING_NEVER))
        return NULL;
    arena_reset(&writing->arena);
    return model_opaque_read(&writing->arena, OPENAI_CHAT_KIND, writing->provider, part->opaque);
}

static const struct json *reasoning_of(struct writing *writing, struct run run)
{
    for (const struct model_part *part = run.from; part < run.to; part++) {
        const struct json *opaque = opaque_of(writing, part);
        if (json_get(opaque, "field") || json_get(opaque, "reasoning_details"))
            return opaque;
    }
    return NULL;
}

static void write_reasoning(struct writing *writing, struct run run)
{
    struct json_writer *w = &writing->w;
    const struct json *opaque = reasoning_of(writing, run);
    const struct json *details = json_get(opaque, "reasoning_details");
    struct str field = json_str(opaque, "field");
    bool text = has_text(run, MODEL_REASONING);
    if (details) {
        json_key(w, "reasoning_details");
        json_put_tree(w, details);
    } else if (writing->habits & OPENAI_REASONING_ALWAYS) {
        if (text && str_is(field, "reasoning_content"))
            write_texts(w, "reasoning_content", run, MODEL_REASONING);
        else
            json_add_str(w, "reasoning_content", STR(" ")); // an empty one is refused by some
    } else if (text && str_is(field, "reasoning") && run.from > writing->asked) {
        write_texts(w, "reasoning", run, MODEL_REASONING);
    }
}

// Once an answer had it, all have to.
static bool had_content(struct writing *writing, const struct model_request *request)
{
    for (size_t i = 0; i < request->part_count; i++) {
        const struct json *opaque = opaque_of(writing, &request->parts[i]);
        if (str_is(json_str(opaque, "field"), "reasoning_content"))
            return true;
    }
    return false;
}

static void find_habits(struct writing *writing, const struct model_request *request,
                        const struct model_target *target)
{
    writing->provider = target->provider;
    writing->habits = openai_habits(target);
    if (had_content(writing, request))
        writing->habits |= OPENAI_REASONING_ALWAYS;
    for (size_t i = 0; i < request->part_count; i++)
        if (model_is_user(&request->parts[i]))
            writing->asked = &request->parts[i];
}

// --- messages

static void add_id(struct writing *writing, const char *key, struct str id)
{
    char made[OPENAI_SHORT_ID];
    json_add_str(&writing->w, key,
                 writing->habits & OPENAI_SHORT_IDS ? openai_short_id(id, made) : id);
}

static void write_call(struct writing *writing, const struct model_part *call)
{
    struct json_writer *w = &writing->w;
    const struct json *extra = json_get(opaque_of(writing, call), "extra_content");
    json_begin_object(w);
    if (extra) {
        json_key(w, "extra_content");
        json_put_tree(w, extra);
    }
    add_id(writing, "id", call->call_id);
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

static void write_assistant(struct writing *writing, struct run run)
{
    struct json_writer *w = &writing->w;
    bool calls = has_calls(run), text = has_text(run, MODEL_ASSISTANT_TEXT);
    if (says_nothing(run))
        return;
    json_begin_object(w);
    json_add_str(w, "role", STR("assistant"));
    if (text)
        write_texts(w, "content", run, MODEL_ASSISTANT_TEXT);
    else
        json_add_null(w, "content");
    write_reasoning(writing, run);
    if (calls) {
        json_key(w, "tool_calls");
        json_begin_array(w);
        for (const struct model_part *part = run.from; part < run.to; part++)
            if (part->kind == MODEL_TOOL_CALL)
                write_call(writing, part);
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
        write_texts(w, "content", run, MODEL_USER_TEXT);
    json_end_object(w);
}

static void write_result(struct writing *writing, const struct model_part *part)
{
    struct json_writer *w = &writing->w;
    json_begin_object(w);
    json_add_str(w, "role", STR("tool"));
    add_id(writing, "tool_call_id", part->call_id);
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

static void write_answer_between(struct writing *writing)
{
    struct json_writer *w = &writing->w;
    if (!(writing->habits & OPENAI_ANSWER_BEFORE_USER))
        return;
    json_begin_object(w);
    json_add_str(w, "role", STR("assistant"));
    json_add_str(w, "content", STR("I see."));
    json_end_object(w);
}

static void write_messages(struct writing *writing, const struct model_request *request)
{
    struct json_writer *w = &writing->w;
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
            write_result(writing, part);
        } else if (model_is_assistant(part)) {
            run = answer_at(part, end);
            write_assistant(writing, run);
        } else {
            run = user_at(part, end);
            if (part > request->parts && part[-1].kind == MODEL_TOOL_RESULT)
                write_answer_between(writing);
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

void openai_request_write(struct buf *out, const struct model_request *request,
                          const struct model_target *target)
{
    struct writing writing = {0};
    struct json_writer *w = &writing.w;
    bool openai_itself = str_starts(target->base_url, STR("https://api.openai.com/"));
    arena_init(&writing.arena, MODEL_OPAQUE_TREE_MAX);
    find_habits(&writing, request, target);
    json_writer_init(w, out);
    json_begin_object(w);
    json_add_str(w, "model", request->model);
    write_messages(&writing, request);
    write_tools(w, request);
    if (request->max_output_tokens > 0)
        json_add_int(w, openai_itself ? "max_completion_tokens" : "max_tokens",
                     request->max_output_tokens);
    json_add_bool(w, "stream", true);
    if (!(writing.habits & OPENAI_NO_STREAM_OPTIONS)) {
        json_key(w, "stream_options");
        json_begin_object(w);
        json_add_bool(w, "include_usage", true);
        json_end_object(w);
    }
    json_end_object(w);
    arena_release(&writing.arena);
}
