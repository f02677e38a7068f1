// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "transports/sse.h"

struct seen {
    struct buf log;
    struct sse *sse;
    int stop_after; // events; -1: never
    int count;
};

static bool on_event(void *arg, const struct sse_event *event)
{
    struct seen *seen = arg;
    buf_addf(&seen->log, "[%.*s|%.*s|%.*s]", STR_ARG(event->type), STR_ARG(event->data),
             STR_ARG(event->id));
    seen->count++;
    return seen->stop_after < 0 || seen->count < seen->stop_after;
}

static void expect_pieces(struct str stream, size_t first, size_t piece, const char *expected)
{
    struct sse sse;
    struct err err = {0};
    struct seen seen = {.stop_after = -1};
    buf_init(&seen.log, 1 << 20);
    sse_init(&sse);
    size_t at = 0, size = first;
    while (at < stream.len) {
        size_t len = stream.len - at < size ? stream.len - at : size;
        // A copy of exactly these bytes, so that the sanitizer sees a look beyond them.
        char *copy = malloc(len ? len : 1);
        memcpy(copy, stream.data + at, len);
        assert_true(sse_feed(&sse, str_from(copy, len), on_event, &seen, &err));
        free(copy);
        at += len;
        size = piece;
    }
    assert_string_equal(seen.log.data ? seen.log.data : "", expected);
    buf_release(&seen.log);
    sse_release(&sse);
}

// Whole, in two at every place, and byte by byte.
static void expect(struct str stream, const char *expected)
{
    expect_pieces(stream, stream.len, stream.len, expected);
    for (size_t cut = 1; cut < stream.len; cut++)
        expect_pieces(stream, cut, stream.len, expected);
    for (size_t piece = 1; piece <= 3; piece++)
        expect_pieces(stream, piece, piece, expected);
}

static void test_events(void **state)
{
    (void)state;
    expect(STR("data: one\n\ndata:two\n\n"), "[message|one|][message|two|]");
    expect(STR("event: ping\ndata: {}\n\ndata: x\n\n"), "[ping|{}|][message|x|]");
    expect(STR("data: a\ndata: b\ndata:\ndata:  c\n\n"), "[message|a\nb\n\n c|]");
    expect(STR("data\n\n"), "[message||]");
    expect(STR("data\ndata\n\n"), "[message|\n|]");
    expect(STR("id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
           "[message|a|7][message|b|7][message|c|]");
}

static void test_line_ends(void **state)
{
    (void)state;
    expect(STR("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), "[message|a|][message|b|][message|c|]");
    expect(STR("data: a\r\ndata: b\rdata: c\n\r\n"), "[message|a\nb\nc|]");
    expect(STR("\xef\xbb\xbf"
               "data: bom\n\ndata: \xef\xbb\xbf\n\n"),
           "[message|bom|][message|\xef\xbb\xbf|]");
}

static void test_what_is_dropped(void **state)
{
    (void)state;
    expect(STR(": a comment\n\n:\n\nunknown: x\ndatum: y\n\n"), "");
    expect(STR("event: lonely\n\ndata: a\n\n"), "[message|a|]");
    expect(STR("data: whole\n\ndata: cut off\n"), "[message|whole|]");
    expect(STR("id: a\0b\ndata: x\n\n"), "[message|x|]");
    expect(STR(" data: x\n\n"), "");
}

static void test_retry(void **state)
{
    (void)state;
    struct sse sse;
    struct err err;
    struct seen seen = {.stop_after = -1};
    sse_init(&sse);
    assert_int_equal(sse.retry_ms, -1);
    assert_true(sse_feed(&sse, STR("retry: 1500\n"), on_event, &seen, &err));
    assert_int_equal(sse.retry_ms, 1500);
    assert_true(sse_feed(&sse, STR("retry: 1x\nretry:\n"), on_event, &seen, &err));
    assert_int_equal(sse.retry_ms, 1500);
    sse_release(&sse);
}

static void test_stop(void **state)
{
    (void)state;
    struct sse sse;
    struct err err = {0};
    struct seen seen = {.stop_after = 2};
    buf_init(&seen.log, 1000);
    sse_init(&sse);
    assert_false(sse_feed(&sse, STR("data: 1\n\ndata: 2\n\ndata: 3\n\n"), on_event, &seen, &err));
    assert_string_equal(seen.log.data, "[message|1|][message|2|]");
    assert_int_equal(err.kind, ERR_NONE);
    buf_release(&seen.log);
    sse_release(&sse);
}

static bool count_bytes(void *arg, const struct sse_event *event)
{
    *(size_t *)arg += event->data.len;
    return true;
}

// Feeds "data: xxx..." of so many x's, in pieces; lines of at most `line` x's.
static bool feed_large(size_t total, size_t line, size_t piece, size_t *got, struct err *err)
{
    struct sse sse;
    struct buf text;
    bool ok = true;
    buf_init(&text, (size_t)SSE_EVENT_MAX * 2);
    for (size_t left = total; left;) {
        size_t now = left < line ? left : line;
        buf_add_str(&text, STR("data: "));
        for (size_t i = 0; i < now; i++)
            buf_add_char(&text, 'x');
        buf_add_char(&text, '\n');
        left -= now;
    }
    buf_add_char(&text, '\n');
    sse_init(&sse);
    for (size_t at = 0; ok && at < text.len; at += piece) {
        size_t len = text.len - at < piece ? text.len - at : piece;
        ok = sse_feed(&sse, str_from(text.data + at, len), count_bytes, got, err);
    }
    sse_release(&sse);
    buf_release(&text);
    return ok;
}

static void test_ceiling(void **state)
{
    (void)state;
    size_t pieces[] = {16 << 10, (size_t)SSE_EVENT_MAX * 2};
    for (size_t i = 0; i < 2; i++) {
        struct err err = {0};
        size_t got = 0;
        assert_true(feed_large(SSE_EVENT_MAX - 6, SSE_EVENT_MAX, pieces[i], &got, &err));
        assert_int_equal(got, SSE_EVENT_MAX - 6);
        assert_false(feed_large(SSE_EVENT_MAX - 5, SSE_EVENT_MAX, pieces[i], &got, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
        err.kind = ERR_NONE;
        assert_false(feed_large(SSE_EVENT_MAX + 1, 1 << 20, pieces[i], &got, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
    }
}

static void test_long_type(void **state)
{
    (void)state;
    struct sse sse;
    struct err err = {0};
    struct seen seen = {.stop_after = -1};
    struct buf text;
    buf_init(&text, 4096);
    buf_addf(&text, "event: %0*d\n", SSE_NAME_MAX + 1, 0);
    sse_init(&sse);
    assert_false(sse_feed(&sse, buf_str(&text), on_event, &seen, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    sse_release(&sse);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_what_is_dropped),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_long_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
