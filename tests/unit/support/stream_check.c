// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tests/unit/support/stream_check.h"
#include "transports/model_stream.h"

struct seen {
    struct buf text, reasoning, calls, opaque;
    struct buf inputs[MODEL_TOOL_CALLS_MAX];
    unsigned call_count;
    struct model_usage usage;
    struct model_stream *stream;
    int stop_after; // calls of the sink; 0: never
    int sink_calls;
    int error_status;
};

static void took(struct seen *seen, struct str piece)
{
    assert_false(seen->stream->stopped);
    assert_true(piece.len > 0);
    assert_true(utf8_is_valid(piece));
    if (++seen->sink_calls == seen->stop_after)
        model_stream_stop(seen->stream);
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

static bool is_made_up(struct str id)
{
    return str_starts(id, STR("call_")) && id.len == 21;
}

static void on_tool_begin(void *arg, unsigned index, struct str id, struct str name)
{
    struct seen *seen = arg;
    assert_int_equal(index, seen->call_count++);
    struct str shown = is_made_up(id) ? STR("*") : id;
    buf_addf(&seen->calls, "%u:%.*s:%.*s;", index, STR_ARG(shown), STR_ARG(name));
    took(seen, id);
}

static void on_tool_input(void *arg, unsigned index, struct str piece)
{
    struct seen *seen = arg;
    assert_true(index < seen->call_count);
    buf_add_str(&seen->inputs[index], piece);
    took(seen, piece);
}

static void on_opaque(void *arg, enum model_part_kind of, unsigned index, struct str json)
{
    struct seen *seen = arg;
    if (of == MODEL_TOOL_CALL)
        buf_addf(&seen->opaque, "call %u:", index);
    else
        buf_add_str(&seen->opaque, of == MODEL_REASONING ? STR("reasoning:") : STR("text:"));
    buf_addf(&seen->opaque, "%.*s;", STR_ARG(json));
    took(seen, json);
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
                                       .opaque = on_opaque,
                                       .usage = on_usage};

static void seen_init(struct seen *seen)
{
    *seen = (struct seen){.usage = {-1, -1, -1, -1}};
    buf_init(&seen->text, 1 << 20);
    buf_init(&seen->reasoning, 1 << 20);
    buf_init(&seen->calls, 1 << 20);
    buf_init(&seen->opaque, 1 << 24);
    for (int i = 0; i < MODEL_TOOL_CALLS_MAX; i++)
        buf_init(&seen->inputs[i], 1 << 20);
}

static void seen_release(struct seen *seen)
{
    buf_release(&seen->text);
    buf_release(&seen->reasoning);
    buf_release(&seen->calls);
    buf_release(&seen->opaque);
    for (int i = 0; i < MODEL_TOOL_CALLS_MAX; i++)
        buf_release(&seen->inputs[i]);
}

// Feeds a first piece and then the rest in pieces.
static void run(const struct model_dialect *dialect, struct seen *seen, struct model_end *end,
                struct str body, size_t first, size_t piece)
{
    struct model_origin origin = {(char *)"local", (char *)"LOCAL_KEY", (char *)"sk-secret"};
    struct arena arena;
    struct model_stream *stream = mem_new(dialect->stream_size);
    bool going = true;
    arena_init(&arena, 64 << 20);
    model_stream_init(stream, &sink, seen, &origin, &arena);
    dialect->open(stream);
    seen->stream = stream;
    *end = (struct model_end){.finish = MODEL_FAILED};
    for (size_t at = 0, size = first; going && !stream->done && at < body.len; size = piece) {
        size_t len = body.len - at < size ? body.len - at : size;
        char *copy = malloc(len); // so that reading past a piece is seen
        memcpy(copy, body.data + at, len);
        going = model_stream_feed(stream, str_from(copy, len), &end->err);
        free(copy);
        at += len;
    }
    if (going)
        model_stream_end(stream, end);
    else
        model_stream_failed(stream, end);
    seen->error_status = stream->fault.status;
    model_stream_release(stream);
    mem_free(stream);
    arena_release(&arena);
}

static void expect_buf(const struct buf *buf, const char *expected)
{
    assert_string_equal(buf->data ? buf->data : "", expected ? expected : "");
}

static void expect_cut(const struct model_dialect *dialect, struct str body, size_t first,
                       size_t piece, const struct stream_expected *expected)
{
    struct seen seen;
    struct model_end end;
    char usage[100];
    seen_init(&seen);
    run(dialect, &seen, &end, body, first, piece);
    if (!expected->error)
        assert_string_equal(end.err.kind == ERR_NONE ? "" : end.err.message, "");
    else if (!strstr(end.err.message, expected->error))
        assert_string_equal(end.err.message, expected->error);
    assert_null(strstr(end.err.message, "sk-secret"));
    assert_int_equal(end.finish, expected->finish);
    assert_int_equal(end.err.kind, expected->kind);
    bool failed = end.finish == MODEL_FAILED || end.finish == MODEL_REFUSED;
    if (expected->failure != MODEL_FAILURE_NONE)
        assert_string_equal(model_failure_name(end.failure), model_failure_name(expected->failure));
    else
        assert_int_equal(end.failure != MODEL_FAILURE_NONE, failed);
    assert_int_equal(seen.error_status, expected->error_status);
    expect_buf(&seen.text, expected->text);
    expect_buf(&seen.reasoning, expected->reasoning);
    expect_buf(&seen.calls, expected->calls);
    expect_buf(&seen.inputs[0], expected->input0);
    expect_buf(&seen.inputs[1], expected->input1);
    expect_buf(&seen.opaque, expected->opaque);
    snprintf(usage, sizeof(usage), "%d/%d/%d/%d", (int)seen.usage.input, (int)seen.usage.output,
             (int)seen.usage.cache_read, (int)seen.usage.cache_write);
    if (expected->usage)
        assert_string_equal(usage, expected->usage);
    seen_release(&seen);
}

void stream_expect(const struct model_dialect *dialect, const char *text,
                   struct stream_expected expected)
{
    struct str body = str_of(text);
    expect_cut(dialect, body, body.len ? body.len : 1, body.len, &expected);
    for (size_t cut = 1; cut < body.len; cut++)
        expect_cut(dialect, body, cut, body.len, &expected);
    expect_cut(dialect, body, 1, 1, &expected);
}

void stream_expect_whole(const struct model_dialect *dialect, struct str body,
                         enum model_finish finish, const char *message)
{
    struct seen seen;
    struct model_end end;
    seen_init(&seen);
    run(dialect, &seen, &end, body, body.len, body.len);
    assert_int_equal(end.finish, finish);
    if (!strstr(end.err.message, message))
        assert_string_equal(end.err.message, message);
    seen_release(&seen);
}

void stream_expect_stops(const struct model_dialect *dialect, const char *text, int calls)
{
    struct str body = str_of(text);
    for (int stop = 1; stop <= calls + 1; stop++) {
        struct seen seen;
        struct model_end end;
        seen_init(&seen);
        seen.stop_after = stop;
        run(dialect, &seen, &end, body, body.len, 1);
        assert_int_equal(seen.sink_calls, stop < calls ? stop : calls);
        seen_release(&seen);
    }
}
