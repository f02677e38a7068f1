// SPDX-License-Identifier: MIT
// Anthropic's Messages API: requests as they are sent, answers in their documented form.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/stream_check.h"
#include "transports/anthropic.h"
#include "transports/anthropic_request.h"
#include "transports/anthropic_stream.h"

// --- what is sent

static void expect_body(const struct model_request *request, const char *expected)
{
    struct buf out;
    buf_init(&out, MODEL_REQUEST_MAX);
    anthropic_request_write(&out, request, STR("local"));
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

#define MARK "\"cache_control\":{\"type\":\"ephemeral\"}"
#define TOOLS                                                                                      \
    "\"tools\":[{\"name\":\"read\",\"description\":\"Reads.\",\"input_schema\":{\"type\":"         \
    "\"object\"}},{\"name\":\"list\",\"description\":\"Lists.\",\"input_schema\":{\"type\":"       \
    "\"object\"}"

static const struct model_tool tools[] = {{"read", "Reads.", "{\"type\":\"object\"}"},
                                          {"list", "Lists.", "{\"type\":\"object\"}"}};

#define SIGNED(what)                                                                               \
    STR("{\"kind\":\"anthropic\",\"provider\":\"local\",\"signature\":\"" what "\"}")

static void test_request(void **state)
{
    (void)state;
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("do \"it\"")},
        {.kind = MODEL_USER_TEXT, .text = STR(" \n")},
        {.kind = MODEL_USER_TEXT, .text = STR("now")},
        {.kind = MODEL_REASONING, .text = STR("hm"), .opaque = SIGNED("Eq=")},
        {.kind = MODEL_REASONING, .text = STR(""), .opaque = SIGNED("shown to nobody")},
        {.kind = MODEL_REASONING,
         .opaque = STR("{\"kind\":\"anthropic\",\"provider\":\"local\",\"redacted\":\"xx\"}")},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("ok")},
        {.kind = MODEL_TOOL_CALL,
         .call_id = STR("toolu_1"),
         .name = STR("read"),
         .input = STR("{\"path\":\"x\"}")},
        {.kind = MODEL_TOOL_CALL, .call_id = STR("functions.list:2"), .name = STR("list")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("toolu_1"), .text = STR("text")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("functions.list:2"), .failed = true},
        {.kind = MODEL_USER_TEXT, .text = STR("and mind the gap")}, // steered
        {.kind = MODEL_REASONING, .text = STR("another's"), .opaque = STR("{\"kind\":\"gemini\"}")},
        {.kind = MODEL_REASONING, .text = STR("unsigned")},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("\n")},
        {.kind = MODEL_TOOL_CALL, .call_id = STR("3"), .name = STR("list"), .input = STR("{}")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("3"), .text = STR("fine")},
    };
    struct model_request request = {.model = STR("claude-sonnet-4-5"),
                                    .system = STR("be good"),
                                    .parts = parts,
                                    .part_count = sizeof(parts) / sizeof(*parts),
                                    .tools = tools,
                                    .tool_count = 2,
                                    .max_output_tokens = 900};
    expect_body(
        &request,
        "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":900,\"stream\":true," TOOLS "}],"
        "\"system\":[{\"type\":\"text\",\"text\":\"be good\"," MARK "}],"
        "\"messages\":[{\"role\":\"user\",\"content\":["
        "{\"type\":\"text\",\"text\":\"do \\\"it\\\"\"},{\"type\":\"text\",\"text\":\"now\"}]},"
        "{\"role\":\"assistant\",\"content\":["
        "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"Eq=\"},"
        "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"shown to nobody\"},"
        "{\"type\":\"redacted_thinking\",\"data\":\"xx\"},"
        "{\"type\":\"text\",\"text\":\"ok\"},"
        "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"read\",\"input\":{\"path\":\"x\"}},"
        "{\"type\":\"tool_use\",\"id\":\"functions_list_2\",\"name\":\"list\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":["
        "{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\",\"content\":\"text\"},"
        "{\"type\":\"tool_result\",\"tool_use_id\":\"functions_list_2\",\"content\":"
        "\"(no output)\",\"is_error\":true},"
        "{\"type\":\"text\",\"text\":\"and mind the gap\"," MARK "}]},"
        "{\"role\":\"assistant\",\"content\":["
        "{\"type\":\"tool_use\",\"id\":\"3\",\"name\":\"list\",\"input\":{}}]},"
        "{\"role\":\"user\",\"content\":["
        "{\"type\":\"tool_result\",\"tool_use_id\":\"3\",\"content\":\"fine\"," MARK "}]}]}");
}

