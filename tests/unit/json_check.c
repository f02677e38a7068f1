// SPDX-License-Identifier: MIT
// Reads JSON from stdin and writes it to stdout as the writer puts it: the whole input as one
// document, or with --lines a document a line. What is refused becomes "!" and the message.
// The exit status is 0 when the last document was accepted.
#include "core/base/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { INPUT_MAX = 256 * 1024 * 1024, MEMORY_MAX = 1024 * 1024 * 1024 };

static bool check(struct str text, struct arena *arena, struct buf *out)
{
    struct err err;
    struct json *json;
    struct json_writer writer;
    buf_clear(out);
    arena_reset(arena);
    json_writer_init(&writer, out);
    bool accepted = json_parse(&json, arena, text, &err);
    if (accepted)
        json_put_tree(&writer, json);
    else
        buf_addf(out, "!%s", err.message);
    buf_add_char(out, '\n');
    if (out->overflow)
        abort();
    fwrite(out->data, 1, out->len, stdout);
    return accepted;
}

static bool check_lines(struct str text, struct arena *arena, struct buf *out)
{
    bool accepted = true;
    while (text.len) {
        const char *newline = memchr(text.data, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.data) : text.len;
        accepted = check(str_from(text.data, len), arena, out);
        text = str_skip(text, newline ? len + 1 : len);
    }
    return accepted;
}

int main(int argc, char **argv)
{
    struct buf in, out;
    struct arena arena;
    buf_init(&in, INPUT_MAX);
    buf_init(&out, INPUT_MAX);
    arena_init(&arena, MEMORY_MAX);
    char chunk[65536];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, stdin)) > 0;)
        buf_add(&in, chunk, got);
    bool lines = argc > 1 && strcmp(argv[1], "--lines") == 0;
    bool accepted = (lines ? check_lines : check)(buf_str(&in), &arena, &out);
    buf_release(&in);
    buf_release(&out);
    arena_release(&arena);
    return accepted ? 0 : 1;
}
