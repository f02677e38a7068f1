// SPDX-License-Identifier: MIT
// The server as a child process, one JSON message a line over its stdin and stdout.
//
// It has a process group of its own, so that ^C in a terminal reaches us and not it.
#ifndef SWARMD_CLI_CHILD_H
#define SWARMD_CLI_CHILD_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

enum {
    CHILD_LINE_MAX = 64 << 20, // the protocol's ceiling of a message
    CHILD_END_S = 15,          // for the server to end by itself; then it is killed
    CHILD_STAYS_MS = 500,      // after the end of its output: one that stays serves other editors
};

struct child {
    pid_t pid;
    int in, out; // its stdin and stdout
    struct buf buf;
    size_t used; // bytes of buf that were given out as lines
    bool ended;  // its output
};

// From the start on ^C and SIGTERM are counted here (child_interrupts) and end nothing by
// themselves.
bool child_start(struct child *child, struct err *err);
int child_interrupts(void);

bool child_send(struct child *child, struct str line, struct err *err); // adds the newline

enum child_read { CHILD_LINE, CHILD_ENDED, CHILD_INTERRUPTED };
// Waits for the next line; it is valid until the next call. A line that is too long ends it too.
enum child_read child_next(struct child *child, struct str *line);

// Closes its stdin, waits for it, and frees. Its exit code, 128 + signal when one ended it; 0 when
// it has let go of us and goes on with others.
int child_finish(struct child *child);

#endif
