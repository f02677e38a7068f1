// SPDX-License-Identifier: MIT
// Finds the host of a state folder for a bridge, or the lease, so that this process becomes it.
//
// A host that begins or ends is waited for, by asking again after times that grow to
// SEEK_WAIT_MS, for at most SEEK_MS_MAX in all: a host that ends takes 10 s for its turns.
#ifndef SWARMD_SEEK_H
#define SWARMD_SEEK_H

#include "core/base/err.h"
#include "core/base/ports.h"
#include "core/store/lease.h"

#include <stdbool.h>

enum {
    SEEK_FIRST_WAIT_MS = 4,
    SEEK_WAIT_MS = 250,
    SEEK_MS_MAX = 30000,
};

struct seek;

// Exactly one of them comes for each seek_start(), never from within.
struct seek_setup {
    const struct ports *ports;
    const char *folder;
    bool detach; // with the lease, a background host is started instead of calling `leased`
    void (*found)(void *arg, int fd);               // a connection to the host; the callee's
    void (*leased)(void *arg, struct lease *lease); // there is no host; the callee's
    void (*failed)(void *arg, const struct err *err);
    void *arg;
};

struct seek *seek_create(const struct seek_setup *setup);
void seek_start(struct seek *seek);
void seek_stop(struct seek *seek);    // nothing comes any more
void seek_destroy(struct seek *seek); // takes NULL

#endif
