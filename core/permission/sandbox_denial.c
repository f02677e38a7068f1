// SPDX-License-Identifier: MIT
// Of the calls that seccomp stops the helper tells us. Of files and networks the kernel tells
// nobody but the command, so the command's own words are looked through; what is said then is that
// the sandbox is likely to be why.
#include "core/permission/sandbox.h"

#include "core/base/mem.h"
#include "core/base/text.h"

#include <string.h>

enum { LINE_SHOWN_MAX = 200, DENIAL_MAX = 1000 };

enum condition {
    ALWAYS,
    NETWORK_LIMITED,
    WALLS_OF_LANDLOCK, // no mounts
    FILE_LIMITED,
    FILES_LIMITED,
    PROCESSES_LIMITED,
    CPU_LIMITED,
};

struct sign {
    const char *text; // in a line of the output
    const char *why;
    enum condition condition; // a sign only then
};

static const char writing[] =
    "only the worktree, /tmp and the paths of sandbox.writable can be written";
static const char sockets[] = "programs cannot make Unix sockets (sandbox.unix_sockets)";
static const char network[] = "the network is limited by sandbox.network";
static const char file[] = "files may not be larger (limit sandbox.file_mb)";
static const char files[] = "a process may not have more files open (limit sandbox.open_files)";
static const char processes[] = "there may not be more processes (limit sandbox.processes)";
static const char cpu[] = "processes may not use more CPU time (limit sandbox.cpu_seconds)";

static const struct sign signs[] = {
    {"Read-only file system", writing, ALWAYS},
    {"read-only file system", writing, ALWAYS},
    {"EROFS", writing, ALWAYS},
    {"Address family not supported by protocol", sockets, ALWAYS},
    {"address family not supported by protocol", sockets, ALWAYS},
    {"EAFNOSUPPORT", sockets, ALWAYS},
    {"ould not resolve", network, NETWORK_LIMITED},
    {"Temporary failure in name resolution", network, NETWORK_LIMITED},
    {"Name or service not known", network, NETWORK_LIMITED},
    {"EAI_AGAIN", network, NETWORK_LIMITED},
    {"ENOTFOUND", network, NETWORK_LIMITED},
    {"Network is unreachable", network, NETWORK_LIMITED},
    {"network is unreachable", network, NETWORK_LIMITED},
    {"ENETUNREACH", network, NETWORK_LIMITED},
    {"swarmd: not among the hosts", network, NETWORK_LIMITED},
    {"Permission denied", writing, WALLS_OF_LANDLOCK},
    {"EACCES", writing, WALLS_OF_LANDLOCK},
    {"File too large", file, FILE_LIMITED},
    {"file too large", file, FILE_LIMITED},
    {"File size limit exceeded", file, FILE_LIMITED},
    {"EFBIG", file, FILE_LIMITED},
    {"Too many open files", files, FILES_LIMITED},
    {"too many open files", files, FILES_LIMITED},
    {"EMFILE", files, FILES_LIMITED},
    {"fork: Resource temporarily unavailable", processes, PROCESSES_LIMITED},
    {"fork: retry: Resource temporarily unavailable", processes, PROCESSES_LIMITED},
    {"Cannot fork", processes, PROCESSES_LIMITED},
    {"BlockingIOError: [Errno 11]", processes, PROCESSES_LIMITED},
    {"can't start new thread", processes, PROCESSES_LIMITED},
    {"CPU time limit exceeded", cpu, CPU_LIMITED},
};

static bool holds(enum condition condition, const struct sandbox_policy *policy, bool weak)
{
    switch (condition) {
    case NETWORK_LIMITED:
        return policy->network != SANDBOX_NETWORK_ON;
    case WALLS_OF_LANDLOCK:
        return weak;
    case FILE_LIMITED:
        return policy->file_mb > 0;
    case FILES_LIMITED:
        return policy->open_files > 0;
    case PROCESSES_LIMITED:
        return policy->processes > 0;
    case CPU_LIMITED:
        return policy->cpu_seconds > 0;
    case ALWAYS:
        break;
    }
    return true;
}

// The first line with a sign.
static const struct sign *find_sign(const struct sandbox_policy *policy, bool weak,
                                    struct str output, struct str *line)
{
    while (output.len > 0) {
        const char *end = memchr(output.data, '\n', output.len);
        size_t len = end ? (size_t)(end - output.data) : output.len;
        for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
            const struct sign *sign = &signs[i];
            if (!holds(sign->condition, policy, weak) ||
                !memmem(output.data, len, sign->text, strlen(sign->text)))
                continue;
            *line = str_from(output.data, len);
            return sign;
        }
        output = str_skip(output, end ? len + 1 : len);
    }
    return NULL;
}

char *sandbox_denial(const struct sandbox_policy *policy, bool weak, const char *calls,
                     struct str output)
{
    struct buf text;
    struct str line;
    buf_init(&text, DENIAL_MAX);
    const struct sign *sign = find_sign(policy, weak, output, &line);
    if (sign) {
        buf_add_str(&text, STR("probably by the sandbox: \""));
        text_one_line(&text, line, LINE_SHOWN_MAX);
        buf_addf(&text, "\": %s", sign->why);
    }
    if (calls)
        buf_addf(&text, "%sthe sandbox refused the system calls %.300s", sign ? "; " : "", calls);
    if (text.len > 0)
        return buf_detach(&text, NULL);
    buf_release(&text);
    return NULL;
}
