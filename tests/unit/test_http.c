// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/ports.h"
#include "tests/unit/support/real_loop.h"
#include "tests/unit/support/web_server.h"
#include "transports/http.h"

#include <arpa/inet.h>
#include <unistd.h>
#include <uv.h>

enum { STREAMS = 200 };

// --- the server

static bool redirect_or_error(struct web_connection *c, const char *path)
{
    if (strcmp(path, "/429") == 0)
        web_print(c, "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nwait");
    else if (strcmp(path, "/429-date") == 0)
        web_print(c, "HTTP/1.1 429 Slow\r\nRetry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\n"
                     "Content-Length: 0\r\n\r\n");
    else if (strcmp(path, "/429-ms") == 0)
        web_print(c, "HTTP/1.1 429 Slow\r\nretry-after: 2\r\nretry-after-ms: 1500\r\n"
                     "Content-Length: 0\r\n\r\n");
    else if (strcmp(path, "/302") == 0)
        web_print(c, "HTTP/1.1 302 Away\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    else
        return false;
    return true;
}

static void send_large_error(struct web_connection *c)
{
    web_print(c, "HTTP/1.1 500 Bad\r\nContent-Length: %d\r\n\r\n", HTTP_ERROR_BODY_MAX * 2);
    for (int i = 0; i < HTTP_ERROR_BODY_MAX * 2; i += 64)
        web_print(c, "%064d", i);
}

static bool handle(struct web_connection *c, const struct web_request *request, void *arg)
{
    static const char stream[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    (void)arg;
    if (redirect_or_error(c, request->path))
        return true;
    if (strcmp(request->path, "/echo") == 0) {
        web_print(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", request->body_len,
                  request->body);
    } else if (strcmp(request->path, "/head") == 0) {
        web_print(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(request->head),
                  request->head);
    } else if (strcmp(request->path, "/500") == 0) {
        send_large_error(c);
    } else if (strcmp(request->path, "/cut") == 0) {
        web_print(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        return false;
    } else { // /held: a first chunk, and the rest when the test says so
        web_print(c, "%s", stream);
        web_chunk(c, "a");
        web_hold(c);
        web_chunk(c, "b");
        web_chunk(c, "");
    }
    return true;
}

// --- the client

struct world {
    struct loop *loop;
    struct web_server *server;
    struct http *http;
    int bodies, ends, closed; // counts to wait for
};

struct fetch {
    struct world *world;
    struct http_request *request;
    struct buf body, error_body;
    int status, bodies, ends;
    int64_t retry_after_ms;
    struct err err;
    enum { KEEP, CANCEL, LET_GO } at_first_body;
    bool in_start;
};

static void on_body(void *arg, struct str bytes)
{
    struct fetch *fetch = arg;
    assert_non_null(fetch->request); // nothing after a cancel
    assert_false(fetch->in_start);
    buf_add_str(&fetch->body, bytes);
    fetch->world->bodies += fetch->bodies++ == 0;
    if (fetch->at_first_body == CANCEL)
        http_cancel(fetch->request);
    else if (fetch->at_first_body == LET_GO)
        http_let_go(fetch->request);
    if (fetch->at_first_body != KEEP)
        fetch->request = NULL;
}

static void on_ended(void *arg, const struct http_answer *answer, const struct err *err)
{
    struct fetch *fetch = arg;
    assert_non_null(fetch->request);
    assert_false(fetch->in_start);
    fetch->request = NULL;
    fetch->status = answer->status;
    fetch->retry_after_ms = answer->retry_after_ms;
    buf_add_str(&fetch->error_body, answer->error_body);
    fetch->err = *err;
    fetch->ends++;
    fetch->world->ends++;
}

static const struct http_sink sink = {.body = on_body, .ended = on_ended};

static void start_at(struct fetch *fetch, struct world *world, const char *url, const char *body,
                     int64_t stall_ms)
{
    const char *headers[] = {"Authorization: Bearer s3cret", "X-Test: yes", NULL};
    struct http_spec spec = {.url = str_of(url), .headers = headers, .stall_ms = stall_ms};
    if (body) {
        spec.body = mem_dup(str_of(body));
        spec.body_len = strlen(body);
    }
    fetch->world = world;
    buf_init(&fetch->body, 1 << 20);
    buf_init(&fetch->error_body, 1 << 20);
    fetch->in_start = true;
    fetch->request = http_start(world->http, &spec, &sink, fetch);
    fetch->in_start = false;
}

static void start(struct fetch *fetch, struct world *world, const char *path, const char *body)
{
    char url[128];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", web_server_port(world->server), path);
    start_at(fetch, world, url, body, 30000);
}

static void fetch_release(struct fetch *fetch)
{
    buf_release(&fetch->body);
    buf_release(&fetch->error_body);
}

static int setup(void **state)
{
    struct world *world = mem_new(sizeof(*world));
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    world->loop = real_loop_create();
    world->server = web_server_create(handle, world);
    world->http = http_create(world->loop);
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
    assert_int_equal(world->closed, 0);
    real_loop_until(world->loop, &world->closed, 1);
    real_loop_destroy(world->loop);
    web_server_destroy(world->server);
    mem_free(world);
    return 0;
}

static void get(struct world *world, struct fetch *fetch, const char *path, const char *body)
{
    int ends = world->ends;
    start(fetch, world, path, body);
    real_loop_until(world->loop, &world->ends, ends + 1);
}

static void test_post_and_get(void **state)
{
    struct world *world = *state;
    struct fetch post = {0}, head = {0};
    get(world, &post, "/echo", "hello");
    assert_string_equal(post.err.message, "");
    assert_int_equal(post.status, 200);
    assert_string_equal(post.body.data, "hello");
    assert_int_equal(post.retry_after_ms, -1);
    get(world, &head, "/head", NULL);
    assert_int_equal(strncmp(head.body.data, "GET /head ", 10), 0);
    assert_non_null(strstr(head.body.data, "X-Test: yes"));
    assert_non_null(strstr(head.body.data, "Authorization: Bearer s3cret"));
    assert_non_null(strstr(head.body.data, "User-Agent: swarmd/"));
    fetch_release(&post);
    fetch_release(&head);
}

static void test_large_post(void **state)
{
    struct world *world = *state;
    struct fetch fetch = {0};
    size_t size = 900000;
    char *body = malloc(size + 1);
    memset(body, 'x', size);
    body[size] = '\0';
    get(world, &fetch, "/echo", body);
    assert_int_equal(fetch.body.len, size);
    assert_string_equal(fetch.body.data, body);
    free(body);
    fetch_release(&fetch);
}

static void test_connection_is_reused(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 5; i++) {
        struct fetch fetch = {0};
        get(world, &fetch, i == 2 ? "/429" : "/echo", "x");
        fetch_release(&fetch);
    }
    assert_int_equal(web_server_accepted(world->server), 1);
    assert_int_equal(http_stats(world->http).connections, 1);
    assert_int_equal(http_stats(world->http).requests, 5);
}

static void test_error_answers(void **state)
{
    struct world *world = *state;
    struct fetch slow = {0}, date = {0}, ms = {0}, large = {0}, away = {0};
    get(world, &slow, "/429", "x");
    assert_int_equal(slow.status, 429);
    assert_int_equal(slow.err.kind, ERR_NONE);
    assert_int_equal(slow.retry_after_ms, 7000);
    assert_int_equal(slow.bodies, 0);
    assert_string_equal(slow.error_body.data, "wait");
    get(world, &date, "/429-date", "x");
    assert_true(date.retry_after_ms > INT64_C(1000) * 3600 * 24 * 365);
    get(world, &ms, "/429-ms", "x");
    assert_int_equal(ms.retry_after_ms, 1500);
    get(world, &large, "/500", "x");
    assert_int_equal(large.status, 500);
    assert_int_equal(large.error_body.len, HTTP_ERROR_BODY_MAX);
    get(world, &away, "/302", "x");
    assert_int_equal(away.status, 302); // not followed
    struct fetch *all[] = {&slow, &date, &ms, &large, &away};
    for (size_t i = 0; i < 5; i++)
        fetch_release(all[i]);
}

static void test_cut_off(void **state)
{
    struct world *world = *state;
    struct fetch fetch = {0};
    get(world, &fetch, "/cut", "x");
    assert_string_equal(fetch.body.data, "only this");
    assert_int_equal(fetch.status, 200);
    assert_int_equal(fetch.err.kind, ERR_PROVIDER);
    assert_int_equal(strncmp(fetch.err.message, "127.0.0.1: ", 11), 0);
    assert_null(strstr(fetch.err.message, "s3cret"));
    fetch_release(&fetch);
}

static void test_nobody_there(void **state)
{
    struct world *world = *state;
    struct fetch refused = {0}, scheme = {0};
    // A port that is bound and does not listen refuses.
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    start_at(&refused, world, url, "x", 30000);
    start_at(&scheme, world, "gopher://127.0.0.1/", "x", 30000);
    real_loop_until(world->loop, &world->ends, 2);
    close(fd);
    assert_int_equal(refused.status, 0);
    assert_int_equal(refused.err.kind, ERR_PROVIDER);
    assert_non_null(strstr(refused.err.message, "127.0.0.1"));
    assert_int_equal(scheme.err.kind, ERR_PROVIDER);
    fetch_release(&refused);
    fetch_release(&scheme);
}

static void test_name_that_is_none(void **state)
{
    struct world *world = *state;
    struct fetch all[3] = {0};
    for (int i = 0; i < 3; i++) // .invalid never resolves: RFC 6761
        start_at(&all[i], world, "http://nobody.invalid/", "x", 30000);
    real_loop_until(world->loop, &world->ends, 3);
    for (int i = 0; i < 3; i++) {
        assert_non_null(strstr(all[i].err.message, "nobody.invalid"));
        fetch_release(&all[i]);
    }
}

static void test_stall(void **state)
{
    struct world *world = *state;
    struct fetch fetch = {0};
    char url[128];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/held", web_server_port(world->server));
    start_at(&fetch, world, url, "x", 100);
    real_loop_until(world->loop, &world->ends, 1);
    assert_string_equal(fetch.body.data, "a");
    assert_string_equal(fetch.err.message, "127.0.0.1: no byte came for 0.1 s");
    fetch_release(&fetch);
}

static void test_never_connects(void **state)
{
    struct world *world = *state;
    struct fetch fetch = {0};
    // A listener whose queue is full lets no connection be made.
    int fd = socket(AF_INET, SOCK_STREAM, 0), fill[8];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 8; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&address, size);
    }
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    start_at(&fetch, world, url, "x", 200);
    real_loop_until(world->loop, &world->ends, 1);
    assert_string_equal(fetch.err.message, "127.0.0.1: no connection after 0.2 s");
    for (int i = 0; i < 8; i++)
        close(fill[i]);
    close(fd);
    fetch_release(&fetch);
}

