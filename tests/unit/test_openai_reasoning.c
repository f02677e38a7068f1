// SPDX-License-Identifier: MIT
// Reasoning that chat servers want back: as it comes, as it is kept, as it goes back.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/stream_check.h"
#include "transports/openai_chat.h"
#include "transports/openai_habit.h"
#include "transports/openai_reasoning.h"
#include "transports/openai_request.h"

#define DELTA(json) "data: {\"choices\":[{\"index\":0,\"delta\":{" json "}}]}\n\n"
#define FINISH "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define CALL(number, more)                                                                         \
    DELTA("\"tool_calls\":[{\"index\":" number ",\"id\":\"c" number "\",\"function\":{\"name\":"   \
          "\"list\",\"arguments\":\"{}\"}" more "}]")
#define DETAIL(json) DELTA("\"reasoning_details\":[{" json "}]")
#define HEAD "{\"kind\":\"openai-chat\",\"provider\":\"local\""

// --- as it comes

static void expect(const char *body, struct stream_expected expected)
{
    stream_expect(openai_chat_dialect(), body, expected);
}

static void test_a_text_is_kept_with_its_member(void **state)
{
    (void)state;
    struct stream_expected expected = {.reasoning = "hm",
                                       .calls = "0:c0:list;",
                                       .input0 = "{}",
                                       .finish = MODEL_TOOL_CALLS,
                                       .opaque = "call 0:" HEAD ",\"field\":\"reasoning\"};"};
    expect(DELTA("\"reasoning\":\"hm\"") CALL("0", "") FINISH DONE, expected);
    expected.opaque = "call 0:" HEAD ",\"field\":\"reasoning_content\"};";
    expect(DELTA("\"reasoning_content\":\"h\"") DELTA("\"reasoning\":\"m\"") CALL("0", "")
               FINISH DONE,
           expected);
    // DeepSeek sends an empty one where there is none, and wants it back as well
    expected.reasoning = "";
    expect(DELTA("\"reasoning_content\":\"\"") CALL("0", "") FINISH DONE, expected);
    expected.opaque = "";
    expect(DELTA("\"reasoning_content\":null") CALL("0", "") FINISH DONE, expected);
}

static void test_a_list_is_put_together(void **state)
{
    (void)state;
    expect(DETAIL("\"type\":\"reasoning.text\",\"text\":\"I \",\"format\":\"f\",\"index\":0")
               DETAIL("\"type\":\"reasoning.text\",\"text\":\"look\",\"index\":0")
                   DETAIL("\"type\":\"reasoning.text\",\"signature\":\"s1\",\"index\":0")
                       DETAIL("\"type\":\"reasoning.summary\",\"summary\":\"b\",\"index\":1")
                           DETAIL("\"type\":\"reasoning.encrypted\",\"data\":\"x\",\"id\":\"c0\","
                                  "\"index\":0")
                               DETAIL("\"type\":\"reasoning.encrypted\",\"data\":\"y\","
                                      "\"id\":\"c1\",\"index\":0") CALL("0", "") CALL("1", "")
                                   FINISH DONE,
           (struct stream_expected){
               .calls = "0:c0:list;1:c1:list;",
               .input0 = "{}",
               .input1 = "{}",
               .finish = MODEL_TOOL_CALLS,
               .opaque = "call 0:" HEAD ",\"reasoning_details\":["
                         "{\"type\":\"reasoning.text\",\"text\":\"I look\",\"signature\":\"s1\","
                         "\"format\":\"f\",\"index\":0},"
                         "{\"type\":\"reasoning.summary\",\"summary\":\"b\",\"index\":1},"
                         "{\"type\":\"reasoning.encrypted\",\"data\":\"x\",\"id\":\"c0\","
                         "\"index\":0},"
                         "{\"type\":\"reasoning.encrypted\",\"data\":\"y\",\"id\":\"c1\","
                         "\"index\":0}]};"});
    // without numbers, with a type of tomorrow, of other types than expected
    expect(DETAIL("\"type\":\"reasoning.text\",\"text\":\"a\"")
               DETAIL("\"type\":\"reasoning.text\",\"text\":\"b\"") DETAIL("\"type\":\"tomorrow\"")
                   DELTA("\"reasoning_details\":7") DELTA("\"reasoning_details\":[7,{}]")
                       DELTA("\"content\":\"x\"") FINISH DONE,
           (struct stream_expected){.text = "x",
                                    .finish = MODEL_END_TURN,
                                    .opaque = "text:" HEAD ",\"reasoning_details\":["
                                              "{\"type\":\"reasoning.text\",\"text\":\"ab\"}]};"});
}

static void test_a_list_that_is_not_known_whole_is_not_kept(void **state)
{
    (void)state;
    expect(DETAIL("\"type\":\"reasoning.text\",\"text\":\"a\xe2\"") DELTA("\"content\":\"x\"")
               FINISH DONE,
           (struct stream_expected){.text = "x", .finish = MODEL_END_TURN});
    struct buf body;
    buf_init(&body, 1 << 20);
    for (int i = 0; i <= OPENAI_DETAILS_MAX; i++)
        buf_addf(&body, DETAIL("\"type\":\"reasoning.text\",\"text\":\"a\",\"index\":%d"), i);
    buf_add_str(&body, STR(DELTA("\"content\":\"x\"") FINISH DONE));
    stream_expect_whole(openai_chat_dialect(), buf_str(&body), MODEL_END_TURN, "");
    buf_release(&body);
}

