// SPDX-License-Identifier: MIT
// UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing above U+10FFFF.
#ifndef SWARMD_CORE_BASE_UTF8_H
#define SWARMD_CORE_BASE_UTF8_H

#include "core/base/buf.h"
#include "core/base/str.h"

// Length of the valid prefix of s, in bytes. A fast path skips ASCII eight at a time.
size_t utf8_valid_prefix(struct str s);

static inline bool utf8_is_valid(struct str s)
{
    return utf8_valid_prefix(s) == s.len;
}

// Appends s with each maximal invalid run replaced by U+FFFD (Unicode 15, 3.9, "substitution of
// maximal subparts"), so that the repair is visible.
void utf8_repair(struct buf *out, struct str s);

// The longest prefix of s that is at most max bytes and does not cut a code point.
struct str utf8_cut(struct str s, size_t max);

// The bytes of an incomplete but so far valid sequence at the end of s (0..3): what a stream
// decoder has to hold back until more comes.
size_t utf8_incomplete_tail(struct str s);

size_t utf8_count(struct str s); // code points of valid UTF-8

// Appends one code point; invalid ones become U+FFFD.
void utf8_append(struct buf *out, unsigned code_point);

#endif
