// SPDX-License-Identifier: MIT
#include "tests/unit/support/request_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CALLS_MAX = 64, IDS_MAX = 20000 };

static char fault_text[300];

static const char *fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *fault(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault_text, sizeof(fault_text), format, args);
    va_end(args);
    return fault_text;
}

// --- what all have in common ---

struct rules {
    struct str pending[CALLS_MAX]; // calls without a result
    size_t pending_count, taken;
    struct str ids[IDS_MAX]; // of all calls
    size_t id_count;
};

static bool is_blank(struct str text)
{
    return str_trim(text).len == 0;
}

static bool matches(struct str s, size_t max)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return s.len > 0 && s.len <= max;
}

static const char *call_fault(struct rules *rules, struct str id, struct str name)
{
    if (!matches(name, 64))
        return fault("'%.*s' is no name of a tool", STR_ARG(name));
    if (id.len == 0 || id.len > 64)
        return fault("'%.*s' is no id of a call", STR_ARG(id));
    for (size_t i = 0; i < rules->id_count; i++)
        if (str_equal(rules->ids[i], id))
            return fault("two calls have the id '%.*s'", STR_ARG(id));
    if (rules->pending_count == CALLS_MAX || rules->id_count == IDS_MAX)
        return fault("too many calls");
    rules->ids[rules->id_count++] = id;
    rules->pending[rules->pending_count++] = id;
    return NULL;
}

// In any order, but each once.
static const char *result_fault(struct rules *rules, struct str id)
{
    for (size_t i = rules->taken; i < rules->pending_count; i++) {
        if (!str_equal(rules->pending[i], id))
            continue;
        rules->pending[i] = rules->pending[rules->taken];
        rules->pending[rules->taken++] = id;
        return NULL;
    }
    return fault("a result of '%.*s', which was not called", STR_ARG(id));
}

// Before anything else follows.
static const char *pending_fault(struct rules *rules)
{
    if (rules->taken < rules->pending_count)
        return fault("the call '%.*s' has no result", STR_ARG(rules->pending[rules->taken]));
    rules->taken = rules->pending_count = 0;
    return NULL;
}

static const char *arguments_fault(struct str text)
{
    struct arena arena;
    struct json *json;
    struct err err;
    arena_init(&arena, 64 << 20);
    bool fine = json_parse(&json, &arena, text, &err) && json->type == JSON_OBJECT;
    arena_release(&arena);
    return fine ? NULL
                : fault("arguments are no object: %.*s", (int)(text.len < 80 ? text.len : 80),
                        text.data ? text.data : "");
}

// --- Anthropic's Messages ---

struct anthropic {
    struct rules rules;
    bool only_thoughts, results_over;
};

static const char *anthropic_answer_block(struct anthropic *state, const struct json *block)
{
    struct str type = json_str(block, "type");
    if (str_is(type, "thinking")) {
        if (json_str(block, "signature").len == 0)
            return fault("thinking without a signature");
        if (state->rules.pending_count > state->rules.taken)
            return fault("thinking behind a call");
        return NULL;
    }
    if (str_is(type, "redacted_thinking"))
        return json_str(block, "data").len ? NULL : fault("redacted thinking without data");
    state->only_thoughts = false;
    if (str_is(type, "text"))
        return is_blank(json_str(block, "text")) ? fault("a blank text of an answer") : NULL;
    if (!str_is(type, "tool_use"))
        return fault("a block '%.*s' in an answer", STR_ARG(type));
    const struct json *input = json_get(block, "input");
    if (!input || input->type != JSON_OBJECT)
        return fault("the input of a call is no object");
    return call_fault(&state->rules, json_str(block, "id"), json_str(block, "name"));
}

static const char *anthropic_user_block(struct anthropic *state, const struct json *block)
{
    struct str type = json_str(block, "type");
    if (str_is(type, "tool_result")) {
        if (state->results_over)
            return fault("a result behind other blocks");
        if (json_str(block, "content").len == 0)
            return fault("a result without content");
        return result_fault(&state->rules, json_str(block, "tool_use_id"));
    }
    state->results_over = true;
    if (str_is(type, "text"))
        return is_blank(json_str(block, "text")) ? fault("a blank text of the user") : NULL;
    const struct json *source = json_get(block, "source");
    if (!str_is(type, "image") || json_str(source, "data").len == 0 ||
        !str_starts(json_str(source, "media_type"), STR("image/")))
        return fault("a block '%.*s' of the user", STR_ARG(type));
    return NULL;
}

