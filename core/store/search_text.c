// SPDX-License-Identifier: MIT
#include "core/store/search_text.h"

#include "core/base/utf8.h"

enum { WORD_LOOK = 30 }; // bytes in which a snippet is cut between words

static const char ellipsis[] = "…";

static void add(struct buf *out, size_t from, struct str text)
{
    size_t taken = out->len - from;
    if (text.len == 0 || taken >= SEARCH_TEXT_MAX)
        return;
    if (taken)
        buf_add_char(out, '\n');
    buf_add_str(out, utf8_cut(text, SEARCH_TEXT_MAX - taken));
}

void search_text_add(struct buf *out, const struct json *item)
{
    size_t from = out->len;
    if (str_is(json_str(item, "status"), "started") || str_is(json_str(item, "kind"), "approval"))
        return;
    add(out, from, json_str(item, "title"));
    add(out, from, json_str(item, "text"));
    add(out, from, json_str(item, "summary"));
    add(out, from, json_str(item, "output"));
    json_for_each(block, json_get(item, "content")) add(out, from, json_str(block, "text"));
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ';
}

// A word's beginning not far in front of `start`.
static size_t find_begin(struct str text, size_t start)
{
    if (start <= SEARCH_SNIPPET_BEFORE)
        return 0;
    size_t at = start - SEARCH_SNIPPET_BEFORE;
    for (size_t i = at; i < at + WORD_LOOK; i++)
        if (is_space(text.data[i]))
            return i + 1;
    while (at < start && ((unsigned char)text.data[at] & 0xc0) == 0x80)
        at++;
    return at;
}

// A word's end, unless that would cut off what was found.
static size_t find_end(struct str text, size_t begin, size_t end)
{
    size_t most = begin + utf8_cut(str_skip(text, begin), SEARCH_SNIPPET_MAX).len;
    if (most == text.len)
        return most;
    for (size_t i = most; i > end && i + WORD_LOOK > most; i--)
        if (is_space(text.data[i - 1]))
            return i - 1;
    return most;
}

void search_snippet_add(struct buf *out, struct str text, size_t start, size_t end)
{
    size_t begin = find_begin(text, start < text.len ? start : 0);
    size_t stop = find_end(text, begin, end);
    struct str part = str_trim(str_from(text.data + begin, stop - begin));
    if (begin > 0)
        buf_add_str(out, str_of(ellipsis));
    bool space = false;
    for (size_t i = 0; i < part.len; i++) {
        bool is = is_space(part.data[i]);
        if (!is || !space)
            buf_add_char(out, is ? ' ' : part.data[i]);
        space = is;
    }
    if (stop < text.len)
        buf_add_str(out, str_of(ellipsis));
}
