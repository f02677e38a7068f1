// SPDX-License-Identifier: MIT
// Starts the exec helper with a command: posix_spawn, because it costs the same however large the
// server is, while fork copies its page tables (docs/performance.md).
#ifndef SWARMD_TRANSPORTS_SPAWN_H
#define SWARMD_TRANSPORTS_SPAWN_H

#include "core/err.h"
#include "core/ports.h"

#include <stdbool.h>
#include <sys/types.h>

// In a process group of its own, in spec->cwd, with default signals, /dev/null on stdin, one pipe
// on stdout and stderr, and no other descriptor. *out is the pipe's reading end.
// ERR_CONFIG: the helper is missing. ERR_WORKTREE: cwd is. ERR_LIMIT: everything else.
bool spawn_helper(const char *helper, const struct process_spec *spec, pid_t *pid, int *out,
                  struct err *err);

#endif
