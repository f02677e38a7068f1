// SPDX-License-Identifier: MIT
// Any JSON as an item: reading never fails badly, and what was read is written as one line of
// JSON that reads back to the same line.
#include "tests/fuzz/fuzz.h"

#include "core/agent/item.h"

#include "core/base/mem.h"

const struct str fuzz_corpus[] = {
    STR("{\"id\":\"i1\",\"agentId\":\"agent-1\",\"turn\":1,\"step\":2,\"seq\":3,\"time\":"
        "\"2024-02-29T12:34:56.789Z\",\"kind\":\"user\",\"status\":\"completed\",\"content\":"
        "[{\"type\":\"text\",\"text\":\"do it\\n\"}],\"from\":\"user\"}"),
    STR("{\"id\":\"i2\",\"kind\":\"tool\",\"status\":\"failed\",\"name\":\"bash\",\"title\":\"bash:"
        " ls\","
        "\"callId\":\"c1\",\"input\":{\"command\":\"ls\"},\"output\":\"out\",\"bytes\":3,\"full\":"
        "\"/x\",\"exitCode\":1,\"paths\":[\"a\",\"b\"]}"),
    STR("{\"id\":\"i3\",\"kind\":\"assistant\",\"status\":\"started\",\"text\":\"h\xc3\xa9\"}"),
    STR("{\"id\":\"i4\",\"kind\":\"plan\",\"entries\":[{}]}"),
    STR("{\"id\":\"i5\",\"kind\":\"approval\",\"approval\":{\"id\":\"p\"}}"),
    STR("{\"id\":\"i6\",\"kind\":\"compaction\",\"before\":1,\"after\":2,\"summary\":\"s\"}"),
    STR("{\"id\":\"i7\",\"kind\":\"notice\",\"level\":\"warning\",\"text\":\"t\"}"),
    STR("{\"id\":\"i8\",\"kind\":\"message\",\"from\":\"a\",\"to\":\"b\",\"text\":\"t\"}"),
    STR("{\"id\":\"i9\",\"kind\":\"merge\",\"commit\":\"0\",\"files\":[]}"),
    STR_NONE,
};

static struct item *read_item(struct arena *arena, struct str text)
{
    struct json *json = NULL;
    struct err err;
    if (!json_parse(&json, arena, text, &err))
        return NULL;
    return item_read_json(json, &err);
}

static void write_item(struct buf *out, const struct item *item)
{
    struct json_writer w;
    buf_init(out, 64 << 20);
    json_writer_init(&w, out);
    item_write_json(&w, item, STR("agent-1"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, 64 << 20);
    struct item *item = read_item(&arena, str_from((const char *)data, size));
    if (item) {
        struct buf first, second;
        write_item(&first, item);
        struct item *again = read_item(&arena, buf_str(&first));
        if (!again || memchr(first.data, '\n', first.len))
            abort();
        write_item(&second, again);
        if (!str_equal(buf_str(&first), buf_str(&second)))
            abort();
        item_free(again);
        buf_release(&first);
        buf_release(&second);
    }
    item_free(item);
    arena_release(&arena);
    return 0;
}
