// SPDX-License-Identifier: MIT
// The dialect over real HTTP: requests as they go out, failures as they come back.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"
#include "tests/unit/support/web_server.h"
#include "transports/http.h"
#include "transports/model_http.h"
#include "transports/openai_chat.h"
#include "transports/openai_request.h"
#include "transports/providers.h"

// --- what is sent

static void expect_body(const struct model_request *request, bool openai, const char *expected)
{
    struct buf out;
    struct model_target target = {STR("lab"), STR("https://host/v1"), 0};
    if (openai)
        target.base_url = STR("https://api.openai.com/v1");
    buf_init(&out, MODEL_REQUEST_MAX);
    openai_request_write(&out, request, &target);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

#define TAIL "\"stream\":true,\"stream_options\":{\"include_usage\":true}}"

static void test_request(void **state)
{
    (void)state;
    const struct model_part parts[] = {
        {.kind = MODEL_USER_TEXT, .text = STR("do \"it\"")},
        {.kind = MODEL_USER_TEXT, .text = STR("now")},
        {.kind = MODEL_REASONING, .text = STR("hm")},
        {.kind = MODEL_ASSISTANT_TEXT, .text = STR("ok")},
        {.kind = MODEL_TOOL_CALL,
         .call_id = STR("1"),
         .name = STR("read"),
         .input = STR("{\"path\":\"x\"}")},
        {.kind = MODEL_TOOL_CALL, .call_id = STR("2"), .name = STR("list")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("1"), .text = STR("text")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("2"), .text = STR("no"), .failed = true},
        {.kind = MODEL_TOOL_CALL, .call_id = STR("3"), .name = STR("list"), .input = STR("{}")},
        {.kind = MODEL_TOOL_RESULT, .call_id = STR("3"), .text = STR("")},
        {.kind = MODEL_REASONING, .text = STR("hm")},
        {.kind = MODEL_USER_TEXT, .text = STR("go on")},
    };
    const struct model_tool tools[] = {{"read", "Reads.", "{\"type\":\"object\"}"}};
    struct model_request request = {.model = STR("m"),
                                    .system = STR("be good"),
                                    .parts = parts,
                                    .part_count = sizeof(parts) / sizeof(*parts),
                                    .tools = tools,
                                    .tool_count = 1,
                                    .max_output_tokens = 9};
#define MESSAGES                                                                                   \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be good\"},"                \
    "{\"role\":\"user\",\"content\":\"do \\\"it\\\"\\n\\nnow\"},"                                  \
    "{\"role\":\"assistant\",\"content\":\"ok\",\"tool_calls\":["                                  \
    "{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"read\","                         \
    "\"arguments\":\"{\\\"path\\\":\\\"x\\\"}\"}},"                                                \
    "{\"id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}"   \
    "]},"                                                                                          \
    "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"text\"},"                             \
    "{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":\"Error: no\"},"                        \
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["                                    \
    "{\"id\":\"3\",\"type\":\"function\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}"   \
    "]},"                                                                                          \
    "{\"role\":\"tool\",\"tool_call_id\":\"3\",\"content\":\"\"},"                                 \
    "{\"role\":\"user\",\"content\":\"go on\"}],"                                                  \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"read\",\"description\":"           \
    "\"Reads.\",\"parameters\":{\"type\":\"object\"}}}],"
    expect_body(&request, false, MESSAGES "\"max_tokens\":9," TAIL);
    expect_body(&request, true, MESSAGES "\"max_completion_tokens\":9," TAIL);
    request = (struct model_request){.model = STR("m"), .parts = parts, .part_count = 1};
    expect_body(&request, false,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"do "
                "\\\"it\\\"\"}]," TAIL);
}

// --- over HTTP

struct world {
    struct loop *loop;
    struct web_server *server;
    struct http *http;
    struct config config;
    struct providers *providers;
    struct provider *provider;
    const char *answer; // head and body as they are
    bool hold;          // between the answer and its end
    char *head, *body;  // of the last request
    struct model_call *call;
    struct buf text;
    struct model_end end;
    int texts, ends, closed;
    bool cancel_at_text, cancel_at_limits;
    struct model_limits limits;
    int limits_told;
};

static bool handle(struct web_connection *c, const struct web_request *request, void *arg)
{
    struct world *world = arg;
    mem_free(world->head);
    mem_free(world->body);
    world->head = mem_dup(str_of(request->head));
    world->body = mem_dup(str_of(request->body));
    web_send(c, world->answer, strlen(world->answer));
    if (world->hold)
        web_hold(c);
    return false;
}

static void on_limits(void *arg, const struct model_limits *limits)
{
    struct world *world = arg;
    assert_int_equal(world->texts, 0);
    world->limits = *limits;
    world->limits_told++;
    if (world->cancel_at_limits) {
        world->provider->ops->cancel(world->call);
        world->call = NULL;
    }
}

static void on_text(void *arg, struct str piece)
{
    struct world *world = arg;
    assert_non_null(world->call);
    buf_add_str(&world->text, piece);
    world->texts++;
    if (world->cancel_at_text) {
        world->provider->ops->cancel(world->call);
        world->call = NULL;
    }
}

static void on_usage(void *arg, const struct model_usage *usage)
{
    (void)arg;
    (void)usage;
}

static void on_end(void *arg, const struct model_end *end)
{
    struct world *world = arg;
    assert_non_null(world->call);
    world->call = NULL;
    world->end = *end;
    world->ends++;
}

static const struct model_sink sink = {
    .limits = on_limits, .text = on_text, .usage = on_usage, .end = on_end};

static void find_provider(struct world *world)
{
    struct err err = {0};
    struct provider_port port = providers_port(world->providers);
    world->provider = port.find(port.ctx, STR("lab"), &err);
    assert_string_equal(err.message, "");
    assert_non_null(world->provider);
    assert_false(world->provider->scripted);
}

static int setup(void **state)
{
    struct world *world = mem_new(sizeof(*world));
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    setenv("LAB_KEY", "sk-very-secret", 1);
    world->loop = real_loop_create();
    world->server = web_server_create(handle, world);
    world->http = http_create(world->loop);
    world->config = (struct config){.stall_s = 30, .provider_count = 2};
    world->config.providers[0] = (struct provider_config){
        .name = (char *)"lab",
        .base_url = mem_format("http://127.0.0.1:%d/v1", web_server_port(world->server)),
        .api_key_env = (char *)"LAB_KEY"};
    world->config.providers[1] =
        (struct provider_config){.name = (char *)"toy", .kind = PROVIDER_DEMO};
    world->providers = providers_create(world->loop, world->http, &world->config);
    buf_init(&world->text, 1 << 20);
    *state = world;
    return 0;
}

static void on_closed(void *arg)
{
    struct world *world = arg;
    world->closed++;
}

static int teardown(void **state)
{
    struct world *world = *state;
    http_close(world->http, on_closed, world);
    real_loop_until(world->loop, &world->closed, 1);
    providers_destroy(world->providers);
    real_loop_turns(world->loop, 2);
    real_loop_destroy(world->loop);
    web_server_destroy(world->server);
    buf_release(&world->text);
    mem_free(world->config.providers[0].base_url);
    mem_free(world->head);
    mem_free(world->body);
    mem_free(world);
    return 0;
}

static void start(struct world *world, const char *answer)
{
    const struct model_part part = {.kind = MODEL_USER_TEXT, .text = STR("hi")};
    struct model_request request = {.model = STR("m"), .parts = &part, .part_count = 1};
    find_provider(world);
    world->answer = answer;
    buf_clear(&world->text);
    world->call = world->provider->ops->start(world->provider, &request, &sink, world);
    assert_int_equal(world->texts, 0);
}

static void ask(struct world *world, const char *answer)
{
    int ends = world->ends;
    world->texts = 0;
    start(world, answer);
    real_loop_until(world->loop, &world->ends, ends + 1);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define HELLO "data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n"
#define STOP "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"

static void test_answer(void **state)
{
    struct world *world = *state;
    ask(world, OK HELLO STOP "data: [DONE]\n\n");
    assert_string_equal(world->text.data, "hello");
    assert_int_equal(world->end.finish, MODEL_END_TURN);
    assert_int_equal(world->end.err.kind, ERR_NONE);
    assert_int_equal(world->end.http_status, 200);
    assert_int_equal(strncmp(world->head, "POST /v1/chat/completions HTTP/1.1\r\n", 36), 0);
    assert_non_null(strstr(world->head, "Authorization: Bearer sk-very-secret\r\n"));
    assert_non_null(strstr(world->head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(world->body, "\"stream\":true"));
}

static void test_end_comes_with_done(void **state)
{
    struct world *world = *state;
    world->hold = true; // the connection stays open behind [DONE]
    ask(world, OK HELLO STOP "data: [DONE]\n\n");
    assert_int_equal(world->end.finish, MODEL_END_TURN);
}

static void expect_failure(struct world *world, const char *answer, enum err_kind kind,
                           const char *message)
{
    ask(world, answer);
    assert_int_equal(world->end.finish, MODEL_FAILED);
    assert_string_equal(world->end.err.message, message);
    assert_int_equal(world->end.err.kind, kind);
}

static void test_statuses(void **state)
{
    struct world *world = *state;
    expect_failure(world,
                   "HTTP/1.1 401 No\r\nContent-Length: 57\r\n\r\n"
                   "{\"error\":{\"message\":\"Incorrect API key: sk-very-secret.\"}}",
                   ERR_AUTH,
                   "lab: HTTP 401: {\"error\":{\"message\":\"Incorrect API key: [key].\"} (check "
                   "the key in the environment variable LAB_KEY)");
    expect_failure(world,
                   "HTTP/1.1 401 No\r\n\r\n"
                   "{\"error\":{\"message\":\"Incorrect API key: sk-very-secret.\"}}",
                   ERR_AUTH,
                   "lab: HTTP 401: Incorrect API key: [key]. (check the key in the environment "
                   "variable LAB_KEY)");
    expect_failure(world, "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\n\r\n{\"error\":\"slow down\"}",
                   ERR_RATE_LIMITED, "lab: HTTP 429: slow down");
    assert_int_equal(world->end.retry_after_ms, 3000);
    assert_int_equal(world->end.http_status, 429);
    assert_int_equal(world->end.failure, MODEL_FAILURE_RATE_LIMITED);
    expect_failure(world, "HTTP/1.1 404 Gone\r\n\r\n{\"detail\":\"no model m\"}", ERR_PROVIDER,
                   "lab: HTTP 404: no model m (check the model's name and "
                   "providers.lab.base_url)");
    expect_failure(world,
                   "HTTP/1.1 400 Bad\r\n\r\n{\"error\":{\"message\":\"too long\",\"code\":"
                   "\"context_length_exceeded\"}}",
                   ERR_LIMIT, "lab: HTTP 400: too long");
    expect_failure(world, "HTTP/1.1 502 Bad\r\n\r\n<html><body>nginx</body></html>", ERR_PROVIDER,
                   "lab: HTTP 502: (an HTML page)");
    expect_failure(world, "HTTP/1.1 500 Bad\r\n\r\nplain\nwords", ERR_PROVIDER,
                   "lab: HTTP 500: plain words");
    expect_failure(world, "HTTP/1.1 503 Bad\r\nContent-Length: 0\r\n\r\n", ERR_PROVIDER,
                   "lab: HTTP 503: the server gave no reason");
    expect_failure(world, "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
                   ERR_PROVIDER,
                   "lab: HTTP 301: the server gave no reason (redirects are not followed: write "
                   "the final address as providers.lab.base_url)");
}

static void test_broken_connections(void **state)
{
    struct world *world = *state;
    ask(world, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" HELLO);
    assert_int_equal(world->end.finish, MODEL_FAILED);
    assert_int_equal(strncmp(world->end.err.message, "lab: 127.0.0.1: ", 16), 0);
    assert_string_equal(world->text.data, "hello");
    ask(world, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" HELLO STOP);
    assert_int_equal(world->end.finish, MODEL_END_TURN); // all had been said
    expect_failure(world, OK HELLO, ERR_PROVIDER, "lab: the stream ended early");
    assert_int_equal(world->end.failure, MODEL_FAILURE_NETWORK);
    ask(world, "");
    assert_int_equal(world->end.finish, MODEL_FAILED);
    assert_int_equal(world->end.http_status, 0);
    assert_int_equal(world->end.failure, MODEL_FAILURE_NETWORK);
}

static void test_stalled_connection(void **state)
{
    struct world *world = *state;
    world->hold = true;
    world->config.stall_s = 1;
    ask(world, OK HELLO);
    assert_int_equal(world->end.finish, MODEL_FAILED);
    assert_int_equal(world->end.failure, MODEL_FAILURE_TIMEOUT);
    assert_string_equal(world->text.data, "hello");
}

// --- limits

static void test_limits(void **state)
{
    struct world *world = *state;
    ask(world, "HTTP/1.1 200 OK\r\nx-ratelimit-remaining-requests: 7\r\n\r\n" HELLO STOP);
    assert_int_equal(world->limits_told, 1);
    assert_int_equal(world->limits.requests.remaining, 7);
    assert_int_equal(world->end.finish, MODEL_END_TURN);
    ask(world, OK HELLO STOP);
    assert_int_equal(world->limits_told, 1);
    ask(world, "HTTP/1.1 429 Slow\r\nx-ratelimit-reset-tokens: 2s\r\nx-ratelimit-remaining-tokens: "
               "0\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(world->limits_told, 2);
    assert_int_equal(world->limits.tokens.reset_ms, 2000);
    assert_int_equal(world->limits.requests.remaining, -1);
    assert_int_equal(world->end.failure, MODEL_FAILURE_RATE_LIMITED);
}

static void test_cancel_at_limits(void **state)
{
    struct world *world = *state;
    world->cancel_at_limits = true;
    start(world, "HTTP/1.1 200 OK\r\nx-ratelimit-remaining-requests: 7\r\n\r\n" HELLO STOP);
    real_loop_until(world->loop, &world->limits_told, 1);
    real_loop_turns(world->loop, 20);
    assert_int_equal(world->texts + world->ends, 0);
}

static void test_malformed_piece_ends_the_call(void **state)
{
    struct world *world = *state;
    world->hold = true;
    ask(world, OK HELLO "data: {\"choices\":\n\n" HELLO);
    assert_int_equal(world->end.finish, MODEL_FAILED);
    assert_non_null(strstr(world->end.err.message, "not JSON"));
    assert_string_equal(world->text.data, "hello");
}

static void test_cancel_in_the_sink(void **state)
{
    struct world *world = *state;
    world->cancel_at_text = true;
    world->hold = true;
    start(world, OK HELLO HELLO STOP "data: [DONE]\n\n");
    real_loop_until(world->loop, &world->texts, 1);
    real_loop_turns(world->loop, 20);
    assert_string_equal(world->text.data, "hello");
    assert_int_equal(world->ends, 0);
}

static void test_cancel_at_once(void **state)
{
    struct world *world = *state;
    start(world, OK HELLO);
    world->provider->ops->cancel(world->call);
    world->call = NULL;
    real_loop_turns(world->loop, 20);
    assert_int_equal(world->texts + world->ends, 0);
}

// The request is refused before it is sent, and not from within start().
static void test_too_large(void **state)
{
    struct world *world = *state;
    size_t size = MODEL_REQUEST_MAX;
    char *text = malloc(size);
    memset(text, 'x', size);
    const struct model_part part = {.kind = MODEL_USER_TEXT, .text = {text, size}};
    struct model_request request = {.model = STR("m"), .parts = &part, .part_count = 1};
    find_provider(world);
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        world->call = world->provider->ops->start(world->provider, &request, &sink, world);
        assert_int_equal(world->ends, cancelled);
        if (cancelled) {
            world->provider->ops->cancel(world->call);
            real_loop_turns(world->loop, 3);
        }
        real_loop_until(world->loop, &world->ends, 1);
    }
    assert_int_equal(world->ends, 1);
    assert_string_equal(world->end.err.message, "lab: the request is larger than 64 MiB");
    assert_int_equal(world->end.err.kind, ERR_LIMIT);
    free(text);
}

static void test_providers(void **state)
{
    struct world *world = *state;
    struct provider_port port = providers_port(world->providers);
    struct err err = {0};
    assert_null(port.find(port.ctx, STR("nowhere"), &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.message, "no provider is called 'nowhere'; there are lab, toy");
    unsetenv("LAB_KEY");
    assert_null(port.find(port.ctx, STR("lab"), &err));
    assert_int_equal(err.kind, ERR_AUTH);
    assert_non_null(strstr(err.message, "LAB_KEY"));
    setenv("LAB_KEY", "two\nlines", 1);
    assert_null(port.find(port.ctx, STR("lab"), &err));
    assert_null(strstr(err.message, "two"));
    setenv("LAB_KEY", "fine", 1);
    struct provider *lab = port.find(port.ctx, STR("lab"), &err);
    assert_non_null(lab);
    assert_ptr_equal(port.find(port.ctx, STR("lab"), &err), lab);
    struct provider *toy = port.find(port.ctx, STR("toy"), &err);
    assert_true(toy->scripted);
    assert_string_equal(toy->name, "toy");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        WITH_WORLD(test_answer),
        WITH_WORLD(test_end_comes_with_done),
        WITH_WORLD(test_statuses),
        WITH_WORLD(test_stalled_connection),
        WITH_WORLD(test_limits),
        WITH_WORLD(test_cancel_at_limits),
        WITH_WORLD(test_broken_connections),
        WITH_WORLD(test_malformed_piece_ends_the_call),
        WITH_WORLD(test_cancel_in_the_sink),
        WITH_WORLD(test_cancel_at_once),
        WITH_WORLD(test_too_large),
        WITH_WORLD(test_providers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
