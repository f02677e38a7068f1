// SPDX-License-Identifier: MIT
// Starts the host that outlives the editor: this binary once more, in a session of its own, with
// /dev/null for stdin and stdout, and stderr at the end of background.err in the state folder.
#ifndef SWARMD_BACKGROUND_H
#define SWARMD_BACKGROUND_H

#include "core/base/err.h"
#include "core/store/lease.h"

#include <stdbool.h>
#include <sys/types.h>

// Where the child finds the lease that it is to adopt.
enum { BACKGROUND_LEASE_FD = 3 };

// The lease goes to the child: it is not held here any more, whatever happens.
bool background_start(const char *folder, struct lease *lease, pid_t *pid, struct err *err);
// Has it ended before anybody reached it? Fills err then.
bool background_failed(const char *folder, pid_t *pid, struct err *err);
void background_forget(pid_t *pid); // one that was reached, and has ended

#endif
