// SPDX-License-Identifier: MIT
#include "transports/anthropic_request.h"

#include "core/base/json.h"
#include "transports/anthropic.h"
#include "transports/model_opaque.h"
#include "transports/model_stream.h"
#include "transports/model_text.h"
#include "transports/model_turns.h"

struct writing {
    struct json_writer w;
    struct str provider;
    struct model_turns turns;
    const struct model_part *marked, *newest; // the ends of the cached prefixes, or NULL
    const struct model_part *end;
    struct arena arena; // of one opaque
};

static bool is_blank(struct str text)
{
    return str_trim(text).len == 0;
}

static void add_cache_mark(struct json_writer *w)
{
    json_key(w, "cache_control");
    json_begin_object(w);
    json_add_str(w, "type", STR("ephemeral"));
    json_end_object(w);
}

static void begin_block(struct writing *writing, const char *role, const char *type)
{
    model_turns_begin(&writing->turns, role);
    json_add_cstr(&writing->w, "type", type);
}

static void end_block(struct writing *writing, const struct model_part *part)
{
    if (part == writing->marked || part == writing->newest)
        add_cache_mark(&writing->w);
    json_end_object(&writing->w);
}

static const char user[] = "user", assistant[] = "assistant";

// White space at the end of an answer that is to be gone on with is refused.
static struct str without_space_behind(struct str text)
{
    while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
        text.len--;
    return text;
}

static void write_text(struct writing *writing, const struct model_part *part)
{
    bool answer = model_is_assistant(part);
    if (is_blank(part->text))
        return;
    begin_block(writing, answer ? assistant : user, "text");
    json_add_str(&writing->w, "text",
                 answer && part + 1 == writing->end ? without_space_behind(part->text)
                                                    : part->text);
    end_block(writing, part);
}

static void write_image(struct writing *writing, const struct model_part *part)
{
    struct json_writer *w = &writing->w;
    begin_block(writing, user, "image");
    json_key(w, "source");
    json_begin_object(w);
    json_add_str(w, "type", STR("base64"));
    json_add_str(w, "media_type", part->name);
    json_add_str(w, "data", part->text);
    json_end_object(w);
    end_block(writing, part);
}

static void write_reasoning(struct writing *writing, const struct model_part *part)
{
    const struct json *opaque =
        model_opaque_read(&writing->arena, ANTHROPIC_KIND, writing->provider, part->opaque);
    struct str signature = json_str(opaque, "signature"), redacted = json_str(opaque, "redacted");
    if (redacted.len) {
        begin_block(writing, assistant, "redacted_thinking");
        json_add_str(&writing->w, "data", redacted);
        end_block(writing, part);
    } else if (signature.len || (part->text.len && json_get(opaque, "signature"))) {
        begin_block(writing, assistant, "thinking");
        json_add_str(&writing->w, "thinking", part->text);
        json_add_str(&writing->w, "signature", signature);
        end_block(writing, part);
    }
    arena_reset(&writing->arena);
}

