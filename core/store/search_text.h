// SPDX-License-Identifier: MIT
// What of an item can be found by a search, and what is shown of it when it was.
#ifndef SWARMD_CORE_STORE_SEARCH_TEXT_H
#define SWARMD_CORE_STORE_SEARCH_TEXT_H

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SEARCH_TEXT_MAX = 64 << 10, // of one item; what is beyond is not found
    SEARCH_SNIPPET_MAX = 200,   // bytes, and an ellipsis at either end
    SEARCH_SNIPPET_BEFORE = 60, // of them, in front of what was found
};

// Appends the text of an item as it is stored; nothing when there is none to be found: the item
// is still being written, or it is a question (its tool call is found instead).
void search_text_add(struct buf *out, const struct json *item);

// Appends one line of the text around the bytes from `start` to `end`.
void search_snippet_add(struct buf *out, struct str text, size_t start, size_t end);

#endif
