// SPDX-License-Identifier: MIT
// A cgroup of the command's own, where one can be had: then the kernel holds memory and processes
// exactly, and not only until somebody looks. It is made beside the one we are in, by root or in
// what systemd has delegated to a person; of version 2 alone, in which a process can be born. Where
// there is none, or the one we are in has a limit of memory that would be evaded so, watch.c is
// all there is.
#include "exec/helper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TEXT_MAX = 4096 };

static const char top[] = "/sys/fs/cgroup", prefix[] = "swarmd-";

static bool read_file(int folder, const char *name, char text[TEXT_MAX])
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, TEXT_MAX - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static bool write_file(int folder, const char *name, const char *text)
{
    int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool write_number(int folder, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    return write_file(folder, name, text);
}

// Ours, in the one hierarchy of version 2: a line "0::/user.slice/...".
static bool find_own(char path[CGROUP_PATH_MAX])
{
    char text[TEXT_MAX];
    if (!read_file(AT_FDCWD, "/proc/self/cgroup", text))
        return false;
    const char *at = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
    if (!at)
        return false;
    at = strchr(at, '/');
    int len = (int)strcspn(at, "\n");
    return snprintf(path, CGROUP_PATH_MAX, "%s%.*s", top, len > 1 ? len : 0, at) < CGROUP_PATH_MAX;
}

static bool has_own_limit(const char *path)
{
    char name[CGROUP_PATH_MAX + 16], text[TEXT_MAX];
    snprintf(name, sizeof name, "%s/memory.max", path);
    return read_file(AT_FDCWD, name, text) && strcmp(text, "max\n") != 0;
}

static bool gives_controllers(const char *path)
{
    char name[CGROUP_PATH_MAX + 32], text[TEXT_MAX];
    snprintf(name, sizeof name, "%s/cgroup.subtree_control", path);
    return read_file(AT_FDCWD, name, text) && strstr(text, "memory") && strstr(text, "pids");
}

// Up to the folder whose children have the controllers: our siblings, as a rule.
static bool find_parent(char path[CGROUP_PATH_MAX])
{
    while (!gives_controllers(path)) {
        if (strcmp(path, top) == 0 || has_own_limit(path))
            return false;
        *strrchr(path, '/') = '\0';
    }
    return true;
}

static bool set_limits(int fd, const struct plan *plan)
{
    if (plan->memory > 0) {
        if (!write_number(fd, "memory.max", plan->memory))
            return false;
        write_number(fd, "memory.swap.max", 0);  // there may be no swap
        write_number(fd, "memory.oom.group", 1); // all of it ends, not the largest alone
    }
    // The init of the namespace is in it, too.
    return plan->processes <= 0 || write_number(fd, "pids.max", plan->processes + 1);
}

// Of helpers that were killed before they could remove theirs.
static void remove_left(const char *path)
{
    DIR *entries = opendir(path);
    const struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        long pid = strncmp(entry->d_name, prefix, strlen(prefix)) == 0
                       ? strtol(entry->d_name + strlen(prefix), NULL, 10)
                       : 0;
        if (pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
            unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
    }
    if (entries)
        closedir(entries);
}

bool cgroup_make(struct cgroup *cgroup, const struct plan *plan)
{
    char path[CGROUP_PATH_MAX];
    cgroup->fd = -1;
    if (!plan->cgroup || (plan->memory <= 0 && plan->processes <= 0) || !find_own(path) ||
        !find_parent(path) ||
        snprintf(cgroup->path, sizeof cgroup->path, "%s/%s%ld", path, prefix, (long)getpid()) >=
            (int)sizeof cgroup->path)
        return false;
    if (mkdir(cgroup->path, 0755) < 0)
        return false;
    remove_left(path);
    cgroup->fd = open(cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cgroup->fd >= 0 && set_limits(cgroup->fd, plan))
        return true;
    cgroup_end(cgroup, NULL);
    return false;
}

pid_t cgroup_fork(const struct cgroup *cgroup, uint64_t flags)
{
    struct clone_args args = {
        .flags = flags | CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)cgroup->fd};
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static bool was_killed(const struct cgroup *cgroup)
{
    char text[TEXT_MAX];
    const char *at =
        read_file(cgroup->fd, "memory.events", text) ? strstr(text, "\noom_kill ") : NULL;
    return at && strtoll(at + strlen("\noom_kill "), NULL, 10) > 0;
}

void cgroup_end(struct cgroup *cgroup, const struct plan *plan)
{
    if (cgroup->fd < 0)
        return;
    if (plan && plan->memory > 0 && was_killed(cgroup))
        report(SANDBOX_SAYS_LIMIT, LIMIT_MEMORY_TEXT, plan->memory >> 20);
    close(cgroup->fd);
    cgroup->fd = -1;
    rmdir(cgroup->path);
}
