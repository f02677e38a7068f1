// SPDX-License-Identifier: MIT
// A small HTTP/1.1 server on loopback, a thread a connection, whose answers the test writes.
#ifndef SWARMD_TESTS_WEB_SERVER_H
#define SWARMD_TESTS_WEB_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum { WEB_CONNECTIONS_MAX = 512 };

struct web_server;
struct web_connection;

struct web_request { // valid during the handler
    const char *method, *path;
    const char *head; // the whole head, NUL-terminated
    const char *body; // NUL-terminated
    size_t body_len;
};

// On a thread of the connection. Writes the whole answer with web_send(); returns whether the
// connection is kept for another request.
typedef bool web_handler(struct web_connection *connection, const struct web_request *request,
                         void *arg);

struct web_server *web_server_create(web_handler *handler, void *arg);
int web_server_port(const struct web_server *server);
int web_server_accepted(struct web_server *server); // connections so far
void web_server_release(struct web_server *server); // lets go who waits in web_hold(), for good
void web_server_destroy(struct web_server *server); // ends all connections

void web_send(struct web_connection *connection, const char *bytes, size_t len);
void web_print(struct web_connection *connection, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void web_chunk(struct web_connection *connection, const char *text); // "" ends the body

// Waits for web_server_release() or the end of the server.
void web_hold(struct web_connection *connection);

#endif
