// SPDX-License-Identifier: MIT
// Streams in the forms that servers send, cut at every byte.
#include "tests/unit/support/unit.h"

#include "core/utf8.h"
#include "transports/openai_stream.h"

struct seen {
    struct buf text, reasoning, calls;
    struct buf inputs[MODEL_TOOL_CALLS_MAX];
    unsigned call_count;
    struct model_usage usage;
    struct openai_stream *stream;
    int stop_after; // sink calls; 0: never
    int sink_calls;
    bool called_after_stop;
};

static void took(struct seen *seen, struct str piece)
{
    if (seen->stream->stopped)
        seen->called_after_stop = true;
    assert_true(piece.len > 0);
    assert_true(utf8_is_valid(piece));
    if (++seen->sink_calls == seen->stop_after)
        openai_stream_stop(seen->stream);
}

static void on_text(void *arg, struct str piece)
{
    struct seen *seen = arg;
    buf_add_str(&seen->text, piece);
    took(seen, piece);
}

static void on_reasoning(void *arg, struct str piece)
{
    struct seen *seen = arg;
    buf_add_str(&seen->reasoning, piece);
    took(seen, piece);
}

static void on_tool_begin(void *arg, unsigned index, struct str id, struct str name)
{
    struct seen *seen = arg;
    assert_int_equal(index, seen->call_count++);
    buf_addf(&seen->calls, "%u:%.*s:%.*s;", index,
             str_starts(id, STR("call_")) && id.len == 21 ? 1 : (int)id.len,
             str_starts(id, STR("call_")) && id.len == 21 ? "*" : id.data, STR_ARG(name));
    took(seen, id);
}

static void on_tool_input(void *arg, unsigned index, struct str piece)
{
    struct seen *seen = arg;
    assert_true(index < seen->call_count);
    buf_add_str(&seen->inputs[index], piece);
    took(seen, piece);
}

static void on_usage(void *arg, const struct model_usage *usage)
{
    struct seen *seen = arg;
    seen->usage = *usage;
    took(seen, STR("usage"));
}

static const struct model_sink sink = {.text = on_text,
                                       .reasoning = on_reasoning,
                                       .tool_begin = on_tool_begin,
                                       .tool_input = on_tool_input,
                                       .usage = on_usage};

static void seen_init(struct seen *seen)
{
    *seen = (struct seen){.usage = {-1, -1, -1, -1}};
    buf_init(&seen->text, 1 << 20);
    buf_init(&seen->reasoning, 1 << 20);
    buf_init(&seen->calls, 1 << 20);
    for (int i = 0; i < MODEL_TOOL_CALLS_MAX; i++)
        buf_init(&seen->inputs[i], 1 << 20);
}

static void seen_release(struct seen *seen)
{
    buf_release(&seen->text);
    buf_release(&seen->reasoning);
    buf_release(&seen->calls);
    for (int i = 0; i < MODEL_TOOL_CALLS_MAX; i++)
        buf_release(&seen->inputs[i]);
}

// Feeds a first piece and then the rest in pieces.
static void run(struct seen *seen, struct model_end *end, struct str body, size_t first,
                size_t piece)
{
    struct openai_origin origin = {(char *)"local", (char *)"LOCAL_KEY", (char *)"sk-secret"};
    struct arena arena;
    struct openai_stream stream;
    bool going = true;
    arena_init(&arena, 64 << 20);
    openai_stream_init(&stream, &sink, seen, &origin, &arena);
    seen->stream = &stream;
    *end = (struct model_end){.finish = MODEL_FAILED};
    for (size_t at = 0, size = first; going && !stream.done && at < body.len; size = piece) {
        size_t len = body.len - at < size ? body.len - at : size;
        char *copy = malloc(len);
        memcpy(copy, body.data + at, len);
        going = openai_stream_feed(&stream, str_from(copy, len), &end->err);
        free(copy);
        at += len;
    }
    if (going)
        openai_stream_end(&stream, end);
    openai_stream_release(&stream);
    arena_release(&arena);
    assert_false(seen->called_after_stop);
}

struct expected {
    const char *text, *reasoning, *calls, *input0, *input1;
    enum model_finish finish;
    const char *error; // a part of the message
    enum err_kind kind;
};

