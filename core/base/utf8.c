// SPDX-License-Identifier: MIT
#include "core/base/utf8.h"

#include <stdint.h>

enum { REPLACEMENT = 0xfffd, CODE_POINT_MAX = 0x10ffff };

enum sequence { SEQUENCE_VALID, SEQUENCE_INVALID, SEQUENCE_CUT };

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

// Looks at one sequence at p (left > 0). *len is its length when valid, else that of
// the longest part that could have begun a valid one, at least 1.
static enum sequence scan_sequence(const unsigned char *p, size_t left, size_t *len)
{
    unsigned char lead = p[0];
    *len = 1;
    if (lead < 0x80)
        return SEQUENCE_VALID;
    if (lead < 0xc2 || lead > 0xf4)
        return SEQUENCE_INVALID;
    size_t whole = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    // The second byte's narrower ranges exclude overlong forms, surrogates and too large ones.
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    while (*len < whole) {
        if (*len == left)
            return SEQUENCE_CUT;
        unsigned char c = p[*len];
        if (*len == 1 ? c < low || c > high : !is_continuation(c))
            return SEQUENCE_INVALID;
        ++*len;
    }
    return SEQUENCE_VALID;
}

static size_t skip_ascii(const unsigned char *p, size_t at, size_t len)
{
    for (uint64_t eight; at + sizeof eight <= len; at += sizeof eight) {
        memcpy(&eight, p + at, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (at < len && p[at] < 0x80)
        at++;
    return at;
}

size_t utf8_valid_prefix(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.data;
    size_t at = 0;
    while ((at = skip_ascii(p, at, s.len)) < s.len) {
        // Text that is not ASCII tends to go on so: no new fast path for every letter.
        while (at < s.len && p[at] >= 0x80) {
            size_t len;
            if (scan_sequence(p + at, s.len - at, &len) != SEQUENCE_VALID)
                return at;
            at += len;
        }
    }
    return at;
}

void utf8_repair(struct buf *out, struct str s)
{
    while (s.len) {
        size_t valid = utf8_valid_prefix(s);
        buf_add(out, s.data, valid);
        s = str_skip(s, valid);
        if (!s.len)
            return;
        size_t bad;
        scan_sequence((const unsigned char *)s.data, s.len, &bad);
        utf8_append(out, REPLACEMENT);
        s = str_skip(s, bad);
    }
}

struct str utf8_cut(struct str s, size_t max)
{
    if (s.len <= max)
        return s;
    size_t len = max;
    while (len > 0 && max - len < 3 && is_continuation((unsigned char)s.data[len]))
        len--;
    // Four continuation bytes in a row are no code point: nothing there to keep whole.
    if (is_continuation((unsigned char)s.data[len]))
        len = max;
    return (struct str){s.data, len};
}

size_t utf8_incomplete_tail(struct str s)
{
    for (size_t tail = 1; tail <= 3 && tail <= s.len; tail++) {
        size_t len;
        const unsigned char *p = (const unsigned char *)s.data + s.len - tail;
        if (scan_sequence(p, tail, &len) == SEQUENCE_CUT)
            return tail;
    }
    return 0;
}

void utf8_append(struct buf *out, unsigned code_point)
{
    char bytes[4];
    size_t len;
    if (code_point > CODE_POINT_MAX || (code_point >= 0xd800 && code_point <= 0xdfff))
        code_point = REPLACEMENT;
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        len = 1;
    } else if (code_point < 0x800) {
        bytes[0] = (char)(0xc0 | code_point >> 6);
        len = 2;
    } else if (code_point < 0x10000) {
        bytes[0] = (char)(0xe0 | code_point >> 12);
        len = 3;
    } else {
        bytes[0] = (char)(0xf0 | code_point >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        bytes[i] = (char)(0x80 | (code_point >> 6 * (len - 1 - i) & 0x3f));
    buf_add(out, bytes, len);
}

size_t utf8_count(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.data[i] & 0xC0) != 0x80;
    return count;
}