static void test_cancel(void **state)
{
    struct world *world = *state;
    struct fetch inside = {.at_first_body = CANCEL}, queued = {0}, running = {0}, last = {0};
    start(&inside, world, "/held", "x");
    start(&queued, world, "/held", "x");
    http_cancel(queued.request); // before curl has started
    queued.request = NULL;
    start(&running, world, "/held", "x");
    real_loop_until(world->loop, &world->bodies, 2);
    http_cancel(running.request);
    running.request = NULL;
    web_server_release(world->server);
    get(world, &last, "/echo", "z");
    real_loop_turns(world->loop, 20);
    assert_int_equal(inside.ends + queued.ends + running.ends, 0);
    assert_string_equal(inside.body.data, "a");
    struct fetch *all[] = {&inside, &queued, &running, &last};
    for (size_t i = 0; i < 4; i++)
        fetch_release(all[i]);
}

static void test_let_go_keeps_the_connection(void **state)
{
    struct world *world = *state;
    struct fetch first = {.at_first_body = LET_GO}, cancelled = {.at_first_body = CANCEL};
    struct fetch second = {0}, third = {0};
    start(&first, world, "/held", "x");
    real_loop_until(world->loop, &world->bodies, 1);
    web_server_release(world->server);
    while (http_stats(world->http).active) // the end of the body is read
        uv_run(loop_uv(world->loop), UV_RUN_ONCE);
    get(world, &second, "/echo", "x");
    assert_int_equal(web_server_accepted(world->server), 1);
    assert_string_equal(first.body.data, "a");
    assert_int_equal(first.ends, 0);
    start(&cancelled, world, "/held", "x");
    real_loop_until(world->loop, &world->bodies, 3);
    get(world, &third, "/echo", "x");
    assert_int_equal(web_server_accepted(world->server), 2);
    struct fetch *all[] = {&first, &cancelled, &second, &third};
    for (size_t i = 0; i < 4; i++)
        fetch_release(all[i]);
}

