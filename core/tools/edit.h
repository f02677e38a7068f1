// SPDX-License-Identifier: MIT
// Exact replacements in a text, all or none.
//
// Every edit is looked for in the original text, never in another's result. Line ends do not
// matter for finding: "\n" finds "\r\n" and the other way round, and what is put in takes the line
// ends of what it replaces (of the file, where that has none).
#ifndef SWARMD_CORE_TOOLS_EDIT_H
#define SWARMD_CORE_TOOLS_EDIT_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    EDIT_COUNT_MAX = 256,
    EDIT_PLACES_MAX = 100000, // replacements in one text
    EDIT_PLACES_NAMED = 10,   // line numbers in an error
    EDIT_PLACES_COUNTED = 1000,
};

struct edit {
    struct str old_text, new_text;
    bool all; // else old_text must be there exactly once
};

// Appends the edited text to out (its ceiling is out->max) and counts the replacements. On
// failure err names the edit by number, from 1, and why, with line numbers; out may hold a part.
bool edit_apply(struct str text, const struct edit *edits, size_t count, struct buf *out,
                size_t *replaced, struct err *err);

#endif
