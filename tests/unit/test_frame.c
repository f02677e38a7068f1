// SPDX-License-Identifier: MIT
// Framing: every input is given whole, byte by byte, and cut at every place; the outcome is the
// same.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "lsp/frame.h"
#include "lsp/rpc.h"

// What came out, one line each: "message <body>" or "error <code>".
static void drain(struct frame *frame, struct buf *log)
{
    struct frame_message message;
    for (;;) {
        enum frame_status status = frame_next(frame, &message);
        if (status == FRAME_MORE)
            return;
        if (status == FRAME_MESSAGE)
            buf_addf(log, "message %.*s\n", STR_ARG(message.body));
        else
            buf_addf(log, "error %d\n", message.code);
        if (status == FRAME_ERROR)
            assert_true(strlen(message.problem) > 0);
    }
}

static void feed(struct frame *frame, struct str bytes, struct buf *log)
{
    assert_true(frame_feed(frame, bytes));
    drain(frame, log);
}

// Feeds input in pieces of `step` bytes, the first one of `first`.
static void run(struct str input, size_t first, size_t step, const char *expected)
{
    struct frame frame;
    struct buf log;
    frame_init(&frame);
    buf_init(&log, 1 << 20);
    buf_add_str(&log, STR(""));
    buf_reserve(&log, 1);
    size_t at = 0;
    while (at < input.len) {
        size_t n = at == 0 ? first : step;
        if (n > input.len - at)
            n = input.len - at;
        feed(&frame, str_from(input.data + at, n), &log);
        at += n;
    }
    frame_end(&frame);
    drain(&frame, &log);
    assert_string_equal(log.data ? log.data : "", expected);
    buf_release(&log);
    frame_release(&frame);
}

static void check_bytes(struct str input, const char *expected)
{
    run(input, input.len, input.len, expected);
    run(input, 1, 1, expected);
    for (size_t cut = 1; cut < input.len; cut++)
        run(input, cut, input.len, expected);
}

static void check(const char *input, const char *expected)
{
    check_bytes(str_of(input), expected);
}

