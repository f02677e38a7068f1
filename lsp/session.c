// SPDX-License-Identifier: MIT
#include "lsp/session.h"

#include "core/base/mem.h"
#include "lsp/call.h"
#include "lsp/methods.h"
#include "lsp/plain.h"
#include "lsp/repeat.h"
#include "lsp/restore.h"
#include "lsp/server_parts.h"
#include "lsp/subscription.h"
#include "transports/stream.h"

static void answer_error(struct session *session, const struct rpc_id *id, enum rpc_code code,
                         const char *message)
{
    struct outgoing out;
    outgoing_begin(&out, session);
    rpc_write_error(&out.json, id, code, str_of(message));
    outgoing_send(&out);
}

// --- one message ---

// NULL, or why a request cannot be taken in this phase.
static const char *phase_problem(const struct session *session, const struct method *method,
                                 enum rpc_code *code)
{
    bool initialize = method && method->handle == method_initialize;
    *code = RPC_INVALID_REQUEST;
    if (session->phase == SESSION_SHUT)
        return "the session is shut down: only `exit` is taken";
    if (session->phase == SESSION_OPEN && initialize)
        return "initialize: the session is initialized already";
    if (session->phase == SESSION_NEW && !initialize) {
        *code = RPC_NOT_INITIALIZED;
        return "send `initialize` first";
    }
    return NULL;
}

// False: it must wait for the swarm, or for the store.
static bool call_method(struct session *session, const struct method *method,
                        const struct rpc_message *message)
{
    struct server *server = session->server;
    struct call call = {.session = session, .swarm = server->swarm, .params = message->params};
    struct err err;
    if (message->kind == RPC_REQUEST)
        call.id = message->id;
    bool bare = method->flags & METHOD_BARE;
    if (!bare && message->params && message->params->type != JSON_OBJECT) {
        err_set(&err, ERR_PARAMS, "params: expected an object");
        call_fail(&call, &err);
        return true;
    }
    bool needs_swarm = method->flags & METHOD_SWARM;
    bool refused = needs_swarm || (server->refuses && method->handle == method_initialize);
    if (server->failure.kind != ERR_NONE && refused) {
        call_fail(&call, &server->failure);
        return true;
    }
    if (needs_swarm && !server->swarm)
        return false;
    method->handle(&call);
    return !call.waits;
}

static bool take_request(struct session *session, const struct rpc_message *message)
{
    const struct method *method = method_find(message->method);
    enum rpc_code code;
    const char *problem = phase_problem(session, method, &code);
    if (problem) {
        answer_error(session, &message->id, code, problem);
        return true;
    }
    if (!method || !(method->flags & METHOD_REQUEST)) {
        struct err err; // for its formatting
        err_set(&err, ERR_PARAMS, "there is no request '%.*s'", STR_ARG(message->method));
        answer_error(session, &message->id, RPC_METHOD_NOT_FOUND, err.message);
        return true;
    }
    return call_method(session, method, message);
}

static bool take_notification(struct session *session, const struct rpc_message *message)
{
    const struct method *method = method_find(message->method);
    if (!method || !(method->flags & METHOD_NOTIFICATION))
        return true;
    if (session->phase != SESSION_OPEN && method->handle != method_exit)
        return true;
    return call_method(session, method, message);
}

// False: it must be handled again when the swarm is there.
static bool parse_and_take(struct session *session, struct str body)
{
    struct json *json;
    struct err err;
    if (!json_parse(&json, &session->arena, body, &err)) {
        answer_error(session, NULL, err.kind == ERR_LIMIT ? RPC_INVALID_REQUEST : RPC_PARSE_ERROR,
                     err.message);
        return true;
    }
    struct rpc_message message;
    rpc_classify(json, &message);
    switch (message.kind) {
    case RPC_REQUEST:
        return take_request(session, &message);
    case RPC_NOTIFICATION:
        return take_notification(session, &message);
    case RPC_RESPONSE:
        plain_answered(session->plain, &message);
        return true;
    case RPC_INVALID:
        answer_error(session, &message.id, RPC_INVALID_REQUEST, message.problem);
        return true;
    }
    return true;
}

