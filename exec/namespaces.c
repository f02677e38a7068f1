// SPDX-License-Identifier: MIT
#include "exec/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

// Numbers below RESERVED_PIDS are given once only; a limit above the usual one holds nothing.
enum { RESERVED_PIDS = 300, PID_MAX_USUAL = 32768 };

static pid_t enter(const struct cgroup *cgroup, int flags)
{
    pid_t pid = cgroup->fd >= 0 ? cgroup_fork(cgroup, (uint64_t)(unsigned)flags) : -1;
    if (pid >= 0)
        return pid;
    // glibc's clone() wants a stack; this one behaves as fork().
    return (pid_t)syscall(SYS_clone, (unsigned long)flags | SIGCHLD, 0L, 0L, 0L, 0L);
}

// The real root needs no user namespace, which costs time; root in a container does.
pid_t namespaces_enter(const struct plan *plan, const struct cgroup *cgroup, bool *new_user)
{
    int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;
    if (plan->network != NETWORK_ON)
        flags |= CLONE_NEWNET;
    pid_t pid = -1;
    *new_user = false;
    if (geteuid() == 0)
        pid = enter(cgroup, flags);
    if (pid >= 0)
        return pid;
    *new_user = true;
    return enter(cgroup, flags | CLONE_NEWUSER);
}

static bool write_file(const char *path, const char *text, struct failure *failure)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int code = errno;
    if (fd >= 0)
        close(fd);
    errno = code;
    return ok || fail(failure, "write %s", path);
}

bool namespaces_map_user(uid_t uid, gid_t gid, struct failure *failure)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "%u %u 1", (unsigned)uid, (unsigned)uid);
    snprintf(groups, sizeof groups, "%u %u 1", (unsigned)gid, (unsigned)gid);
    return write_file("/proc/self/setgroups", "deny", failure) &&
           write_file("/proc/self/uid_map", users, failure) &&
           write_file("/proc/self/gid_map", groups, failure);
}

// Since Linux 6.14 a PID namespace has a pid_max of its own; before, it is the whole machine's.
static bool has_own_pid_max(void)
{
    struct utsname kernel;
    int major, minor;
    return uname(&kernel) == 0 && sscanf(kernel.release, "%d.%d", &major, &minor) == 2 &&
           (major > 6 || (major == 6 && minor >= 14));
}

// Root's processes are counted by no rlimit. Where the kernel has another limit they pass by no
// more than RESERVED_PIDS, until somebody looks (watch.c). It is a second wall: it may fail.
void namespaces_limit_processes(const struct plan *plan)
{
    char number[24];
    struct failure ignored;
    snprintf(number, sizeof number, "%" PRId64, plan->processes + RESERVED_PIDS + 2);
    if (plan->processes > 0 && plan->processes < PID_MAX_USUAL && geteuid() == 0 &&
        has_own_pid_max())
        write_file("/proc/sys/kernel/pid_max", number, &ignored);
}

bool namespaces_loopback_up(struct failure *failure)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    int code = errno;
    if (fd >= 0)
        close(fd);
    errno = code;
    return ok || fail(failure, "bring up the loopback interface");
}

static void tell_command(int port)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy",
                                        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"};
    char url[40];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        setenv(names[i], url, 1);
    setenv("no_proxy", "localhost,127.0.0.1,::1", 1);
    setenv("NO_PROXY", "localhost,127.0.0.1,::1", 1);
}

bool namespaces_offer_proxy(struct failure *failure)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
              listen(fd, SOMAXCONN) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
              send_descriptor(SANDBOX_FD, SANDBOX_SAYS_PROXY " ", fd);
    int code = errno;
    if (fd >= 0)
        close(fd);
    errno = code;
    if (!ok)
        return fail(failure, "offer a proxy");
    tell_command(ntohs(address.sin_port));
    return true;
}
