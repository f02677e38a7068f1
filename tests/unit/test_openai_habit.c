// SPDX-License-Identifier: MIT
// What single chat servers want otherwise, and how that is found out.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "transports/openai_chat.h"
#include "transports/openai_habit.h"
#include "transports/openai_request.h"

#include <ctype.h>

static void test_words_of_refusals(void **state)
{
    static const struct {
        const char *message;
        int habits;
    } refusals[] = {
        // DeepSeek, Moonshot, OpenRouter
        {"The `reasoning_content` in the thinking mode must be passed back to the API.",
         OPENAI_REASONING_ALWAYS},
        {"Missing `reasoning_content` field in the assistant message at message index 2.",
         OPENAI_REASONING_ALWAYS},
        {"thinking is enabled but reasoning_content is missing in assistant tool call message at "
         "index 2",
         OPENAI_REASONING_ALWAYS},
        // Groq, Mistral and others that check with pydantic
        {"'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : "
         "property 'reasoning_content' is unsupported)]",
         OPENAI_REASONING_NEVER},
        {"{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"messages\",2,"
         "\"assistant\","
         "\"reasoning_content\"],\"msg\":\"Extra inputs are not permitted\"}]}",
         OPENAI_REASONING_NEVER},
        {"Unrecognized request argument supplied: reasoning", OPENAI_REASONING_NEVER},
        // Mistral, vLLM with its tokenizer
        {"{\"object\":\"error\",\"message\":{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":["
         "\"body\",\"stream_options\",\"include_usage\"],\"msg\":\"Extra inputs are not "
         "permitted\"",
         OPENAI_NO_STREAM_OPTIONS},
        {"Tool call id was call_0fypS1hVX but must be a-z, A-Z, 0-9, with a length of 9.",
         OPENAI_SHORT_IDS},
        {"Unexpected role 'user' after role 'tool'", OPENAI_ANSWER_BEFORE_USER},
        // about something else
        {"the field messages is missing", 0},
        {"unsupported parameter: temperature", 0},
        {"this reasoning model is down", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct err err;
        err_set(&err, ERR_PROVIDER, "lab: HTTP 400: %s", refusals[i].message);
        assert_int_equal(openai_chat_dialect()->habits_after(0, &err), refusals[i].habits);
    }
}

static void test_what_is_learnt_is_kept(void **state)
{
    (void)state;
    int (*after)(int, const struct err *) = openai_chat_dialect()->habits_after;
    int habits = 0;
    struct err err;
    err_set(&err, ERR_PROVIDER, "Missing `reasoning_content` field");
    habits = after(habits, &err);
    err_set(&err, ERR_PROVIDER, "stream_options: no");
    habits = after(habits, &err);
    assert_int_equal(habits, OPENAI_REASONING_ALWAYS | OPENAI_NO_STREAM_OPTIONS);
    // of these two the last one counts
    err_set(&err, ERR_PROVIDER, "property 'reasoning_content' is unsupported");
    habits = after(habits, &err);
    assert_int_equal(habits, OPENAI_REASONING_NEVER | OPENAI_NO_STREAM_OPTIONS);
    err_set(&err, ERR_PROVIDER, "no");
    assert_int_equal(after(habits, &err), habits);
}

static void test_known_addresses(void **state)
{
    (void)state;
    struct model_target target = {STR("m"), STR("https://api.mistral.ai/v1"), 0};
    int mistral = openai_habits(&target);
    assert_true(mistral & OPENAI_NO_STREAM_OPTIONS);
    assert_true(mistral & OPENAI_SHORT_IDS);
    assert_true(mistral & OPENAI_ANSWER_BEFORE_USER);
    target.base_url = STR("https://api.groq.com/openai/v1");
    assert_int_equal(openai_habits(&target), OPENAI_REASONING_NEVER);
    target.habits = OPENAI_REASONING_ALWAYS | OPENAI_NO_STREAM_OPTIONS; // it has changed its mind
    assert_int_equal(openai_habits(&target), target.habits);
    target = (struct model_target){STR("m"), STR("https://host/v1"), 0};
    assert_int_equal(openai_habits(&target), 0);
}

static void expect_id(const char *id, const char *expected)
{
    char made[OPENAI_SHORT_ID];
    struct str out = openai_short_id(str_of(id), made);
    assert_int_equal(out.len, OPENAI_SHORT_ID);
    for (size_t i = 0; i < out.len; i++)
        assert_true(isalnum((unsigned char)out.data[i]));
    assert_int_equal(str_is(out, id), expected != NULL);
}

static void test_ids_are_short(void **state)
{
    (void)state;
    char first[OPENAI_SHORT_ID], second[OPENAI_SHORT_ID];
    expect_id("D681PevKs", "D681PevKs");
    expect_id("D681Pev_s", NULL);
    expect_id("call_0fypS1hVX", NULL);
    expect_id("", NULL);
    struct str a = openai_short_id(STR("call_1"), first),
               b = openai_short_id(STR("call_2"), second);
    assert_false(str_equal(a, b));
    assert_true(str_equal(a, openai_short_id(STR("call_1"), second)));
}

static void test_a_request_to_mistral(void **state)
{
    (void)state;
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("do it")},
        {.kind = MODEL_TOOL_CALL, .call_id = STR("123456789"), .name = STR("list")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("123456789"), .text = STR("text")},
        {.kind = MODEL_USER_TEXT, .text = STR("no")},
    };
    const struct model_request request = {.model = STR("m"), .parts = parts, .part_count = 4};
    struct model_target target = {STR("m"), STR("https://api.mistral.ai/v1"), 0};
    struct buf out;
    buf_init(&out, MODEL_REQUEST_MAX);
    openai_request_write(&out, &request, &target);
    assert_string_equal(
        out.data,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"do it\"},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"123456789\",\"type\":"
        "\"function\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"123456789\",\"content\":\"text\"},"
        "{\"role\":\"assistant\",\"content\":\"I see.\"},"
        "{\"role\":\"user\",\"content\":\"no\"}],\"stream\":true}");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_refusals),    cmocka_unit_test(test_what_is_learnt_is_kept),
        cmocka_unit_test(test_known_addresses),      cmocka_unit_test(test_ids_are_short),
        cmocka_unit_test(test_a_request_to_mistral),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