static bool take_message(struct session *session, struct str body)
{
    bool taken = parse_and_take(session, body);
    if (taken) // whatever became of it: the next message is another one
        repeat_drop(session);
    arena_reset(&session->arena);
    return taken;
}

// --- input ---

static void hold(struct session *session, struct str body)
{
    buf_clear(&session->held);
    buf_add_str(&session->held, body);
    if (session->held.overflow) {
        answer_error(session, NULL, RPC_INVALID_REQUEST, "no memory for this message");
        return;
    }
    session->holding = true;
}

static bool is_stuffed(const struct session *session)
{
    return session_unread(session) > SESSION_ANSWERS_MAX ||
           session->large_count >= SESSION_LARGE_MAX;
}

// Handles what has come, as far as it may.
static void run(struct session *session)
{
    struct frame_message message;
    while (!session->closing && !session->holding && !is_stuffed(session)) {
        enum frame_status status = frame_next(&session->frame, &message);
        if (status == FRAME_MORE)
            break;
        if (status == FRAME_ERROR)
            answer_error(session, NULL, message.code, message.problem);
        else if (!take_message(session, message.body))
            hold(session, message.body);
    }
    if (session->closing)
        return;
    bool waits = session->holding || is_stuffed(session);
    stream_pause(session->stream, waits);
    if (session->input_ended && !waits)
        session_exit(session);
}

static void on_bytes(void *arg, struct str bytes)
{
    struct session *session = arg;
    if (frame_feed(&session->frame, bytes)) {
        run(session);
        return;
    }
    answer_error(session, NULL, RPC_INVALID_REQUEST, "no memory for this message");
    session_close(session);
}

static void on_ended(void *arg)
{
    struct session *session = arg;
    session->input_ended = true;
    frame_end(&session->frame);
    run(session);
}

static void on_client_gone(void *arg)
{
    session_close(arg);
}

void session_watch_client(struct session *session, int64_t pid)
{
    const struct ports *ports = session->server->ports;
    session->client_process = ports->ops->watch_process(ports->ctx, pid, on_client_gone, session);
}

static void on_go_on(struct deferred *deferred)
{
    run(list_entry(deferred, struct session, go_on));
}

static void on_drained(void *arg)
{
    struct session *session = arg;
    run(session);
    if (!session->closing && session->subscription)
        subscription_flush_soon(session->subscription);
}

static void on_failed(void *arg, const struct err *err)
{
    (void)err; // nobody is left to be told
    session_close(arg);
}

// --- life ---

static void release_strings(struct session *session)
{
    mem_free(session->client);
    mem_free(session->scope);
    mem_free(session->folder);
    mem_free(session->defaults.model);
    mem_free(session->defaults.mode);
    mem_free(session->defaults.role);
}

static void on_closed(void *arg)
{
    struct session *session = arg;
    int exit_code = session->phase == SESSION_SHUT ? 0 : 1;
    list_remove(&session->go_on.node);
    server_session_gone(session->server, session, exit_code);
    frame_release(&session->frame);
    arena_release(&session->arena);
    buf_release(&session->held);
    release_strings(session);
    restore_free(session->restore);
    mem_free(session);
}

struct session *session_create(struct server *server, int in_fd, int out_fd, struct err *err)
{
    static const struct stream_events events = {.bytes = on_bytes,
                                                .ended = on_ended,
                                                .drained = on_drained,
                                                .failed = on_failed,
                                                .closed = on_closed};
    struct session *session = mem_new(sizeof(*session));
    session->server = server;
    session->next_id = RPC_OWN_ID_MIN;
    list_init(&session->node);
    list_init(&session->pending);
    list_init(&session->go_on.node);
    session->go_on.fn = on_go_on;
    frame_init(&session->frame);
    arena_init(&session->arena, SESSION_ARENA_MAX);
    buf_init(&session->held, FRAME_MESSAGE_MAX);
    session->stream = stream_open_fds(server->loop, in_fd, out_fd, &events, session, err);
    if (!session->stream) {
        mem_free(session);
        return NULL;
    }
    return session;
}

