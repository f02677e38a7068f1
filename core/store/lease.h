// SPDX-License-Identifier: MIT
// The lease on a state folder: a lock on swarmd.lock that dies with the process.
// Two hosts on one state folder cannot be (docs/architecture.md, invariants).
#ifndef SWARMD_CORE_STORE_LEASE_H
#define SWARMD_CORE_STORE_LEASE_H

#include "core/base/err.h"

#include <stdbool.h>

struct lease {
    int fd; // -1 when not held
};

// Takes the lease or fails with ERR_LEASE, naming the holder's pid and the folder. Never waits.
bool lease_take(struct lease *lease, const char *folder, struct err *err);
void lease_release(struct lease *lease); // harmless when not held

// A process that holds the lease gives it to a child: the child inherits lease->fd and takes it
// with lease_adopt(); the parent's lease_give() only lets go of its own descriptor.
bool lease_adopt(struct lease *lease, int fd, const char *folder, struct err *err);
void lease_give(struct lease *lease);

// The state folder of design ($SWARMD_STATE_DIR, $XDG_STATE_HOME/swarmd, ~/.local/state/swarmd),
// made with mode 0700, its parents too. The caller frees with mem_free.
char *state_folder(struct err *err);

#endif
