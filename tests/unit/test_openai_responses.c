// SPDX-License-Identifier: MIT
// OpenAI's Responses API: requests as they are sent, answers in their documented form.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/stream_check.h"
#include "transports/openai_responses.h"
#include "transports/responses_request.h"

// --- what is sent

static void expect_body(const struct model_request *request, const char *expected)
{
    struct buf out;
    buf_init(&out, MODEL_REQUEST_MAX);
    responses_request_write(&out, request, STR("local"));
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

#define KIND "\"kind\":\"openai-responses\",\"provider\":\"local\""
#define ITEM(id)                                                                                   \
    "{\"type\":\"reasoning\",\"id\":\"" id "\",\"summary\":[],\"encrypted_content\":\"gA\"}"

static void test_request(void **state)
{
    (void)state;
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("do \"it\"")},
        {.kind = MODEL_USER_TEXT},
        {.kind = MODEL_USER_TEXT, .text = STR("now")},
        {.kind = MODEL_REASONING,
         .text = STR("hm"),
         .opaque = STR("{" KIND ",\"item\":" ITEM("rs_1") "}")},
        {.kind = MODEL_ASSISTANT_TEXT,
         .text = STR("ok"),
         .opaque = STR("{" KIND ",\"phase\":\"commentary\"}")},
        {.kind = MODEL_TOOL_CALL,
         .call_id = STR("1"),
         .name = STR("read"),
         .input = STR("{\"path\":\"x\"}")},
        {.kind = MODEL_TOOL_CALL,
         .call_id = STR("2"),
         .name = STR("list"),
         .opaque = STR("{" KIND ",\"before\":" ITEM("rs_2") "}")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("1"), .text = STR("text")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("2"), .text = STR("no"), .failed = true},
        {.kind = MODEL_REASONING,
         .text = STR("another's"),
         .opaque = STR("{\"kind\":\"anthropic\",\"item\":{}}")},
        {.kind = MODEL_REASONING, .text = STR("unencrypted")},
        {.kind = MODEL_ASSISTANT_TEXT},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("done")},
        {.kind = MODEL_USER_TEXT},
    };
    static const struct model_tool tools[] = {{"read", "Reads.", "{\"type\":\"object\"}"}};
    struct model_request request = {.model = STR("gpt-5.1"),
                                    .system = STR("be good"),
                                    .parts = parts,
                                    .part_count = sizeof(parts) / sizeof(*parts),
                                    .tools = tools,
                                    .tool_count = 1,
                                    .max_output_tokens = 9};
    expect_body(
        &request,
        "{\"model\":\"gpt-5.1\",\"stream\":true,\"store\":false,\"max_output_tokens\":9,"
        "\"reasoning\":{\"summary\":\"auto\"},\"include\":[\"reasoning.encrypted_content\"],"
        "\"instructions\":\"be good\","
        "\"tools\":[{\"type\":\"function\",\"name\":\"read\",\"description\":\"Reads.\","
        "\"parameters\":{\"type\":\"object\"},\"strict\":false}],"
        "\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":["
        "{\"type\":\"input_text\",\"text\":\"do \\\"it\\\"\"},"
        "{\"type\":\"input_text\",\"text\":\"now\"}]}," ITEM(
            "rs_1") ","
                    "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"ok\",\"phase\":"
                    "\"commentary\"},"
                    "{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"read\",\"arguments\":"
                    "\"{\\\"path\\\":\\\"x\\\"}\"}," ITEM(
                        "rs_2") ","
                                "{\"type\":\"function_call\",\"call_id\":\"2\",\"name\":\"list\","
                                "\"arguments\":\"{}\"},"
                                "{\"type\":\"function_call_output\",\"call_id\":\"1\",\"output\":"
                                "\"text\"},"
                                "{\"type\":\"function_call_output\",\"call_id\":\"2\",\"output\":"
                                "\"Error: no\"},"
                                "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"done\"}"
                                "]}");
}

static void test_reasoning_models(void **state)
{
    static const struct {
        const char *model;
        bool reasons;
    } models[] = {
        {"o3", true},
        {"o4-mini", true},
        {"gpt-5", true},
        {"gpt-5.6-sol", true},
        {"gpt-5-chat-latest", false},
        {"gpt-4.1", false},
        {"olmo-3", false},
        {"gpt-oss-120b", false},
        {"qwen3", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
        struct model_request request = {.model = str_of(models[i].model)};
        struct buf out;
        buf_init(&out, MODEL_REQUEST_MAX);
        responses_request_write(&out, &request, STR("local"));
        if (!!strstr(out.data, "reasoning") != models[i].reasons)
            fail_msg("%s", models[i].model);
        buf_release(&out);
    }
}

// --- what comes back

static void expect(const char *body, struct stream_expected expected)
{
    stream_expect(openai_responses_dialect(), body, expected);
}

#define EVENT(type, rest)                                                                          \
    "event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":1" rest "}\n\n"