static const char *data_or_empty(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

static void expect_cut(struct str body, size_t first, size_t piece, const struct expected *want)
{
    struct seen seen;
    struct model_end end;
    seen_init(&seen);
    run(&seen, &end, body, first, piece);
    if (want->error) {
        assert_non_null(strstr(end.err.message, want->error));
        assert_null(strstr(end.err.message, "sk-secret"));
    } else {
        assert_string_equal(end.finish == MODEL_FAILED ? end.err.message : "", "");
    }
    assert_int_equal(end.finish, want->finish);
    assert_int_equal(end.err.kind, want->kind);
    assert_string_equal(data_or_empty(&seen.text), want->text ? want->text : "");
    assert_string_equal(data_or_empty(&seen.reasoning), want->reasoning ? want->reasoning : "");
    assert_string_equal(data_or_empty(&seen.calls), want->calls ? want->calls : "");
    assert_string_equal(data_or_empty(&seen.inputs[0]), want->input0 ? want->input0 : "");
    assert_string_equal(data_or_empty(&seen.inputs[1]), want->input1 ? want->input1 : "");
    seen_release(&seen);
}

static void expect(const char *text, struct expected want)
{
    struct str body = str_of(text);
    expect_cut(body, body.len, body.len, &want);
    for (size_t cut = 1; cut < body.len; cut++)
        expect_cut(body, cut, body.len, &want);
    expect_cut(body, 1, 1, &want);
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
           (struct expected){.text = "Hello \xc3\xa9\n", .finish = MODEL_END_TURN});
    expect(": OPENROUTER PROCESSING\n\n" DELTA("\"content\":\"x\"") FINISH("length") DONE,
           (struct expected){.text = "x", .finish = MODEL_MAX_TOKENS});
    expect(DELTA("\"content\":null,\"reasoning_content\":\"hm\"") DELTA("\"reasoning\":\"m\"")
               DELTA("\"content\":\"y\"") FINISH("stop"),
           (struct expected){.text = "y", .reasoning = "hmm", .finish = MODEL_END_TURN});
    expect(DELTA("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":"
                 "\"t\"}]},{\"type\":\"text\",\"text\":\"z\"}]") FINISH("stop") DONE,
           (struct expected){.text = "z", .reasoning = "t", .finish = MODEL_END_TURN});
    expect(DELTA("\"refusal\":\"No.\"") FINISH("stop") DONE,
           (struct expected){.text = "No.", .finish = MODEL_REFUSED});
    expect(DELTA("\"content\":\"x\"") FINISH("content_filter") DONE,
           (struct expected){.text = "x", .finish = MODEL_REFUSED});
    expect(DELTA("\"content\":\"all\"") DONE,
           (struct expected){.text = "all", .finish = MODEL_END_TURN});
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
           (struct expected){.calls = "0:a:read;1:b:list;",
                             .input0 = "{\"path\":\"x\"}",
                             .input1 = "{}",
                             .finish = MODEL_TOOL_CALLS});
    // arguments before the name, id in a later piece than the index
    expect(CALLS("{\"index\":3,\"function\":{\"arguments\":\"{\"}}")
               CALLS("{\"index\":3,\"id\":\"c\",\"function\":{\"name\":\"list\",\"arguments\":"
                     "\"}\"}}") FINISH("tool_calls"),
           (struct expected){.calls = "0:c:list;", .input0 = "{}", .finish = MODEL_TOOL_CALLS});
    // id and name in every piece
    expect(CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"ls\",\"arguments\":\"{\"}}")
               CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"ls\",\"arguments\":"
                     "\"}\"}}") FINISH("stop") DONE,
           (struct expected){.calls = "0:a:ls;", .input0 = "{}", .finish = MODEL_TOOL_CALLS});
}

