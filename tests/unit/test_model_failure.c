// SPDX-License-Identifier: MIT
// What model servers say when they fail: in their documented form, and in that of servers that
// document nothing.
#include "tests/unit/support/unit.h"

#include "transports/http.h"
#include "transports/model_error.h"
#include "transports/model_failure.h"
#include "transports/model_limits.h"

struct failing {
    int status;
    const char *body;
    enum model_failure failure;
};

static void expect(const struct failing *failing)
{
    struct model_origin origin = {(char *)"lab", (char *)"LAB_KEY", (char *)"sk-secret"};
    struct http_answer answer = {
        .status = failing->status, .retry_after_ms = -1, .error_body = str_of(failing->body)};
    struct model_end end = {0};
    model_error_status(&origin, &answer, &end);
    if (end.failure != failing->failure)
        fail_msg("%d %s: %s, not %s", failing->status, failing->body,
                 model_failure_name(end.failure), model_failure_name(failing->failure));
    assert_int_equal(end.http_status, failing->status);
    assert_int_not_equal(end.err.kind, ERR_NONE);
}

#define EXPECT_ALL(list)                                                                           \
    for (size_t i = 0; i < sizeof(list) / sizeof(*(list)); i++)                                    \
    expect(&(list)[i])

#define ANTHROPIC(type, message)                                                                   \
    "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"" message                  \
    "\"},\"request_id\":\"req_1\"}"
// As OpenRouter hands on what another server has said.
#define BEHIND(raw)                                                                                \
    "{\"error\":{\"message\":\"Provider returned "                                                 \
    "error\",\"code\":400,\"metadata\":{\"raw\":\"" raw "\",\"provider_name\":\"x\"}}}"
#define OPENAI(type, code, message)                                                                \
    "{\"error\":{\"message\":\"" message "\",\"type\":\"" type "\",\"param\":null,\"code\":" code  \
    "}}"
#define GOOGLE(code, state, message, details)                                                      \
    "{\"error\":{\"code\":" code ",\"message\":\"" message "\",\"status\":\"" state                \
    "\",\"details\":[" details "]}}"