static void takes_headers(void **state)
{
    (void)state;
    check("Content-Length: 2\r\n\r\n{}", "message {}\n");
    check("Content-Length: 2\r\n\r\n{}Content-Length: 4\r\n\r\n[{}]", "message {}\nmessage [{}]\n");
    check("content-LENGTH:2\r\n\r\n{}", "message {}\n");
    check("Content-Length: 2\n\n{}\r\n\r\nContent-Length: 2\n\n[]", "message {}\nmessage []\n");
    check("X-Other: 1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "message {}\n");
    check("Content-Length: 0\r\n\r\nContent-Length: 2\r\n\r\n{}", "message \nmessage {}\n");
    check("Content-Length: 6\r\n\r\n{\"\xc3\xa9\"}", "message {\"\xc3\xa9\"}\n");
}

static void says_nothing_of_what_is_not_whole(void **state)
{
    (void)state;
    check("", "");
    check("Content-Le", "");
    check("Content-Length: 3\r\n\r\n{}", "");
    check("Content-Length: 3\r\n", "");
}

static void takes_the_charset(void **state)
{
    (void)state;
    const char *type = "Content-Type: application/vscode-jsonrpc; charset=";
    const char *good[] = {"utf-8", "utf8", "UTF-8", "\"utf-8\"", "utf-8; x=y"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        char *input = mem_format("%s%s\r\nContent-Length: 2\r\n\r\n{}", type, good[i]);
        check(input, "message {}\n");
        mem_free(input);
    }
    check("Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", "message {}\n");
    check("Content-Length: 2\r\nContent-Type: x; charset=latin1\r\n\r\n{}"
          "Content-Length: 2\r\n\r\n[]",
          "error -32600\nmessage []\n");
}

static void finds_the_stream_again(void **state)
{
    (void)state;
    const char *then = "error -32700\nmessage {}\n";
    check("garbage\r\nContent-Length: 2\r\n\r\n{}", then);
    check("garbageContent-Length: 2\r\n\r\n{}", then);
    check("[]]]} {\xff\xfe\r\n\r\nContent-Length: 2\r\n\r\n{}", then);
    check("Content-Length: two\r\n\r\nContent-Length: 2\r\n\r\n{}", then);
    check("Content-Length: -2\r\n\r\nContent-Length: 2\r\n\r\n{}", then);
    check("Content-Length:\r\n\r\nContent-Length: 2\r\n\r\n{}", then);
    check("Content-Length: 99999999999999999999999\r\n\r\nContent-Length: 2\r\n\r\n{}", then);
    check("X: 1\r\n folded\r\nContent-Length: 2\r\n\r\n{}", then);
    check("X-Length: 2\r\n\r\n{}xxContent-Length: 2\r\n\r\n{}", then);
    // A length that is too short leaves the rest of the body in front of the next header.
    check("Content-Length: 2\r\n\r\n{} }Content-Length: 2\r\n\r\n{}",
          "message {}\nerror -32700\nmessage {}\n");
    check("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "error -32700\n");
}

static void caps_the_headers(void **state)
{
    (void)state;
    struct buf input;
    buf_init(&input, 1 << 20);
    buf_add_str(&input, STR("X-Long: "));
    // With its own line end and the next line it is one byte under, then one byte over.
    const struct str rest = STR("\r\nContent-Length: 2\r\n\r\n{}");
    size_t around = input.len + rest.len - 2;
    while (input.len < FRAME_HEADER_MAX - around + 8)
        buf_add_char(&input, 'x');
    size_t fits = input.len;
    buf_add_str(&input, rest);
    run(buf_str(&input), input.len, input.len, "message {}\n");
    run(buf_str(&input), 1, 1, "message {}\n");
    buf_truncate(&input, fits);
    buf_add_char(&input, 'x');
    buf_add_str(&input, rest);
    run(buf_str(&input), input.len, input.len, "error -32700\n");
    run(buf_str(&input), 1, 1, "error -32700\n");
    buf_release(&input);
}

static void a_flood_without_newline_is_garbage(void **state)
{
    (void)state;
    struct buf input;
    buf_init(&input, 1 << 20);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&input, 'a');
    buf_add_str(&input, STR("Content-Length: 2\r\n\r\n{}"));
    run(buf_str(&input), 100, 100, "error -32700\nmessage {}\n");
    buf_release(&input);
}

static void skips_what_is_too_large(void **state)
{
    (void)state;
    struct frame frame;
    struct buf log;
    frame_init(&frame);
    buf_init(&log, 1 << 20);
    feed(&frame, STR("Content-Length: 67108865\r\n\r\n"), &log);
    assert_string_equal(log.data, "error -32600\n");
    static char chunk[FRAME_MESSAGE_MAX / 64];
    memset(chunk, 'x', sizeof(chunk));
    for (int i = 0; i < 64; i++)
        feed(&frame, str_from(chunk, sizeof(chunk)), &log);
    assert_true(frame.buf.cap <= FRAME_CHUNK_MAX * 2);
    feed(&frame, STR("}Content-Length: 2\r\n\r\n{}"), &log);
    assert_string_equal(log.data, "error -32600\nmessage {}\n");
    buf_release(&log);
    frame_release(&frame);
}

static void memory_grows_only_with_what_came(void **state)
{
    (void)state;
    struct frame frame;
    struct buf log;
    frame_init(&frame);
    buf_init(&log, 1 << 20);
    feed(&frame, STR("Content-Length: 67108864\r\n\r\n{"), &log);
    assert_true(frame.buf.cap < 64 << 10);
    buf_release(&log);
    frame_release(&frame);
}

static void memory_is_given_back(void **state)
{
    (void)state;
    struct frame frame;
    frame_init(&frame);
    char *body = mem_new(1 << 20);
    memset(body, ' ', 1 << 20);
    assert_true(frame_feed(&frame, STR("Content-Length: 1048576\r\n\r\n")));
    assert_true(frame_feed(&frame, str_from(body, 1 << 20)));
    struct frame_message message;
    assert_int_equal(frame_next(&frame, &message), FRAME_MESSAGE);
    assert_int_equal(message.body.len, 1 << 20);
    assert_int_equal(frame_next(&frame, &message), FRAME_MORE);
    assert_true(frame_feed(&frame, STR("C")));
    assert_true(frame.buf.cap <= FRAME_KEEP_MAX);
    mem_free(body);
    frame_release(&frame);
}

static void takes_lines(void **state)
{
    (void)state;
    check("{}\n", "message {}\n");
    check("{}\r\n\r\n  \n{\"a\":1}\n", "message {}\nmessage {\"a\":1}\n");
    check("{}\nnot json\n[]\n", "message {}\nmessage not json\nmessage []\n");
    check("{}\nContent-Length: 2\n", "message {}\nmessage Content-Length: 2\n");
    check("\n {}\n{\"last\":1}", "message {}\nmessage {\"last\":1}\n");
}

static void skips_a_line_that_is_too_long(void **state)
{
    (void)state;
    struct frame frame;
    struct buf log;
    frame_init(&frame);
    buf_init(&log, 1 << 20);
    static char chunk[1 << 20];
    memset(chunk, '{', sizeof(chunk));
    for (int i = 0; i < 64; i++)
        feed(&frame, str_from(chunk, sizeof(chunk)), &log);
    assert_int_equal(log.len, 0);
    feed(&frame, STR("{"), &log);
    assert_string_equal(log.data, "error -32600\n");
    feed(&frame, str_from(chunk, sizeof(chunk)), &log);
    feed(&frame, STR("}\n{}\n"), &log);
    assert_string_equal(log.data, "error -32600\nmessage {}\n");
    buf_release(&log);
    frame_release(&frame);
}

static void wraps_messages(void **state)
{
    (void)state;
    struct buf out;
    frame_open(&out, 1 << 20);
    buf_add_str(&out, STR("{\"a\":1}"));
    frame_close(&out, FRAMING_HEADERS);
    assert_string_equal(out.data, "Content-Length: 7\r\n\r\n{\"a\":1}");
    buf_release(&out);
    frame_open(&out, 1 << 20);
    buf_add_str(&out, STR("{\n\"a\":\n1}"));
    frame_close(&out, FRAMING_LINES);
    assert_string_equal(out.data, "{ \"a\": 1}\n");
    buf_release(&out);
}

static void an_overflow_on_the_way_out_shows(void **state)
{
    (void)state;
    struct buf out;
    frame_open(&out, 64);
    for (int i = 0; i < 65; i++)
        buf_add_char(&out, 'x');
    frame_close(&out, FRAMING_HEADERS);
    assert_true(out.overflow);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_headers),
        cmocka_unit_test(says_nothing_of_what_is_not_whole),
        cmocka_unit_test(takes_the_charset),
        cmocka_unit_test(finds_the_stream_again),
        cmocka_unit_test(caps_the_headers),
        cmocka_unit_test(a_flood_without_newline_is_garbage),
        cmocka_unit_test(skips_what_is_too_large),
        cmocka_unit_test(memory_grows_only_with_what_came),
        cmocka_unit_test(memory_is_given_back),
        cmocka_unit_test(takes_lines),
        cmocka_unit_test(skips_a_line_that_is_too_long),
        cmocka_unit_test(wraps_messages),
        cmocka_unit_test(an_overflow_on_the_way_out_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