#define CREATED                                                                                    \
    EVENT("response.created", ",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\"}")
#define AT(place) ",\"output_index\":" place
#define ADDED(place, item) EVENT("response.output_item.added", AT(place) ",\"item\":{" item "}")
#define ENDED(place, item) EVENT("response.output_item.done", AT(place) ",\"item\":{" item "}")
#define MESSAGE "\"type\":\"message\",\"role\":\"assistant\",\"id\":\"msg_1\""
#define TEXT(place, text)                                                                          \
    EVENT("response.output_text.delta", AT(place) ",\"content_index\":0,\"delta\":\"" text "\"")
#define SUMMARY(place, text)                                                                       \
    EVENT("response.reasoning_summary_text.delta",                                                 \
          AT(place) ",\"summary_index\":0,\"delta\":\"" text "\"")
#define REASONING(id)                                                                              \
    "\"type\":\"reasoning\",\"id\":\"" id "\",\"summary\":[],\"status\":null,"                     \
    "\"encrypted_content\":\"gA\""
#define CALL(id, name, arguments)                                                                  \
    "\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"" id "\",\"name\":\"" name           \
    "\",\"arguments\":\"" arguments "\""
#define INPUT(place, text)                                                                         \
    EVENT("response.function_call_arguments.delta", AT(place) ",\"delta\":\"" text "\"")
#define USAGE                                                                                      \
    "\"usage\":{\"input_tokens\":40,\"input_tokens_details\":{\"cached_tokens\":30,"               \
    "\"cache_write_tokens\":5},\"output_tokens\":8,\"output_tokens_details\":{"                    \
    "\"reasoning_tokens\":4},\"total_tokens\":48}"
#define COMPLETED EVENT("response.completed", ",\"response\":{\"status\":\"completed\"," USAGE "}")

static void test_text(void **state)
{
    (void)state;
    expect(CREATED ADDED("0", MESSAGE) TEXT("0", "Hel") TEXT("0", "lo \\u00e9")
               EVENT("response.output_text.done", AT("0") ",\"text\":\"Hello\"")
                   ENDED("0", MESSAGE ",\"content\":[{\"type\":\"output_text\",\"text\":"
                                      "\"Hello\"}]") COMPLETED,
           (struct stream_expected){
               .text = "Hello \xc3\xa9", .usage = "40/8/30/5", .finish = MODEL_END_TURN});
    // Two messages, with what they are to come back with; a character cut in two.
    expect(ADDED("0", MESSAGE) TEXT("0", "a\xc3") TEXT("0", "\xa9")
               ENDED("0", MESSAGE ",\"phase\":\"commentary\"") ADDED("1", MESSAGE)
                   TEXT("1", "b\xc3") ENDED("1", MESSAGE) COMPLETED,
           (struct stream_expected){.text = "a\xc3\xa9\n\nb\xef\xbf\xbd",
                                    .opaque = "text:{" KIND ",\"phase\":\"commentary\"};",
                                    .finish = MODEL_END_TURN});
    // Only the whole came.
    expect(ENDED("0", MESSAGE ",\"content\":[{\"type\":\"output_text\",\"text\":\"whole\"}]")
               COMPLETED,
           (struct stream_expected){.text = "whole", .finish = MODEL_END_TURN});
    expect(EVENT("response.refusal.delta", AT("0") ",\"delta\":\"No.\"") COMPLETED,
           (struct stream_expected){.text = "No.", .finish = MODEL_REFUSED});
    expect(ENDED("0", MESSAGE ",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]")
               COMPLETED,
           (struct stream_expected){.text = "No.", .finish = MODEL_REFUSED});
}

