// SPDX-License-Identifier: MIT
// Streams in the forms that servers send, cut at every byte.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/stream_check.h"
#include "transports/openai_chat.h"

static void expect(const char *body, struct stream_expected expected)
{
    stream_expect(openai_chat_dialect(), body, expected);
}

#define DELTA(json) "data: {\"choices\":[{\"index\":0,\"delta\":{" json "}}]}\n\n"
#define FINISH(reason)                                                                             \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define CALLS(json) DELTA("\"tool_calls\":[" json "]")

static void test_text(void **state)
{
    (void)state;
    expect(DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"content\":\"Hel\"")
               DELTA("\"content\":\"lo \\u00e9\\n\"") FINISH("stop") DONE,
           (struct stream_expected){.text = "Hello \xc3\xa9\n", .finish = MODEL_END_TURN});
    expect(": OPENROUTER PROCESSING\n\n" DELTA("\"content\":\"x\"") FINISH("length") DONE,
           (struct stream_expected){.text = "x", .finish = MODEL_MAX_TOKENS});
    expect(DELTA("\"content\":null,\"reasoning_content\":\"hm\"") DELTA("\"reasoning\":\"m\"")
               DELTA("\"content\":\"y\"") FINISH("stop"),
           (struct stream_expected){.text = "y",
                                    .reasoning = "hmm",
                                    .opaque = "text:{\"kind\":\"openai-chat\",\"provider\":"
                                              "\"local\",\"field\":\"reasoning_content\"};",
                                    .finish = MODEL_END_TURN});
    expect(DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":"
                 "\"t\"}]},{\"type\":\"text\",\"text\":\"z\"}]") FINISH("stop") DONE,
           (struct stream_expected){.text = "z", .reasoning = "t", .finish = MODEL_END_TURN});
    expect(DELTA("\"refusal\":\"No.\"") FINISH("stop") DONE,
           (struct stream_expected){.text = "No.", .finish = MODEL_REFUSED});
    expect(DELTA("\"content\":\"x\"") FINISH("content_filter") DONE,
           (struct stream_expected){.text = "x", .finish = MODEL_REFUSED});
    expect(DELTA("\"content\":\"all\"") DONE,
           (struct stream_expected){.text = "all", .finish = MODEL_END_TURN});
}

static void test_calls_in_pieces(void **state)
{
    (void)state;
    expect(CALLS("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"read\","
                 "\"arguments\":\"\"}}")
               CALLS("{\"index\":0,\"function\":{\"arguments\":\"{\\\"path\\\":\"}}")
                   CALLS("{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"list\"}}")
                       CALLS("{\"index\":0,\"function\":{\"arguments\":\"\\\"x\\\"}\"}},"
                             "{\"index\":1,\"function\":{\"arguments\":\"{}\"}}")
                           FINISH("tool_calls") DONE,
           (struct stream_expected){.calls = "0:a:read;1:b:list;",
                                    .input0 = "{\"path\":\"x\"}",
                                    .input1 = "{}",
                                    .finish = MODEL_TOOL_CALLS});
    // arguments before the name, id in a later piece than the index
    expect(
        CALLS("{\"index\":3,\"function\":{\"arguments\":\"{\"}}")
            CALLS("{\"index\":3,\"id\":\"c\",\"function\":{\"name\":\"list\",\"arguments\":"
                  "\"}\"}}") FINISH("tool_calls"),
        (struct stream_expected){.calls = "0:c:list;", .input0 = "{}", .finish = MODEL_TOOL_CALLS});
    // id and name in every piece
    expect(
        CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"ls\",\"arguments\":\"{\"}}")
            CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"ls\",\"arguments\":"
                  "\"}\"}}") FINISH("stop") DONE,
        (struct stream_expected){.calls = "0:a:ls;", .input0 = "{}", .finish = MODEL_TOOL_CALLS});
}

