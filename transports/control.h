// SPDX-License-Identifier: MIT
// The control socket of a state folder: where the host listens, and how others find it.
//
// It is <folder>/swarmd.sock. Where that is longer than CONTROL_PATH_MAX (the system's own limit is
// 108 bytes), the socket has a hashed name in <temporary folder>/swarmd-<uid>, and
// <folder>/swarmd.sock is a symbolic link that leads there, so that others need not have the same
// TMPDIR. The socket is 0600 in a folder that is 0700, and both sides look at the other's user.
//
// Only the holder of the lease (core/store/lease.h) may listen: whatever stands at the path by then
// was left by a host that is dead, and is removed.
#ifndef SWARMD_TRANSPORTS_CONTROL_H
#define SWARMD_TRANSPORTS_CONTROL_H

#include "core/base/err.h"

#include <stdbool.h>

enum {
    CONTROL_PATH_MAX = 100, // bytes
    CONTROL_BACKLOG = 128,  // connections that wait to be accepted
    CONTROL_ACCEPTS_A_TURN = 16,
    CONTROL_PAUSE_MS = 200, // without accepting, when the system has no descriptor left
};

struct loop;
struct control;

// fd becomes the callee's. refusal is NULL, or why this one is not served.
typedef void control_accepted(void *arg, int fd, const struct err *refusal);

struct control *control_listen(struct loop *loop, const char *folder, control_accepted *accepted,
                               void *arg, struct err *err);
// Takes NULL. Nobody finds the socket any more once this returns.
void control_close(struct control *control);

// A connection to the host of the folder; -1 when nobody listens there (ERR_LEASE), or somebody
// else does (ERR_REFUSED).
int control_connect(const char *folder, struct err *err);

#endif
