// SPDX-License-Identifier: MIT
// A two-way stream of bytes: stdin and stdout together, or a socket.
//
// The only header of transports/ that lsp/ may include.
#ifndef SWARMD_TRANSPORTS_STREAM_H
#define SWARMD_TRANSPORTS_STREAM_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { STREAM_CLOSE_MS = 2000 };

struct loop;
struct stream;

struct stream_events {
    void (*bytes)(void *arg, struct str bytes); // valid during the call
    void (*ended)(void *arg);                   // end of input, or a read error; once
    void (*drained)(void *arg);                 // everything queued is written (edge-triggered)
    void (*failed)(void *arg, const struct err *err); // the other side cannot be written to; once
    void (*closed)(void *arg);                        // the stream is gone; last
};

// Pipes, sockets, terminals and plain files all work. The descriptors stay the caller's.
struct stream *stream_open_fds(struct loop *loop, int in_fd, int out_fd,
                               const struct stream_events *events, void *arg, struct err *err);

// Takes the bytes over (mem_free frees them when written or dropped). After `failed` or
// stream_close() they are dropped. What one loop turn writes goes out together at its end. There
// is no ceiling in here: whoever writes looks at stream_queued() and stops at its own.
void stream_write(struct stream *stream, char *bytes, size_t len);

size_t stream_queued(const struct stream *stream);     // bytes not yet taken by the system
void stream_pause(struct stream *stream, bool paused); // stop and go on reading

// Begins; queued bytes are still written, for at most STREAM_CLOSE_MS. `closed` is the only
// callback that still comes.
void stream_close(struct stream *stream);

#endif