// What an assistant says goes on after reasoning of which nothing can be sent: one message still.
static void test_small_requests(void **state)
{
    (void)state;
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("hi")},
        {.kind = MODEL_REASONING, .text = STR("led to nothing")},
        {.kind = MODEL_USER_TEXT, .text = STR("still there?")},
    };
    struct model_request request = {
        .model = STR("other"), .parts = parts, .part_count = 1, .tools = tools, .tool_count = 2};
    expect_body(&request,
                "{\"model\":\"other\",\"max_tokens\":32000,\"stream\":true," TOOLS "," MARK "}],"
                "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                "\"hi\"," MARK "}]}]}");
    request.tool_count = 0;
    request.part_count = 3;
    expect_body(&request, "{\"model\":\"other\",\"max_tokens\":32000,\"stream\":true,"
                          "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                          "\"text\":\"hi\"," MARK "},{\"type\":\"text\",\"text\":"
                          "\"still there?\"," MARK "}]}]}");
}

// An answer that paused is gone on with as it stands, but for white space at its end.
static void test_paused(void **state)
{
    (void)state;
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("hi")},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("first \n")},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("I \xc3\xa9 \t\n")},
    };
    struct model_request request = {.model = STR("other"), .parts = parts, .part_count = 3};
    expect_body(&request,
                "{\"model\":\"other\",\"max_tokens\":32000,\"stream\":true,\"messages\":[{"
                "\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"," MARK
                "}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":"
                "\"first \\n\"},{\"type\":\"text\",\"text\":\"I \xc3\xa9\"}]}]}");
}

