// SPDX-License-Identifier: MIT
#include "transports/own_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// Opening the master side of a pseudo-terminal anew would make another pseudo-terminal.
static bool can_be_opened_anew(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return false;
    if (S_ISFIFO(st.st_mode))
        return true;
    unsigned number;
    return S_ISCHR(st.st_mode) && isatty(fd) && ioctl(fd, TIOCGPTN, &number) < 0;
}

bool own_fd_open(struct own_fd *own, int fd, int access, struct err *err)
{
    own->fd = -1;
    own->shared_flags = -1;
    if (can_be_opened_anew(fd)) {
        char path[32];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        own->fd = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own->fd >= 0)
            return true;
    }
    own->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own->fd < 0)
        return err_set_errno(err, ERR_LIMIT, errno, "cannot use descriptor %d", fd);
    own->shared_flags = fcntl(fd, F_GETFL);
    return true;
}

void own_fd_close(struct own_fd *own)
{
    if (own->fd < 0)
        return;
    if (own->shared_flags >= 0 && fcntl(own->fd, F_GETFL) != own->shared_flags)
        fcntl(own->fd, F_SETFL, own->shared_flags);
    close(own->fd);
    own->fd = -1;
}
