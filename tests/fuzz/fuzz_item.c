// SPDX-License-Identifier: MIT
// Any JSON as an item: reading never fails badly, and what was read is written as one line of
// JSON that reads back to the same line.
#include "core/item.h"

#include "core/mem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
