// SPDX-License-Identifier: MIT
// Is a model server running on this machine, and which model does it have? Asked once, at the
// start, only when nothing at all is configured: so it is plain and blocking, and may take
// LOCAL_PATIENCE_MS. Where nobody listens, loopback refuses in microseconds.
#include "core/base/json.h"
#include "core/base/mem.h"
#include "transports/config_internal.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCAL_PATIENCE_MS = 100,
    LOCAL_ANSWER_MAX = 256 << 10,
    LOCAL_TREE_MAX = 4 << 20,
    LOCAL_MODEL_MAX = 200
};

struct asking {
    int fd;
    int64_t deadline; // ms
    struct buf answer;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool wait_for(struct asking *asking, short events)
{
    struct pollfd poller = {.fd = asking->fd, .events = events};
    int64_t left = asking->deadline - now_ms();
    return left > 0 && poll(&poller, 1, (int)left) == 1;
}

// Splits http://127.0.0.1:11434/v1; false for what is not on this machine.
static bool local_address(struct str url, struct sockaddr_in *address, struct str *path)
{
    struct str rest;
    char name[32];
    unsigned long port = 80;
    if (!str_starts(url, STR("http://")))
        return false;
    rest = str_skip(url, 7);
    long slash = str_find(rest, STR("/"));
    *path = slash < 0 ? STR("") : str_skip(rest, (size_t)slash);
    rest.len -= path->len;
    long colon = str_find(rest, STR(":"));
    if (colon >= 0)
        port = strtoul(rest.data + colon + 1, NULL, 10);
    size_t len = colon < 0 ? rest.len : (size_t)colon;
    if (len >= sizeof(name) || port == 0 || port > 65535)
        return false;
    memcpy(name, rest.data, len);
    name[len] = '\0';
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (strcmp(name, "localhost") == 0)
        memcpy(name, "127.0.0.1", sizeof("127.0.0.1"));
    return inet_pton(AF_INET, name, &address->sin_addr) == 1 &&
           ntohl(address->sin_addr.s_addr) >> 24 == 127;
}

static bool connect_to(struct asking *asking, const struct sockaddr_in *address)
{
    int error = 0;
    socklen_t size = sizeof(error);
    asking->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (asking->fd < 0)
        return false;
    if (connect(asking->fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return true;
    return wait_for(asking, POLLOUT) &&
           getsockopt(asking->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static bool receive_all(struct asking *asking)
{
    char piece[8192];
    while (wait_for(asking, POLLIN)) {
        ssize_t got = recv(asking->fd, piece, sizeof(piece), 0);
        if (got <= 0)
            return got == 0;
        buf_add(&asking->answer, piece, (size_t)got);
        if (asking->answer.overflow)
            return false;
    }
    return false;
}

static char *first_model(struct str answer)
{
    long head = str_find(answer, STR("\r\n\r\n"));
    struct arena arena;
    struct json *body = NULL;
    struct err ignored;
    char *model = NULL;
    if (head < 0 || !str_starts(answer, STR("HTTP/1.")) || str_find(answer, STR(" 200 ")) != 8)
        return NULL;
    arena_init(&arena, LOCAL_TREE_MAX);
    if (json_parse(&body, &arena, str_skip(answer, (size_t)head + 4), &ignored)) {
        const struct json *data = json_get(body, "data");
        if (data && data->type == JSON_ARRAY) {
            struct str id = json_str(data->first, "id");
            if (id.len && id.len <= LOCAL_MODEL_MAX)
                model = mem_dup(id);
        }
    }
    arena_release(&arena);
    return model;
}

char *config_local_model(const struct provider_config *provider)
{
    struct asking asking = {.fd = -1, .deadline = now_ms() + LOCAL_PATIENCE_MS};
    struct sockaddr_in address;
    struct str path;
    char *model = NULL;
    if (!provider->base_url || !local_address(str_of(provider->base_url), &address, &path))
        return NULL;
    buf_init(&asking.answer, LOCAL_ANSWER_MAX);
    if (connect_to(&asking, &address)) {
        char *request =
            mem_format("GET %.*s/models HTTP/1.0\r\nHost: localhost\r\n\r\n", STR_ARG(path));
        size_t len = strlen(request);
        if (send(asking.fd, request, len, MSG_NOSIGNAL) == (ssize_t)len && receive_all(&asking))
            model = first_model(buf_str(&asking.answer));
        mem_free(request);
    }
    if (asking.fd >= 0)
        close(asking.fd);
    buf_release(&asking.answer);
    return model;
}
