// SPDX-License-Identifier: MIT
// The same stream whole and cut must give the same events. The first byte says how it is cut.
#include "tests/fuzz/fuzz.h"

#include "core/base/buf.h"
#include "transports/sse.h"

const struct str fuzz_corpus[] = {
    STR("\x02"
        "data: one\n\nevent: named\ndata: two\ndata:  lines\nid: 7\n\n: comment\n\n"),
    STR("\x07"
        "\xef\xbb\xbf"
        "data:a\r\n\r\ndata:b\r\rretry: 10\nid: x\0y\ndata\n\nunknown: z\n\n"),
    STR("\x1f"
        "event: only a name\n\ndata: no end"),
    STR_NONE,
};

static bool on_event(void *arg, const struct sse_event *event)
{
    struct buf *log = arg;
    buf_add_str(log, event->type);
    buf_add_char(log, '\0');
    buf_add_str(log, event->data);
    buf_add_char(log, '\0');
    buf_add_str(log, event->id);
    buf_add_char(log, '\n');
    return true;
}

static bool run(struct buf *log, struct str stream, size_t piece)
{
    struct sse sse;
    struct err err;
    bool ok = true;
    sse_init(&sse);
    for (size_t at = 0; ok && at < stream.len; at += piece) {
        size_t len = stream.len - at < piece ? stream.len - at : piece;
        ok = sse_feed(&sse, str_from(stream.data + at, len), on_event, log, &err);
    }
    sse_release(&sse);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, cut;
    if (size == 0)
        return 0;
    struct str stream = str_from((const char *)data + 1, size - 1);
    buf_init(&whole, 1 << 24);
    buf_init(&cut, 1 << 24);
    bool ok = run(&whole, stream, size);
    fuzz_check(run(&cut, stream, data[0] % 32 + 1u) == ok);
    fuzz_check(str_equal(buf_str(&whole), buf_str(&cut)));
    buf_release(&whole);
    buf_release(&cut);
    return 0;
}
