// SPDX-License-Identifier: MIT
// What of a large output a model reads to summarise it: all, when it is not more than `max` bytes;
// else the beginning, the lines between that look like errors, and the end. Whole lines go in as
// they come, and what is held of them is bounded by max.
#ifndef SWARMD_CORE_CONTEXT_DIGEST_H
#define SWARMD_CORE_CONTEXT_DIGEST_H

#include "core/base/buf.h"

#include <stdint.h>

enum {
    DIGEST_SIDE_PERCENT = 40, // of max: the beginning, and the end; the errors have the rest
    DIGEST_LINE_MAX = 2000,   // bytes; no line is longer (core/tools/plain_text.h)
};

struct digest {
    int64_t total; // bytes that will come
    size_t max, side;
    int64_t at, chars; // that came
    int64_t line, errors, errors_shown;
    struct buf head, middle, tail;
};

void digest_init(struct digest *digest, int64_t total, size_t max);
void digest_release(struct digest *digest);
void digest_add(struct digest *digest, struct str lines);
void digest_put(const struct digest *digest, struct buf *out);

// The first of the pieces, of about the same size and at most `max` bytes, that a text is cut into:
// at the end of a line, unless one is longer. *text is what follows.
struct str digest_piece(struct str *text, size_t max);

#endif
