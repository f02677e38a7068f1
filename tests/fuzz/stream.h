// SPDX-License-Identifier: MIT
// For the fuzz targets of dialects. Any body: the sink gets valid UTF-8 and calls in order, and the
// same whole as cut; the first byte of an input says how it is cut.
#ifndef SWARMD_TESTS_FUZZ_STREAM_H
#define SWARMD_TESTS_FUZZ_STREAM_H

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tests/fuzz/fuzz.h"
#include "transports/model_http.h"
#include "transports/model_stream.h"

struct seen {
    struct buf text;
    unsigned calls;
};

static void on_text(void *arg, struct str piece)
{
    struct seen *seen = arg;
    fuzz_check(piece.len && utf8_is_valid(piece));
    buf_add_str(&seen->text, piece);
}

static void on_reasoning(void *arg, struct str piece)
{
    (void)arg;
    fuzz_check(piece.len && utf8_is_valid(piece));
}

static void on_begin(void *arg, unsigned index, struct str id, struct str name)
{
    struct seen *seen = arg;
    fuzz_check(index == seen->calls++ && index < MODEL_TOOL_CALLS_MAX && id.len && name.len);
}

static void on_input(void *arg, unsigned index, struct str piece)
{
    struct seen *seen = arg;
    fuzz_check(index < seen->calls && piece.len && utf8_is_valid(piece));
}

static void on_opaque(void *arg, enum model_part_kind of, unsigned index, struct str json)
{
    struct seen *seen = arg;
    struct arena arena;
    struct json *tree = NULL;
    struct err err;
    fuzz_check(of != MODEL_TOOL_CALL || index < seen->calls);
    arena_init(&arena, 16 << 20);
    fuzz_check(json_parse(&tree, &arena, json, &err) && json_str(tree, "kind").len);
    arena_release(&arena);
}

static void on_usage(void *arg, const struct model_usage *usage)
{
    (void)arg;
    (void)usage;
}

static enum model_finish run(const struct model_dialect *dialect, struct seen *seen,
                             struct str body, size_t piece)
{
    static const struct model_sink sink = {.text = on_text,
                                           .reasoning = on_reasoning,
                                           .tool_begin = on_begin,
                                           .tool_input = on_input,
                                           .opaque = on_opaque,
                                           .usage = on_usage};
    struct model_origin origin = {(char *)"fuzz", NULL, (char *)"key"};
    struct model_stream *stream = mem_new(dialect->stream_size);
    struct arena arena;
    struct model_end end = {.finish = MODEL_FAILED};
    bool going = true;
    arena_init(&arena, 16 << 20);
    model_stream_init(stream, &sink, seen, &origin, &arena);
    dialect->open(stream);
    for (size_t at = 0; going && at < body.len; at += piece) {
        size_t len = body.len - at < piece ? body.len - at : piece;
        going = model_stream_feed(stream, str_from(body.data + at, len), &end.err);
        fuzz_check(going || end.err.kind != ERR_NONE);
    }
    if (going)
        model_stream_end(stream, &end);
    model_stream_release(stream);
    mem_free(stream);
    arena_release(&arena);
    return end.finish;
}

static int fuzz_stream(const struct model_dialect *dialect, const uint8_t *data, size_t size)
{
    struct seen whole = {0}, cut = {0};
    if (size == 0)
        return 0;
    struct str body = str_from((const char *)data + 1, size - 1);
    buf_init(&whole.text, 1 << 24);
    buf_init(&cut.text, 1 << 24);
    enum model_finish finish = run(dialect, &whole, body, size);
    fuzz_check(run(dialect, &cut, body, data[0] % 32 + 1u) == finish);
    fuzz_check(str_equal(buf_str(&whole.text), buf_str(&cut.text)) && whole.calls == cut.calls);
    buf_release(&whole.text);
    buf_release(&cut.text);
    return 0;
}

#define FUZZ_STREAM(dialect)                                                                       \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        return fuzz_stream(dialect, data, size);                                                   \
    }

#endif