static void test_reasoning_and_calls(void **state)
{
    (void)state;
    expect(CREATED ADDED("0", "\"type\":\"reasoning\",\"id\":\"rs_1\"")
               EVENT("response.reasoning_summary_part.added", ",\"summary_index\":0")
                   SUMMARY("0", "First.")
                       EVENT("response.reasoning_summary_part.added", ",\"summary_index\":1")
                           SUMMARY("0", "Second.") ENDED("0", REASONING("rs_1"))
                               ADDED("1", CALL("c1", "read", "")) INPUT("1", "{\\\"path\\\":")
                                   INPUT("1", "\\\"x\xc3") INPUT("1", "\xa9\\\"}")
                                       ENDED("1", CALL("c1", "read", "{not looked at}")) COMPLETED,
           (struct stream_expected){.reasoning = "First.\n\nSecond.",
                                    .calls = "0:c1:read;",
                                    .input0 = "{\"path\":\"x\xc3\xa9\"}",
                                    .opaque = "reasoning:{" KIND ",\"item\":" ITEM("rs_1") "};",
                                    .finish = MODEL_TOOL_CALLS});
    // Calls whose arguments come whole, one that was never added, an id used twice; reasoning
    // between them goes with the call behind it.
    expect(ADDED("0", CALL("c", "read", "")) ENDED("0", CALL("c", "read", "{1}"))
               EVENT("response.reasoning_text.delta", AT("1") ",\"delta\":\"open\"")
                   ENDED("1", REASONING("rs_2")) ENDED("2", CALL("c", "list", "{2}"))
                       ENDED("3", REASONING("rs_3")) COMPLETED,
           (struct stream_expected){.reasoning = "open",
                                    .calls = "0:c:read;1:*:list;",
                                    .input0 = "{1}",
                                    .input1 = "{2}",
                                    .opaque = "call 1:{" KIND ",\"before\":" ITEM("rs_2") "};",
                                    .finish = MODEL_TOOL_CALLS});
    // Nothing that could come back; kinds that are not known; arguments of no call.
    expect(ENDED("0", "\"type\":\"reasoning\",\"id\":\"rs\",\"encrypted_content\":null")
               ADDED("1", "\"type\":\"sparkle\"") ENDED("1", "\"type\":\"sparkle\"")
                   EVENT("response.sparkle.delta", ",\"delta\":\"x\"") INPUT("9", "{}") COMPLETED,
           (struct stream_expected){.finish = MODEL_END_TURN});
}

static void test_ends(void **state)
{
    (void)state;
#define INCOMPLETE(reason)                                                                         \
    TEXT("0", "x")                                                                                 \
    EVENT("response.incomplete", ",\"response\":{\"incomplete_details\":{"                         \
                                 "\"reason\":\"" reason "\"}," USAGE "}")
    expect(INCOMPLETE("max_output_tokens"),
           (struct stream_expected){.text = "x", .usage = "40/8/30/5", .finish = MODEL_MAX_TOKENS});
    expect(INCOMPLETE("content_filter"),
           (struct stream_expected){.text = "x", .finish = MODEL_REFUSED});
    expect(INCOMPLETE("one_of_tomorrow"),
           (struct stream_expected){.text = "x", .finish = MODEL_MAX_TOKENS});
    // said by the response alone
    expect(TEXT("0", "x")
               EVENT("response.completed", ",\"response\":{\"status\":\"incomplete\"," USAGE "}"),
           (struct stream_expected){.text = "x", .usage = "40/8/30/5", .finish = MODEL_MAX_TOKENS});
    expect(TEXT("0", "x") EVENT("response.completed",
                                ",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
                                "\"rate_limit_exceeded\",\"message\":\"slowly\"}}"),
           (struct stream_expected){.text = "x",
                                    .finish = MODEL_FAILED,
                                    .error = "HTTP 429: slowly",
                                    .kind = ERR_RATE_LIMITED,
                                    .failure = MODEL_FAILURE_RATE_LIMITED,
                                    .error_status = 429});
    expect(EVENT("response.completed", ",\"response\":{\"status\":\"failed\",\"error\":null}"),
           (struct stream_expected){.finish = MODEL_FAILED,
                                    .error = "the server gave no reason",
                                    .kind = ERR_PROVIDER,
                                    .failure = MODEL_FAILURE_SERVER});
    expect(TEXT("0", "par"), (struct stream_expected){.text = "par",
                                                      .finish = MODEL_FAILED,
                                                      .error = "local: the stream ended early",
                                                      .kind = ERR_PROVIDER});
    expect("data: {\"type\":8}\n\n" EVENT("response.output_item.done", ",\"item\":4")
               EVENT("response.output_item.added", AT("\"x\"") ",\"item\":[]")
                   EVENT("response.completed", ",\"response\":3"),
           (struct stream_expected){.usage = "-1/-1/-1/-1", .finish = MODEL_END_TURN});
    expect(ADDED("0", CALL("c", "", "")), (struct stream_expected){.finish = MODEL_FAILED,
                                                                   .error = "a tool without a name",
                                                                   .kind = ERR_PROVIDER});
}

