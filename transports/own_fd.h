// SPDX-License-Identifier: MIT
// A descriptor of our own for one of the caller's.
//
// The loop wants descriptors that do not block, but O_NONBLOCK belongs to the open file, which a
// pipe or a terminal on stdin shares with other processes (the shell, a pager, the editor), and
// they break when it stays set. So pipes and terminals are opened anew. What cannot be (sockets,
// or no permission) is duplicated, and its flags are put back on own_fd_close().
#ifndef SWARMD_TRANSPORTS_OWN_FD_H
#define SWARMD_TRANSPORTS_OWN_FD_H

#include "core/base/err.h"

#include <stdbool.h>

struct own_fd {
    int fd;           // -1 when closed
    int shared_flags; // to put back; -1 when the open file is our own
};

// access: O_RDONLY or O_WRONLY.
bool own_fd_open(struct own_fd *own, int fd, int access, struct err *err);
void own_fd_close(struct own_fd *own); // harmless twice

#endif