static void test_calls_that_servers_send_whole(void **state)
{
    (void)state;
    // no index
    expect(CALLS("{\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"{1}\"}}")
               CALLS("{\"id\":\"b\",\"function\":{\"name\":\"list\",\"arguments\":\"{2}\"}}")
                   FINISH("tool_calls") DONE,
           (struct expected){.calls = "0:a:read;1:b:list;",
                             .input0 = "{1}",
                             .input1 = "{2}",
                             .finish = MODEL_TOOL_CALLS});
    // all with index 0
    expect(CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"read\",\"arguments\":\"1\"}}")
               CALLS("{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"list\",\"arguments\":"
                     "\"2\"}}") FINISH("tool_calls") DONE,
           (struct expected){.calls = "0:a:read;1:b:list;",
                             .input0 = "1",
                             .input1 = "2",
                             .finish = MODEL_TOOL_CALLS});
    // empty, missing and repeated ids: new ones are made up
    expect(CALLS("{\"index\":0,\"id\":\"\",\"function\":{\"name\":\"a\",\"arguments\":\"1\"}},"
                 "{\"index\":1,\"function\":{\"name\":\"b\",\"arguments\":\"2\"}}")
               FINISH("tool_calls") DONE,
           (struct expected){
               .calls = "0:*:a;1:*:b;", .input0 = "1", .input1 = "2", .finish = MODEL_TOOL_CALLS});
    expect(CALLS("{\"index\":0,\"id\":\"x\",\"function\":{\"name\":\"a\",\"arguments\":\"1\"}},"
                 "{\"index\":1,\"id\":\"x\",\"function\":{\"name\":\"b\",\"arguments\":\"2\"}}")
               FINISH("tool_calls") DONE,
           (struct expected){
               .calls = "0:x:a;1:*:b;", .input0 = "1", .input1 = "2", .finish = MODEL_TOOL_CALLS});
    expect(CALLS("{\"id\":\"x\",\"function\":{\"name\":\"a\",\"arguments\":{\"k\":1}}},"
                 "{\"id\":\"x\",\"function\":{\"name\":\"a\",\"arguments\":\"2\"}}") FINISH("stop")
               DONE,
           (struct expected){.calls = "0:x:a;1:*:a;",
                             .input0 = "{\"k\":1}",
                             .input1 = "2",
                             .finish = MODEL_TOOL_CALLS});
    // no index and no id, arguments in pieces
    expect(CALLS("{\"function\":{\"name\":\"a\",\"arguments\":\"{\"}}")
               CALLS("{\"function\":{\"arguments\":\"}\"}}") FINISH("stop") DONE,
           (struct expected){.calls = "0:*:a;", .input0 = "{}", .finish = MODEL_TOOL_CALLS});
    expect(CALLS("{\"index\":0,\"id\":\"x\",\"function\":{\"arguments\":\"{}\"}}") DONE,
           (struct expected){.finish = MODEL_FAILED,
                             .error = "local: the model called a tool without a name",
                             .kind = ERR_PROVIDER});
}

static void test_too_many_calls(void **state)
{
    (void)state;
    struct buf body;
    struct seen seen;
    struct model_end end;
    buf_init(&body, 1 << 20);
    for (int i = 0; i <= MODEL_TOOL_CALLS_MAX; i++) {
        buf_addf(&body, CALLS("{\"index\":%d,\"function\":{\"name\":\"a\",\"arguments\":\"{}\"}}"),
                 i);
        if (i == MODEL_TOOL_CALLS_MAX - 1) {
            seen_init(&seen);
            size_t len = body.len;
            buf_add_str(&body, STR(DONE));
            run(&seen, &end, buf_str(&body), body.len, 1);
            assert_int_equal(end.finish, MODEL_TOOL_CALLS);
            assert_int_equal(seen.call_count, MODEL_TOOL_CALLS_MAX);
            seen_release(&seen);
            buf_truncate(&body, len);
        }
    }
    seen_init(&seen);
    run(&seen, &end, buf_str(&body), body.len, 1);
    assert_int_equal(end.finish, MODEL_FAILED);
    assert_int_equal(end.err.kind, ERR_LIMIT);
    seen_release(&seen);
    buf_release(&body);
}

static void test_characters_cut_in_two(void **state)
{
    (void)state;
    // U+20AC in bytes over three pieces
    expect(DELTA("\"content\":\"a\xe2\"") DELTA("\"content\":\"\x82\"")
               DELTA("\"content\":\"\xac z\"") FINISH("stop") DONE,
           (struct expected){.text = "a\xe2\x82\xac z", .finish = MODEL_END_TURN});
    // U+1F600 as the halves of a pair
    expect(DELTA("\"content\":\"a\\ud83d\"") DELTA("\"content\":\"\\ude00 \\\\ud83d z\"")
               FINISH("stop") DONE,
           (struct expected){.text = "a\xf0\x9f\x98\x80 \\ud83d z", .finish = MODEL_END_TURN});
    // what never fits is repaired visibly, and nothing else is lost
    expect(DELTA("\"content\":\"a\xe2\x82\"") DELTA("\"content\":\"b\xff\xac"
                                                    "c\"") DELTA("\"content\":\"\\ude00\\ud83d\"")
               DELTA("\"content\":\"d\\ud83d\"") DONE,
           (struct expected){.text = "a\xef\xbf\xbd"
                                     "b\xef\xbf\xbd\xef\xbf\xbd"
                                     "c\xef\xbf\xbd\xef\xbf\xbd"
                                     "d\xef\xbf\xbd",
                             .finish = MODEL_END_TURN});
    expect(CALLS("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"w\",\"arguments\":\"\xc3\"}}")
               CALLS("{\"index\":0,\"function\":{\"arguments\":\"\xa9\\ud83d\"}}")
                   FINISH("tool_calls") DONE,
           (struct expected){
               .calls = "0:a:w;", .input0 = "\xc3\xa9\xef\xbf\xbd", .finish = MODEL_TOOL_CALLS});
}