static void test_calls_that_servers_send_whole(void **state)
{
    (void)state;
    // no index
    expect(CALLS("{\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"{1}\"}}")
               CALLS("{\"id\":\"b\",\"function\":{\"name\":\"list\",\"arguments\":\"{2}\"}}")
                   FINISH("tool_calls") DONE,
           (struct stream_expected){.calls = "0:a:read;1:b:list;",
                                    .input0 = "{1}",
                                    .input1 = "{2}",
                                    .finish = MODEL_TOOL_CALLS});
    // all with index 0
    expect(CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"1\"}}")
               CALLS("{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"list\",\"arguments\":"
                     "\"2\"}}") FINISH("tool_calls") DONE,
           (struct stream_expected){.calls = "0:a:read;1:b:list;",
                                    .input0 = "1",
                                    .input1 = "2",
                                    .finish = MODEL_TOOL_CALLS});
    // empty, missing and repeated ids: new ones are made up
    expect(CALLS("{\"index\":0,\"id\":\"\",\"function\":{\"name\":\"a\",\"arguments\":\"1\"}},"
                 "{\"index\":1,\"function\":{\"name\":\"b\",\"arguments\":\"2\"}}")
               FINISH("tool_calls") DONE,
           (struct stream_expected){
               .calls = "0:*:a;1:*:b;", .input0 = "1", .input1 = "2", .finish = MODEL_TOOL_CALLS});
    expect(CALLS("{\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"a\",\"arguments\":\"1\"}},"
                 "{\"index\":1,\"id\":\"x\",\"function\":{\"name\":\"b\",\"arguments\":\"2\"}}")
               FINISH("tool_calls") DONE,
           (struct stream_expected){
               .calls = "0:x:a;1:*:b;", .input0 = "1", .input1 = "2", .finish = MODEL_TOOL_CALLS});
    expect(CALLS("{\"id\":\"x\",\"function\":{\"name\":\"a\",\"arguments\":{\"k\":1}}},"
                 "{\"id\":\"x\",\"function\":{\"name\":\"a\",\"arguments\":\"2\"}}") FINISH("stop")
               DONE,
           (struct stream_expected){.calls = "0:x:a;1:*:a;",
                                    .input0 = "{\"k\":1}",
                                    .input1 = "2",
                                    .finish = MODEL_TOOL_CALLS});
    // no index and no id, arguments in pieces
    expect(CALLS("{\"function\":{\"name\":\"a\",\"arguments\":\"{\"}}")
               CALLS("{\"function\":{\"arguments\":\"}\"}}") FINISH("stop") DONE,
           (struct stream_expected){.calls = "0:*:a;", .input0 = "{}", .finish = MODEL_TOOL_CALLS});
    expect(CALLS("{\"index\":0,\"id\":\"x\",\"function\":{\"arguments\":\"{}\"}}") DONE,
           (struct stream_expected){.finish = MODEL_FAILED,
                                    .error = "local: the model called a tool without a name",
                                    .kind = ERR_PROVIDER});
}

static void test_too_many_calls(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 20);
    for (int i = 0; i < MODEL_TOOL_CALLS_MAX; i++)
        buf_addf(&body, CALLS("{\"index\":%d,\"function\":{\"name\":\"a\"}}"), i);
    size_t len = body.len;
    buf_add_str(&body, STR(DONE));
    stream_expect_whole(openai_chat_dialect(), buf_str(&body), MODEL_TOOL_CALLS, "");
    buf_truncate(&body, len);
    buf_add_str(&body, STR(CALLS("{\"index\":99,\"function\":{\"name\":\"a\"}}")));
    stream_expect_whole(openai_chat_dialect(), buf_str(&body), MODEL_FAILED,
                        "more than 64 tool calls");
    buf_release(&body);
}

static void test_characters_cut_in_two(void **state)
{
    (void)state;
    // U+20AC in bytes over three pieces
    expect(DELTA("\"content\":\"a\xe2\"") DELTA("\"content\":\"\x82\"")
               DELTA("\"content\":\"\xac z\"") FINISH("stop") DONE,
           (struct stream_expected){.text = "a\xe2\x82\xac z", .finish = MODEL_END_TURN});
    // U+1F600 as the halves of a pair
    expect(
        DELTA("\"content\":\"a\\ud83d\"") DELTA("\"content\":\"\\ude00 \\\\ud83d z\"")
            FINISH("stop") DONE,
        (struct stream_expected){.text = "a\xf0\x9f\x98\x80 \\ud83d z", .finish = MODEL_END_TURN});
    // what never fits is repaired visibly, and nothing else is lost
    expect(DELTA("\"content\":\"a\xe2\x82\"") DELTA("\"content\":\"b\xff\xac"
                                                    "c\"") DELTA("\"content\":\"\\ude00\\ud83d\"")
               DELTA("\"content\":\"d\\ud83d\"") DONE,
           (struct stream_expected){.text = "a\xef\xbf\xbd"
                                            "b\xef\xbf\xbd\xef\xbf\xbd"
                                            "c\xef\xbf\xbd\xef\xbf\xbd"
                                            "d\xef\xbf\xbd",
                                    .finish = MODEL_END_TURN});
    expect(CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"w\",\"arguments\":\"\xc3\"}}")
               CALLS("{\"index\":0,\"function\":{\"arguments\":\"\xa9\\ud83d\"}}")
                   FINISH("tool_calls") DONE,
           (struct stream_expected){
               .calls = "0:a:w;", .input0 = "\xc3\xa9\xef\xbf\xbd", .finish = MODEL_TOOL_CALLS});
}