static void test_many_streams(void **state)
{
    struct world *world = *state;
    struct fetch *all = mem_new_array(STREAMS, sizeof(*all));
    for (int i = 0; i < STREAMS; i++)
        start(&all[i], world, "/held", "x");
    real_loop_until(world->loop, &world->bodies, STREAMS); // all at once, none waits for another
    assert_int_equal(world->ends, 0);
    web_server_release(world->server);
    real_loop_until(world->loop, &world->ends, STREAMS);
    for (int i = 0; i < STREAMS; i++) {
        assert_string_equal(all[i].err.message, "");
        assert_string_equal(all[i].body.data, "ab");
        fetch_release(&all[i]);
    }
    assert_int_equal(web_server_accepted(world->server), STREAMS);
    mem_free(all);
}

static void test_burst_to_a_name(void **state)
{
    struct world *world = *state;
    struct fetch all[50] = {0};
    char url[128], host[65] = "";
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    snprintf(url, sizeof(url), "http://%s:%d/echo", host, web_server_port(world->server));
    for (int i = 0; i < 50; i++)
        start_at(&all[i], world, url, "x", 30000);
    // Whether the machine's own name leads to the loopback is its own matter: all end alike.
    real_loop_until(world->loop, &world->ends, 50);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(all[i].status, all[0].status);
        fetch_release(&all[i]);
    }
}

