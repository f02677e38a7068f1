// SPDX-License-Identifier: MIT
// Cuts a connection's bytes into messages, and wraps messages for the way back.
//
// The first byte decides, for both directions: '{' means one JSON message a line, anything else
// the LSP base protocol's headers. No length is trusted: memory grows only with bytes that came,
// and a message over FRAME_MESSAGE_MAX is reported and its bytes are dropped as they come. What
// is no header is reported once, and the stream goes on at the next "Content-Length:".
//
// Use: frame_feed() with what arrived, then frame_next() until FRAME_MORE.
#ifndef SWARMD_LSP_FRAME_H
#define SWARMD_LSP_FRAME_H

#include "core/base/buf.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_MESSAGE_MAX = 64 << 20, // bytes of one message
    FRAME_HEADER_MAX = 8 << 10,   // bytes of the headers of one message
    FRAME_CHUNK_MAX = 1 << 20,    // bytes of one frame_feed()
    FRAME_KEEP_MAX = 256 << 10,   // memory kept between messages
    FRAME_PROBLEM_MAX = 160,
};

enum framing { FRAMING_UNKNOWN, FRAMING_HEADERS, FRAMING_LINES };

struct frame {
    enum framing framing;
    struct buf buf;
    size_t start;   // of what is not taken yet, in buf
    size_t scanned; // bytes from start that are known to hold no end of line
    uint64_t skip;  // bytes that are still to be dropped
    bool lost;      // in what is no header: looking for the next Content-Length
    bool skip_line; // the rest of this line is dropped
    bool ended;
    // of the headers that are being read
    size_t header_bytes;
    bool in_body; // they are whole
    bool has_length;
    uint64_t length;
    bool foreign_charset;
};

enum frame_status {
    FRAME_MORE,    // nothing whole is left
    FRAME_MESSAGE, // body
    FRAME_ERROR,   // code and problem are to be answered with id null; the stream goes on
};

struct frame_message {
    struct str body; // valid until the next call with this frame
    int code;
    char problem[FRAME_PROBLEM_MAX];
};

void frame_init(struct frame *frame);
void frame_release(struct frame *frame);

// False when there is no memory for it, or it is more than frame_next() was asked to take.
bool frame_feed(struct frame *frame, struct str bytes);
void frame_end(struct frame *frame); // end of input: a last line needs no newline
enum frame_status frame_next(struct frame *frame, struct frame_message *out);

// A message for the way out: frame_open(), append the JSON, frame_close(), buf_detach(). After
// an overflow (see buf.h) the buffer holds nothing that may be sent.
void frame_open(struct buf *out, size_t max);
void frame_close(struct buf *out, enum framing framing);

#endif
