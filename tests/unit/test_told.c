// SPDX-License-Identifier: MIT
// What a bridge remembers, from messages as they are on the wire.
#include "tests/unit/support/unit.h"

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "lsp/frame.h"
#include "lsp/told.h"

static void pass(struct told *told, const char *text, bool client)
{
    struct arena arena;
    struct json *json;
    struct err err;
    struct rpc_message message;
    enum told_kind kind;
    arena_init(&arena, 1 << 20);
    assert_true(json_parse(&json, &arena, str_of(text), &err));
    rpc_classify(json, &message);
    if (client)
        told_by_client(told, &message, str_of(text));
    else
        told_by_host(told, &message, &kind);
    arena_release(&arena);
}

static void client(struct told *told, const char *text)
{
    pass(told, text, true);
}

static void host(struct told *told, const char *text)
{
    pass(told, text, false);
}

static void begin(struct told *told)
{
    told_init(told);
    client(told, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":"
                 "{\"processId\":7,\"odd \\\"name\\\"\":[1.5,null]}}");
    host(told, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"serverInfo\":{}}}");
}

// The initialize for another host, parsed.
static const struct json *second(const struct told *told, struct arena *arena)
{
    struct buf out;
    struct json *json;
    struct err err;
    buf_init(&out, FRAME_MESSAGE_MAX);
    assert_true(told_write_initialize(told, &out, true));
    struct str copy = arena_copy(arena, buf_str(&out));
    buf_release(&out);
    assert_true(json_parse(&json, arena, copy, &err));
    return json_get(json_get(json, "params"), "swarmBridge");
}

static void test_initialize_is_kept_whole(void **state)
{
    (void)state;
    struct told told;
    struct buf out;
    begin(&told);
    assert_true(told.welcomed);
    buf_init(&out, FRAME_MESSAGE_MAX);
    assert_true(told_write_initialize(&told, &out, false));
    const char *params = "\"processId\":7,\"odd \\\"name\\\"\":[1.5,null]}}";
    assert_true(str_ends(buf_str(&out), str_of(params)));
    assert_true(str_starts(buf_str(&out), STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
                                              "\"initialize\",\"params\":{\"swarmBridge\":{")));
    buf_release(&out);
    told_release(&told);
}

static void test_a_refused_initialize_may_be_tried_again(void **state)
{
    (void)state;
    struct told told;
    told_init(&told);
    client(&told, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}");
    host(&told, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"no\"}}");
    assert_null(told.initialize);
    client(&told, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"initialize\"}");
    assert_non_null(told.initialize);
    told_release(&told);
}

static void subscribe(struct told *told, int id, const char *method, const char *params)
{
    char text[300];
    snprintf(text, sizeof(text),
             "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"swarm/%s\","
             "\"params\":%s}",
             id, method, params);
    client(told, text);
    snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"seq\":9}}", id);
    host(told, text);
}

static void test_the_last_change_of_a_subscription_counts(void **state)
{
    (void)state;
    struct told told;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    begin(&told);
    subscribe(&told, 2, "subscribe", "{\"scope\":\"old\"}");
    subscribe(&told, 3, "unsubscribe", "{}"); // everything before is nothing
    subscribe(&told, 4, "subscribe", "{\"agentId\":\"a\"}");
    subscribe(&told, 5, "subscribe", "{\"scope\":\"s\",\"deltas\":false}");
    subscribe(&told, 6, "unsubscribe", "{\"agentId\":\"a\"}");
    client(&told, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"swarm/subscribe\"}"); // unanswered
    const struct json *list = json_get(second(&told, &arena), "subscriptions");
    const struct json *one = json_first(list);
    assert_int_equal(list->count, 3);
    assert_false(json_bool(one, "add", true));
    assert_null(json_get(json_get(one, "params"), "agentId"));
    one = one->next;
    assert_true(json_bool(one, "add", false));
    assert_true(str_is(json_str(json_get(one, "params"), "scope"), "s"));
    assert_false(json_bool(json_get(one, "params"), "deltas", true));
    one = one->next;
    assert_false(json_bool(one, "add", true));
    assert_true(str_is(json_str(json_get(one, "params"), "agentId"), "a"));
    told_release(&told);
    arena_release(&arena);
}

