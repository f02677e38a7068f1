// SPDX-License-Identifier: MIT
#include "core/base/text.h"

#include "core/base/utf8.h"

#include <stdbool.h>

#define REPLACEMENT "\xEF\xBF\xBD"

void text_repair(struct buf *out, struct str s)
{
    while (s.len) {
        const char *nul = memchr(s.data, '\0', s.len);
        size_t len = nul ? (size_t)(nul - s.data) : s.len;
        utf8_repair(out, str_from(s.data, len));
        if (nul)
            buf_add_str(out, STR(REPLACEMENT));
        s = str_skip(s, len + (nul ? 1 : 0));
    }
}

// Bytes of the character at the front of s, which is valid UTF-8.
static size_t character_len(struct str s)
{
    unsigned char c = (unsigned char)s.data[0];
    size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return len < s.len ? len : s.len;
}

// Controls of C0 and C1, line and paragraph separators, and what turns the direction of text:
// they would let a name or a command look like something else.
static bool is_harmful(struct str c)
{
    const unsigned char *u = (const unsigned char *)c.data;
    if (c.len == 1)
        return u[0] < 0x20 || u[0] == 0x7F;
    if (c.len == 2)
        return (u[0] == 0xC2 && u[1] < 0xA0) || (u[0] == 0xD8 && u[1] == 0x9C);
    if (c.len != 3 || u[0] != 0xE2)
        return false;
    if (u[1] == 0x80)
        return u[2] == 0x8E || u[2] == 0x8F || (u[2] >= 0xA8 && u[2] <= 0xAE);
    return u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Repairs s into scratch, whose ceiling also bounds the work on a very long s.
static struct str repaired(struct buf *scratch, struct str s)
{
    size_t most = scratch->max / 3;
    text_repair(scratch, s.len > most ? str_from(s.data, most) : s);
    return buf_str(scratch);
}

void text_one_line(struct buf *out, struct str s, size_t max)
{
    struct buf scratch, line;
    buf_init(&scratch, 12 * max + 64);
    buf_init(&line, 16 * max + 64);
    struct str rest = repaired(&scratch, str_trim(s));
    while (rest.len && line.len <= max) {
        struct str c = str_from(rest.data, character_len(rest));
        rest = str_skip(rest, c.len);
        if (!is_space(c.data[0]))
            buf_add_str(&line, is_harmful(c) ? STR(REPLACEMENT) : c);
        else if (line.len && line.data[line.len - 1] != ' ')
            buf_add_char(&line, ' ');
    }
    if (line.len <= max && rest.len == 0) {
        buf_add_str(out, buf_str(&line));
    } else {
        buf_add_str(out, utf8_cut(buf_str(&line), max - 3));
        buf_add_str(out, STR("..."));
    }
    buf_release(&line);
    buf_release(&scratch);
}

// White space of text: a carriage return only before a line end, since alone it would overwrite.
static bool is_layout(struct str rest)
{
    return rest.data[0] == '\n' || rest.data[0] == '\t' || str_starts(rest, STR("\r\n"));
}

static void add_harmless(struct buf *out, struct str s, bool layout)
{
    struct buf scratch;
    buf_init(&scratch, 3 * s.len + 64);
    text_repair(&scratch, s);
    for (struct str rest = buf_str(&scratch); rest.len;) {
        struct str c = str_from(rest.data, character_len(rest));
        bool keep = !is_harmful(c) || (layout && is_layout(rest));
        rest = str_skip(rest, c.len);
        buf_add_str(out, keep ? c : STR(REPLACEMENT));
    }
    buf_release(&scratch);
}

void text_lines(struct buf *out, struct str text)
{
    add_harmless(out, text, true);
}

void text_name(struct buf *out, struct str name)
{
    add_harmless(out, name, false);
}
