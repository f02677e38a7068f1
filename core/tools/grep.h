// SPDX-License-Identifier: MIT
// Searches files line by line and writes what matches: path:line:text, and path-line-text for the
// lines around it, with "--" between pieces. Files are read by pieces, binary ones skipped.
#ifndef SWARMD_CORE_TOOLS_GREP_H
#define SWARMD_CORE_TOOLS_GREP_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/pattern.h"
#include "core/files/walk.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GREP_CONTEXT_MAX = 20,
    GREP_LINE_SHOWN_MAX = 500,        // bytes
    GREP_LINE_SEARCHED_MAX = 1 << 20, // bytes of one line that are looked at
};

struct grep {
    // set by the caller
    struct pattern *pattern;
    struct walk *walk; // stops it, and bounds its time
    struct buf *out;
    size_t out_max;         // bytes of `out`, after which nothing is added
    int64_t context, limit; // lines around a match, at most GREP_CONTEXT_MAX; matches
    // filled
    int64_t matches;
    bool more;      // there is more than limit or out_max let in
    struct err err; // kind ERR_NONE unless the pattern is too costly, or reading failed
    // its own
    struct grep_file *file;
};

// Searches one open file. False when nothing more need be searched.
bool grep_file(struct grep *grep, int fd, struct str path);

#endif
