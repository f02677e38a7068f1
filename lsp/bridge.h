// SPDX-License-Identifier: MIT
// A bridge: a client on one side, the host that another process is on the other, whole messages in
// between. When the host is gone and the client is not, the client is served by the next one: it
// is told `initialize` and the subscriptions as they were (restore.h), requests that do nothing
// twice are asked again, and the others are answered with the error `lease`.
//
// The owner finds hosts: `lost` asks it for one, when the client's first message has come and
// whenever the host is gone, and it answers with bridge_attach() or bridge_fail(). Nothing is read
// from the client in between.
//
// At most BRIDGE_QUEUED_MAX bytes (and one message) wait for a side that does not read; then
// nothing more is read from the other.
#ifndef SWARMD_LSP_BRIDGE_H
#define SWARMD_LSP_BRIDGE_H

#include "core/base/err.h"
#include "core/base/ports.h"

#include <stdbool.h>

enum {
    BRIDGE_QUEUED_MAX = 1 << 20,
    BRIDGE_LINGER_MS = 2000,  // after the end of input, for what is under way
    BRIDGE_FRUITLESS_MAX = 8, // hosts, one after the other, that end without a word
};

struct loop;
struct bridge;

struct bridge_setup {
    struct loop *loop;
    const struct ports *ports;
    void (*lost)(void *arg); // never from within a call
    // The client is gone; last, the bridge is freed after it. exit_code: 0 after `shutdown`,
    // else 1.
    void (*closed)(void *arg, int exit_code);
    void *arg;
};

// in_fd, out_fd: the client; they stay the caller's.
struct bridge *bridge_create(const struct bridge_setup *setup, int in_fd, int out_fd,
                             struct err *err);
void bridge_attach(struct bridge *bridge, int fd);              // takes fd over
void bridge_fail(struct bridge *bridge, const struct err *err); // every request gets this error
void bridge_close(struct bridge *bridge); // what is for the client is still written, for 2 s

#endif
