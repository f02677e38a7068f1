// SPDX-License-Identifier: MIT
// An incremental parser of event streams (text/event-stream, as the WHATWG HTML standard has it).
//
// Bytes go in as they come, cut anywhere; events come out. Lines end in LF, CR or CRLF; a
// byte-order mark at the start is skipped; comments, unknown fields and an event that the end of
// the stream cuts off are dropped. Bytes are passed on as they are: UTF-8 is the caller's matter.
// An event that is whole in one sse_feed() is not copied.
#ifndef SWARMD_TRANSPORTS_SSE_H
#define SWARMD_TRANSPORTS_SSE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SSE_EVENT_MAX = 8 << 20, // bytes of one line, and of the data of one event
    SSE_NAME_MAX = 256,      // bytes of an event's type and of an id; longer ones are an error
};

struct sse_event {
    struct str type; // "message" when the stream named none
    struct str data; // lines joined by LF
    struct str id;   // the last id that the stream gave, or empty
};

struct sse {
    struct buf line; // a line whose end has not come yet
    struct buf data; // data of the event so far, each line with an LF
    struct buf type, id;
    struct str view; // the only data line so far, still in the bytes being fed
    bool has_view;
    bool skip_lf;     // the last byte was a CR
    bool begun;       // the first line is behind
    int64_t retry_ms; // the newest `retry`; -1 when there was none
};

void sse_init(struct sse *sse); // takes no memory yet
void sse_release(struct sse *sse);

// Calls `event` for each event that is complete. When `event` returns false, sse_feed() returns
// false at once, with err untouched, and does not look at sse again: it may be gone. ERR_LIMIT
// when a ceiling is passed; feed nothing more then.
bool sse_feed(struct sse *sse, struct str bytes,
              bool (*event)(void *arg, const struct sse_event *event), void *arg, struct err *err);

#endif
