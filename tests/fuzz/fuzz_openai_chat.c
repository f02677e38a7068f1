// SPDX-License-Identifier: MIT
// Any body: the sink gets valid UTF-8 and calls in order, and the same whole as cut.
#include "tests/fuzz/fuzz.h"

#include "core/utf8.h"
#include "transports/openai_stream.h"

const struct str fuzz_corpus[] = {
    STR("\x05"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
        "\"h\xc3\xa9\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n"
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n"
        "data: [DONE]\n\n"),
    STR("\x20"
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
        "\"function\":{\"name\":\"read\",\"arguments\":\"\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
        "\"{\\\"path\\\":\"}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1,"
        "\"id\":\"c2\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"),
    // the second call has a name before the first
    STR("\x20"
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\"},"
        "{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"list\",\"arguments\":\"{\"}},"
        "{\"index\":0,\"function\":{\"name\":\"read\",\"arguments\":\"{}\"}},"
        "{\"index\":1,\"function\":{\"arguments\":\"}\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"finish_reason\":\"tool_calls\"}]}\n\n"),
    STR("\x01"
        "{\"choices\":[{\"message\":{\"content\":\"whole\"},\"finish_reason\":\"stop\"}]}"),
    STR("\x09"
        "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n"),
    STR_NONE,
};

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

static void on_usage(void *arg, const struct model_usage *usage)
{
    (void)arg;
    (void)usage;
}

static enum model_finish run(struct seen *seen, struct str body, size_t piece)
{
    static const struct model_sink sink = {.text = on_text,
                                           .reasoning = on_reasoning,
                                           .tool_begin = on_begin,
                                           .tool_input = on_input,
                                           .usage = on_usage};
    struct openai_origin origin = {(char *)"fuzz", NULL, (char *)"key"};
    struct openai_stream stream;
    struct arena arena;
    struct model_end end = {.finish = MODEL_FAILED};
    bool going = true;
    arena_init(&arena, 16 << 20);
    openai_stream_init(&stream, &sink, seen, &origin, &arena);
    for (size_t at = 0; going && at < body.len; at += piece) {
        size_t len = body.len - at < piece ? body.len - at : piece;
        going = openai_stream_feed(&stream, str_from(body.data + at, len), &end.err);
        fuzz_check(going || end.err.kind != ERR_NONE);
    }
    if (going)
        openai_stream_end(&stream, &end);
    openai_stream_release(&stream);
    arena_release(&arena);
    return end.finish;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole = {0}, cut = {0};
    if (size == 0)
        return 0;
    struct str body = str_from((const char *)data + 1, size - 1);
    buf_init(&whole.text, 1 << 24);
    buf_init(&cut.text, 1 << 24);
    enum model_finish finish = run(&whole, body, size);
    fuzz_check(run(&cut, body, data[0] % 32 + 1u) == finish);
    fuzz_check(str_equal(buf_str(&whole.text), buf_str(&cut.text)) && whole.calls == cut.calls);
    buf_release(&whole.text);
    buf_release(&cut.text);
    return 0;
}
