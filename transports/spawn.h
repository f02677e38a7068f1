// SPDX-License-Identifier: MIT
// Starts the exec helper with a command: posix_spawn, because it costs the same however large the
// server is, while fork copies its page tables (docs/performance.md).
#ifndef SWARMD_TRANSPORTS_SPAWN_H
#define SWARMD_TRANSPORTS_SPAWN_H

#include "core/base/err.h"
#include "core/base/ports.h"

#include <stdbool.h>
#include <sys/types.h>

struct spawned {
    pid_t pid;
    int out;     // the reading end of the pipe of stdout and stderr
    int reports; // what the helper says of the sandbox (core/permission/sandbox_spec.h); -1 without
                 // one
};

// In a process group of its own, in spec->cwd, with default signals, /dev/null on stdin, one pipe
// on stdout and stderr, SANDBOX_FD where there is a sandbox, and no other descriptor.
// ERR_CONFIG: the helper is missing. ERR_WORKTREE: cwd is. ERR_LIMIT: everything else.
bool spawn_helper(const char *helper, const struct process_spec *spec, struct spawned *spawned,
                  struct err *err);

#endif
