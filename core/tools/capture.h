// SPDX-License-Identifier: MIT
// The output of a tool as the model sees it: all of it while it is small, else its beginning, the
// first error in it, and its end. Whole lines go in as they come (core/tools/plain_text.h makes
// them); what is kept of them in memory is bounded, whatever comes.
#ifndef SWARMD_CORE_TOOLS_CAPTURE_H
#define SWARMD_CORE_TOOLS_CAPTURE_H

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CAPTURE_MAX = 50000,       // bytes held from the beginning; the most that is shown whole
    CAPTURE_END_MAX = 25000,   // bytes of the end that are shown at most
    CAPTURE_LAST_MAX = 50000,  // bytes held to cut the end from
    CAPTURE_LAST_LINES = 40,   // are always shown, if CAPTURE_END_MAX lets them
    CAPTURE_ERROR_LINES = 6,   // from the first that is an error
    CAPTURE_ERROR_MAX = 12000, // bytes of those
};

struct capture {
    struct buf first;    // the first CAPTURE_MAX bytes
    struct buf last;     // the newest bytes after those; CAPTURE_END_MAX of them at least
    struct buf error;    // the first line that is an error, and some after it
    int64_t bytes;       // all that came
    int64_t chars;       // code points of it
    int64_t lines;       // their newlines
    int64_t error_line;  // where the error is; 0: there was none
    int64_t error_start; // the bytes before it
};

void capture_init(struct capture *capture);
void capture_release(struct capture *capture);
void capture_add(struct capture *capture, struct str lines);

// Appends what is shown: all, when it has at most `whole` characters (code points) and CAPTURE_MAX
// bytes. Where it is cut (at line ends,
// when they are near) a line says how many bytes are missing and, unless `how` is NULL, how they
// are read.
void capture_put(const struct capture *capture, size_t whole, const char *how, struct buf *out);

// Appends what no summary may lose: the first error, and the last lines, word for word.
void capture_put_kept(const struct capture *capture, struct buf *out);

#endif
