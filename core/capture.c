// SPDX-License-Identifier: MIT
#include "core/capture.h"

#include "core/text.h"
#include "core/utf8.h"

#include <inttypes.h>

enum { LINE_END_NEAR = 2000 }; // bytes given up to cut at a line's end

void capture_init(struct capture *capture)
{
    buf_init(&capture->first, CAPTURE_MAX);
    buf_init(&capture->last, CAPTURE_LAST_MAX);
    capture->bytes = 0;
}

void capture_release(struct capture *capture)
{
    buf_release(&capture->first);
    buf_release(&capture->last);
}

static void add_last(struct buf *last, struct str bytes)
{
    if (bytes.len > CAPTURE_END_MAX)
        bytes = str_skip(bytes, bytes.len - CAPTURE_END_MAX);
    if (last->len + bytes.len > CAPTURE_LAST_MAX)
        buf_remove_front(last, last->len - CAPTURE_END_MAX);
    buf_add_str(last, bytes);
}

void capture_add(struct capture *capture, struct str bytes)
{
    size_t room = CAPTURE_MAX - capture->first.len;
    size_t len = bytes.len < room ? bytes.len : room;
    capture->bytes += (int64_t)bytes.len;
    buf_add(&capture->first, bytes.data, len);
    if (len < bytes.len)
        add_last(&capture->last, str_skip(bytes, len));
}

// Length of s when it is repaired.
static size_t repaired_len(struct str s)
{
    struct buf scratch;
    buf_init(&scratch, 3 * CAPTURE_MAX + 1);
    text_repair(&scratch, s);
    size_t len = scratch.len;
    buf_release(&scratch);
    return len;
}

bool capture_is_cut(const struct capture *capture)
{
    return capture->bytes > CAPTURE_MAX || repaired_len(buf_str(&capture->first)) > CAPTURE_MAX;
}

// The end of `s`, at most max bytes, from a line's start when one is near.
static struct str end_of(struct str s, size_t max)
{
    if (s.len > max)
        s = str_skip(s, s.len - max);
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
    return str_from(s.data, s.len - utf8_incomplete_tail(s));
}

static void put_cut(const struct capture *capture, struct buf *out, const char *whole)
{
    struct buf tail;
    struct str first = buf_str(&capture->first);
    struct str start = start_of(first, CAPTURE_END_MAX);
    // Bytes that are no text grow threefold.
    if (repaired_len(start) > CAPTURE_END_MAX)
        start = start_of(first, CAPTURE_END_MAX / 3);
    buf_init(&tail, CAPTURE_MAX + CAPTURE_LAST_MAX);
    buf_add_str(&tail, str_skip(first, start.len));
    buf_add_str(&tail, buf_str(&capture->last));
    struct str end = end_of(buf_str(&tail), CAPTURE_END_MAX);
    if (repaired_len(end) > CAPTURE_END_MAX)
        end = end_of(buf_str(&tail), CAPTURE_END_MAX / 3);
    text_repair(out, start);
    if (!str_ends(start, STR("\n")))
        buf_add_char(out, '\n');
    buf_addf(out, "[... %" PRId64 " bytes are left out here",
             capture->bytes - (int64_t)start.len - (int64_t)end.len);
    if (whole)
        buf_addf(out, "; read the whole output (%" PRId64 " bytes) in %s", capture->bytes, whole);
    buf_add_str(out, STR(" ...]\n"));
    text_repair(out, end);
    if (end.len && !str_ends(end, STR("\n")))
        buf_add_char(out, '\n');
    buf_release(&tail);
}

void capture_put(const struct capture *capture, struct buf *out, const char *whole)
{
    if (capture_is_cut(capture)) {
        put_cut(capture, out, whole);
        return;
    }
    text_repair(out, buf_str(&capture->first));
    if (capture->first.len && !str_ends(buf_str(&capture->first), STR("\n")))
        buf_add_char(out, '\n');
}