static void test_usage(void **state)
{
    (void)state;
    expect(FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,"
                          "\"completion_tokens\":3,\"prompt_tokens_details\":{"
                          "\"cached_tokens\":8}}}\n\n" DONE,
           (struct stream_expected){.usage = "12/3/8/-1", .finish = MODEL_END_TURN});
    // OpenRouter, DeepSeek, Moonshot, Groq
    expect(FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,"
                          "\"completion_tokens\":3,\"prompt_tokens_details\":{"
                          "\"cached_tokens\":8,\"cache_write_tokens\":2}}}\n\n" DONE,
           (struct stream_expected){.usage = "12/3/8/2", .finish = MODEL_END_TURN});
    expect(FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,"
                          "\"completion_tokens\":3,\"prompt_cache_hit_tokens\":7,"
                          "\"prompt_cache_miss_tokens\":5}}\n\n" DONE,
           (struct stream_expected){.usage = "12/3/7/-1", .finish = MODEL_END_TURN});
    expect("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"usage\":{"
           "\"prompt_tokens\":12,\"completion_tokens\":3,\"cached_tokens\":6}}]}\n\n" DONE,
           (struct stream_expected){.usage = "12/3/6/-1", .finish = MODEL_END_TURN});
    expect("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null,"
           "\"x_groq\":{\"id\":\"r\",\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3}}}"
           "\n\n" DONE,
           (struct stream_expected){.usage = "12/3/-1/-1", .finish = MODEL_END_TURN});
    expect(FINISH("stop") "data: {\"usage\":7,\"x_groq\":8}\n\n" DONE,
           (struct stream_expected){.usage = "-1/-1/-1/-1", .finish = MODEL_END_TURN});
}

static void test_broken_streams(void **state)
{
    (void)state;
    expect(DELTA("\"content\":\"par\""),
           (struct stream_expected){.text = "par",
                                    .finish = MODEL_FAILED,
                                    .error = "local: the stream ended early",
                                    .kind = ERR_PROVIDER});
    expect(DELTA("\"content\":\"a\"") "data: {\"choices\":[{]}\n\n" DELTA("\"content\":\"b\""),
           (struct stream_expected){.text = "a",
                                    .finish = MODEL_FAILED,
                                    .error = "local: the server sent a piece that is not JSON",
                                    .kind = ERR_PROVIDER});
    expect("data: 17\n\n" DONE, (struct stream_expected){.finish = MODEL_FAILED,
                                                         .error = "no JSON object",
                                                         .kind = ERR_PROVIDER});
    expect("{\"error\": {\"message\": \"wrong\\nport sk-secret\"}}",
           (struct stream_expected){
               .finish = MODEL_FAILED, .error = "wrong port [key]", .kind = ERR_PROVIDER});
    expect("", (struct stream_expected){.finish = MODEL_FAILED,
                                        .error = "local: the server's answer is empty",
                                        .kind = ERR_PROVIDER});
}

// Members of other types than expected change nothing and crash nothing.
static void test_odd_types(void **state)
{
    (void)state;
    expect("data: {\"choices\":7,\"usage\":3}\n\n"
           "data: {\"choices\":[5]}\n\n"
           "data: {\"choices\":[{\"delta\":3,\"finish_reason\":9}],\"error\":null}\n\n" DELTA(
               "\"content\":5,\"reasoning\":{},\"tool_calls\":1") CALLS("7") FINISH("stop") DONE,
           (struct stream_expected){
               .finish = MODEL_FAILED, .error = "without a name", .kind = ERR_PROVIDER});
}

