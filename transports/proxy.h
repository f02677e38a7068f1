// SPDX-License-Identifier: MIT
// The way out of a sandbox whose network is limited to named hosts: an HTTP proxy (CONNECT, and
// plain requests) behind a socket that listens in the command's own network namespace.
//
// Names are looked up here, not by the command. Addresses of this machine and of private networks
// are refused, whatever name led there, unless the address itself is in the list.
#ifndef SWARMD_TRANSPORTS_PROXY_H
#define SWARMD_TRANSPORTS_PROXY_H

#include "core/permission/sandbox.h"

#include <stdbool.h>

enum {
    PROXY_CONNECTIONS_MAX = 64, // of one command; more wait in the listener's queue
    PROXY_HEAD_MAX = 16 << 10,  // bytes of a request's head
    PROXY_PIECE = 16 << 10,     // bytes under way in each direction
};

struct loop;
struct proxy;

// Takes fd, a listening socket. hosts is the configuration's and outlives it.
struct proxy *proxy_create(struct loop *loop, int fd, const struct sandbox_list *hosts);
void proxy_close(struct proxy *proxy); // takes NULL; frees itself later

// Pure, for tests. "*.example.org" stands for every name below it; a port may follow a name.
bool proxy_allows(const struct sandbox_list *hosts, struct str host, int port);
struct proxy_target {
    char host[256];
    int port;
    bool tunnel;       // CONNECT
    size_t line;       // bytes of the first line, its end included
    struct str method; // of a plain request, and its path with the slash
    struct str path;
};
bool proxy_parse(struct str head, struct proxy_target *target);

#endif
