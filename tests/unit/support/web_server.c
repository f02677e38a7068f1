// SPDX-License-Identifier: MIT
#include "tests/unit/support/web_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 64 << 10 };

struct web_connection {
    struct web_server *server;
    pthread_t thread;
    int fd;
};

struct web_server {
    web_handler *handler;
    void *arg;
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock; // of all below
    pthread_cond_t changed;
    bool released, stopping;
    struct web_connection connections[WEB_CONNECTIONS_MAX];
    int accepted;
};

void web_send(struct web_connection *connection, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(connection->fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; // the client is gone
        bytes += sent;
        len -= (size_t)sent;
    }
}

void web_print(struct web_connection *connection, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0)
        web_send(connection, text, (size_t)len);
    free(text);
}

void web_chunk(struct web_connection *connection, const char *text)
{
    web_print(connection, "%zx\r\n%s\r\n", strlen(text), text);
}

void web_hold(struct web_connection *connection)
{
    struct web_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    while (!server->released && !server->stopping)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

// Appends what comes; false at the end of the connection.
static bool receive(struct web_connection *connection, char **data, size_t *len)
{
    char piece[16384];
    ssize_t got = recv(connection->fd, piece, sizeof(piece), 0);
    if (got <= 0)
        return false;
    *data = realloc(*data, *len + (size_t)got + 1);
    memcpy(*data + *len, piece, (size_t)got);
    *len += (size_t)got;
    (*data)[*len] = '\0';
    return true;
}

static bool answer(struct web_connection *connection, char *data, size_t head_len, size_t body_len)
{
    char *body = strndup(data + head_len, body_len);
    data[head_len - 1] = '\0';
    char *head = strdup(data);
    char *method = strtok(data, " "), *path = strtok(NULL, " ");
    struct web_request request = {method, path ? path : "", head, body, body_len};
    bool keep = connection->server->handler(connection, &request, connection->server->arg);
    free(head);
    free(body);
    return keep;
}

// One request; the bytes behind it are left in data.
static bool serve_one(struct web_connection *connection, char **data, size_t *len)
{
    char *end;
    while (!*data || !(end = strstr(*data, "\r\n\r\n")))
        if (*len > HEAD_MAX || !receive(connection, data, len))
            return false;
    size_t head_len = (size_t)(end + 4 - *data), body_len = 0;
    char *length = strcasestr(*data, "\r\ncontent-length:");
    if (length && length < end)
        body_len = strtoul(length + 17, NULL, 10);
    while (*len < head_len + body_len)
        if (!receive(connection, data, len))
            return false;
    char *copy = malloc(head_len + body_len + 1);
    memcpy(copy, *data, head_len + body_len);
    copy[head_len + body_len] = '\0';
    *len -= head_len + body_len;
    memmove(*data, *data + head_len + body_len, *len + 1);
    bool keep = answer(connection, copy, head_len, body_len);
    free(copy);
    return keep;
}

static void *serve(void *arg)
{
    struct web_connection *connection = arg;
    char *data = NULL;
    size_t len = 0;
    while (serve_one(connection, &data, &len))
        ;
    free(data);
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct web_server *server = arg;
    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        pthread_mutex_lock(&server->lock);
        bool stop = fd < 0 || server->stopping || server->accepted == WEB_CONNECTIONS_MAX;
        if (!stop) {
            struct web_connection *connection = &server->connections[server->accepted++];
            connection->server = server;
            connection->fd = fd;
            pthread_create(&connection->thread, NULL, serve, connection);
        }
        pthread_mutex_unlock(&server->lock);
        if (stop) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
    }
}

struct web_server *web_server_create(web_handler *handler, void *arg)
{
    struct web_server *server = calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    server->handler = handler;
    server->arg = arg;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    if (bind(server->fd, (struct sockaddr *)&address, size) || listen(server->fd, 512) ||
        getsockname(server->fd, (struct sockaddr *)&address, &size) ||
        pthread_create(&server->thread, NULL, accept_all, server))
        abort();
    server->port = ntohs(address.sin_port);
    return server;
}

int web_server_port(const struct web_server *server)
{
    return server->port;
}

int web_server_accepted(struct web_server *server)
{
    pthread_mutex_lock(&server->lock);
    int accepted = server->accepted;
    pthread_mutex_unlock(&server->lock);
    return accepted;
}

void web_server_release(struct web_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->released = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

void web_server_destroy(struct web_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_cond_broadcast(&server->changed);
    for (int i = 0; i < server->accepted; i++)
        shutdown(server->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    for (int i = 0; i < server->accepted; i++) {
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    close(server->fd);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
