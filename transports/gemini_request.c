// SPDX-License-Identifier: MIT
#include "transports/gemini_request.h"

#include "core/base/json.h"
#include "transports/gemini.h"
#include "transports/model_opaque.h"
#include "transports/model_text.h"
#include "transports/model_turns.h"

struct writing {
    struct json_writer w;
    struct str provider;
    struct model_turns turns;
    struct arena arena;    // of one opaque
    bool signature_wanted; // by this model, on the calls of each step
};

// As in gemini-2.5-pro, gemini-3.8-flash, gemini-flash-latest: major * 10 + minor; 0 when unknown.
static int version_of(struct str model)
{
    if (!str_starts(model, STR("gemini-")))
        return 0;
    struct str rest = str_skip(model, 7);
    if (rest.len == 0 || rest.data[0] < '0' || rest.data[0] > '9')
        return str_ends(rest, STR("-latest")) ? 30 : 0;
    int version = (rest.data[0] - '0') * 10;
    if (rest.len > 2 && rest.data[1] == '.' && rest.data[2] >= '0' && rest.data[2] <= '9')
        version += rest.data[2] - '0';
    return version;
}

// Valid until the arena is used again.
static struct str signature_of(struct writing *writing, const struct model_part *part)
{
    arena_reset(&writing->arena);
    return json_str(
        model_opaque_read(&writing->arena, GEMINI_KIND, writing->provider, part->opaque),
        "thoughtSignature");
}

static void end_part(struct writing *writing, struct str signature)
{
    if (signature.len)
        json_add_str(&writing->w, "thoughtSignature", signature);
    json_end_object(&writing->w);
}

static void write_text(struct writing *writing, const struct model_part *part)
{
    struct str signature = signature_of(writing, part);
    bool thought = part->kind == MODEL_REASONING;
    if (thought ? signature.len == 0 : part->text.len == 0)
        return;
    model_turns_begin(&writing->turns, model_is_assistant(part) ? "model" : "user");
    json_add_str(&writing->w, "text", part->text);
    if (thought)
        json_add_bool(&writing->w, "thought", true);
    end_part(writing, signature);
}

static void write_call(struct writing *writing, const struct model_part *part, struct str signature)
{
    struct json_writer *w = &writing->w;
    model_turns_begin(&writing->turns, "model");
    json_key(w, "functionCall");
    json_begin_object(w);
    json_add_str(w, "id", part->call_id);
    json_add_str(w, "name", part->name);
    json_add_raw(w, "args", part->input.len ? part->input : STR("{}"));
    json_end_object(w);
    end_part(writing, signature);
}

static const struct model_part *signed_call(struct writing *writing, const struct model_part *from,
                                            const struct model_part *to)
{
    for (; from < to; from++)
        if (signature_of(writing, from).len)
            return from;
    return NULL;
}

// The calls of a step. The first has to be the one with the signature.
static const struct model_part *write_calls(struct writing *writing, const struct model_part *from,
                                            const struct model_part *end)
{
    const struct model_part *to = from;
    while (to < end && to->kind == MODEL_TOOL_CALL)
        to++;
    const struct model_part *first = signed_call(writing, from, to);
    if (first)
        write_call(writing, first, signature_of(writing, first));
    for (const struct model_part *part = from; part < to; part++) {
        struct str signature = signature_of(writing, part);
        if (!first && part == from && writing->signature_wanted)
            signature = STR("skip_thought_signature_validator");
        if (part != first)
            write_call(writing, part, signature);
    }
    return to;
}

static void write_result(struct writing *writing, const struct model_part *part)
{
    struct json_writer *w = &writing->w;
    model_turns_begin(&writing->turns, "user");
    json_key(w, "functionResponse");
    json_begin_object(w);
    json_add_str(w, "id", part->call_id);
    json_add_str(w, "name", part->name);
    json_key(w, "response");
    json_begin_object(w);
    json_add_str(w, part->failed ? "error" : "output", part->text);
    json_end_object(w);
    json_end_object(w);
    end_part(writing, STR(""));
}

static void write_image(struct writing *writing, const struct model_part *part)
{
    struct json_writer *w = &writing->w;
    model_turns_begin(&writing->turns, "user");
    json_key(w, "inlineData");
    json_begin_object(w);
    json_add_str(w, "mimeType", part->name);
    json_add_str(w, "data", part->text);
    json_end_object(w);
    end_part(writing, STR(""));
}

static void write_contents(struct writing *writing, const struct model_request *request)
{
    const struct model_part *at = request->parts, *end = at + request->part_count;
    json_key(&writing->w, "contents");
    json_begin_array(&writing->w);
    while (at < end) {
        if (at->kind == MODEL_TOOL_CALL) {
            at = write_calls(writing, at, end);
            continue;
        }
        if (at->kind == MODEL_TOOL_RESULT)
            write_result(writing, at);
        else if (at->kind == MODEL_USER_IMAGE)
            write_image(writing, at);
        else
            write_text(writing, at);
        at++;
    }
    model_turns_end(&writing->turns);
    json_end_array(&writing->w);
}

static void write_system(struct json_writer *w, struct str system)
{
    if (system.len == 0)
        return;
    json_key(w, "systemInstruction");
    json_begin_object(w);
    json_key(w, "parts");
    json_begin_array(w);
    json_begin_object(w);
    json_add_str(w, "text", system);
    json_end_object(w);
    json_end_array(w);
    json_end_object(w);
}

static void write_tools(struct json_writer *w, const struct model_request *request)
{
    if (request->tool_count == 0)
        return;
    json_key(w, "tools");
    json_begin_array(w);
    json_begin_object(w);
    json_key(w, "functionDeclarations");
    json_begin_array(w);
    for (size_t i = 0; i < request->tool_count; i++) {
        json_begin_object(w);
        model_add_tool(w, &request->tools[i], "parametersJsonSchema");
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
    json_end_array(w);
}

static void write_options(struct json_writer *w, const struct model_request *request)
{
    bool thinks = version_of(request->model) >= 25;
    if (!thinks && request->max_output_tokens <= 0)
        return;
    json_key(w, "generationConfig");
    json_begin_object(w);
    if (request->max_output_tokens > 0)
        json_add_int(w, "maxOutputTokens", request->max_output_tokens);
    if (thinks) {
        json_key(w, "thinkingConfig");
        json_begin_object(w);
        json_add_bool(w, "includeThoughts", true);
        json_end_object(w);
    }
    json_end_object(w);
}

void gemini_request_write(struct buf *out, const struct model_request *request, struct str provider)
{
    struct writing writing = {.provider = provider,
                              .signature_wanted = version_of(request->model) >= 30};
    struct json_writer *w = &writing.w;
    arena_init(&writing.arena, MODEL_OPAQUE_TREE_MAX);
    writing.turns = (struct model_turns){w, "parts", NULL};
    json_writer_init(w, out);
    json_begin_object(w);
    write_system(w, request->system);
    write_tools(w, request);
    write_options(w, request);
    write_contents(&writing, request);
    json_end_object(w);
    arena_release(&writing.arena);
}
