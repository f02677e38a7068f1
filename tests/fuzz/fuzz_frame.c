// SPDX-License-Identifier: MIT
// Framing, classification and envelopes of arbitrary bytes. The first byte says into how large
// pieces the rest is cut; the outcome must not depend on it.
#include "tests/fuzz/fuzz.h"

#include "core/base/arena.h"
#include "lsp/frame.h"
#include "lsp/rpc.h"

const struct str fuzz_corpus[] = {
    STR("\x03"
        "Content-Length: 38\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"initialized\"}"
        "Content-Type: application/vscode-jsonrpc; charset=utf8\r\nContent-Length: 4\r\n\r\nnull"),
    STR("\x10"
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"shutdown\"}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":null}\r\n\n{\"jsonrpc\":\"2.0\",\"id\":7,"
        "\"error\":{\"code\":-32601,\"message\":\"no\"}}"),
    STR("\x01"
        "garbage\r\nContent-Length: 2\r\n\r\n{}Content-Length: 99999999999\r\n\r\n{"),
    STR("\xff"
        "content-length:2\r\nContent-Type: x; charset=latin1\r\n\r\n[]"),
    STR_NONE,
};

static void handle(struct arena *arena, struct str body)
{
    struct json *json;
    struct err err;
    struct rpc_message message;
    arena_reset(arena);
    if (json_parse(&json, arena, body, &err))
        rpc_classify(json, &message);
}

// A number for everything that came out.
static uint64_t run(struct str input, size_t step)
{
    struct frame frame;
    struct arena arena;
    struct frame_message message;
    uint64_t sum = 0;
    frame_init(&frame);
    arena_init(&arena, 1 << 20);
    while (input.len || !frame.ended) {
        size_t n = step < input.len ? step : input.len;
        if (n == 0)
            frame_end(&frame);
        if (!frame_feed(&frame, str_from(input.data, n)))
            abort();
        input = str_skip(input, n);
        enum frame_status status;
        while ((status = frame_next(&frame, &message)) != FRAME_MORE) {
            sum = sum * 31 + (uint64_t)status + message.body.len * 7;
            if (status == FRAME_MESSAGE)
                handle(&arena, message.body);
        }
    }
    arena_release(&arena);
    frame_release(&frame);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str input = str_from((const char *)data + 1, size - 1);
    if (run(input, data[0] + 1u) != run(input, size))
        abort();
    return 0;
}