static const char *anthropic_message(struct anthropic *state, const struct json *message,
                                     bool answer)
{
    const char *why = NULL;
    const struct json *content = json_get(message, "content");
    if (!str_is(json_str(message, "role"), answer ? "assistant" : "user"))
        return fault("roles do not take turns");
    if (!content || content->type != JSON_ARRAY || !content->first)
        return fault("a message without content");
    state->only_thoughts = answer;
    state->results_over = false;
    json_for_each(block, content)
    {
        why = answer ? anthropic_answer_block(state, block) : anthropic_user_block(state, block);
        if (why)
            return why;
    }
    if (state->only_thoughts)
        return fault("an answer that is nothing but thinking");
    return answer ? NULL : pending_fault(&state->rules);
}

const char *anthropic_fault(const struct json *body)
{
    static struct anthropic state;
    bool answer = false;
    memset(&state, 0, sizeof(state));
    json_for_each(message, json_get(body, "messages"))
    {
        const char *why = anthropic_message(&state, message, answer);
        if (why)
            return why;
        answer = !answer;
    }
    return answer ? NULL : fault("the last message is an answer, or there is none");
}

// --- OpenAI's chat completions ---

static const char *chat_answer(struct rules *rules, const struct json *message)
{
    const struct json *calls = json_get(message, "tool_calls");
    if (!calls && json_str(message, "content").len == 0)
        return fault("an answer with neither content nor calls");
    if (calls && (calls->type != JSON_ARRAY || !calls->first))
        return fault("calls that are none");
    json_for_each(call, calls)
    {
        const struct json *function = json_get(call, "function");
        const char *why = call_fault(rules, json_str(call, "id"), json_str(function, "name"));
        if (!why)
            why = arguments_fault(json_str(function, "arguments"));
        if (why)
            return why;
    }
    return NULL;
}

static const char *chat_user(const struct json *message)
{
    const struct json *content = json_get(message, "content");
    if (content && content->type == JSON_STRING)
        return content->string.len ? NULL : fault("a message of the user without content");
    if (!content || content->type != JSON_ARRAY || !content->first)
        return fault("a message of the user without content");
    json_for_each(part, content)
    {
        bool fine =
            str_is(json_str(part, "type"), "text")
                ? json_str(part, "text").len > 0
                : str_starts(json_str(json_get(part, "image_url"), "url"), STR("data:image/"));
        if (!fine)
            return fault("an empty part of the user");
    }
    return NULL;
}

const char *openai_chat_fault(const struct json *body)
{
    static struct rules rules;
    struct str before = STR("system");
    const char *why = NULL;
    memset(&rules, 0, sizeof(rules));
    json_for_each(message, json_get(body, "messages"))
    {
        struct str role = json_str(message, "role");
        if (str_is(role, "tool")) {
            why = json_str(message, "content").len == 0
                      ? fault("a result without content")
                      : result_fault(&rules, json_str(message, "tool_call_id"));
        } else if ((why = pending_fault(&rules))) {
            return why;
        } else if (str_is(role, "user")) {
            why = str_equal(before, role) ? fault("the user twice in a row") : chat_user(message);
        } else if (str_is(role, "assistant")) {
            why = str_equal(before, role) || str_is(before, "system")
                      ? fault("an answer behind '%.*s'", STR_ARG(before))
                      : chat_answer(&rules, message);
        }
        if (why)
            return why;
        before = role;
    }
    why = pending_fault(&rules);
    return why ? why : str_is(before, "assistant") ? fault("the last message is an answer") : NULL;
}

// --- OpenAI's Responses ---

static const char *responses_message(const struct json *item)
{
    const struct json *content = json_get(item, "content");
    if (content && content->type == JSON_STRING)
        return content->string.len ? NULL : fault("a message without content");
    if (!content || !content->first)
        return fault("a message without content");
    json_for_each(part, content)
    {
        bool fine = str_is(json_str(part, "type"), "input_text")
                        ? json_str(part, "text").len > 0
                        : str_starts(json_str(part, "image_url"), STR("data:image/"));
        if (!fine)
            return fault("an empty part of a message");
    }
    return NULL;
}

