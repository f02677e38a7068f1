// SPDX-License-Identifier: MIT
#include "lsp/server.h"

#include "core/base/mem.h"
#include "lsp/rpc.h"
#include "lsp/server_parts.h"
#include "lsp/session.h"
#include "lsp/subscription.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_closed_later(struct deferred *deferred)
{
    struct server *server = list_entry(deferred, struct server, closed_later);
    void (*closed)(void *arg) = server->closed;
    void *arg = server->arg;
    list_for_each_safe(node, &server->repeatable) list_remove(node); // they outlive the server
    mem_free(server->working_folder);
    for (size_t i = 0; i < server->warning_count; i++)
        mem_free(server->warnings[i]);
    mem_free(server);
    closed(arg);
}

struct server *server_create(const struct server_setup *setup)
{
    struct server *server = mem_new(sizeof(*server));
    server->loop = setup->loop;
    server->ports = setup->ports;
    server->ended = setup->ended;
    server->own_ended = setup->own_ended;
    server->own_exit_code = -1;
    server->arg = setup->arg;
    server->failure.kind = ERR_NONE;
    list_init(&server->sessions);
    list_init(&server->repeatable);
    list_init(&server->closed_later.node);
    server->closed_later.fn = on_closed_later;
    char *folder = getcwd(NULL, 0);
    if (folder)
        server->working_folder = mem_dup(str_of(folder));
    free(folder);
    return server;
}

bool server_connect(struct server *server, int in_fd, int out_fd, struct err *err)
{
    struct session *session = session_create(server, in_fd, out_fd, err);
    if (!session)
        return false;
    session->own = true;
    list_append(&server->sessions, &session->node);
    server->session_count++;
    return true;
}

size_t server_connections(const struct server *server)
{
    return server->session_count;
}

size_t server_accepted(const struct server *server)
{
    size_t count = 0;
    list_for_each(node, &server->sessions) count += !list_entry(node, struct session, node)->own;
    return count;
}

// A few hundred bytes, which a socket that is new always takes.
static void refuse(int fd, const struct err *err)
{
    struct buf out;
    struct json_writer json;
    frame_open(&out, FRAME_HEADER_MAX);
    json_writer_init(&json, &out);
    rpc_write_failure(&json, NULL, err);
    frame_close(&out, FRAMING_HEADERS);
    if (send(fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        // It is gone already.
    }
    buf_release(&out);
}

void server_accept(struct server *server, int fd, const struct err *refusal)
{
    struct err err;
    struct session *session = NULL;
    if (refusal)
        err = *refusal;
    else if (server->closing)
        err_set(&err, ERR_REFUSED, "the server is ending");
    else if (server->session_count >= SERVER_CONNECTIONS_MAX)
        err_set(&err, ERR_LIMIT, "swarmd, pid %ld, has %d connections already, the most it takes",
                (long)getpid(), SERVER_CONNECTIONS_MAX);
    else
        session = session_create(server, fd, fd, &err);
    if (session) {
        list_append(&server->sessions, &session->node);
        server->session_count++;
        session_expect_hello(session);
    } else {
        refuse(fd, &err);
    }
    close(fd); // the session has descriptors of its own
}

// --- what happens in the swarm ---

static void on_changed(struct swarm_watcher *watcher)
{
    struct server *server = list_entry(watcher, struct server, swarm_watcher);
    list_for_each(node, &server->sessions)
        session_swarm_changed(list_entry(node, struct session, node));
}

static void on_committed(struct journal_watcher *watcher)
{
    struct server *server = list_entry(watcher, struct server, journal_watcher);
    list_for_each(node, &server->sessions)
        session_committed(list_entry(node, struct session, node));
    if (list_empty(&server->sessions))
        server_forget_seen(server); // nobody is there to do it
}

void server_forget_seen(struct server *server)
{
    int64_t seen = INT64_MAX;
    list_for_each(node, &server->sessions)
    {
        const struct session *session = list_entry(node, struct session, node);
        if (session->subscription && subscription_seen(session->subscription) < seen)
            seen = subscription_seen(session->subscription);
    }
    journal_seen(server->journal, seen);
}

static void on_commit_failed(struct journal_watcher *watcher, const struct err *err)
{
    struct server *server = list_entry(watcher, struct server, journal_watcher);
    log_line(swarm_log(server->swarm), LOG_ERROR, NULL, "%s", err->message);
    list_for_each(node, &server->sessions)
        session_show(list_entry(node, struct session, node), SHOW_ERROR, err->message);
}

static void on_commit_recovered(struct journal_watcher *watcher)
{
    struct server *server = list_entry(watcher, struct server, journal_watcher);
    list_for_each(node, &server->sessions)
        session_show(list_entry(node, struct session, node), SHOW_INFO,
                     "swarmd can write its store again; agents go on");
}

void server_ready(struct server *server, struct swarm *swarm)
{
    if (server->closing)
        return;
    server->swarm = swarm;
    server->journal = swarm_journal(swarm);
    server->swarm_watcher.changed = on_changed;
    list_init(&server->swarm_watcher.node);
    swarm_watch(swarm, &server->swarm_watcher);
    server->journal_watcher = (struct journal_watcher){
        .committed = on_committed, .failed = on_commit_failed, .recovered = on_commit_recovered};
    list_init(&server->journal_watcher.node);
    journal_watch(server->journal, &server->journal_watcher);
    list_for_each_safe(node, &server->sessions)
        session_ready(list_entry(node, struct session, node));
}

void server_failed(struct server *server, const struct err *err)
{
    if (server->closing)
        return;
    server->failure = *err;
    server->refuses = server->session_count == 0;
    list_for_each_safe(node, &server->sessions)
        session_ready(list_entry(node, struct session, node));
}

void server_warn(struct server *server, const char *text)
{
    if (server->warning_count < SERVER_WARNINGS_MAX)
        server->warnings[server->warning_count++] = mem_dup(str_of(text));
    list_for_each(node, &server->sessions)
        session_show(list_entry(node, struct session, node), SHOW_WARNING, text);
}

void server_say(struct server *server, const char *text)
{
    list_for_each(node, &server->sessions)
        session_show(list_entry(node, struct session, node), SHOW_WARNING, text);
}

void server_show_warnings(struct server *server, struct session *session)
{
    for (size_t i = 0; i < server->warning_count; i++)
        session_show(session, SHOW_WARNING, server->warnings[i]);
}

// --- the end ---

void server_session_gone(struct server *server, struct session *session, int exit_code)
{
    list_remove(&session->node);
    server->session_count--;
    if (session->own)
        server->own_exit_code = exit_code;
    bool last = server->session_count == 0;
    if (server->closing && last)
        port_defer(server->ports, &server->closed_later);
    else if (last)
        server->ended(server->arg, server->own_exit_code >= 0 ? server->own_exit_code : exit_code);
    else if (session->own && !server->closing && server->own_ended)
        server->own_ended(server->arg);
}

void server_close(struct server *server, void (*closed)(void *arg), void *arg)
{
    if (server->closing)
        return;
    server->closing = true;
    server->closed = closed;
    server->arg = arg;
    if (server->swarm) {
        swarm_unwatch(&server->swarm_watcher);
        journal_unwatch(&server->journal_watcher);
    }
    if (list_empty(&server->sessions))
        port_defer(server->ports, &server->closed_later);
    list_for_each_safe(node, &server->sessions)
        session_close(list_entry(node, struct session, node));
}
