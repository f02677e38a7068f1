// SPDX-License-Identifier: MIT
#include "core/tools/capture.h"

#include "core/base/utf8.h"
#include "core/tools/first_error.h"

#include <inttypes.h>

enum { LINE_END_NEAR = 2000 }; // bytes given up to cut at a line's end

void capture_init(struct capture *capture)
{
    *capture = (struct capture){.bytes = 0};
    buf_init(&capture->first, CAPTURE_MAX);
    buf_init(&capture->last, CAPTURE_LAST_MAX);
    buf_init(&capture->error, CAPTURE_ERROR_MAX);
}

void capture_release(struct capture *capture)
{
    buf_release(&capture->first);
    buf_release(&capture->last);
    buf_release(&capture->error);
}

static void add_last(struct buf *last, struct str bytes)
{
    if (bytes.len > CAPTURE_END_MAX)
        bytes = str_skip(bytes, bytes.len - CAPTURE_END_MAX);
    if (last->len + bytes.len > CAPTURE_LAST_MAX)
        buf_remove_front(last, last->len - CAPTURE_END_MAX);
    buf_add_str(last, bytes);
}

static void look(struct capture *capture, struct str line, int64_t start)
{
    bool begins = capture->error_line == 0 && line_is_error(line);
    capture->lines++;
    if (begins) {
        capture->error_line = capture->lines;
        capture->error_start = start;
    }
    if (capture->error_line && capture->lines < capture->error_line + CAPTURE_ERROR_LINES)
        buf_add_str(&capture->error, line);
}

void capture_add(struct capture *capture, struct str lines)
{
    size_t room = CAPTURE_MAX - capture->first.len;
    size_t len = lines.len < room ? lines.len : room;
    int64_t start = capture->bytes;
    capture->bytes += (int64_t)lines.len;
    capture->chars += (int64_t)utf8_count(lines);
    buf_add(&capture->first, lines.data, len);
    if (len < lines.len)
        add_last(&capture->last, str_skip(lines, len));
    while (lines.len) {
        const char *end = memchr(lines.data, '\n', lines.len);
        len = end ? (size_t)(end - lines.data) + 1 : lines.len;
        look(capture, str_from(lines.data, len), start);
        start += (int64_t)len;
        lines = str_skip(lines, len);
    }
}

// The end of `s`, at most max bytes, from a line's start when one is near.
static struct str end_of(struct str s, size_t max)
{
    if (s.len <= max)
        return s;
    bool at_start = s.data[s.len - max - 1] == '\n';
    s = str_skip(s, s.len - max);
    if (at_start)
        return s;
    const char *end = s.len ? memchr(s.data, '\n', s.len) : NULL;
    size_t skip = end ? (size_t)(end - s.data) + 1 : 0;
    if (skip > 0 && skip <= LINE_END_NEAR && skip < s.len)
        return str_skip(s, skip);
    skip = 0;
    while (skip < 3 && skip < s.len && ((unsigned char)s.data[skip] & 0xC0) == 0x80)
        skip++;
    return str_skip(s, skip);
}

// The beginning of `s`, at most max bytes, to a line's end when one is near.
static struct str start_of(struct str s, size_t max)
{
    if (s.len > max)
        s.len = max;
    const char *end = s.len ? memrchr(s.data, '\n', s.len) : NULL;
    size_t len = end ? (size_t)(end - s.data) + 1 : 0;
    if (len && s.len - len <= LINE_END_NEAR)
        return str_from(s.data, len);
    return utf8_cut(s, s.len - utf8_incomplete_tail(s));
}

// Bytes that the last CAPTURE_LAST_LINES lines of s have.
static size_t last_lines(struct str s)
{
    size_t at = s.len, lines = 0;
    while (at > 0 && lines <= CAPTURE_LAST_LINES) {
        const char *end = at > 1 ? memrchr(s.data, '\n', at - 1) : NULL;
        if (++lines > CAPTURE_LAST_LINES)
            break;
        at = end ? (size_t)(end - s.data) + 1 : 0;
    }
    return s.len - at;
}

static void put_lines(struct buf *out, struct str lines)
{
    buf_add_str(out, lines);
    if (lines.len && !str_ends(lines, STR("\n")))
        buf_add_char(out, '\n');
}

// What came last of all that is held behind the first `skip` bytes; NUL-terminated by its buffer.
static void hold_tail(const struct capture *capture, size_t skip, struct buf *tail)
{
    buf_init(tail, CAPTURE_MAX + CAPTURE_LAST_MAX);
    // Between first and last there may be a gap.
    if ((int64_t)(capture->first.len + capture->last.len) == capture->bytes)
        buf_add_str(tail, str_skip(buf_str(&capture->first), skip));
    buf_add_str(tail, buf_str(&capture->last));
}

static size_t end_size(struct str tail, size_t wanted)
{
    size_t lines = last_lines(tail);
    if (lines < wanted)
        lines = wanted;
    return lines < CAPTURE_END_MAX ? lines : CAPTURE_END_MAX;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

// Bytes of the first characters of s.
static size_t first_chars(struct str s, size_t chars)
{
    size_t at = 0;
    for (; at < s.len && (chars > 0 || continues(s.data[at])); at++)
        chars -= !continues(s.data[at]);
    return at;
}

static size_t last_chars(struct str s, size_t chars)
{
    size_t at = s.len;
    for (; at > 0 && chars > 0; at--)
        chars -= !continues(s.data[at - 1]);
    return s.len - at;
}

static void put_cut(const struct capture *capture, size_t whole, const char *how, struct buf *out)
{
    struct buf tail;
    struct str first = buf_str(&capture->first);
    struct str start = start_of(first, first_chars(first, whole / 3));
    hold_tail(capture, start.len, &tail);
    size_t wanted = last_chars(buf_str(&tail), whole - whole / 3);
    struct str end = end_of(buf_str(&tail), end_size(buf_str(&tail), wanted));
    int64_t missing = capture->bytes - (int64_t)start.len - (int64_t)end.len;
    put_lines(out, start);
    if (missing > 0)
        buf_addf(out, "[... %" PRId64 " bytes are left out here%s%s]\n", missing, how ? "; " : "",
                 how ? how : "");
    bool seen = capture->error_line == 0 ||
                capture->error_start + (int64_t)capture->error.len <= (int64_t)start.len ||
                capture->error_start >= capture->bytes - (int64_t)end.len;
    if (missing > 0 && !seen) {
        buf_addf(out, "[the first error, at line %" PRId64 ":]\n", capture->error_line);
        put_lines(out, buf_str(&capture->error));
        buf_add_str(out, STR("[... the end:]\n"));
    }
    put_lines(out, end);
    buf_release(&tail);
}

void capture_put(const struct capture *capture, size_t whole, const char *how, struct buf *out)
{
    if (capture->chars > (int64_t)whole || capture->bytes > CAPTURE_MAX)
        put_cut(capture, whole, how, out);
    else
        put_lines(out, buf_str(&capture->first));
}

void capture_put_kept(const struct capture *capture, struct buf *out)
{
    struct buf tail;
    hold_tail(capture, 0, &tail);
    struct str end = end_of(buf_str(&tail), end_size(buf_str(&tail), 0));
    bool seen = capture->error_start >= capture->bytes - (int64_t)end.len;
    if (capture->error_line && !seen) {
        buf_addf(out, "[the first error, at line %" PRId64 ":]\n", capture->error_line);
        put_lines(out, buf_str(&capture->error));
    }
    buf_add_str(out, STR("[the last lines:]\n"));
    put_lines(out, end);
    buf_release(&tail);
}
