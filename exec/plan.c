// SPDX-License-Identifier: MIT
#include "exec/helper.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MAX = 4096 };

_Noreturn void quit(int code, const char *format, ...)
{
    char message[MESSAGE_MAX];
    int len = snprintf(message, sizeof message, "swarmd-exec: ");
    va_list args;
    va_start(args, format);
    len += vsnprintf(message + len, sizeof message - (size_t)len - 1, format, args);
    va_end(args);
    if (len > MESSAGE_MAX - 2)
        len = MESSAGE_MAX - 2;
    message[len++] = '\n';
    if (write(STDERR_FILENO, message, (size_t)len) < 0)
        _exit(code);
    _exit(code);
}

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool fail(struct failure *failure, const char *format, ...)
{
    failure->code = errno;
    va_list args;
    va_start(args, format);
    vsnprintf(failure->what, sizeof failure->what, format, args);
    va_end(args);
    return false;
}

void report(const char *word, const char *format, ...)
{
    char message[SANDBOX_REPORT_MAX];
    int len = snprintf(message, sizeof message, "%s ", word);
    va_list args;
    va_start(args, format);
    len += vsnprintf(message + len, sizeof message - (size_t)len, format, args);
    va_end(args);
    if (len >= SANDBOX_REPORT_MAX)
        len = SANDBOX_REPORT_MAX - 1;
    if (send(SANDBOX_FD, message, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

bool send_descriptor(int channel, const char *text, int fd)
{
    char bytes[SANDBOX_REPORT_MAX], control[CMSG_SPACE(sizeof fd)] = {0};
    snprintf(bytes, sizeof bytes, "%s", text);
    struct iovec piece = {bytes, strlen(bytes)};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(channel, &message, MSG_NOSIGNAL) > 0;
}

static void add_path(struct plan *plan, enum path_use use, const char *path)
{
    if (plan->count == SANDBOX_PATHS_MAX)
        quit(EXIT_WRONG_USE, "more than %d paths in a sandbox", SANDBOX_PATHS_MAX);
    if (path[0] != '/')
        quit(EXIT_WRONG_USE, "not an absolute path: %s", path);
    // Outer ones first, and of equal ones the later one last: it is the one that counts.
    size_t at = plan->count++;
    for (; at > 0 && strcmp(plan->paths[at - 1].path, path) > 0; at--)
        plan->paths[at] = plan->paths[at - 1];
    plan->paths[at] = (struct plan_path){use, path};
}

static bool set_path(struct plan *plan, const char *key, const char *value)
{
    static const char *const uses[] = {
        [PATH_WRITE] = SANDBOX_WRITE, [PATH_READ] = SANDBOX_READ, [PATH_HIDE] = SANDBOX_HIDE};
    for (int use = PATH_WRITE; use <= PATH_HIDE; use++) {
        if (strcmp(key, uses[use]) == 0) {
            add_path(plan, (enum path_use)use, value);
            return true;
        }
    }
    if (strcmp(key, SANDBOX_TMP) != 0)
        return false;
    plan->tmp = value;
    return true;
}

static bool set_number(struct plan *plan, const char *key, const char *value)
{
    int64_t number = strtoll(value, NULL, 10);
    if (strcmp(key, SANDBOX_MEMORY) == 0)
        plan->memory = number;
    else if (strcmp(key, SANDBOX_PROCESSES) == 0)
        plan->processes = number;
    else if (strcmp(key, SANDBOX_CPU) == 0)
        plan->cpu = number;
    else if (strcmp(key, SANDBOX_FILE) == 0)
        plan->file = number;
    else if (strcmp(key, SANDBOX_FILES) == 0)
        plan->files = number;
    else if (strcmp(key, SANDBOX_DISK) == 0)
        plan->disk_free = number;
    else if (strcmp(key, SANDBOX_ABI) == 0)
        plan->landlock_abi = (int)number;
    else
        return false;
    return true;
}

static bool set_word(struct plan *plan, const char *key, const char *value)
{
    if (strcmp(key, SANDBOX_NETWORK) == 0)
        plan->network = strcmp(value, "on") == 0    ? NETWORK_ON
                        : strcmp(value, "off") == 0 ? NETWORK_OFF
                                                    : NETWORK_PROXY;
    else if (strcmp(key, SANDBOX_ALLOW) == 0 && strcmp(value, "unix-sockets") == 0)
        plan->unix_sockets = true;
    else if (strcmp(key, SANDBOX_ALLOW) == 0 && strcmp(value, "ptrace") == 0)
        plan->ptrace = true;
    else if (strcmp(key, SANDBOX_WITHOUT) == 0 && strcmp(value, "namespaces") == 0)
        plan->namespaces = false;
    else if (strcmp(key, SANDBOX_WITHOUT) == 0 && strcmp(value, "landlock") == 0)
        plan->landlock = false;
    else if (strcmp(key, SANDBOX_WITHOUT) == 0 && strcmp(value, "seccomp") == 0)
        plan->seccomp = false;
    else if (strcmp(key, SANDBOX_WITHOUT) == 0 && strcmp(value, "cgroup") == 0)
        plan->cgroup = false;
    else
        return false;
    return true;
}

void plan_receive(struct plan *plan, int fd)
{
    ssize_t len = recv(fd, plan->bytes, sizeof plan->bytes, 0);
    if (len <= 0 || len > SANDBOX_SPEC_MAX || plan->bytes[len - 1] != '\0')
        quit(EXIT_WRONG_USE, "no description of the sandbox on descriptor %d", fd);
    plan->sandboxed = plan->namespaces = plan->landlock = plan->seccomp = plan->cgroup = true;
    plan->landlock_abi = 1 << 16;
    for (char *key = plan->bytes; key < plan->bytes + len; key += strlen(key) + 1) {
        char *value = strchr(key, '=');
        if (!value)
            quit(EXIT_WRONG_USE, "not understood in the sandbox: %s", key);
        *value++ = '\0';
        if (!set_path(plan, key, value) && !set_number(plan, key, value) &&
            !set_word(plan, key, value))
            quit(EXIT_WRONG_USE, "not understood in the sandbox: %s=%s", key, value);
        key = value;
    }
}
