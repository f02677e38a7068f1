// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "lsp/rpc.h"

static struct arena arena;

static struct rpc_message classify(const char *text)
{
    struct json *json;
    struct err err;
    struct rpc_message message;
    arena_reset(&arena);
    if (!json_parse(&json, &arena, str_of(text), &err))
        fail_msg("%s: %s", text, err.message);
    rpc_classify(json, &message);
    return message;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void tells_messages_apart(void **state)
{
    (void)state;
    struct rpc_message m =
        classify("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"x\",\"params\":{}}");
    assert_int_equal(m.kind, RPC_REQUEST);
    assert_int_equal(m.id.kind, RPC_ID_INT);
    assert_int_equal(m.id.number, 7);
    assert_true(str_is(m.method, "x"));
    assert_non_null(m.params);

    m = classify("{\"jsonrpc\":\"2.0\",\"id\":\"a\\u0000b\",\"method\":\"x\",\"params\":null}");
    assert_int_equal(m.kind, RPC_REQUEST);
    assert_int_equal(m.id.kind, RPC_ID_STRING);
    assert_int_equal(m.id.text.len, 3);
    assert_null(m.params);

    m = classify("{\"jsonrpc\":\"2.0\",\"id\":-9223372036854775808,\"method\":\"x\"}");
    assert_int_equal(m.id.number, INT64_MIN);

    assert_int_equal(classify("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}").kind, RPC_NOTIFICATION);
    m = classify("{\"jsonrpc\":\"2.0\",\"id\":1073741824,\"result\":null}");
    assert_int_equal(m.kind, RPC_RESPONSE);
    assert_int_equal(m.result->type, JSON_NULL);
    m = classify("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"\"}}");
    assert_int_equal(m.kind, RPC_RESPONSE);
    assert_non_null(m.error);
}

static void refuses_what_is_no_message(void **state)
{
    (void)state;
    const char *wrong[] = {
        "[]",
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}]",
        "1",
        "null",
        "{}",
        "{\"id\":1,\"method\":\"x\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":\"y\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":9223372036854775808,\"method\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct rpc_message m = classify(wrong[i]);
        if (m.kind != RPC_INVALID || !m.problem)
            fail_msg("taken: %s", wrong[i]);
    }
    // The answer goes to whoever asked, where that can be seen.
    assert_int_equal(classify("{\"id\":9,\"method\":\"x\"}").id.number, 9);
    assert_int_equal(classify("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":5}").id.number, 9);
}

static void a_string_id_has_a_ceiling(void **state)
{
    (void)state;
    struct buf text;
    struct json value = {.type = JSON_STRING};
    struct rpc_id id;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < RPC_ID_MAX; i++)
        buf_add_char(&text, 'i');
    value.string = buf_str(&text);
    assert_true(rpc_id_read(&value, &id));
    buf_add_char(&text, 'i');
    value.string = buf_str(&text);
    assert_false(rpc_id_read(&value, &id));
    buf_release(&text);
}

static void compares_and_copies_ids(void **state)
{
    (void)state;
    struct rpc_id one = {.kind = RPC_ID_INT, .number = 1};
    struct rpc_id text = {.kind = RPC_ID_STRING, .text = STR("1")};
    struct rpc_id copy = rpc_id_copy(&text);
    assert_false(rpc_id_equal(&one, &text));
    assert_true(rpc_id_equal(&text, &copy));
    assert_true(copy.text.data != text.text.data);
    rpc_id_release(&copy);
    rpc_id_release(&copy);
    assert_int_equal(copy.kind, RPC_ID_NONE);
}

static void writes_envelopes(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer w;
    struct rpc_id id = {.kind = RPC_ID_STRING, .text = STR("q\"1")};
    struct err err;
    buf_init(&out, 1 << 20);

    json_writer_init(&w, &out);
    rpc_begin_result(&w, &id);
    json_put_null(&w);
    json_end_object(&w);
    assert_string_equal(out.data, "{\"jsonrpc\":\"2.0\",\"id\":\"q\\\"1\",\"result\":null}");

    buf_clear(&out);
    json_writer_init(&w, &out);
    rpc_begin_request(&w, RPC_OWN_ID_MIN, "window/x");
    json_put_int(&w, 1);
    json_end_object(&w);
    assert_string_equal(out.data, "{\"jsonrpc\":\"2.0\",\"id\":1073741824,"
                                  "\"method\":\"window/x\",\"params\":1}");

    buf_clear(&out);
    json_writer_init(&w, &out);
    rpc_write_error(&w, NULL, RPC_PARSE_ERROR, STR("no"));
    assert_string_equal(out.data, "{\"jsonrpc\":\"2.0\",\"id\":null,"
                                  "\"error\":{\"code\":-32700,\"message\":\"no\"}}");

    buf_clear(&out);
    json_writer_init(&w, &out);
    err_set(&err, ERR_PARAMS, "task: expected a string");
    rpc_write_failure(&w, &id, &err);
    assert_non_null(strstr(out.data, "\"code\":-32602,\"message\":\"task: expected a string\"}"));

    buf_clear(&out);
    json_writer_init(&w, &out);
    err_set(&err, ERR_WRONG_STATE, "no");
    rpc_write_failure(&w, &id, &err);
    assert_non_null(strstr(out.data, "\"code\":-32803"));
    assert_non_null(strstr(out.data, "\"data\":{\"kind\":\"wrongState\"}"));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_messages_apart),      cmocka_unit_test(refuses_what_is_no_message),
        cmocka_unit_test(a_string_id_has_a_ceiling), cmocka_unit_test(compares_and_copies_ids),
        cmocka_unit_test(writes_envelopes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
