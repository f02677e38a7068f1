// SPDX-License-Identifier: MIT
// The commands of core/base/ports.h: posix_spawn of the exec helper (exec/swarmd_exec.c), a pipe
// for its output and a pidfd for its end, both on the loop; SIGCHLD where the kernel has no pidfd.
//
// The helper is started on the loop's thread, because its death with the server is bound to the
// thread that starts it. `ended` comes after the end of the output: for a command that stays
// paused it does not come.
#ifndef SWARMD_TRANSPORTS_PROCESS_H
#define SWARMD_TRANSPORTS_PROCESS_H

#include "core/base/ports.h"

enum {
    PROCESS_OVERDUE_MS = 5000,  // after process_stop(): the helper is killed, and all beneath it
    PROCESS_PIPE_HELD_MS = 1000 // after the helper's end: a pipe that is still held is closed
};

struct loop;
struct processes;

struct processes *processes_create(struct loop *loop, const char *exec_helper);
void processes_close(struct processes *processes);   // begins to close what is its own
void processes_destroy(struct processes *processes); // after that has closed; takes NULL

struct process *process_start(struct processes *processes, const struct process_spec *spec,
                              const struct process_sink *sink, void *arg);
void process_stop(struct process *process);
void process_pause(struct process *process, bool paused);

#endif