static void test_thinking(void **state)
{
    static const struct {
        const char *model;
        bool adaptive;
    } models[] = {
        {"claude-opus-4-6", true},
        {"claude-sonnet-5", true},
        {"claude-opus-5-5", true},
        {"claude-opus-4-10", true},
        {"claude-sonnet-5-20260801", true},
        {"claude-opus-4-5", false},
        {"claude-3-7-sonnet", false},
        {"claude-sonnet-4-20250514", false},
        {"claude-", false},
        {"claude-opus-4", false},
        {"claude-haiku-4-5-20251001", false},
        {"glm-5", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++) {
        struct model_request request = {.model = str_of(models[i].model)};
        struct buf out;
        buf_init(&out, MODEL_REQUEST_MAX);
        anthropic_request_write(&out, &request, STR("local"));
        bool adaptive = strstr(out.data, "\"thinking\":{\"type\":\"adaptive\",\"display\":"
                                         "\"summarized\"}") != NULL;
        if (adaptive != models[i].adaptive)
            fail_msg("%s: %d", models[i].model, adaptive);
        buf_release(&out);
    }
}

static void test_path(void **state)
{
    static const char *const bases[] = {"https://api.anthropic.com", "https://proxy/v1"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf out;
        buf_init(&out, 100);
        anthropic_dialect()->path(&out, NULL, str_of(bases[i]));
        assert_string_equal(out.data, i ? "/messages" : "/v1/messages");
        buf_release(&out);
    }
}

// --- what comes back

static void expect(const char *body, struct stream_expected expected)
{
    stream_expect(anthropic_dialect(), body, expected);
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START                                                                                      \
    EVENT("message_start",                                                                         \
          ",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","            \
          "\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,"                    \
          "\"cache_creation_input_tokens\":10,\"cache_read_input_tokens\":100,"                    \
          "\"output_tokens\":1}}")
#define PING EVENT("ping", "")
#define BLOCK(index, block)                                                                        \
    EVENT("content_block_start", ",\"index\":" index ",\"content_block\":{" block "}")
#define DELTA(index, type, rest)                                                                   \
    EVENT("content_block_delta", ",\"index\":" index ",\"delta\":{\"type\":\"" type "\"," rest "}")
#define STOP_BLOCK(index) EVENT("content_block_stop", ",\"index\":" index)
#define FINISH(reason)                                                                             \
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"" reason                                 \
                           "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}")
#define DONE EVENT("message_stop", "")
#define TEXT_BLOCK(index) BLOCK(index, "\"type\":\"text\",\"text\":\"\"")
#define TEXT(index, text) DELTA(index, "text_delta", "\"text\":\"" text "\"")
#define THINKING_BLOCK(index)                                                                      \
    BLOCK(index, "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
#define THINKING(index, text) DELTA(index, "thinking_delta", "\"thinking\":\"" text "\"")
#define SIGNATURE(index, text) DELTA(index, "signature_delta", "\"signature\":\"" text "\"")
#define CALL(index, id, name)                                                                      \
    BLOCK(index, "\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":{}")
#define INPUT(index, json) DELTA(index, "input_json_delta", "\"partial_json\":\"" json "\"")

static void expect_thinking(const char *opaque, const char *block)
{
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("do it")},
        {.kind = MODEL_REASONING, .text = STR("hm"), .opaque = str_of(opaque)},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("yes")},
        {.kind = MODEL_USER_TEXT, .text = STR("on")},
    };
    const struct model_request request = {.model = STR("m"), .parts = parts, .part_count = 4};
    struct buf out;
    buf_init(&out, MODEL_REQUEST_MAX);
    anthropic_request_write(&out, &request, STR("local"));
    assert_int_equal(strstr(out.data, "thinking") != NULL, block != NULL);
    if (block && !strstr(out.data, block))
        assert_string_equal(out.data, block);
    buf_release(&out);
}

// What another server has signed is refused, and what it has not signed just so.
static void test_thinking_goes_to_whom_it_came_from(void **state)
{
    (void)state;
#define BY(who, signature)                                                                         \
    "{\"kind\":\"anthropic\",\"provider\":\"" who "\",\"signature\":\"" signature "\"}"
    expect_thinking("", NULL);
    expect_thinking(BY("local", "s"),
                    "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"}");
    expect_thinking(BY("local", ""),
                    "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"\"}");
    expect_thinking(BY("other", "s"), NULL);
    expect_thinking(BY("other", ""), NULL);
    // as it was kept before providers were
    expect_thinking("{\"kind\":\"anthropic\",\"signature\":\"s\"}",
                    "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"}");
#undef BY
}

static void test_text(void **state)
{
    (void)state;
    expect(START TEXT_BLOCK("0") PING TEXT("0", "Hel") TEXT("0", "lo \\u00e9") STOP_BLOCK("0")
               FINISH("end_turn") DONE,
           (struct stream_expected){
               .text = "Hello \xc3\xa9", .usage = "135/15/100/10", .finish = MODEL_END_TURN});
    // A character that is cut between two pieces; an end without the end mark.
    expect(START TEXT_BLOCK("0") TEXT("0", "a\xe2\x82") TEXT("0", "\xac"
                                                                  "b\xc3") STOP_BLOCK("0")
               FINISH("end_turn"),
           (struct stream_expected){.text = "a\xe2\x82\xac"
                                            "b\xef\xbf\xbd",
                                    .finish = MODEL_END_TURN});
}