static void test_usage(void **state)
{
    (void)state;
    struct seen seen;
    struct model_end end;
    struct str body = STR(
        FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens"
                       "\":3,\"prompt_tokens_details\":{\"cached_tokens\":8}}}\n\n" DONE);
    seen_init(&seen);
    run(&seen, &end, body, body.len, 1);
    assert_int_equal(seen.usage.input, 12);
    assert_int_equal(seen.usage.output, 3);
    assert_int_equal(seen.usage.cache_read, 8);
    assert_int_equal(seen.usage.cache_write, -1);
    seen_release(&seen);
}

static void test_broken_streams(void **state)
{
    (void)state;
    expect(DELTA("\"content\":\"par\""), (struct expected){.text = "par",
                                                           .finish = MODEL_FAILED,
                                                           .error = "local: the stream ended early",
                                                           .kind = ERR_PROVIDER});
    expect(DELTA("\"content\":\"a\"") "data: {\"choices\":[{]}\n\n" DELTA("\"content\":\"b\""),
           (struct expected){.text = "a",
                             .finish = MODEL_FAILED,
                             .error = "local: the server sent a piece that is not JSON",
                             .kind = ERR_PROVIDER});
    expect(
        "data: 17\n\n" DONE,
        (struct expected){.finish = MODEL_FAILED, .error = "no JSON object", .kind = ERR_PROVIDER});
    expect("{\"error\": {\"message\": \"wrong\\nport sk-secret\"}}",
           (struct expected){
               .finish = MODEL_FAILED, .error = "wrong port [key]", .kind = ERR_PROVIDER});
    struct seen seen;
    struct model_end end;
    seen_init(&seen);
    run(&seen, &end, STR(""), 1, 1);
    assert_string_equal(end.err.message, "local: the server's answer is empty");
    seen_release(&seen);
}

// Members of other types than expected change nothing and crash nothing.
static void test_odd_types(void **state)
{
    (void)state;
    expect(
        "data: {\"choices\":7,\"usage\":3}\n\n"
        "data: {\"choices\":[5]}\n\n"
        "data: {\"choices\":[{\"delta\":3,\"finish_reason\":9}],\"error\":null}\n\n" DELTA(
            "\"content\":5,\"reasoning\":{},\"tool_calls\":1") CALLS("7") FINISH("stop") DONE,
        (struct expected){.finish = MODEL_FAILED, .error = "without a name", .kind = ERR_PROVIDER});
}

static void test_errors_in_the_stream(void **state)
{
    (void)state;
    expect(DELTA("\"content\":\"a\"") "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}"
                                      "\n\n" DELTA("\"content\":\"b\""),
           (struct expected){.text = "a",
                             .finish = MODEL_FAILED,
                             .error = "local: HTTP 503: overloaded",
                             .kind = ERR_PROVIDER});
    expect(
        "data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n",
        (struct expected){.finish = MODEL_FAILED, .error = "slow down", .kind = ERR_RATE_LIMITED});
    expect("data: {\"error\":\"no such key: sk-secret\"}\n\n",
           (struct expected){
               .finish = MODEL_FAILED, .error = "no such key: [key]", .kind = ERR_PROVIDER});
    expect(
        "event: error\ndata: {\"message\":\"too long\",\"code\":\"context_length_exceeded\"}\n\n",
        (struct expected){.finish = MODEL_FAILED, .error = "too long", .kind = ERR_LIMIT});
    expect("data: {\"error\":{\"message\":\"x\",\"code\":\"context_length_exceeded\"}}\n\n",
           (struct expected){.finish = MODEL_FAILED, .error = "x", .kind = ERR_LIMIT});
    expect("data: {\"error\":{\"message\":\"k\",\"type\":\"authentication_error\"}}\n\n",
           (struct expected){.finish = MODEL_FAILED, .error = "LOCAL_KEY", .kind = ERR_AUTH});
}

static void test_nothing_after_stop(void **state)
{
    (void)state;
    struct str body =
        STR(DELTA("\"content\":\"a\xe2\",\"reasoning\":\"r\"") CALLS(
            "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"w\",\"arguments\":\"{}\"}},"
            "{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"w\",\"arguments\":\"{\xe2\"}}")
                FINISH("tool_calls") "data: {\"usage\":{\"prompt_tokens\":1}}\n\n" DONE);
    for (int stop = 1; stop <= 10; stop++) {
        struct seen seen;
        struct model_end end;
        seen_init(&seen);
        seen.stop_after = stop;
        run(&seen, &end, body, body.len, 1); // asserts that nothing comes after
        assert_int_equal(seen.sink_calls, stop < 9 ? stop : 9);
        seen_release(&seen);
    }
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
        cmocka_unit_test(test_errors_in_the_stream),
        cmocka_unit_test(test_nothing_after_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
