// SPDX-License-Identifier: MIT
// Any bytes: refused with an error that lies within them, or read, written, read again and
// written again, and then both writings are the same. The ceiling of the arena is tried too:
// the first byte chooses it.
#include "tests/fuzz/fuzz.h"

#include "core/base/json.h"
#include "core/base/utf8.h"

enum { MEMORY_MAX = 64 << 20, OUTPUT_MAX = 64 << 20 };

const struct str fuzz_corpus[] = {
    STR("\xff{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"swarm/send\", \"params\": "
        "{\"agentId\": "
        "\"a-1\", \"text\": \"two\\nlines \\u00e9 \\ud83d\\ude00 \\\"quoted\\\"\"}}"),
    STR("\xff{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
        "\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}"),
    STR("\xff[0,-0,1.5,-2.5e-3,1E+5,9223372036854775807,-9223372036854775808,9223372036854775808,"
        "1e308,4.9e-324,true,false,null,\"\",[],{}]"),
    STR("\xff\"h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x98\x80 \\b\\f\\n\\r\\t\\/\\\\\\u0000\""),
    STR("\xff{\"a\":{\"a\":{\"a\":[[[[{\"a\":[{}]}]]]]}},\"a\":1,\"a\":2,\"\":{\"\":\"\"}}"),
    STR("\x01{\"small\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,\"\\n\"]}"),
    STR("\xff \t\r\n[ \"a run of plain letters, longer than one step of a fast path\" ] "),
    STR_NONE,
};

static void write_tree(struct buf *out, const struct json *json)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_put_tree(&writer, json);
    fuzz_check(!out->overflow);
    fuzz_check(utf8_is_valid(buf_str(out)));
}

static void check_error(const struct err *err, size_t size)
{
    fuzz_check(err->kind == ERR_PARAMS || err->kind == ERR_LIMIT);
    const char *at = strstr(err->message, "at byte ");
    fuzz_check(at || err->kind == ERR_LIMIT);
    fuzz_check(!at || strtoul(at + strlen("at byte "), NULL, 10) <= size);
}

static void check_again(const struct json *json)
{
    struct buf first, second;
    struct arena arena;
    struct err err = {0};
    struct json *again = NULL;
    buf_init(&first, OUTPUT_MAX);
    buf_init(&second, OUTPUT_MAX);
    arena_init(&arena, MEMORY_MAX);
    write_tree(&first, json);
    fuzz_check(json_parse(&again, &arena, buf_str(&first), &err));
    write_tree(&second, again);
    fuzz_check(str_equal(buf_str(&first), buf_str(&second)));
    buf_release(&first);
    buf_release(&second);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str text = str_skip(str_from((const char *)data, size), 1);
    struct arena arena;
    struct err err = {0};
    struct json *json = NULL;
    arena_init(&arena, data[0] == 0xff ? MEMORY_MAX : data[0] * (size_t)64);
    if (json_parse(&json, &arena, text, &err))
        check_again(json);
    else
        check_error(&err, text.len);
    fuzz_check(arena.used <= arena.max);
    arena_release(&arena);
    return 0;
}