static const char *responses_item(struct rules *rules, const struct json *item, bool *reasoned)
{
    struct str type = json_str(item, "type");
    const char *why = NULL;
    if (str_is(type, "function_call_output")) {
        if (*reasoned)
            return fault("reasoning without what it led to");
        return json_str(item, "output").len ? result_fault(rules, json_str(item, "call_id"))
                                            : fault("a result without output");
    }
    if (rules->taken > 0 && (why = pending_fault(rules)))
        return why;
    if (str_is(type, "reasoning")) {
        *reasoned = true;
        return json_str(item, "encrypted_content").len ? NULL : fault("reasoning without content");
    }
    if (str_is(type, "function_call")) {
        *reasoned = false;
        why = call_fault(rules, json_str(item, "call_id"), json_str(item, "name"));
        return why ? why : arguments_fault(json_str(item, "arguments"));
    }
    if ((why = pending_fault(rules)))
        return why;
    bool user = str_is(json_str(item, "role"), "user");
    if (*reasoned && user)
        return fault("reasoning without what it led to");
    *reasoned = false;
    return responses_message(item);
}

const char *openai_responses_fault(const struct json *body)
{
    static struct rules rules;
    bool reasoned = false;
    const struct json *input = json_get(body, "input"), *last = NULL;
    memset(&rules, 0, sizeof(rules));
    if (!input || !input->first || !str_is(json_str(input->first, "role"), "user"))
        return fault("it does not begin with a message of the user");
    json_for_each(item, input)
    {
        const char *why = responses_item(&rules, item, &reasoned);
        if (why)
            return why;
        last = item;
    }
    if (reasoned || str_is(json_str(last, "role"), "assistant"))
        return fault("the last item is an answer");
    return pending_fault(&rules);
}

// --- Gemini ---

struct gemini {
    struct rules rules;
    bool signatures;
    size_t calls; // of this content
};

static const char *gemini_answer_part(struct gemini *state, const struct json *part)
{
    const struct json *call = json_get(part, "functionCall");
    bool signed_ = json_str(part, "thoughtSignature").len > 0;
    if (!call)
        return json_str(part, "text").len || signed_ ? NULL : fault("an empty part of an answer");
    if (state->signatures && state->calls == 0 && !signed_)
        return fault("the first call of a step has no signature");
    state->calls++;
    const struct json *args = json_get(call, "args");
    if (!args || args->type != JSON_OBJECT)
        return fault("the arguments of a call are no object");
    return call_fault(&state->rules, json_str(call, "id"), json_str(call, "name"));
}

static const char *gemini_user_part(struct gemini *state, const struct json *part)
{
    const struct json *result = json_get(part, "functionResponse");
    if (result) {
        if (!json_get(result, "response") || !matches(json_str(result, "name"), 64))
            return fault("a result without a response or a name");
        return result_fault(&state->rules, json_str(result, "id"));
    }
    const char *why = pending_fault(&state->rules);
    if (why)
        return why;
    bool image = json_str(json_get(part, "inlineData"), "data").len > 0;
    return image || json_str(part, "text").len ? NULL : fault("an empty part of the user");
}

const char *gemini_fault(const struct json *body, bool signatures)
{
    static struct gemini state;
    bool answer = false;
    memset(&state, 0, sizeof(state));
    state.signatures = signatures;
    json_for_each(content, json_get(body, "contents"))
    {
        const struct json *parts = json_get(content, "parts");
        const char *why = NULL;
        if (!str_is(json_str(content, "role"), answer ? "model" : "user"))
            return fault("roles do not take turns");
        if (!parts || !parts->first)
            return fault("a content without parts");
        state.calls = 0;
        json_for_each(part, parts)
        {
            why = answer ? gemini_answer_part(&state, part) : gemini_user_part(&state, part);
            if (why)
                return why;
        }
        if (!answer && (why = pending_fault(&state.rules)))
            return why;
        answer = !answer;
    }
    return answer ? NULL : fault("the last content is an answer, or there is none");
}
