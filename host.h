// SPDX-License-Identifier: MIT
// The host of a state folder: store, journal, swarm and server, and the control socket on which
// other processes reach it (bridge.h). Only the holder of the lease is one.
#ifndef SWARMD_HOST_H
#define SWARMD_HOST_H

#include "core/base/err.h"
#include "core/store/lease.h"
#include "core/swarm/config.h"

#include <stdbool.h>

struct host;
struct loop;

struct host_setup {
    struct loop *loop;
    const struct config *config; // outlives the host
    char *const *tool_env;
    const char *folder; // the state folder; NULL only for one that is to fail
    bool stays; // it ends when it was idle for config->idle_s, else with its last connection
    // It has nothing to stay for; exit_code as in lsp/server.h. Not called once host_close() began.
    void (*ended)(void *arg, int exit_code);
    void (*own_ended)(void *arg); // the connection of host_connect() is gone, others stay
    void *arg;
};

struct host *host_create(const struct host_setup *setup);

// Takes the lease over, listens, and opens the store on its lane; connections are answered from
// now on. False: it does not listen, and serves only this process; err says why.
bool host_open(struct host *host, struct lease *lease, struct err *err);
// Instead of host_open(): every request is answered with err.
void host_fail(struct host *host, const struct err *err);

bool host_connect(struct host *host, int in_fd, int out_fd, struct err *err); // an editor's stdio
void host_accept(struct host *host, int fd);                                  // takes fd over

bool host_is_used(const struct host *host); // is one connected?

// Brings every turn to a point from which it resumes. When others are connected, one of them goes
// on with what runs. `closed` comes once, from the loop; exit_code: 0, or 1 when the last changes
// could not be stored. When the host is at rest then, the lease is released, and the host is to be
// destroyed; when it is not (swarm_close()), the process is to end at once, and the lease with it.
void host_close(struct host *host, void (*closed)(void *arg, int exit_code), void *arg);
bool host_is_at_rest(const struct host *host);
void host_destroy(struct host *host); // takes NULL

#endif