void session_close(struct session *session)
{
    if (session->closing)
        return;
    session->closing = true;
    pending_leave_all(session);
    session_stop_events(session);
    repeat_drop(session);
    session->server->ports->ops->watch_end(session->client_process);
    session->client_process = NULL;
    session->server->ports->ops->timer_free(session->linger);
    session->server->ports->ops->timer_free(session->hello);
    session->linger = session->hello = NULL;
    stream_close(session->stream);
}

static void on_no_hello(void *arg)
{
    struct session *session = arg;
    if (session->phase != SESSION_NEW)
        return;
    answer_error(session, NULL, RPC_NOT_INITIALIZED, "`initialize` did not come within 10 s");
    session_close(session);
}

void session_expect_hello(struct session *session)
{
    const struct ports *ports = session->server->ports;
    session->hello = port_timer_new(ports, on_no_hello, session);
    ports->ops->timer_set(session->hello, SESSION_HELLO_MS);
}

static void on_linger(void *arg)
{
    session_close(arg);
}

// After the end of input the answers to what was asked before it are still written, so that a
// script may pipe its requests in.
void session_exit(struct session *session)
{
    if (session->closing)
        return;
    if (!session->input_ended || session->pending_count == 0) {
        session_close(session);
        return;
    }
    const struct ports *ports = session->server->ports;
    if (session->linger)
        return;
    session->linger = port_timer_new(ports, on_linger, session);
    ports->ops->timer_set(session->linger, SESSION_LINGER_MS);
}

void session_answered(struct session *session)
{
    if (session->linger && session->pending_count == 0)
        session_close(session);
    else if (!session->closing) // input may have waited for it
        port_defer(session->server->ports, &session->go_on);
}

// --- from the server ---

// What others were told when it happened.
static void show_trouble(struct session *session)
{
    const struct server *server = session->server;
    const struct err *failure = server->swarm ? journal_failure(server->journal) : NULL;
    if (failure)
        session_show(session, SHOW_ERROR, failure->message);
    if (server->failure.kind != ERR_NONE)
        session_show(session, SHOW_ERROR, server->failure.message);
}

void session_begin(struct session *session)
{
    show_trouble(session);
    session_start_events(session);
}

void session_start_events(struct session *session)
{
    struct server *server = session->server;
    if (session->phase != SESSION_OPEN || !server->swarm || session->subscription)
        return;
    session->subscription = subscription_create(session, server->swarm);
    trace_start(&session->trace, session, swarm_log(server->swarm));
    log_line(swarm_log(server->swarm), LOG_INFO, NULL, "%s is connected, scope %s",
             session->client ? session->client : "a client", session->scope ? session->scope : "-");
    if (session->restore)
        restore_apply(session->restore, session);
    if (!session->knows_swarm)
        session->plain = plain_create(session, session->shows_progress);
    server_show_warnings(server, session);
}

void session_retry(struct session *session)
{
    if (session->holding) {
        session->holding = !take_message(session, buf_str(&session->held));
        if (!session->holding && session->held.cap > FRAME_KEEP_MAX)
            buf_release(&session->held);
    }
    run(session);
}

void session_stop_events(struct session *session)
{
    trace_stop(&session->trace);
    plain_destroy(session->plain);
    session->plain = NULL;
    subscription_destroy(session->subscription);
    session->subscription = NULL;
}

void session_ready(struct session *session)
{
    if (session->closing)
        return;
    session_start_events(session);
    if (session->server->failure.kind != ERR_NONE)
        session_show(session, SHOW_ERROR, session->server->failure.message);
    session_retry(session);
}

void session_swarm_changed(struct session *session)
{
    if (session->subscription)
        subscription_changed(session->subscription);
    if (session->plain)
        plain_changed(session->plain);
}

void session_committed(struct session *session)
{
    if (session->subscription)
        subscription_committed(session->subscription);
    if (session->plain)
        plain_changed(session->plain);
}
