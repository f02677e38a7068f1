// SPDX-License-Identifier: MIT
// The Gemini API: requests as they are sent, answers in their documented form.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/stream_check.h"
#include "transports/gemini.h"
#include "transports/gemini_request.h"
#include "transports/http.h"
#include "transports/model_error.h"

// --- what is sent

static void expect_body(const struct model_request *request, const char *expected)
{
    struct buf out;
    buf_init(&out, MODEL_REQUEST_MAX);
    gemini_request_write(&out, request, STR("local"));
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

#define SIGNED(what)                                                                               \
    STR("{\"kind\":\"gemini\",\"provider\":\"local\",\"thoughtSignature\":\"" what "\"}")
#define CALL(id, name, args)                                                                       \
    "{\"functionCall\":{\"id\":\"" id "\",\"name\":\"" name "\",\"args\":" args "}"

static void test_request(void **state)
{
    (void)state;
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("do \"it\"")},
        {.kind = MODEL_USER_TEXT},
        {.kind = MODEL_USER_TEXT, .text = STR("now")},
        {.kind = MODEL_REASONING, .text = STR("hm")},
        {.kind = MODEL_REASONING, .text = STR("signed"), .opaque = SIGNED("A=")},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("ok"), .opaque = SIGNED("B=")},
        {.kind = MODEL_TOOL_CALL, .call_id = STR("1"), .name = STR("list")},
        {.kind = MODEL_TOOL_CALL,
         .call_id = STR("2"),
         .name = STR("read"),
         .input = STR("{\"path\":\"x\"}"),
         .opaque = SIGNED("C=")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("1"), .name = STR("list"), .text = STR("a")},
        {.kind = MODEL_TOOL_RESULT,
         .call_id = STR("2"),
         .name = STR("read"),
         .text = STR("no"),
         .failed = true},
        {.kind = MODEL_USER_TEXT, .text = STR("mind the gap")}, // steered
        {.kind = MODEL_TOOL_CALL,                               // another provider's
         .call_id = STR("3"),
         .name = STR("list"),
         .opaque = STR("{\"kind\":\"x\",\"thoughtSignature\":\"x\"}")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("3"), .name = STR("list"), .text = STR("b")},
    };
    static const struct model_tool tools[] = {{"read", "Reads.", "{\"type\":\"object\"}"}};
    struct model_request request = {.model = STR("gemini-3.8-flash"),
                                    .system = STR("be good"),
                                    .parts = parts,
                                    .part_count = sizeof(parts) / sizeof(*parts),
                                    .tools = tools,
                                    .tool_count = 1,
                                    .max_output_tokens = 9};
    expect_body(
        &request,
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"be good\"}]},"
        "\"tools\":[{\"functionDeclarations\":[{\"name\":\"read\",\"description\":\"Reads.\","
        "\"parametersJsonSchema\":{\"type\":\"object\"}}]}],"
        "\"generationConfig\":{\"maxOutputTokens\":9,\"thinkingConfig\":{\"includeThoughts\":"
        "true}},"
        "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"do \\\"it\\\"\"},"
        "{\"text\":\"now\"}]},"
        "{\"role\":\"model\",\"parts\":["
        "{\"text\":\"signed\",\"thought\":true,\"thoughtSignature\":\"A=\"},"
        "{\"text\":\"ok\",\"thoughtSignature\":\"B=\"}," CALL(
            "2", "read",
            "{\"path\":\"x\"}") ",\"thoughtSignature\":\"C=\"}," CALL("1", "list",
                                                                      "{}") "}]},"
                                                                            "{\"role\":\"user\","
                                                                            "\"parts\":["
                                                                            "{\"functionResponse\":"
                                                                            "{\"id\":\"1\","
                                                                            "\"name\":\"list\","
                                                                            "\"response\":{"
                                                                            "\"output\":\"a\"}}},"
                                                                            "{\"functionResponse\":"
                                                                            "{\"id\":\"2\","
                                                                            "\"name\":\"read\","
                                                                            "\"response\":{"
                                                                            "\"error\":\"no\"}}},"
                                                                            "{\"text\":\"mind the "
                                                                            "gap\"}]},"
                                                                            "{\"role\":\"model\","
                                                                            "\"parts\":[" CALL(
                                                                                "3", "list",
                                                                                "{}") ",\"thoughtSi"
                                                                                      "gnature\":"
                                                                                      "\"skip_"
                                                                                      "thought_"
                                                                                      "signature_"
                                                                                      "validator\"}"
                                                                                      "]},"
                                                                                      "{\"role\":"
                                                                                      "\"user\","
                                                                                      "\"parts\":["
                                                                                      "{\"functionR"
                                                                                      "esponse\":{"
                                                                                      "\"id\":"
                                                                                      "\"3\","
                                                                                      "\"name\":"
                                                                                      "\"list\","
                                                                                      "\"response\""
                                                                                      ":{"
                                                                                      "\"output\":"
                                                                                      "\"b\"}}}"
                                                                                      "]}]}");
    request = (struct model_request){
        .model = STR("gemini-2.0-flash"), .parts = &parts[11], .part_count = 1};
    expect_body(&request,
                "{\"contents\":[{\"role\":\"model\",\"parts\":[" CALL("3", "list", "{}") "}]}]}");
}

