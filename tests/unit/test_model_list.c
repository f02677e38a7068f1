// SPDX-License-Identifier: MIT
// How long a list of models is kept: the real loop and server, with a clock that the test turns.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"
#include "tests/unit/support/web_server.h"
#include "transports/http.h"
#include "transports/model_http.h"
#include "transports/model_key.h"
#include "transports/model_list.h"
#include "transports/openai_chat.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct scene {
    struct ports ports; // first: the real ones but for the clock
    struct port_ops ops;
    const struct ports *real;
    struct loop *loop;
    struct http *http;
    struct web_server *server;
    struct provider *provider;
    struct model_list *list;
    struct model_query query;
    atomic_int asked, status;
    int answers, closed;
};

static int64_t later_ms;
static const struct ports *real_ports;

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return port_mono_ms(real_ports) + later_ms;
}

static bool handle(struct web_connection *connection, const struct web_request *request, void *arg)
{
    struct scene *scene = arg;
    int number = ++scene->asked;
    assert_string_equal(request->path, "/v1/models");
    char body[64];
    int len = snprintf(body, sizeof(body), "{\"data\":[{\"id\":\"model-%d\"}]}", number);
    web_print(connection, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", (int)scene->status, len,
              body);
    return true;
}

static void on_answer(struct model_query *query)
{
    struct scene *scene = list_entry(query, struct scene, query);
    scene->answers++;
}

// What is answered: "model-3"; or "" with an error.
static void ask(struct scene *scene, bool fresh, const char *expected)
{
    int before = scene->answers;
    scene->query = (struct model_query){.fresh = fresh, .done = on_answer};
    list_init(&scene->query.node);
    model_list_ask(scene->list, &scene->query);
    assert_int_equal(scene->answers, before); // never from within
    real_loop_until(scene->loop, &scene->answers, before + 1);
    assert_int_equal(scene->query.err.kind == ERR_NONE, expected[0] != '\0');
    struct str first = scene->query.ids;
    long end = first.len ? str_find(first, STR("\n")) : -1;
    if (end >= 0)
        first.len = (size_t)end;
    if (expected[0])
        assert_true(str_is(first, expected));
}

static void on_closed(void *arg)
{
    ((struct scene *)arg)->closed++;
}

static void it_is_kept_for_six_hours(void **state)
{
    (void)state;
    static struct scene scene;
    struct provider_config config = {.name = (char *)"lab"};
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    scene.status = 200;
    scene.loop = real_loop_create();
    real_ports = loop_ports(scene.loop);
    scene.ports = *real_ports;
    scene.ops = *real_ports->ops;
    scene.ops.mono_ms = mono_ms;
    scene.ports.ops = &scene.ops;
    scene.server = web_server_create(handle, &scene);
    scene.http = http_create(scene.loop);
    char *url = mem_format("http://127.0.0.1:%d/v1", web_server_port(scene.server));
    const struct model_http_spec spec = {.name = STR("lab"),
                                         .base_url = str_of(url),
                                         .key = model_key_create(&scene.ports, &config, NULL),
                                         .stall_ms = 30000};
    scene.provider = model_http_create(openai_chat_dialect(), &scene.ports, scene.http, &spec);
    scene.list = model_list_create(scene.provider, PROVIDER_OPENAI_CHAT);

    ask(&scene, false, "model-1");
    later_ms = 6 * 3600 * 1000 - 60000; // a minute less than six hours
    ask(&scene, false, "model-1");
    ask(&scene, true, "model-2"); // it was wished for, and the time begins anew
    later_ms += 2 * 60000;
    ask(&scene, false, "model-2");
    later_ms += 6 * 3600 * 1000;
    ask(&scene, false, "model-3");
    later_ms += 6 * 3600 * 1000;
    scene.status = 500;
    ask(&scene, false, ""); // a failure is not kept
    scene.status = 200;
    ask(&scene, false, "model-5");
    assert_int_equal(scene.asked, 5);

    http_close(scene.http, on_closed, &scene);
    real_loop_until(scene.loop, &scene.closed, 1);
    model_list_destroy(scene.list);
    model_http_destroy(scene.provider);
    real_loop_turns(scene.loop, 2);
    real_loop_destroy(scene.loop);
    web_server_destroy(scene.server);
    mem_free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_kept_for_six_hours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
