// SPDX-License-Identifier: MIT
// Unified diffs of two texts, for people to look at.
#ifndef SWARMD_CORE_BASE_TEXT_DIFF_H
#define SWARMD_CORE_BASE_TEXT_DIFF_H

#include "core/base/buf.h"
#include "core/base/str.h"

enum {
    DIFF_CONTEXT = 3,           // lines around a change
    DIFF_LINES_MAX = 200000,    // between first and last change; more is shown as one replacement
    DIFF_EDITS_MAX = 1000,      // removed and added lines; more likewise
    DIFF_LINE_SHOWN_MAX = 2000, // bytes of one line
};

// Appends the diff that makes `after` of `before` (data NULL: there was no file), in at most
// about max bytes; what is cut says so. Invalid UTF-8 is repaired. Equal texts append nothing.
void text_diff(struct buf *out, const char *path, struct str before, struct str after, size_t max);

#endif
