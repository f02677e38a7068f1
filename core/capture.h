// SPDX-License-Identifier: MIT
// The output of a command as the model sees it: all of it while it is small, else its beginning
// and its end. Bytes go in as they come; valid UTF-8 comes out.
#ifndef SWARMD_CORE_CAPTURE_H
#define SWARMD_CORE_CAPTURE_H

#include "core/buf.h"
#include "core/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CAPTURE_MAX = 50000,      // bytes shown
    CAPTURE_END_MAX = 25000,  // of them, at each end of what is cut
    CAPTURE_LAST_MAX = 50000, // bytes held to cut the end from
};

struct capture {
    struct buf first; // the first CAPTURE_MAX bytes
    struct buf last;  // the newest bytes after those; CAPTURE_END_MAX of them at least
    int64_t bytes;    // all that came
};

void capture_init(struct capture *capture);
void capture_release(struct capture *capture);
void capture_add(struct capture *capture, struct str bytes);

// Would some of it not be shown?
bool capture_is_cut(const struct capture *capture);

// Appends what is shown, ended by a newline when there is anything. Where it is cut (at line ends,
// when they are near) there is a line that says how many bytes are missing and, unless `whole` is
// NULL, in which file they are.
void capture_put(const struct capture *capture, struct buf *out, const char *whole);

#endif
