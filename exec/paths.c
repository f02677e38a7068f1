// SPDX-License-Identifier: MIT
// Paths of the plan, opened so that nothing a command has left behind leads elsewhere. What is
// above a folder that commands may write is the person's; beneath it every link may be planted:
// .git/modules that leads to ~/.ssh would be put over what hides that.
#include "exec/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const path_devices[PATH_DEVICES] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                                "/dev/random", "/dev/urandom", "/dev/tty"};

bool path_is_in(const char *inner, const char *outer)
{
    size_t len = strlen(outer);
    return strncmp(inner, outer, len) == 0 && (inner[len] == '\0' || inner[len] == '/');
}

// The outermost folder around a path that commands may write; NULL when there is none.
static const char *writable_around(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_path *outer = &plan->paths[i];
        if (outer->use == PATH_WRITE && strcmp(outer->path, path) != 0 &&
            path_is_in(path, outer->path))
            return outer->path;
    }
    return NULL;
}

int path_open(const struct plan *plan, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    const char *outer = writable_around(plan, path);
    int fd = open(outer ? outer : path, O_PATH | O_CLOEXEC);
    if (fd < 0 || !outer)
        return fd;
    int inner = (int)syscall(SYS_openat2, fd, path + strlen(outer) + 1, &how, sizeof how);
    int code = errno;
    close(fd);
    errno = code;
    return inner;
}

bool path_is_missing(int code)
{
    return code == ENOENT || code == ENOTDIR || code == EACCES || code == ELOOP;
}
