// SPDX-License-Identifier: MIT
#include "core/context/digest.h"

#include "core/base/utf8.h"
#include "core/tools/first_error.h"

#include <inttypes.h>
#include <string.h>

enum { NOTE_MAX = 60 }; // "[line 123456] "

void digest_init(struct digest *digest, int64_t total, size_t max)
{
    bool all = total <= (int64_t)max;
    size_t side = max / 100 * DIGEST_SIDE_PERCENT;
    *digest = (struct digest){.total = total, .max = max, .side = all ? max : side};
    buf_init(&digest->head, digest->side + DIGEST_LINE_MAX);
    buf_init(&digest->middle, max - 2 * side);
    buf_init(&digest->tail, digest->side + DIGEST_LINE_MAX);
}

void digest_release(struct digest *digest)
{
    buf_release(&digest->head);
    buf_release(&digest->middle);
    buf_release(&digest->tail);
}

static void add_middle(struct digest *digest, struct str line)
{
    if (!line_is_error(line))
        return;
    digest->errors++;
    if (digest->middle.len + line.len + NOTE_MAX > digest->middle.max)
        return;
    digest->errors_shown++;
    buf_addf(&digest->middle, "[line %" PRId64 "] ", digest->line);
    buf_add_str(&digest->middle, line);
}

static void add_line(struct digest *digest, struct str line)
{
    digest->line++;
    if (digest->at < (int64_t)digest->side)
        buf_add_str(&digest->head, line);
    else if (digest->at >= digest->total - (int64_t)digest->side)
        buf_add_str(&digest->tail, line);
    else
        add_middle(digest, line);
    digest->at += (int64_t)line.len;
}

void digest_add(struct digest *digest, struct str lines)
{
    digest->chars += (int64_t)utf8_count(lines);
    while (lines.len) {
        const char *end = memchr(lines.data, '\n', lines.len);
        size_t len = end ? (size_t)(end - lines.data) + 1 : lines.len;
        add_line(digest, str_from(lines.data, len));
        lines = str_skip(lines, len);
    }
}

void digest_put(const struct digest *digest, struct buf *out)
{
    int64_t missing = digest->at - (int64_t)digest->head.len - (int64_t)digest->tail.len;
    buf_add_str(out, buf_str(&digest->head));
    if (missing > 0) {
        buf_addf(out,
                 "[... %" PRId64 " bytes are left out here. %" PRId64
                 " lines among them look like errors%s]\n",
                 missing, digest->errors,
                 digest->errors == 0                      ? ""
                 : digest->errors == digest->errors_shown ? ":"
                                                          : "; the first ones:");
        buf_add_str(out, buf_str(&digest->middle));
        buf_add_str(out, STR("[... the end:]\n"));
    }
    buf_add_str(out, buf_str(&digest->tail));
}

struct str digest_piece(struct str *text, size_t max)
{
    size_t count = (text->len + max - 1) / max;
    size_t size = count > 1 ? (text->len + count - 1) / count : text->len;
    if (count > 1 && size + DIGEST_LINE_MAX <= max)
        size += DIGEST_LINE_MAX; // so that an end of a line before it does not make one piece more
    struct str piece = utf8_cut(*text, size);
    const char *end = piece.len < text->len ? memrchr(piece.data, '\n', piece.len) : NULL;
    if (end)
        piece.len = (size_t)(end - piece.data) + 1;
    if (piece.len == 0) // not even one character: never, as long as max is sane
        piece = str_from(text->data, text->len < max ? text->len : max);
    *text = str_skip(*text, piece.len);
    return piece;
}