static void test_close_with_requests(void **state)
{
    struct world *world = *state;
    struct fetch running = {0}, queued = {0}, lingering = {.at_first_body = LET_GO};
    start(&running, world, "/held", "x");
    start(&lingering, world, "/held", "x");
    real_loop_until(world->loop, &world->bodies, 2);
    start(&queued, world, "/held", "x"); // the teardown closes over all three
    fetch_release(&running);
    fetch_release(&queued);
    fetch_release(&lingering);
}

static void test_close_at_once(void **state)
{
    struct world *world = *state;
    struct fetch fetch = {0};
    start(&fetch, world, "/held", "x"); // curl is being started when the teardown closes
    fetch_release(&fetch);
}

static void test_close_unused(void **state)
{
    (void)state;
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_post_and_get),
        WITH_WORLD(test_large_post),
        WITH_WORLD(test_connection_is_reused),
        WITH_WORLD(test_error_answers),
        WITH_WORLD(test_cut_off),
        WITH_WORLD(test_nobody_there),
        WITH_WORLD(test_name_that_is_none),
        WITH_WORLD(test_stall),
        WITH_WORLD(test_never_connects),
        WITH_WORLD(test_cancel),
        WITH_WORLD(test_let_go_keeps_the_connection),
        WITH_WORLD(test_many_streams),
        WITH_WORLD(test_burst_to_a_name),
        WITH_WORLD(test_close_with_requests),
        WITH_WORLD(test_close_at_once),
        WITH_WORLD(test_close_unused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