static void test_anthropic(void **state)
{
    (void)state;
    const struct failing all[] = {
        {400, ANTHROPIC("invalid_request_error", "messages: at least one message is required"),
         MODEL_FAILURE_INVALID_REQUEST},
        {401, ANTHROPIC("authentication_error", "invalid x-api-key"), MODEL_FAILURE_AUTH},
        {402, ANTHROPIC("billing_error", "Check your payment details"),
         MODEL_FAILURE_QUOTA_EXHAUSTED},
        {403, ANTHROPIC("permission_error", "not for this key"), MODEL_FAILURE_AUTH},
        {404, ANTHROPIC("not_found_error", "model: x"), MODEL_FAILURE_INVALID_REQUEST},
        {413, ANTHROPIC("request_too_large", "Request exceeds the maximum allowed bytes"),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {429, ANTHROPIC("rate_limit_error", "would exceed the rate limit for your organization"),
         MODEL_FAILURE_RATE_LIMITED},
        {500, ANTHROPIC("api_error", "Internal server error"), MODEL_FAILURE_SERVER},
        {504, ANTHROPIC("timeout_error", "timed out"), MODEL_FAILURE_TIMEOUT},
        {529, ANTHROPIC("overloaded_error", "Overloaded"), MODEL_FAILURE_OVERLOADED},
        {400, ANTHROPIC("invalid_request_error", "prompt is too long: 209837 tokens > 200000"),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400,
         ANTHROPIC("invalid_request_error", "input length and `max_tokens` exceed context limit: "
                                            "188240 + 21333 > 200000"),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400,
         ANTHROPIC("invalid_request_error", "Your credit balance is too low to access the "
                                            "Anthropic API."),
         MODEL_FAILURE_QUOTA_EXHAUSTED},
    };
    EXPECT_ALL(all);
}

static void test_openai(void **state)
{
    (void)state;
    const struct failing all[] = {
        {400,
         OPENAI("invalid_request_error", "\"context_length_exceeded\"",
                "This model's maximum context length is 8192 tokens."),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400,
         OPENAI("invalid_request_error", "\"context_length_exceeded\"",
                "Your input exceeds the context window of this model."),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400, OPENAI("invalid_request_error", "\"string_above_max_length\"", "too long"),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400, OPENAI("invalid_request_error", "null", "Missing required parameter: 'model'."),
         MODEL_FAILURE_INVALID_REQUEST},
        {400, OPENAI("invalid_request_error", "\"content_policy_violation\"", "no"),
         MODEL_FAILURE_REFUSED},
        {401, OPENAI("invalid_request_error", "\"invalid_api_key\"", "Incorrect API key"),
         MODEL_FAILURE_AUTH},
        {403, OPENAI("invalid_request_error", "\"unsupported_country_region_territory\"", "no"),
         MODEL_FAILURE_AUTH},
        {404, OPENAI("invalid_request_error", "\"model_not_found\"", "no such model"),
         MODEL_FAILURE_INVALID_REQUEST},
        {429, OPENAI("requests", "\"rate_limit_exceeded\"", "Rate limit reached for gpt-5.1"),
         MODEL_FAILURE_RATE_LIMITED},
        {429,
         OPENAI("tokens", "\"rate_limit_exceeded\"",
                "Request too large for gpt-5.1 on tokens per min (TPM): Limit 30000, Requested "
                "40000."),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {429,
         OPENAI("insufficient_quota", "\"insufficient_quota\"",
                "You exceeded your current quota, please check your plan and billing details."),
         MODEL_FAILURE_QUOTA_EXHAUSTED},
        {400, OPENAI("billing_error", "\"billing_hard_limit_reached\"", "limit"),
         MODEL_FAILURE_QUOTA_EXHAUSTED},
        {429, OPENAI("billing_not_active", "null", "no plan"), MODEL_FAILURE_QUOTA_EXHAUSTED},
        {429, OPENAI("quota_exceeded", "null", "no"), MODEL_FAILURE_QUOTA_EXHAUSTED},
        {400, OPENAI("x", "\"insufficient_balance\"", "no"), MODEL_FAILURE_QUOTA_EXHAUSTED},
        {400, OPENAI("x", "\"bio_policy\"", "no"), MODEL_FAILURE_REFUSED},
        {504, OPENAI("x", "\"vector_store_timeout\"", "no"), MODEL_FAILURE_TIMEOUT},
        {500, OPENAI("server_error", "null", "The server had an error"), MODEL_FAILURE_SERVER},
        {503, OPENAI("server_error", "null", "The engine is overloaded"), MODEL_FAILURE_OVERLOADED},
        {503, OPENAI("server_error", "\"slow_down\"", "Slow down"), MODEL_FAILURE_OVERLOADED},
    };
    EXPECT_ALL(all);
}

static void test_google(void **state)
{
    (void)state;
#define QUOTA(id)                                                                                  \
    "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":"     \
    "\"" id "\"}]}"
    const struct failing all[] = {
        {400, GOOGLE("400", "INVALID_ARGUMENT", "Invalid JSON payload", ""),
         MODEL_FAILURE_INVALID_REQUEST},
        {400,
         GOOGLE("400", "INVALID_ARGUMENT",
                "The input token count (1200000) exceeds the maximum number of tokens allowed "
                "(1048575).",
                ""),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400,
         GOOGLE("400", "INVALID_ARGUMENT", "API key not valid.",
                "{\"reason\":\"API_KEY_INVALID\"}"),
         MODEL_FAILURE_AUTH},
        {400, GOOGLE("400", "FAILED_PRECONDITION", "User location is not supported", ""),
         MODEL_FAILURE_INVALID_REQUEST},
        {401, GOOGLE("401", "UNAUTHENTICATED", "no", ""), MODEL_FAILURE_AUTH},
        {403, GOOGLE("403", "PERMISSION_DENIED", "no", ""), MODEL_FAILURE_AUTH},
        {404, GOOGLE("404", "NOT_FOUND", "models/x is not found", ""),
         MODEL_FAILURE_INVALID_REQUEST},
        {429,
         GOOGLE("429", "RESOURCE_EXHAUSTED", "You exceeded your current quota",
                QUOTA("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")),
         MODEL_FAILURE_RATE_LIMITED},
        {429,
         GOOGLE("429", "RESOURCE_EXHAUSTED", "You exceeded your current quota",
                QUOTA("GenerateRequestsPerDayPerProjectPerModel-FreeTier")),
         MODEL_FAILURE_QUOTA_EXHAUSTED},
        {500, GOOGLE("500", "INTERNAL", "An internal error", ""), MODEL_FAILURE_SERVER},
        {503, GOOGLE("503", "UNAVAILABLE", "The model is overloaded.", ""),
         MODEL_FAILURE_OVERLOADED},
        {504, GOOGLE("504", "DEADLINE_EXCEEDED", "too long", ""), MODEL_FAILURE_TIMEOUT},
    };
    EXPECT_ALL(all);
}

static void test_compatible_servers(void **state)
{
    (void)state;
    const struct failing all[] = {
        // vLLM
        {400,
         "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 tokens. "
         "However, you requested 5000 tokens\",\"type\":\"BadRequestError\",\"code\":400}",
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400,
         "{\"error\":{\"message\":\"The decoder prompt (length 9000) is longer than the maximum "
         "model length of 8192.\",\"type\":\"BadRequestError\",\"code\":400}}",
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        // llama.cpp
        {400,
         "{\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size\","
         "\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":5000,\"n_ctx\":4096}}",
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        // SGLang
        {400,
         "{\"message\":\"The input (9000 tokens) is longer than the model's context length (8192 "
         "tokens).\"}",
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        // LM Studio
        {400,
         "{\"error\":\"Trying to keep the first 5000 tokens when context the overflows. However, "
         "the model is loaded with context length of only 4096 tokens\"}",
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        // Ollama
        {404, "{\"error\":{\"message\":\"model \\\"x\\\" not found, try pulling it first\"}}",
         MODEL_FAILURE_INVALID_REQUEST},
        // Mistral
        {400,
         "{\"object\":\"error\",\"message\":\"Prompt contains 40000 tokens and 0 draft tokens, too "
         "large for model with 32768 maximum context length\",\"type\":\"invalid_request_error\"}",
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {422, "{\"detail\":\"Unprocessable\"}", MODEL_FAILURE_INVALID_REQUEST},
        {429,
         "{\"object\":\"error\",\"message\":\"Service tier capacity exceeded\",\"type\":"
         "\"service_tier_capacity_exceeded\",\"code\":\"3505\"}",
         MODEL_FAILURE_OVERLOADED},
        // xAI
        {400,
         "{\"error\":\"This model's maximum prompt length is 131072 but the request contains "
         "140000 tokens.\"}",
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        // DeepSeek
        {402, OPENAI("unknown_error", "\"invalid_request_error\"", "Insufficient Balance"),
         MODEL_FAILURE_QUOTA_EXHAUSTED},
        // Groq
        {413,
         OPENAI("tokens", "\"rate_limit_exceeded\"",
                "Request too large for model `x` on tokens per minute (TPM)"),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {498, "{\"error\":{\"message\":\"capacity exceeded\"}}", MODEL_FAILURE_OVERLOADED},
        // OpenRouter
        {402, "{\"error\":{\"code\":402,\"message\":\"This request requires more credits\"}}",
         MODEL_FAILURE_QUOTA_EXHAUSTED},
        {403,
         "{\"error\":{\"code\":403,\"message\":\"Input was flagged\",\"metadata\":{\"reasons\":"
         "[\"violence\"],\"flagged_input\":\"...\"}}}",
         MODEL_FAILURE_REFUSED},
        {400, BEHIND("This endpoint's maximum context length is 9 tokens."),
         MODEL_FAILURE_CONTEXT_TOO_LARGE},
        {400,
         BEHIND("{\\\"type\\\":\\\"error\\\",\\\"error\\\":{\\\"type\\\":\\\"overloaded_error\\\","
                "\\\"message\\\":\\\"Overloaded\\\"}}"),
         MODEL_FAILURE_OVERLOADED},
        {429, BEHIND("x is temporarily rate-limited upstream. Please retry shortly"),
         MODEL_FAILURE_RATE_LIMITED},
        {408, "{\"error\":{\"code\":408,\"message\":\"timed out\"}}", MODEL_FAILURE_TIMEOUT},
        {502, "{\"error\":{\"code\":502,\"message\":\"the model is down\"}}", MODEL_FAILURE_SERVER},
        {503, "{\"error\":{\"code\":503,\"message\":\"no provider\"}}", MODEL_FAILURE_OVERLOADED},
        // what stands in between
        {301, "", MODEL_FAILURE_INVALID_REQUEST},
        {407, "<html>", MODEL_FAILURE_INVALID_REQUEST},
        {502, "<html>Bad Gateway</html>", MODEL_FAILURE_SERVER},
        {504, "<html>Gateway Time-out</html>", MODEL_FAILURE_TIMEOUT},
        {524, "", MODEL_FAILURE_TIMEOUT},
        {429, "Too many tokens, please wait before trying again.", MODEL_FAILURE_RATE_LIMITED},
    };
    EXPECT_ALL(all);
}

static void expect_message(const char *body, const char *message)
{
    struct model_origin origin = {(char *)"lab", NULL, (char *)"sk-secret"};
    struct http_answer answer = {.status = 400, .retry_after_ms = -1, .error_body = str_of(body)};
    struct model_end end = {0};
    model_error_status(&origin, &answer, &end);
    assert_string_equal(end.err.message, message);
}

static void test_what_the_server_behind_a_router_says(void **state)
{
    (void)state;
    expect_message(BEHIND("{\\\"error\\\":{\\\"message\\\":\\\"no such tool\\\"}}"),
                   "lab: HTTP 400: no such tool");
    expect_message(BEHIND("plain words, with sk-secret"), "lab: HTTP 400: plain words, with [key]");
    expect_message(BEHIND(""), "lab: HTTP 400: Provider returned error");
    expect_message(BEHIND("{\\\"a\\\":1}"), "lab: HTTP 400: {\"a\":1}");
    // within itself
    expect_message(BEHIND("{\\\"error\\\":{\\\"message\\\":\\\"a\\\",\\\"metadata\\\":{\\\"raw\\\":"
                          "\\\"b\\\"}}}"),
                   "lab: HTTP 400: b");
}

static void test_the_window_that_an_error_names(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        int64_t window;
    } cases[] = {
        {"This model's maximum context length is 8192 tokens. However, you asked for 9000", 8192},
        {"The input (9000 tokens) is longer than the model's context length (8192 tokens).", 8192},
        {"the model is loaded with context length of only 4096 tokens", 4096},
        {"maximum prompt length is 131,072 but the request contains 200000", 131072},
        {"exceeds the maximum number of tokens allowed (1048576).", 1048576},
        {"Maximum Context Length is 8192", 8192},
        {"when context length. 5000 tokens", 0},
        {"the context length that it has was passed by 5000 tokens", 0},
        {"Your input exceeds the context window of this model.", 0},
        {"maximum context length is 9 tokens", 0},
        {"maximum context length is 99999999999999999999 tokens", 0},
        {"context length", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(model_failure_window(str_of(cases[i].message)), cases[i].window);
}

static void test_kinds(void **state)
{
    (void)state;
    struct model_origin origin = {(char *)"lab", NULL, NULL};
    struct http_answer answer = {
        .status = 429,
        .retry_after_ms = -1,
        .error_body = STR(OPENAI("insufficient_quota", "\"insufficient_quota\"", "no money"))};
    struct model_end end = {0};
    model_error_status(&origin, &answer, &end);
    assert_int_equal(end.err.kind, ERR_RATE_LIMITED);
    answer.error_body = STR(OPENAI("x", "\"context_length_exceeded\"", "too long"));
    answer.status = 400;
    model_error_status(&origin, &answer, &end);
    assert_int_equal(end.err.kind, ERR_LIMIT);
    for (enum model_failure failure = 0; failure < MODEL_FAILURE_COUNT; failure++)
        assert_true(strlen(model_failure_name(failure)) > 3);
}

// --- headers

static void take(struct model_limits_reader *reader, const char *const *lines)
{
    model_limits_begin(reader);
    for (; *lines; lines++)
        model_limits_take(reader, str_of(*lines));
}

static void expect_limit(struct model_limit limit, int64_t most, int64_t remaining, int64_t reset)
{
    assert_int_equal(limit.limit, most);
    assert_int_equal(limit.remaining, remaining);
    assert_int_equal(limit.reset_ms, reset);
}

enum { NOW = 1000000 };

static void test_limits_of_anthropic(void **state)
{
    (void)state;
    struct model_limits_reader reader;
    const char *const lines[] = {"Date: Sat, 21 Nov 2026 10:51:30 GMT",
                                 "anthropic-ratelimit-requests-limit: 50",
                                 "Anthropic-RateLimit-Requests-Remaining:49",
                                 "anthropic-ratelimit-requests-reset: 2026-11-21T10:51:31Z",
                                 "anthropic-ratelimit-tokens-limit: 60000",
                                 "anthropic-ratelimit-tokens-remaining: 59000",
                                 "anthropic-ratelimit-tokens-reset: 2026-11-21T10:52:30Z",
                                 "anthropic-ratelimit-input-tokens-limit: 50000",
                                 "anthropic-ratelimit-input-tokens-remaining: 0",
                                 "anthropic-ratelimit-input-tokens-reset: 2026-11-21T10:51:00Z",
                                 "anthropic-ratelimit-output-tokens-remaining: 9000",
                                 "anthropic-ratelimit-unified-status: allowed",
                                 NULL};
    take(&reader, lines);
    const struct model_limits *limits = model_limits_end(&reader, NOW);
    assert_non_null(limits);
    expect_limit(limits->requests, 50, 49, 1000);
    expect_limit(limits->tokens, 60000, 59000, 60000);
    expect_limit(limits->input_tokens, 50000, 0, 0);
    expect_limit(limits->output_tokens, -1, 9000, -1);
}

static void test_limits_of_openai(void **state)
{
    (void)state;
    struct model_limits_reader reader;
    const char *const lines[] = {"x-ratelimit-limit-requests: 5000",
                                 "X-RateLimit-Remaining-Requests: 4999",
                                 "x-ratelimit-reset-requests: 12ms",
                                 "x-ratelimit-limit-tokens: 160000",
                                 "x-ratelimit-remaining-tokens: 3",
                                 "x-ratelimit-reset-tokens: 1h6m0.5s",
                                 NULL};
    take(&reader, lines);
    const struct model_limits *limits = model_limits_end(&reader, NOW);
    assert_non_null(limits);
    expect_limit(limits->requests, 5000, 4999, 12);
    expect_limit(limits->tokens, 160000, 3, 3960500);
    expect_limit(limits->input_tokens, -1, -1, -1);
}

static int64_t reset_of(const char *value, int64_t now)
{
    struct model_limits_reader reader;
    char reset[200];
    snprintf(reset, sizeof(reset), "X-RateLimit-Reset: %s", value);
    const char *const lines[] = {"X-RateLimit-Limit: 20", reset, "X-RateLimit-Remaining: 0", NULL};
    take(&reader, lines);
    const struct model_limits *limits = model_limits_end(&reader, now);
    assert_non_null(limits);
    assert_int_equal(limits->requests.limit, 20);
    assert_int_equal(limits->requests.remaining, 0);
    return limits->requests.reset_ms;
}

static void test_forms_of_resets(void **state)
{
    (void)state;
    const int64_t now = 1741305500000;
    assert_int_equal(reset_of("1741305600000", now), 100000); // OpenRouter
    assert_int_equal(reset_of("1741305501", now), 1000);
    assert_int_equal(reset_of("1741305499", now), 0); // is over
    assert_int_equal(reset_of("30", now), 30000);
    assert_int_equal(reset_of("7.66s", now), 7660); // Groq
    assert_int_equal(reset_of("2m59.56s", now), 179560);
    assert_int_equal(reset_of("1d", now), 86400000);
    const char *const odd[] = {"soon",   "-1", "1x", "s", "1s!", "99999999999999999999",
                               "30000d", "."};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
        assert_int_equal(reset_of(odd[i], now), -1);
}

static void test_no_limits(void **state)
{
    (void)state;
    struct model_limits_reader reader;
    const char *const lines[] = {"Content-Type: text/event-stream",
                                 "x-ratelimit-limit-images: 5",
                                 "x-ratelimit-limit-requests: many",
                                 "x-ratelimit-limit-requests:",
                                 "anthropic-ratelimit-",
                                 "no header",
                                 "",
                                 NULL};
    take(&reader, lines);
    assert_null(model_limits_end(&reader, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anthropic),
        cmocka_unit_test(test_openai),
        cmocka_unit_test(test_google),
        cmocka_unit_test(test_compatible_servers),
        cmocka_unit_test(test_what_the_server_behind_a_router_says),
        cmocka_unit_test(test_the_window_that_an_error_names),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_limits_of_anthropic),
        cmocka_unit_test(test_limits_of_openai),
        cmocka_unit_test(test_forms_of_resets),
        cmocka_unit_test(test_no_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