static void test_finish_reasons(void **state)
{
    static const struct {
        const char *reason;
        enum model_finish finish;
        enum model_failure failure;
    } reasons[] = {
        {"stop", MODEL_END_TURN, MODEL_FAILURE_NONE},
        {"tool_calls", MODEL_END_TURN, MODEL_FAILURE_NONE},
        {"function_call", MODEL_END_TURN, MODEL_FAILURE_NONE},
        {"eos", MODEL_END_TURN, MODEL_FAILURE_NONE}, // of some that run Llama
        {"one_of_tomorrow", MODEL_END_TURN, MODEL_FAILURE_NONE},
        {"length", MODEL_MAX_TOKENS, MODEL_FAILURE_NONE},
        {"model_length", MODEL_MAX_TOKENS, MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {"content_filter", MODEL_REFUSED, MODEL_FAILURE_REFUSED},
        {"insufficient_system_resource", MODEL_FAILED, MODEL_FAILURE_OVERLOADED},
        {"error", MODEL_FAILED, MODEL_FAILURE_SERVER},
        {"abort", MODEL_FAILED, MODEL_FAILURE_SERVER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
        char *body = mem_format(DELTA("\"content\":\"x\"") FINISH("%s") DONE, reasons[i].reason);
        bool failed = reasons[i].finish == MODEL_FAILED;
        expect(body, (struct stream_expected){.text = "x",
                                              .finish = reasons[i].finish,
                                              .failure = reasons[i].failure,
                                              .error = failed ? reasons[i].reason : NULL,
                                              .kind = failed ? ERR_PROVIDER : ERR_NONE});
        mem_free(body);
    }
}

static void test_errors_in_the_stream(void **state)
{
    (void)state;
    expect(DELTA("\"content\":\"a\"") "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}"
                                      "\n\n" DELTA("\"content\":\"b\""),
           (struct stream_expected){.text = "a",
                                    .finish = MODEL_FAILED,
                                    .error = "local: HTTP 503: overloaded",
                                    .kind = ERR_PROVIDER,
                                    .failure = MODEL_FAILURE_OVERLOADED,
                                    .error_status = 503});
    expect("data: {\"error\":{\"message\":\"no money\",\"code\":\"insufficient_quota\"}}\n\n",
           (struct stream_expected){.finish = MODEL_FAILED,
                                    .error = "HTTP 429: no money",
                                    .kind = ERR_RATE_LIMITED,
                                    .failure = MODEL_FAILURE_QUOTA_EXHAUSTED,
                                    .error_status = 429});
    expect("data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n",
           (struct stream_expected){.finish = MODEL_FAILED,
                                    .error = "slow down",
                                    .kind = ERR_RATE_LIMITED,
                                    .error_status = 429});
    expect("data: {\"error\":\"no such key: sk-secret\"}\n\n",
           (struct stream_expected){
               .finish = MODEL_FAILED, .error = "no such key: [key]", .kind = ERR_PROVIDER});
    expect(
        "event: error\ndata: {\"message\":\"too long\",\"code\":\"context_length_exceeded\"}\n\n",
        (struct stream_expected){.finish = MODEL_FAILED,
                                 .error = "too long",
                                 .kind = ERR_LIMIT,
                                 .failure = MODEL_FAILURE_CONTEXT_TOO_LARGE,
                                 .error_status = 400});
    expect("data: {\"error\":{\"message\":\"x\",\"code\":\"context_length_exceeded\"}}\n\n",
           (struct stream_expected){.finish = MODEL_FAILED,
                                    .error = "x",
                                    .kind = ERR_LIMIT,
                                    .failure = MODEL_FAILURE_CONTEXT_TOO_LARGE,
                                    .error_status = 400});
    expect(
        "data: {\"error\":{\"message\":\"k\",\"type\":\"authentication_error\"}}\n\n",
        (struct stream_expected){
            .finish = MODEL_FAILED, .error = "LOCAL_KEY", .kind = ERR_AUTH, .error_status = 401});
}

static void test_nothing_after_stop(void **state)
{
    (void)state;
    stream_expect_stops(
        openai_chat_dialect(),
        DELTA("\"content\":\"a\xe2\",\"reasoning\":\"r\"") CALLS(
            "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"w\",\"arguments\":\"{}\"}},"
            "{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"w\",\"arguments\":\"{\xe2\"}}")
            FINISH("tool_calls") "data: {\"usage\":{\"prompt_tokens\":1}}\n\n" DONE,
        10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_calls_in_pieces),
        cmocka_unit_test(test_calls_that_servers_send_whole),
        cmocka_unit_test(test_too_many_calls),
        cmocka_unit_test(test_characters_cut_in_two),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_broken_streams),
        cmocka_unit_test(test_odd_types),
        cmocka_unit_test(test_finish_reasons),
        cmocka_unit_test(test_errors_in_the_stream),
        cmocka_unit_test(test_nothing_after_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
