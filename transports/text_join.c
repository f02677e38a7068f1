// SPDX-License-Identifier: MIT
#include "transports/text_join.h"

#include "core/base/utf8.h"

enum {
    SMUGGLED_FIRST = 0x10fe80, // stands for the byte 0x80
    SMUGGLED_SIZE = 4,         // bytes of one in UTF-8
    ESCAPE_SIZE = 6,           // of \uXXXX
    SURROGATE_SIZE = 3,        // of one half in the generalised UTF-8 that joins them
};

static void smuggle(struct buf *out, unsigned char byte)
{
    utf8_append(out, SMUGGLED_FIRST + byte - 0x80u);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The value of an escape \uXXXX at the start of s, or -1.
static int escape_value(struct str s)
{
    if (s.len < ESCAPE_SIZE || s.data[0] != '\\' || s.data[1] != 'u')
        return -1;
    int value = 0;
    for (int i = 2; i < ESCAPE_SIZE; i++) {
        int digit = hex_digit(s.data[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool is_high(int value)
{
    return value >= 0xd800 && value < 0xdc00;
}

static bool is_low(int value)
{
    return value >= 0xdc00 && value < 0xe000;
}

// One escape sequence at the start of s: copied, or smuggled when it is half a pair.
static size_t take_escape(struct buf *out, struct str s, bool *changed)
{
    int value = escape_value(s);
    if (is_high(value) && is_low(escape_value(str_skip(s, ESCAPE_SIZE)))) {
        buf_add(out, s.data, (size_t)2 * ESCAPE_SIZE);
        return (size_t)2 * ESCAPE_SIZE;
    }
    if (is_high(value) || is_low(value)) {
        smuggle(out, 0xed);
        smuggle(out, (unsigned char)(0x80 | ((value >> 6) & 0x3f)));
        smuggle(out, (unsigned char)(0x80 | (value & 0x3f)));
        *changed = true;
        return ESCAPE_SIZE;
    }
    size_t size = s.len < 2 ? s.len : 2;
    buf_add(out, s.data, size);
    return size;
}

bool text_smuggle(struct buf *out, struct str json)
{
    bool changed = false;
    size_t start = out->len;
    while (json.len) {
        struct str valid = str_from(json.data, utf8_valid_prefix(json));
        json = str_skip(json, valid.len);
        while (valid.len) {
            const char *escape = memchr(valid.data, '\\', valid.len);
            size_t plain = escape ? (size_t)(escape - valid.data) : valid.len;
            buf_add(out, valid.data, plain);
            valid = str_skip(valid, plain);
            if (valid.len)
                valid = str_skip(valid, take_escape(out, valid, &changed));
        }
        if (json.len) {
            smuggle(out, (unsigned char)json.data[0]);
            json = str_skip(json, 1);
            changed = true;
        }
    }
    if (!changed)
        buf_truncate(out, start);
    return changed;
}

// Replaces smuggled characters in buf, from `start` on, by the bytes that they stand for.
static void unsmuggle(struct buf *buf, size_t start)
{
    size_t to = start;
    for (size_t from = start; from < buf->len;) {
        const unsigned char *at = (const unsigned char *)buf->data + from;
        // U+10FE80 + n, n < 128, is F4 8F BA 80 .. F4 8F BB BF.
        if (buf->len - from >= SMUGGLED_SIZE && at[0] == 0xf4 && at[1] == 0x8f &&
            (at[2] == 0xba || at[2] == 0xbb)) {
            buf->data[to++] = (char)(0x80 | ((at[2] & 1) << 6) | (at[3] & 0x3f));
            from += SMUGGLED_SIZE;
        } else {
            buf->data[to++] = buf->data[from++];
        }
    }
    buf_truncate(buf, to);
}

// -1, or the surrogate whose three bytes start s.
static int surrogate_at(struct str s)
{
    const unsigned char *at = (const unsigned char *)s.data;
    if (s.len < SURROGATE_SIZE || at[0] != 0xed || at[1] < 0xa0 || at[1] > 0xbf ||
        (at[2] & 0xc0) != 0x80)
        return -1;
    return 0xd000 | ((at[1] & 0x3f) << 6) | (at[2] & 0x3f);
}

// Is s the beginning, and only that, of something that more bytes can complete?
static bool can_grow(struct str s)
{
    if (is_high(surrogate_at(s)) && s.len == SURROGATE_SIZE)
        return true;
    return s.len && utf8_incomplete_tail(s) == s.len;
}

static void join_bytes(struct text_join *join, struct str bytes, struct buf *out)
{
    while (bytes.len) {
        size_t valid = utf8_valid_prefix(bytes);
        buf_add(out, bytes.data, valid);
        bytes = str_skip(bytes, valid);
        if (bytes.len == 0)
            return;
        if (can_grow(bytes)) {
            memcpy(join->held, bytes.data, bytes.len);
            join->held_len = (unsigned char)bytes.len;
            return;
        }
        int half = surrogate_at(bytes);
        if (half < 0) {
            size_t run = 1; // up to the next byte that can start a character
            while (run < bytes.len && ((unsigned char)bytes.data[run] & 0xc0) == 0x80)
                run++;
            utf8_repair(out, str_from(bytes.data, run));
            bytes = str_skip(bytes, run);
            continue;
        }
        bytes = str_skip(bytes, SURROGATE_SIZE);
        int other = surrogate_at(bytes);
        if (is_high(half) && is_low(other)) {
            utf8_append(out,
                        0x10000u + (((unsigned)half & 0x3ff) << 10) + ((unsigned)other & 0x3ff));
            bytes = str_skip(bytes, SURROGATE_SIZE);
        } else {
            utf8_append(out, 0xfffd);
        }
    }
}

void text_join(struct text_join *join, struct str piece, bool smuggled, struct buf *out)
{
    struct buf bytes;
    buf_init(&bytes, piece.len + sizeof(join->held));
    buf_add(&bytes, join->held, join->held_len);
    join->held_len = 0;
    size_t start = bytes.len;
    buf_add_str(&bytes, piece);
    if (smuggled)
        unsmuggle(&bytes, start);
    join_bytes(join, buf_str(&bytes), out);
    buf_release(&bytes);
}

void text_join_end(struct text_join *join, struct buf *out)
{
    if (join->held_len)
        utf8_append(out, 0xfffd);
    join->held_len = 0;
}