static void test_the_position_goes_back_for_a_replay(void **state)
{
    (void)state;
    struct told told;
    begin(&told);
    host(&told, "{\"jsonrpc\":\"2.0\",\"method\":\"$/swarm/position\",\"params\":"
                "{\"seq\":90,\"lagged\":true}}");
    assert_int_equal(told.position, 90);
    assert_true(told.lagged);
    subscribe(&told, 2, "subscribe", "{\"after\":40}");
    assert_int_equal(told.position, 40);
    assert_false(told.lagged);
    subscribe(&told, 3, "subscribe", "{\"after\":60}");
    assert_int_equal(told.position, 40);
    told_release(&told);
}

static const struct told_request *request_at(const struct told *told, int index)
{
    const struct list *node = told->requests.next;
    for (; index > 0; index--)
        node = node->next;
    return list_entry(node, struct told_request, node);
}

static void test_what_may_be_asked_again(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum told_kind kind;
    } requests[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"swarm/list\"}", TOLD_REPEATED},
        {"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"swarm/subscribe\"}", TOLD_SUBSCRIBE},
        {"{\"jsonrpc\":\"2.0\",\"id\":11,\"method\":\"swarm/spawn\",\"params\":{\"task\":\"t\"}}",
         TOLD_LOST},
        {"{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"swarm/spawn\",\"params\":"
         "{\"requestId\":\"r\"}}",
         TOLD_REPEATED},
        {"{\"jsonrpc\":\"2.0\",\"id\":13,\"method\":\"swarm/kill\"}", TOLD_LOST},
        {"{\"jsonrpc\":\"2.0\",\"id\":14,\"method\":\"shutdown\"}", TOLD_SHUTDOWN},
    };
    enum { COUNT = sizeof(requests) / sizeof(*requests) };
    struct told told;
    begin(&told);
    for (int i = 0; i < COUNT; i++)
        client(&told, requests[i].text);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(request_at(&told, i)->kind, requests[i].kind);
        assert_true(!request_at(&told, i)->body == (requests[i].kind == TOLD_LOST));
    }
    host(&told, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"seq\":1}}");
    assert_int_equal(request_at(&told, 1)->id.number, 11);
    host(&told, "{\"jsonrpc\":\"2.0\",\"id\":14,\"result\":null}");
    assert_true(told.shut);
    told_release(&told);
}

static void test_what_is_too_much_to_keep_is_lost(void **state)
{
    (void)state;
    struct told told;
    begin(&told);
    told.kept = TOLD_KEPT_MAX - 10;
    client(&told, "{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"swarm/list\"}");
    assert_int_equal(request_at(&told, 0)->kind, TOLD_LOST);
    told_release(&told);
}

static void test_ids_of_the_host_are_not_used_again(void **state)
{
    (void)state;
    struct told told;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    begin(&told);
    host(&told, "{\"jsonrpc\":\"2.0\",\"id\":1073741829,\"method\":\"window/showMessageRequest\"}");
    host(&told, "{\"jsonrpc\":\"2.0\",\"id\":1073741824,\"method\":\"window/showMessageRequest\"}");
    client(&told, "{\"jsonrpc\":\"2.0\",\"id\":1073741829,\"result\":null}");
    assert_int_equal(told.asked_count, 1);
    assert_int_equal(told.asked[0], 1073741824);
    assert_int_equal(json_int(second(&told, &arena), "nextId", 0), 1073741830);
    told_release(&told);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initialize_is_kept_whole),
        cmocka_unit_test(test_a_refused_initialize_may_be_tried_again),
        cmocka_unit_test(test_the_last_change_of_a_subscription_counts),
        cmocka_unit_test(test_the_position_goes_back_for_a_replay),
        cmocka_unit_test(test_what_may_be_asked_again),
        cmocka_unit_test(test_what_is_too_much_to_keep_is_lost),
        cmocka_unit_test(test_ids_of_the_host_are_not_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