static void test_a_list_that_is_too_large_fails_the_answer(void **state)
{
    (void)state;
    struct buf body;
    char *half = mem_new(MODEL_OPAQUE_MAX / 2 + 1);
    memset(half, 'a', MODEL_OPAQUE_MAX / 2);
    buf_init(&body, 4 * MODEL_OPAQUE_MAX);
    for (int i = 0; i < 3; i++)
        buf_addf(&body, DETAIL("\"type\":\"reasoning.text\",\"text\":\"%s\",\"index\":0"), half);
    buf_add_str(&body, STR(DELTA("\"content\":\"x\"") FINISH DONE));
    stream_expect_whole(openai_chat_dialect(), buf_str(&body), MODEL_FAILED, "larger than 4 MiB");
    buf_release(&body);
    mem_free(half);
}

static void test_the_signatures_of_calls(void **state)
{
    (void)state;
    expect(CALL("0", ",\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}") CALL("1", "")
               FINISH DONE,
           (struct stream_expected){
               .calls = "0:c0:list;1:c1:list;",
               .input0 = "{}",
               .input1 = "{}",
               .finish = MODEL_TOOL_CALLS,
               .opaque = "call 0:" HEAD
                         ",\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}};"});
}

// --- as it goes back

static const struct model_part *parts_with(const char *opaque, size_t *count)
{
    static struct model_part parts[7];
    const struct model_part all[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("do it")},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("from another")},
        {.kind = MODEL_USER_TEXT, .text = STR("on")},
        {.kind = MODEL_REASONING, .text = STR("hm")},
        {.kind = MODEL_TOOL_CALL,
         .call_id = STR("1"),
         .name = STR("list"),
         .input = STR("{}"),
         .opaque = str_of(opaque)},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("1"), .text = STR("text")},
        {.kind = MODEL_USER_TEXT, .text = STR("and?")},
    };
    *count = sizeof(all) / sizeof(*all) - 1;
    memcpy(parts, all, sizeof(all));
    return parts;
}

static void expect_members(const char *opaque, const struct model_target *target, bool later,
                           const char *of_first, const char *of_second, const char *of_call)
{
    size_t count;
    struct buf out;
    const struct model_part *parts = parts_with(opaque, &count);
    const struct model_request request = {
        .model = STR("m"), .parts = parts, .part_count = count + later};
    char *expected = mem_format(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"do it\"},"
        "{\"role\":\"assistant\",\"content\":\"from another\"%s},"
        "{\"role\":\"user\",\"content\":\"on\"},"
        "{\"role\":\"assistant\",\"content\":null%s,\"tool_calls\":[{%s\"id\":\"1\",\"type\":"
        "\"function\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"text\"}%s],"
        "\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
        of_first, of_second, of_call, later ? ",{\"role\":\"user\",\"content\":\"and?\"}" : "");
    buf_init(&out, MODEL_REQUEST_MAX);
    openai_request_write(&out, &request, target);
    assert_string_equal(out.data, expected);
    mem_free(expected);
    buf_release(&out);
}

#define SPACE ",\"reasoning_content\":\" \""
#define CONTENT HEAD ",\"field\":\"reasoning_content\"}"
#define REASONING HEAD ",\"field\":\"reasoning\"}"
#define LIST "[{\"type\":\"reasoning.text\",\"text\":\"hm\"}]"
#define EXTRA "\"extra_content\":{\"google\":{\"thought_signature\":\"s\"}}"

static void test_it_goes_back_as_it_came(void **state)
{
    (void)state;
    struct model_target target = {STR("local"), STR("https://host/v1"), 0};
    for (int later = 0; later < 2; later++) {
        expect_members("", &target, later, "", "", "");
        expect_members(CONTENT, &target, later, SPACE, ",\"reasoning_content\":\"hm\"", "");
        expect_members(HEAD ",\"field\":\"reasoning\",\"reasoning_details\":" LIST "}", &target,
                       later, "", ",\"reasoning_details\":" LIST, "");
        expect_members(HEAD "," EXTRA "}", &target, later, "", "", EXTRA ",");
    }
    expect_members(REASONING, &target, false, "", ",\"reasoning\":\"hm\"", "");
    expect_members(REASONING, &target, true, "", "", ""); // an earlier turn's
}

static void test_it_goes_to_nobody_else(void **state)
{
    (void)state;
    struct model_target other = {STR("other"), STR("https://host/v1"), 0};
    struct model_target groq = {STR("local"), STR("https://api.groq.com/openai/v1"), 0};
    const char *all =
        HEAD ",\"field\":\"reasoning_content\",\"reasoning_details\":" LIST "," EXTRA "}";
    expect_members(all, &other, false, "", "", "");
    expect_members(all, &groq, false, "", "", "");
    expect_members("{\"kind\":\"anthropic\",\"signature\":\"s\"}", &other, false, "", "", "");
}

static void test_what_a_server_has_refused(void **state)
{
    (void)state;
    struct model_target target = {STR("local"), STR("https://host/v1"), OPENAI_REASONING_NEVER};
    expect_members(CONTENT, &target, false, "", "", "");
    expect_members(HEAD "," EXTRA "}", &target, false, "", "", "");
    target.habits = OPENAI_REASONING_ALWAYS;
    expect_members(CONTENT, &target, false, SPACE, ",\"reasoning_content\":\"hm\"", "");
    expect_members("", &target, false, SPACE, SPACE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_is_kept_with_its_member),
        cmocka_unit_test(test_a_list_is_put_together),
        cmocka_unit_test(test_a_list_that_is_not_known_whole_is_not_kept),
        cmocka_unit_test(test_a_list_that_is_too_large_fails_the_answer),
        cmocka_unit_test(test_the_signatures_of_calls),
        cmocka_unit_test(test_it_goes_back_as_it_came),
        cmocka_unit_test(test_it_goes_to_nobody_else),
        cmocka_unit_test(test_what_a_server_has_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
