// SPDX-License-Identifier: MIT
// The log as one editor asks to see it: `trace` of initialize and $/setTrace choose what comes as
// window/logMessage. off: nothing; messages: info and above; verbose: everything.
//
// A line finds no room while the client has TRACE_UNREAD_MAX unread: it is left out, as the log
// has it anyway.
#ifndef SWARMD_LSP_TRACE_H
#define SWARMD_LSP_TRACE_H

#include "core/base/log.h"

enum { TRACE_UNREAD_MAX = 256 << 10 }; // bytes

struct session;

struct trace {
    struct log_watcher watcher;
    struct session *session;
    struct log *log; // NULL until there is one
    enum { TRACE_OFF, TRACE_MESSAGES, TRACE_VERBOSE } value;
};

// ERR_PARAMS for anything but "off", "messages" and "verbose".
bool trace_set(struct trace *trace, struct str value, struct err *err);
void trace_start(struct trace *trace, struct session *session, struct log *log);
void trace_stop(struct trace *trace); // harmless twice

#endif