static void test_thinking_and_calls(void **state)
{
    (void)state;
    expect(
        START THINKING_BLOCK("0") THINKING("0", "Let me ") THINKING("0", "see.")
            SIGNATURE("0", "Eq") SIGNATURE("0", "QB+/=") STOP_BLOCK("0")
                BLOCK("1", "\"type\":\"redacted_thinking\",\"data\":\"EmwK\"") STOP_BLOCK("1")
                    TEXT_BLOCK("2") TEXT("2", "I read.") STOP_BLOCK("2")
                        CALL("3", "toolu_1", "read") INPUT("3", "") INPUT("3", "{\\\"path\\\":")
                            INPUT("3", " \\\"x\xc3") INPUT("3", "\xa9\\\"}") STOP_BLOCK("3")
                                CALL("4", "toolu_2", "list") STOP_BLOCK("4") FINISH("tool_use")
                                    DONE,
        (struct stream_expected){
            .text = "I read.",
            .reasoning = "Let me see.",
            .calls = "0:toolu_1:read;1:toolu_2:list;",
            .input0 = "{\"path\": \"x\xc3\xa9\"}",
            .opaque =
                "reasoning:{\"kind\":\"anthropic\",\"provider\":\"local\",\"signature\":\"EqQB+/"
                "=\"};"
                "reasoning:{\"kind\":\"anthropic\",\"provider\":\"local\",\"redacted\":\"EmwK\"};",
            .finish = MODEL_TOOL_CALLS});
    // Thinking that is kept from us has a signature only; other servers sign nothing.
    expect(
        START THINKING_BLOCK("0") SIGNATURE("0", "only") STOP_BLOCK("0") THINKING_BLOCK("1")
            THINKING("1", "open") STOP_BLOCK("1") TEXT_BLOCK("2") TEXT("2", "x") FINISH("end_turn")
                DONE,
        (struct stream_expected){
            .text = "x",
            .reasoning = "open",
            .opaque =
                "reasoning:{\"kind\":\"anthropic\",\"provider\":\"local\",\"signature\":\"only\"};"
                "reasoning:{\"kind\":\"anthropic\",\"provider\":\"local\",\"signature\":\"\"};",
            .finish = MODEL_END_TURN});
    // Blocks that grow at the same time, kinds and deltas that are not known, ids used twice.
    expect(
        START CALL("0", "t", "a") CALL("1", "t", "b") INPUT("1", "{2}") INPUT("0", "{1}")
            BLOCK("2", "\"type\":\"server_tool_use\",\"id\":\"s\"") INPUT("2", "{3}")
                DELTA("0", "sparkle_delta", "\"x\":1") TEXT("7", "no such block")
                    EVENT("sparkle", "") FINISH("tool_use") DONE,
        (struct stream_expected){
            .calls = "0:t:a;1:*:b;", .input0 = "{1}", .input1 = "{2}", .finish = MODEL_TOOL_CALLS});
}

