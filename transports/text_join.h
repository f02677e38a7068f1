// SPDX-License-Identifier: MIT
// Puts characters together that a server has cut between two pieces of a stream.
//
// The JSON reader takes valid UTF-8 only. A piece that is not (bytes of a cut character, or one
// half of a surrogate pair as an escape) is first made harmless: text_smuggle() rewrites its
// odd bytes as private characters (U+10FE80..U+10FEFF, one a byte), and text_join() turns them
// back, joins them with what it held back, and repairs visibly what fits nothing.
#ifndef SWARMD_TRANSPORTS_TEXT_JOIN_H
#define SWARMD_TRANSPORTS_TEXT_JOIN_H

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>

struct text_join {
    unsigned char held[3]; // a cut character's first bytes, or the first half of a pair
    unsigned char held_len;
};

// Rewrites a JSON text. False when there was nothing to rewrite (out is not touched then).
bool text_smuggle(struct buf *out, struct str json);

static inline bool text_join_empty(const struct text_join *join)
{
    return join->held_len == 0;
}

// Appends to out what can be passed on of held and piece; valid UTF-8 cut between characters.
// `smuggled`: the piece comes from a text that text_smuggle() has rewritten.
void text_join(struct text_join *join, struct str piece, bool smuggled, struct buf *out);

// Nothing follows: what is held becomes U+FFFD.
void text_join_end(struct text_join *join, struct buf *out);

#endif
