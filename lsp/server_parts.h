// SPDX-License-Identifier: MIT
// What sessions see of the server. For lsp/ only.
#ifndef SWARMD_LSP_SERVER_PARTS_H
#define SWARMD_LSP_SERVER_PARTS_H

#include "lsp/server.h"

struct server {
    struct loop *loop;
    const struct ports *ports;
    void (*ended)(void *arg, int exit_code);
    void (*own_ended)(void *arg);
    void (*closed)(void *arg);
    void *arg;

    struct swarm *swarm;     // NULL before server_ready()
    struct journal *journal; // the swarm's
    bool refuses;            // `initialize` too gets the failure
    struct err failure;      // kind ERR_NONE, or why there will be no swarm
    char *working_folder;    // where spawns without cwd and workspace folder go; or NULL

    char *warnings[SERVER_WARNINGS_MAX];
    size_t warning_count;

    struct list sessions;
    size_t session_count;
    int own_exit_code;      // -1: there is, or was, no connection of our own that ended
    struct list repeatable; // struct pending with a request id, under way
    bool closing;
    struct deferred closed_later;
    struct swarm_watcher swarm_watcher;
    struct journal_watcher journal_watcher;
};

struct session;
void server_show_warnings(struct server *server, struct session *session);
void server_forget_seen(struct server *server); // frees events that all sessions have seen
void server_session_gone(struct server *server, struct session *session, int exit_code);

#endif