static void test_stop_reasons(void **state)
{
    static const struct {
        const char *reason;
        enum model_finish finish;
        enum model_failure failure;
    } reasons[] = {
        {"end_turn", MODEL_END_TURN, MODEL_FAILURE_NONE},
        {"stop_sequence", MODEL_END_TURN, MODEL_FAILURE_NONE},
        {"tool_use", MODEL_END_TURN, MODEL_FAILURE_NONE},
        {"pause_turn", MODEL_PAUSED, MODEL_FAILURE_NONE},
        {"max_tokens", MODEL_MAX_TOKENS, MODEL_FAILURE_NONE},
        {"model_context_window_exceeded", MODEL_MAX_TOKENS, MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {"refusal", MODEL_REFUSED, MODEL_FAILURE_REFUSED},
        {"one_of_tomorrow", MODEL_END_TURN, MODEL_FAILURE_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        char *body =
            mem_format(START TEXT_BLOCK("0") TEXT("0", "x") STOP_BLOCK("0")
                           EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"%s\"}") DONE,
                       reasons[i].reason);
        expect(body, (struct stream_expected){
                         .text = "x", .finish = reasons[i].finish, .failure = reasons[i].failure});
        mem_free(body);
    }
    expect(START EVENT("message_delta",
                       ",\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":{\"type\":"
                       "\"refusal\",\"category\":\"bio\",\"explanation\":\"Not\\nthis.\"}}") DONE,
           (struct stream_expected){.finish = MODEL_REFUSED,
                                    .error = "local: the model refused: Not this.",
                                    .kind = ERR_REFUSED});
    // Cut in the middle of a call: what came of it is told, and judged elsewhere.
    expect(
        START CALL("0", "t", "a") INPUT("0", "{\\\"p") FINISH("max_tokens") DONE,
        (struct stream_expected){.calls = "0:t:a;", .input0 = "{\"p", .finish = MODEL_MAX_TOKENS});
}

#define ERROR(type, message)                                                                       \
    EVENT("error", ",\"error\":{\"type\":\"" type "\",\"message\":\"" message                      \
                   "\"},\"request_id\":\"req_1\"")

static void test_errors_in_the_stream(void **state)
{
    static const struct {
        const char *type;
        enum err_kind kind;
        int status;
        enum model_failure failure;
    } errors[] = {
        {"invalid_request_error", ERR_PROVIDER, 400, MODEL_FAILURE_INVALID_REQUEST},
        {"authentication_error", ERR_AUTH, 401, MODEL_FAILURE_AUTH},
        {"billing_error", ERR_RATE_LIMITED, 402, MODEL_FAILURE_QUOTA_EXHAUSTED},
        {"permission_error", ERR_AUTH, 403, MODEL_FAILURE_AUTH},
        {"not_found_error", ERR_PROVIDER, 404, MODEL_FAILURE_INVALID_REQUEST},
        {"request_too_large", ERR_LIMIT, 413, MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {"rate_limit_error", ERR_RATE_LIMITED, 429, MODEL_FAILURE_RATE_LIMITED},
        {"api_error", ERR_PROVIDER, 500, MODEL_FAILURE_SERVER},
        {"timeout_error", ERR_PROVIDER, 504, MODEL_FAILURE_TIMEOUT},
        {"overloaded_error", ERR_PROVIDER, 529, MODEL_FAILURE_OVERLOADED},
        {"one_of_tomorrow", ERR_PROVIDER, 0, MODEL_FAILURE_SERVER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        // As its own event, and without the name that a proxy has lost.
        char *body = mem_format(
            START TEXT_BLOCK("0") TEXT("0", "x") "%s"
                                                 "data: {\"type\":"
                                                 "\"error\",\"error\":{\"type\":\"%s\",\"message\":"
                                                 "\"Sorry, sk-secret\"}}\n\n" TEXT("0", "y"),
            i % 2 ? "event: error\n" : "", errors[i].type);
        expect(body, (struct stream_expected){.text = "x",
                                              .finish = MODEL_FAILED,
                                              .error = "Sorry, [key]",
                                              .kind = errors[i].kind,
                                              .failure = errors[i].failure,
                                              .error_status = errors[i].status});
        mem_free(body);
    }
    expect(ERROR("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
           (struct stream_expected){.finish = MODEL_FAILED,
                                    .error = "local: HTTP 400: prompt is too long",
                                    .kind = ERR_LIMIT,
                                    .error_status = 400});
}

static void test_broken_streams(void **state)
{
    (void)state;
    expect(START TEXT_BLOCK("0") TEXT("0", "par"),
           (struct stream_expected){.text = "par",
                                    .finish = MODEL_FAILED,
                                    .error = "local: the stream ended early",
                                    .kind = ERR_PROVIDER});
    expect(START "data: {\"type\":\n\n" FINISH("end_turn"),
           (struct stream_expected){
               .finish = MODEL_FAILED, .error = "is not JSON", .kind = ERR_PROVIDER});
    expect(START "data: []\n\n", (struct stream_expected){.finish = MODEL_FAILED,
                                                          .error = "is no JSON object",
                                                          .kind = ERR_PROVIDER});
    expect(START CALL("0", "t", ""), (struct stream_expected){.finish = MODEL_FAILED,
                                                              .error = "a tool without a name",
                                                              .kind = ERR_PROVIDER});
    expect("{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Internal\"}}",
           (struct stream_expected){
               .finish = MODEL_FAILED, .error = "Internal", .kind = ERR_PROVIDER});
    // Members of other types than expected change nothing.
    expect("data: {\"type\":7}\n\ndata: {\"type\":\"message_start\",\"message\":4}\n\n" EVENT(
               "content_block_start", ",\"index\":\"x\",\"content_block\":[]")
               EVENT("content_block_delta", ",\"delta\":{\"type\":\"text_delta\",\"text\":3}")
                   EVENT("message_delta", ",\"delta\":{\"stop_reason\":null},\"usage\":7") DONE,
           (struct stream_expected){.usage = "-1/-1/-1/-1", .finish = MODEL_END_TURN});
}

static void test_ceilings(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 64 << 20);
    for (int i = 0; i <= ANTHROPIC_OPEN_BLOCKS_MAX; i++) {
        buf_addf(&body, TEXT_BLOCK("%d"), i);
        if (i < ANTHROPIC_OPEN_BLOCKS_MAX - 1)
            continue;
        bool over = i == ANTHROPIC_OPEN_BLOCKS_MAX;
        size_t len = body.len;
        buf_add_str(&body, STR(FINISH("end_turn") DONE));
        expect(body.data,
               (struct stream_expected){.finish = over ? MODEL_FAILED : MODEL_END_TURN,
                                        .error = over ? "more than 8 blocks open at once" : NULL,
                                        .kind = over ? ERR_LIMIT : ERR_NONE});
        buf_truncate(&body, len);
    }
    buf_release(&body);
}

static void test_large_signature(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct buf body;
        buf_init(&body, 64 << 20);
        buf_add_str(&body,
                    STR(THINKING_BLOCK("0") "data: {\"type\":\"content_block_delta\","
                                            "\"index\":0,\"delta\":{\"type\":\"signature_delta\","
                                            "\"signature\":\""));
        size_t room = MODEL_OPAQUE_MAX -
                      strlen("{\"kind\":\"anthropic\",\"provider\":\"local\",\"signature\":\"\"}");
        for (size_t i = 0; i < room + (size_t)over; i++)
            buf_add_char(&body, 'A');
        buf_add_str(&body, STR("\"}}\n\n" STOP_BLOCK("0") FINISH("end_turn") DONE));
        stream_expect_whole(anthropic_dialect(), buf_str(&body),
                            over ? MODEL_FAILED : MODEL_END_TURN,
                            over ? "wants back is larger than 4 MiB" : "");
        buf_release(&body);
    }
}

static void test_nothing_after_stop(void **state)
{
    (void)state;
    stream_expect_stops(anthropic_dialect(),
                        START THINKING_BLOCK("0") THINKING("0", "h") SIGNATURE("0", "s")
                            STOP_BLOCK("0") TEXT_BLOCK("1") TEXT("1", "a\xe2") STOP_BLOCK("1")
                                CALL("2", "t", "a") INPUT("2", "{\xe2") FINISH("tool_use") DONE,
                        9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_small_requests),
        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_thinking),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_thinking_goes_to_whom_it_came_from),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_thinking_and_calls),
        cmocka_unit_test(test_stop_reasons),
        cmocka_unit_test(test_errors_in_the_stream),
        cmocka_unit_test(test_broken_streams),
        cmocka_unit_test(test_ceilings),
        cmocka_unit_test(test_large_signature),
        cmocka_unit_test(test_nothing_after_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
