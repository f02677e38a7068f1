// SPDX-License-Identifier: MIT
// The bytes of a command's output as lines that a model can read: what a terminal would show last.
//
// Escape sequences are taken out, carriage returns and backspaces write over what stood there, a
// line without end is broken, and lines that are no text become one that says how many bytes they
// had, with the few bytes between them that look like text (core/tools/binary_run.h). Bytes go in
// as they come, by pieces of any size; whole lines of valid UTF-8 come out.
#ifndef SWARMD_CORE_TOOLS_PLAIN_TEXT_H
#define SWARMD_CORE_TOOLS_PLAIN_TEXT_H

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/tools/binary_run.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PLAIN_TEXT_LINE_MAX = 1900,   // bytes of a line that comes out, its newline not counted
    PLAIN_TEXT_ESCAPE_MAX = 4096, // bytes of an escape sequence; what is longer is text again
    PLAIN_TEXT_GROWTH = 4,        // times the bytes that went in, at most, and PLAIN_TEXT_SLACK
    PLAIN_TEXT_SLACK = PLAIN_TEXT_LINE_MAX + BINARY_RUN_HELD_MAX + 100,
};

enum plain_text_state { PLAIN_GROUND, PLAIN_ESCAPE, PLAIN_CSI, PLAIN_STRING, PLAIN_ONE_MORE };

struct plain_text {
    uint32_t cells[PLAIN_TEXT_LINE_MAX]; // the line, one code point each
    size_t count, cursor;                // cells
    size_t bytes;                        // that they have as UTF-8
    size_t raw, junk;                    // bytes that made the line, and those that are no text
    size_t all;                          // bytes since the line before, with what was overwritten
    size_t against;                      // that it is text, where binary data is around
    bool returned;                       // by a carriage return, and nothing was written since
    bool back;                           // by a backspace
    bool goes_on;                        // this line goes on where one was broken
    bool changed;                        // something came out other than it went in
    struct binary_run run;               // lines that are no text, not told yet
    enum plain_text_state state;
    size_t escape_len;
    int argument; // the newest of a control sequence
    unsigned char pending[4];
    size_t pending_len;
};

void plain_text_init(struct plain_text *plain);
// Appends the lines that are whole to out.
void plain_text_add(struct plain_text *plain, struct str bytes, struct buf *out);
void plain_text_end(struct plain_text *plain, struct buf *out); // the rest; a newline is its end

#endif
