// SPDX-License-Identifier: MIT
// What the files of swarmd-exec share. Libc only, linked statically, because its start-up is part
// of every command; it allocates nothing but process trees.
#ifndef SWARMD_EXEC_HELPER_H
#define SWARMD_EXEC_HELPER_H

#include "core/permission/sandbox_spec.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { EXIT_WRONG_USE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

// In one write to stderr, so that it does not mix with the command's output.
_Noreturn void quit(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

int64_t now_ms(void);

// --- plan.c: what is asked for

enum path_use { PATH_WRITE, PATH_READ, PATH_HIDE };

struct plan_path {
    enum path_use use;
    const char *path;
};

enum plan_network { NETWORK_ON, NETWORK_OFF, NETWORK_PROXY };

struct plan {
    bool sandboxed;                            // otherwise nothing below counts
    struct plan_path paths[SANDBOX_PATHS_MAX]; // outer ones first
    size_t count;
    const char *tmp; // or NULL
    enum plan_network network;
    bool unix_sockets, ptrace;
    bool namespaces, landlock, seccomp, cgroup;
    int landlock_abi;                                       // the newest to use
    int64_t memory, processes, cpu, file, files, disk_free; // 0: no limit
    char bytes[SANDBOX_SPEC_MAX + 1];                       // what all the strings point into
};

void plan_receive(struct plan *plan, int fd); // quits when it is not understood

// Tells the server. Nobody may be listening.
void report(const char *word, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Sends a descriptor with one message.
bool send_descriptor(int channel, const char *message, int fd);

// --- paths.c

enum { PATH_DEVICES = 6 };

extern const char *const path_devices[PATH_DEVICES]; // all that is seen of the system's

bool path_is_in(const char *inner, const char *outer); // or the same
// O_PATH; -1 and errno. Beneath a folder that commands may write no link is followed (ELOOP).
int path_open(const struct plan *plan, const char *path);
bool path_is_missing(int code); // an errno after which a path of the plan is passed over

// --- what the walls say of themselves

struct failure {
    int code;       // errno; 0: none
    char what[200]; // "mount /proc"
};

bool fail(struct failure *failure, const char *format, ...) __attribute__((format(printf, 2, 3)));

// --- cgroup.c: the kernel's own limits of all processes together

enum { CGROUP_PATH_MAX = 1024 };

struct cgroup {
    int fd; // -1: none
    char path[CGROUP_PATH_MAX];
};

// False where none can be had.
bool cgroup_make(struct cgroup *cgroup, const struct plan *plan);
// As fork(), with the flags of clone3(); the child is in it.
pid_t cgroup_fork(const struct cgroup *cgroup, uint64_t flags);
// All in it are dead. Reports the limit that ended them, unless plan is NULL.
void cgroup_end(struct cgroup *cgroup, const struct plan *plan);

// --- namespaces.c: a process that is the init of a PID namespace, with a mount namespace

// As fork(): 0 in the child, -1 and errno where the kernel forbids namespaces.
pid_t namespaces_enter(const struct plan *plan, const struct cgroup *cgroup, bool *new_user);
// In the child, before anything else.
bool namespaces_map_user(uid_t uid, gid_t gid, struct failure *failure);
// Before any mount.
void namespaces_limit_processes(const struct plan *plan);
bool namespaces_loopback_up(struct failure *failure);
// Gives the server a socket for its proxy, and the command its address.
bool namespaces_offer_proxy(struct failure *failure);

// --- mounts.c: what of the file system is seen, and what may be written

enum mounts_result {
    MOUNTS_DONE,
    MOUNTS_FORBIDDEN, // none may be made here; nothing was changed
    MOUNTS_FAILED
};

enum mounts_result mounts_build(const struct plan *plan, struct failure *failure);

// --- landlock.c: the same once more, by another part of the kernel

// Returns the ABI that holds; 0 where there is none that is good for anything. alone: there are no
// mounts, so hidden paths are left out of what may be read.
int landlock_restrict(const struct plan *plan, bool alone, struct failure *failure);

// --- seccomp.c: system calls that no build needs and escapes do

// *listener tells of what is refused (denials.c); -1 where the kernel cannot: it is refused then,
// too.
bool seccomp_restrict(const struct plan *plan, bool own_network, int *listener,
                      struct failure *failure);

// --- denials.c: the calls that the filter has stopped wait for our answer, which is always no

struct denials {
    int channel;  // our end: the command's process sends its listener there before it executes
    int listener; // -1: none
    char names[SANDBOX_REPORT_MAX / 2];
};

bool denials_open(struct denials *denials, int *theirs);
void denials_send(int theirs, int listener);   // in the process that has just been restricted
void denials_receive(struct denials *denials); // waits for that
void denials_answer(struct denials *denials);  // one that waits
void denials_report(const struct denials *denials);
const char *denials_name(int call); // of a call that the filter refuses; or NULL

// --- limits.c

#define LIMIT_MEMORY_TEXT                                                                          \
    "the command used more than %" PRId64 " MB of memory (limit sandbox.memory_mb)"

void limits_apply(const struct plan *plan, bool in_namespaces);
bool privileges_drop(struct failure *failure);
void limits_report(const struct plan *plan, int exit_code); // those that end with a signal

// --- watch.c: limits of the whole command

enum { WATCH_DISKS = 2 };

struct watch {
    const struct plan *plan;
    bool is_init;
    int64_t began_at, next_at; // ms; next_at -1: nothing to look at
    int64_t room_at_start[WATCH_DISKS], files_at_start[WATCH_DISKS];
};

void watch_begin(struct watch *watch, const struct plan *plan, bool is_init);
bool watch_look(struct watch *watch); // true, and reported, when a limit is passed

// --- reaper.c: until nothing of the command is left

struct reaper {
    pid_t command;
    const char *name; // the command's, for messages
    bool is_init;     // of a PID namespace: what is left dies with it
    struct denials denials;
    struct watch watch;
    int exit_code;
    bool command_ended;
    bool stop_asked;
    int64_t kill_at; // ms; -1: not yet
};

// Returns when the command and all that came of it are dead, or die with this process.
void reaper_run(struct reaper *reaper);

// SIGTERM or SIGCHLD; 0 when neither came by the time (-1: waits for ever). outside: a SIGTERM of a
// process in the own PID namespace does not count.
int wait_signal(int64_t until, bool outside);

#endif