static void test_errors(void **state)
{
    static const struct {
        const char *code;
        enum err_kind kind;
        int status;
        enum model_failure failure;
    } errors[] = {
        {"server_error", ERR_PROVIDER, 500, MODEL_FAILURE_SERVER},
        {"rate_limit_exceeded", ERR_RATE_LIMITED, 429, MODEL_FAILURE_RATE_LIMITED},
        {"invalid_prompt", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"insufficient_quota", ERR_RATE_LIMITED, 429, MODEL_FAILURE_QUOTA_EXHAUSTED},
        {"context_length_exceeded", ERR_LIMIT, 400, MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {"vector_store_timeout", ERR_PROVIDER, 504, MODEL_FAILURE_TIMEOUT},
        {"bio_policy", ERR_REFUSED, 400, MODEL_FAILURE_REFUSED},
        {"image_content_policy_violation", ERR_REFUSED, 400, MODEL_FAILURE_REFUSED},
        {"invalid_image", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"invalid_image_format", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"invalid_base64_image", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"invalid_image_url", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"invalid_image_mode", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"image_too_large", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"image_too_small", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"image_parse_error", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"image_file_too_large", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"unsupported_image_media_type", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"empty_image_file", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"failed_to_download_image", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"image_file_not_found", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"one_of_tomorrow", ERR_PROVIDER, 0, MODEL_FAILURE_SERVER},
    };
    static const char *const shapes[] = {
        EVENT("response.failed",
              ",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"%s\",\"message\":"
              "\"Sorry, sk-secret\"}}"),
        EVENT("error", ",\"code\":\"%s\",\"message\":\"Sorry, sk-secret\",\"param\":null"),
        "data: {\"type\":\"error\",\"code\":\"%s\",\"message\":\"Sorry, sk-secret\"}\n\n",
        "data: {\"type\":\"error\",\"error\":{\"code\":\"%s\",\"message\":\"Sorry, sk-secret\"}}"
        "\n\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        for (size_t shape = 0; shape < sizeof(shapes) / sizeof(*shapes); shape++) {
            const char *at = strstr(shapes[shape], "%s");
            char *body = mem_format("%.*s%s%s", (int)(at - shapes[shape]), shapes[shape],
                                    errors[i].code, at + 2);
            expect(body, (struct stream_expected){.finish = MODEL_FAILED,
                                                  .error = "Sorry, [key]",
                                                  .kind = errors[i].kind,
                                                  .failure = errors[i].failure,
                                                  .error_status = errors[i].status});
            mem_free(body);
        }
    }
}

static void test_large_reasoning(void **state)
{
    (void)state;
    for (int behind_a_call = 0; behind_a_call < 2; behind_a_call++) {
        struct buf body;
        buf_init(&body, 64 << 20);
        if (behind_a_call)
            buf_add_str(&body, STR(ENDED("0", CALL("c", "read", "{}"))));
        buf_add_str(&body, STR("data: {\"type\":\"response.output_item.done\",\"output_index\":1,"
                               "\"item\":{\"type\":\"reasoning\",\"id\":\"r\",\"summary\":[],"
                               "\"encrypted_content\":\""));
        for (int i = 0; i < MODEL_OPAQUE_MAX; i++)
            buf_add_char(&body, 'A');
        buf_add_str(&body, STR("\"}}\n\n" COMPLETED));
        stream_expect_whole(openai_responses_dialect(), buf_str(&body), MODEL_FAILED,
                            "is larger than 4 MiB");
        buf_release(&body);
    }
}

static void test_nothing_after_stop(void **state)
{
    (void)state;
    stream_expect_stops(openai_responses_dialect(),
                        SUMMARY("0", "h") ENDED("0", REASONING("rs_1")) TEXT("1", "a\xe2")
                            ENDED("1", MESSAGE ",\"phase\":\"commentary\"")
                                ADDED("2", CALL("c", "read", "")) INPUT("2", "{\xe2") COMPLETED,
                        9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_reasoning_models),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_reasoning_and_calls),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_large_reasoning),
        cmocka_unit_test(test_nothing_after_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