// An id takes letters, digits, '_' and '-'; another provider may have made this one.
static void add_id(struct json_writer *w, const char *key, struct str id)
{
    char clean[MODEL_NAME_MAX];
    size_t len = id.len < sizeof(clean) ? id.len : sizeof(clean);
    for (size_t i = 0; i < len; i++) {
        char c = id.data[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
        clean[i] = fine ? c : '_';
    }
    json_add_str(w, key, str_from(clean, len));
}

static void write_call(struct writing *writing, const struct model_part *part)
{
    begin_block(writing, assistant, "tool_use");
    add_id(&writing->w, "id", part->call_id);
    json_add_str(&writing->w, "name", part->name);
    json_add_raw(&writing->w, "input", part->input.len ? part->input : STR("{}"));
    end_block(writing, part);
}

static void write_result(struct writing *writing, const struct model_part *part)
{
    begin_block(writing, user, "tool_result");
    add_id(&writing->w, "tool_use_id", part->call_id);
    json_add_str(&writing->w, "content", part->text.len ? part->text : STR("(no output)"));
    if (part->failed)
        json_add_bool(&writing->w, "is_error", true);
    end_block(writing, part);
}

static void write_part(struct writing *writing, const struct model_part *part)
{
    switch (part->kind) {
    case MODEL_USER_TEXT:
    case MODEL_ASSISTANT_TEXT:
        write_text(writing, part);
        break;
    case MODEL_USER_IMAGE:
        write_image(writing, part);
        break;
    case MODEL_REASONING:
        write_reasoning(writing, part);
        break;
    case MODEL_TOOL_CALL:
        write_call(writing, part);
        break;
    case MODEL_TOOL_RESULT:
        write_result(writing, part);
        break;
    }
}

// The newest part of the user's side before `end`.
static const struct model_part *newest_of_user(const struct model_request *request,
                                               const struct model_part *end)
{
    while (end > request->parts) {
        const struct model_part *part = --end;
        if (part->kind == MODEL_TOOL_RESULT || part->kind == MODEL_USER_IMAGE ||
            (part->kind == MODEL_USER_TEXT && !is_blank(part->text)))
            return part;
    }
    return NULL;
}

static void choose_marks(struct writing *writing, const struct model_request *request)
{
    const struct model_part *end = request->parts + request->part_count;
    writing->newest = newest_of_user(request, end);
    while (end > request->parts && !model_is_assistant(end - 1))
        end--;
    while (end > request->parts && model_is_assistant(end - 1))
        end--;
    writing->marked = newest_of_user(request, end);
}

static void write_messages(struct writing *writing, const struct model_request *request)
{
    choose_marks(writing, request);
    writing->end = request->parts + request->part_count;
    json_key(&writing->w, "messages");
    json_begin_array(&writing->w);
    for (size_t i = 0; i < request->part_count; i++)
        write_part(writing, &request->parts[i]);
    model_turns_end(&writing->turns);
    json_end_array(&writing->w);
}

// What is cached goes tools, system, messages: the mark is at the end of the first two.
static void write_system(struct json_writer *w, struct str system)
{
    if (is_blank(system))
        return;
    json_key(w, "system");
    json_begin_array(w);
    json_begin_object(w);
    json_add_str(w, "type", STR("text"));
    json_add_str(w, "text", system);
    add_cache_mark(w);
    json_end_object(w);
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
        model_add_tool(w, &request->tools[i], "input_schema");
        if (i + 1 == request->tool_count && is_blank(request->system))
            add_cache_mark(w);
        json_end_object(w);
    }
    json_end_array(w);
}

// A number of at most two digits at the start of s; a longer one is a date.
static int short_number(struct str s, size_t *size)
{
    int value = 0;
    for (*size = 0; *size < s.len && s.data[*size] >= '0' && s.data[*size] <= '9'; ++*size)
        value = *size < 3 ? value * 10 + s.data[*size] - '0' : value;
    return *size > 0 && *size <= 2 ? value : -1;
}

// claude-<family>-<major>[-<minor>]...: other names, older ones too, are left to their defaults.
static bool thinks_as_it_sees_fit(struct str model)
{
    size_t size;
    if (!str_starts(model, STR("claude-")))
        return false;
    struct str rest = str_skip(model, 7);
    while (rest.len && rest.data[0] >= 'a' && rest.data[0] <= 'z')
        rest = str_skip(rest, 1);
    if (!str_starts(rest, STR("-")))
        return false;
    int major = short_number(str_skip(rest, 1), &size);
    rest = str_skip(rest, 1 + size);
    int minor = str_starts(rest, STR("-")) ? short_number(str_skip(rest, 1), &size) : -1;
    return major > 4 || (major == 4 && minor >= 6);
}

static void write_thinking(struct json_writer *w, struct str model)
{
    if (!thinks_as_it_sees_fit(model))
        return;
    json_key(w, "thinking");
    json_begin_object(w);
    json_add_str(w, "type", STR("adaptive"));
    json_add_str(w, "display", STR("summarized"));
    json_end_object(w);
}

// The API wants a number, and refuses one that is more than the model can.
static int64_t output_limit(const struct model_request *request)
{
    if (request->max_output_tokens > 0)
        return request->max_output_tokens;
    bool less = request->model_max_output > 0 && request->model_max_output < ANTHROPIC_MAX_TOKENS;
    return less ? request->model_max_output : ANTHROPIC_MAX_TOKENS;
}

void anthropic_request_write(struct buf *out, const struct model_request *request,
                             struct str provider)
{
    struct writing writing = {.provider = provider};
    struct json_writer *w = &writing.w;
    int64_t limit = output_limit(request);
    arena_init(&writing.arena, MODEL_OPAQUE_TREE_MAX);
    writing.turns = (struct model_turns){w, "content", NULL};
    json_writer_init(w, out);
    json_begin_object(w);
    json_add_str(w, "model", request->model);
    json_add_int(w, "max_tokens", limit);
    json_add_bool(w, "stream", true);
    write_thinking(w, request->model);
    write_tools(w, request);
    write_system(w, request->system);
    write_messages(&writing, request);
    json_end_object(w);
    arena_release(&writing.arena);
}
