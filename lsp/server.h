// SPDX-License-Identifier: MIT
// Every connection of this process. main.c makes it, connects stdio, and tells it when the store
// is loaded; it tells main when the last connection is gone.
//
// A connection is answered from the first moment. `initialize` needs no store; the swarm/*
// requests wait, in order, until server_ready() or server_failed().
#ifndef SWARMD_LSP_SERVER_H
#define SWARMD_LSP_SERVER_H

#include "core/base/err.h"
#include "core/base/ports.h"
#include "core/swarm/config.h"
#include "core/swarm/swarm.h"

#include <stdbool.h>

enum { SERVER_CONNECTIONS_MAX = 256 };

struct loop;
struct server;

struct server_setup {
    struct loop *loop;
    const struct ports *ports;
    // The last connection is gone, all its bytes written. exit_code: of server_connect()'s one (the
    // last one where there was none): 0 after `shutdown`, else 1. `own_ended`: that connection is
    // gone, and others stay. Neither is called once server_close() has begun.
    void (*ended)(void *arg, int exit_code);
    void (*own_ended)(void *arg); // or NULL
    void *arg;
};

struct server *server_create(const struct server_setup *setup);

// The descriptors stay the caller's and must outlive the connection.
bool server_connect(struct server *server, int in_fd, int out_fd, struct err *err);

// A connection to the socket: takes fd over. It is answered with `refusal` (NULL: none) and closed
// when that is there, or when there are SERVER_CONNECTIONS_MAX already; and closed when it does not
// send `initialize` in time. A refusal has headers and the id null.
void server_accept(struct server *server, int fd, const struct err *refusal);
size_t server_connections(const struct server *server);
size_t server_accepted(const struct server *server); // those that server_accept() made

// Once, one of the two. After server_failed() each swarm/* request is answered with err; when it
// is called before there is a connection (there is no state folder), `initialize` is too.
void server_ready(struct server *server, struct swarm *swarm);
void server_failed(struct server *server, const struct err *err);

// Shown to every connection that is initialized from now on, or is already: what happened before
// anybody was there to be told (a store that was moved aside, an agent that cannot be read). At
// most SERVER_WARNINGS_MAX are kept; more are in the log alone.
enum { SERVER_WARNINGS_MAX = 8 };
void server_warn(struct server *server, const char *text);

// Shown to those who are connected now.
void server_say(struct server *server, const char *text);

// Ends every connection; what is queued is still written, for at most 2 s. `closed` is called
// from the loop, never from within; the server is gone then. Call it before swarm_close():
// nothing of the swarm is looked at any more once this returns.
void server_close(struct server *server, void (*closed)(void *arg), void *arg);

#endif
