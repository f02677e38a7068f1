// SPDX-License-Identifier: MIT
// Of the calls that seccomp stops the helper tells us. Of files and networks the kernel tells
// nobody but the command, so the command's own words are looked through; what is said then is that
// the sandbox is likely to be why.
#include "core/sandbox.h"

#include "core/mem.h"
#include "core/text.h"

#include <string.h>

enum { LINE_SHOWN_MAX = 200, DENIAL_MAX = 1000 };

struct sign {
    const char *text; // in a line of the output
    const char *why;
    bool network_limited;   // a sign only when the network is off or limited
    bool walls_of_landlock; // a sign only without mounts
};

static const char writing[] =
    "only the worktree, /tmp and the paths of sandbox.writable can be written";
static const char sockets[] = "programs cannot make Unix sockets (sandbox.unix_sockets)";
static const char network[] = "the network is limited by sandbox.network";

static const struct sign signs[] = {
    {"Read-only file system", writing, false, false},
    {"read-only file system", writing, false, false},
    {"EROFS", writing, false, false},
    {"Address family not supported by protocol", sockets, false, false},
    {"address family not supported by protocol", sockets, false, false},
    {"EAFNOSUPPORT", sockets, false, false},
    {"Could not resolve", network, true, false},
    {"ould not resolve host", network, true, false},
    {"Temporary failure in name resolution", network, true, false},
    {"Name or service not known", network, true, false},
    {"EAI_AGAIN", network, true, false},
    {"ENOTFOUND", network, true, false},
    {"Network is unreachable", network, true, false},
    {"network is unreachable", network, true, false},
    {"ENETUNREACH", network, true, false},
    {"swarmd: not among the hosts", network, true, false},
    {"Permission denied", writing, false, true},
    {"EACCES", writing, false, true},
};

// The first line with a sign.
static const struct sign *find_sign(const struct sandbox_policy *policy, bool weak,
                                    struct str output, struct str *line)
{
    while (output.len > 0) {
        const char *end = memchr(output.data, '\n', output.len);
        size_t len = end ? (size_t)(end - output.data) : output.len;
        for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
            const struct sign *sign = &signs[i];
            if ((sign->network_limited && policy->network == SANDBOX_NETWORK_ON) ||
                (sign->walls_of_landlock && !weak) ||
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