static void test_paths_and_models(void **state)
{
    static const struct {
        const char *model, *path;
        bool thinks;
    } models[] = {
        {"gemini-3.8-flash", "/models/gemini-3.8-flash:streamGenerateContent?alt=sse", true},
        {"gemini-4-argon", "/models/gemini-4-argon:streamGenerateContent?alt=sse", true},
        {"gemini-2.5-pro", "/models/gemini-2.5-pro:streamGenerateContent?alt=sse", true},
        {"gemini-flash-latest", "/models/gemini-flash-latest:streamGenerateContent?alt=sse", true},
        {"gemma-3", "/models/gemma-3:streamGenerateContent?alt=sse", false},
        {"tunedModels/x", "/tunedModels/x:streamGenerateContent?alt=sse", false},
        {"a?key=b#\xc3", "/models/a%3Fkey%3Db%23%C3:streamGenerateContent?alt=sse", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
        struct model_request request = {.model = str_of(models[i].model)};
        struct buf out;
        buf_init(&out, MODEL_REQUEST_MAX);
        gemini_dialect()->path(&out, &request, STR("https://host/v1beta"));
        assert_string_equal(out.data, models[i].path);
        buf_clear(&out);
        gemini_dialect()->path(&out, &request, STR("https://host:99"));
        assert_int_equal(strncmp(out.data, "/v1beta/", 8), 0);
        assert_string_equal(out.data + 7, models[i].path);
        buf_clear(&out);
        gemini_request_write(&out, &request, STR("local"));
        assert_int_equal(!!strstr(out.data, "includeThoughts"), models[i].thinks);
        buf_release(&out);
    }
}

// --- what comes back

static void expect(const char *body, struct stream_expected expected)
{
    stream_expect(gemini_dialect(), body, expected);
}

#define PIECE(parts, rest)                                                                         \
    "data: {\"candidates\":[{\"content\":{\"parts\":[" parts "],\"role\":\"model\"}" rest          \
    ",\"index\":0}],\"modelVersion\":\"gemini\"}\r\n\r\n"
#define TEXT(text) "{\"text\":\"" text "\"}"
#define THOUGHT(text) "{\"text\":\"" text "\",\"thought\":true}"
#define FINISH(reason) ",\"finishReason\":\"" reason "\""
#define USAGE                                                                                      \
    "data: {\"usageMetadata\":{\"promptTokenCount\":40,\"cachedContentTokenCount\":30,"            \
    "\"candidatesTokenCount\":8,\"thoughtsTokenCount\":4,\"totalTokenCount\":52}}\r\n\r\n"

static void test_text(void **state)
{
    (void)state;
    expect(PIECE(THOUGHT("Hm. "), "") PIECE(THOUGHT("So."), "") PIECE(TEXT("Hel"), "")
               PIECE(TEXT("lo \\u00e9"), FINISH("STOP")) USAGE,
           (struct stream_expected){.text = "Hello \xc3\xa9",
                                    .reasoning = "Hm. So.",
                                    .usage = "40/12/30/-1",
                                    .finish = MODEL_END_TURN});
    // Characters cut in two; a signature that comes behind the text.
    expect(
        PIECE(TEXT("a\xc3"), "") PIECE(TEXT("\xa9"), "")
            PIECE("{\"text\":\"\",\"thoughtSignature\":\"Eq=\"}", FINISH("STOP")),
        (struct stream_expected){
            .text = "a\xc3\xa9",
            .opaque =
                "text:{\"kind\":\"gemini\",\"provider\":\"local\",\"thoughtSignature\":\"Eq=\"};",
            .finish = MODEL_END_TURN});
}

static void test_calls(void **state)
{
    (void)state;
    expect(
        PIECE("{\"text\":\"s\",\"thought\":true,\"thoughtSignature\":\"A\"}", "")
            PIECE("{\"functionCall\":{\"name\":\"read\",\"args\":{\"path\":\"x\xc3\xa9\"}},"
                  "\"thoughtSignature\":\"B\"},{\"functionCall\":{\"id\":\"i\",\"name\":"
                  "\"list\",\"args\":{}}}",
                  FINISH("STOP")),
        (struct stream_expected){
            .reasoning = "s",
            .calls = "0:*:read;1:i:list;",
            .input0 = "{\"path\":\"x\xc3\xa9\"}",
            .input1 = "{}",
            .opaque =
                "reasoning:{\"kind\":\"gemini\",\"provider\":\"local\",\"thoughtSignature\":\"A\"};"
                "call 0:{\"kind\":\"gemini\",\"provider\":\"local\",\"thoughtSignature\":\"B\"};",
            .finish = MODEL_TOOL_CALLS});
    // No arguments, an id used twice, bytes that are no character.
    expect(PIECE("{\"functionCall\":{\"id\":\"i\",\"name\":\"a\"}},{\"functionCall\":{\"id\":\"i\","
                 "\"name\":\"b\",\"args\":{\"k\":\"\xff\"}}},{\"sparkle\":1}",
                 FINISH("STOP")),
           (struct stream_expected){.calls = "0:i:a;1:*:b;",
                                    .input1 = "{\"k\":\"\xef\xbf\xbd\"}",
                                    .finish = MODEL_TOOL_CALLS});
    expect(PIECE("{\"functionCall\":{\"args\":{}}}", ""),
           (struct stream_expected){
               .finish = MODEL_FAILED, .error = "a tool without a name", .kind = ERR_PROVIDER});
}

static void test_finish_reasons(void **state)
{
    static const char *const refused[] = {"SAFETY",
                                          "RECITATION",
                                          "LANGUAGE",
                                          "BLOCKLIST",
                                          "PROHIBITED_CONTENT",
                                          "SPII",
                                          "IMAGE_SAFETY",
                                          "IMAGE_PROHIBITED_CONTENT",
                                          "IMAGE_RECITATION",
                                          NULL};
    static const char *const broken[] = {"MALFORMED_FUNCTION_CALL",
                                         "UNEXPECTED_TOOL_CALL",
                                         "TOO_MANY_TOOL_CALLS",
                                         "MALFORMED_RESPONSE",
                                         "MISSING_THOUGHT_SIGNATURE",
                                         "OTHER",
                                         "IMAGE_OTHER",
                                         "NO_IMAGE",
                                         NULL};
    (void)state;
    for (const char *const *reason = refused; *reason; reason++) {
        char *body =
            mem_format(PIECE(TEXT("x"), "") "data: {\"candidates\":[{\"finishReason\":"
                                            "\"%s\",\"finishMessage\":\"Not this.\"}]}\n\n" USAGE,
                       *reason);
        char *error = mem_format("local: the model refused: %s: Not this.", *reason);
        expect(body, (struct stream_expected){.text = "x",
                                              .usage = "40/12/30/-1",
                                              .finish = MODEL_REFUSED,
                                              .error = error,
                                              .kind = ERR_REFUSED});
        mem_free(error);
        mem_free(body);
    }
    for (const char *const *reason = broken; *reason; reason++) {
        char *body = mem_format("data: {\"candidates\":[{\"finishReason\":\"%s\"}]}\n\n", *reason);
        char *error = mem_format("local: the answer broke off: %s", *reason);
        expect(body, (struct stream_expected){
                         .finish = MODEL_FAILED, .error = error, .kind = ERR_PROVIDER});
        mem_free(error);
        mem_free(body);
    }
    expect(PIECE(TEXT("x"), FINISH("MAX_TOKENS")),
           (struct stream_expected){.text = "x", .finish = MODEL_MAX_TOKENS});
    expect(PIECE(TEXT("x"), FINISH("FINISH_REASON_UNSPECIFIED")),
           (struct stream_expected){.text = "x", .finish = MODEL_END_TURN});
    expect(PIECE(TEXT("x"), FINISH("ONE_OF_TOMORROW")),
           (struct stream_expected){.text = "x", .finish = MODEL_END_TURN});
    expect("data: {\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}}\n\n",
           (struct stream_expected){.finish = MODEL_REFUSED,
                                    .error = "local: the model refused: PROHIBITED_CONTENT",
                                    .kind = ERR_REFUSED});
}

static void test_broken_streams(void **state)
{
    (void)state;
    expect(PIECE(TEXT("par"), ""), (struct stream_expected){.text = "par",
                                                            .finish = MODEL_FAILED,
                                                            .error = "the stream ended early",
                                                            .kind = ERR_PROVIDER});
    expect(PIECE(TEXT("x"), "") "data: {\"error\":{\"code\":503,\"message\":\"The model is "
                                "overloaded.\",\"status\":\"UNAVAILABLE\"}}\n\n",
           (struct stream_expected){.text = "x",
                                    .finish = MODEL_FAILED,
                                    .error = "local: HTTP 503: The model is overloaded.",
                                    .kind = ERR_PROVIDER,
                                    .error_status = 503});
    expect("data: {\"candidates\":7,\"usageMetadata\":[],\"promptFeedback\":1}\n\n"
           "data: {\"candidates\":[{\"content\":{\"parts\":[3,{\"text\":4,\"thought\":1}]}}]}\n\n"
           "data: {\"candidates\":[{\"content\":5,\"finishReason\":6}]}\n\n",
           (struct stream_expected){
               .finish = MODEL_FAILED, .error = "the stream ended early", .kind = ERR_PROVIDER});
}

// --- answers that are no stream

static void test_statuses(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum err_kind kind;
        int64_t retry;
    } answers[] = {
        {400,
         "[{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":"
         "\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}]",
         ERR_AUTH, -1},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"The input token count (9) exceeds the maximum "
         "number of tokens allowed (8).\",\"status\":\"INVALID_ARGUMENT\"}}",
         ERR_LIMIT, -1},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"Function call is missing a thought_signature\","
         "\"status\":\"INVALID_ARGUMENT\"}}",
         ERR_PROVIDER, -1},
        {403, "{\"error\":{\"message\":\"No.\",\"status\":\"PERMISSION_DENIED\"}}", ERR_AUTH, -1},
        {429,
         "{\"error\":{\"message\":\"Quota\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
         "{\"@type\":\"type.googleapis.com/google.rpc.Help\"},{\"@type\":"
         "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"34.5s\"}]}}",
         ERR_RATE_LIMITED, 34500},
        {429, "{\"error\":{\"message\":\"Q\",\"details\":[{\"retryDelay\":\"soon\"}]}}",
         ERR_RATE_LIMITED, -1},
        {429, "{\"error\":{\"message\":\"Q\",\"details\":[{\"retryDelay\":\"1e9s\"}]}}",
         ERR_RATE_LIMITED, -1},
    };
    (void)state;
    struct model_origin origin = {(char *)"lab", (char *)"LAB_KEY", (char *)"secret"};
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct http_answer answer = {answers[i].status, -1, str_of(answers[i].body), false};
        struct model_end end = {.finish = MODEL_FAILED};
        model_error_status(&origin, &answer, &end);
        assert_int_equal(end.err.kind, answers[i].kind);
        assert_int_equal(end.http_status, answers[i].status);
        assert_int_equal(end.retry_after_ms, answers[i].retry);
    }
}

static void test_nothing_after_stop(void **state)
{
    (void)state;
    stream_expect_stops(gemini_dialect(),
                        PIECE(THOUGHT("h") "," TEXT("t"), "")
                            PIECE("{\"text\":\"u\",\"thoughtSignature\":\"A\"},{\"functionCall\":{"
                                  "\"name\":\"a\",\"args\":{}},\"thoughtSignature\":\"B\"}",
                                  FINISH("STOP")) USAGE,
                        8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),        cmocka_unit_test(test_paths_and_models),
        cmocka_unit_test(test_text),           cmocka_unit_test(test_calls),
        cmocka_unit_test(test_finish_reasons), cmocka_unit_test(test_broken_streams),
        cmocka_unit_test(test_statuses),       cmocka_unit_test(test_nothing_after_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
