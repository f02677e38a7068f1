// SPDX-License-Identifier: MIT
#include "lsp/trace.h"

#include "lsp/rpc.h"
#include "lsp/session.h"

static void on_line(struct log_watcher *watcher, enum log_level level, struct str text)
{
    static const int types[] = {
        [LOG_DEBUG] = 4, [LOG_INFO] = 3, [LOG_WARNING] = 2, [LOG_ERROR] = 1}; // LSP's MessageType
    struct trace *trace = list_entry(watcher, struct trace, watcher);
    struct session *session = trace->session;
    if ((level == LOG_DEBUG && trace->value != TRACE_VERBOSE) || session->phase != SESSION_OPEN ||
        session->closing || session_unread(session) > TRACE_UNREAD_MAX)
        return;
    struct outgoing out;
    outgoing_begin(&out, session);
    rpc_begin_notification(&out.json, "window/logMessage");
    json_begin_object(&out.json);
    json_add_int(&out.json, "type", types[level]);
    json_add_str(&out.json, "message", text);
    json_end_object(&out.json);
    json_end_object(&out.json);
    outgoing_send(&out);
}

static void watch(struct trace *trace)
{
    log_unwatch(&trace->watcher);
    trace->watcher.line = on_line;
    if (trace->log && trace->value != TRACE_OFF)
        log_watch(trace->log, &trace->watcher);
}

bool trace_set(struct trace *trace, struct str value, struct err *err)
{
    if (str_is(value, "off"))
        trace->value = TRACE_OFF;
    else if (str_is(value, "messages"))
        trace->value = TRACE_MESSAGES;
    else if (str_is(value, "verbose"))
        trace->value = TRACE_VERBOSE;
    else
        return err_set(err, ERR_PARAMS, "trace: expected off, messages or verbose, not '%.*s'",
                       STR_ARG(value));
    watch(trace);
    return true;
}

void trace_start(struct trace *trace, struct session *session, struct log *log)
{
    trace->session = session;
    trace->log = log;
    watch(trace);
}

void trace_stop(struct trace *trace)
{
    log_unwatch(&trace->watcher);
    trace->log = NULL;
}
