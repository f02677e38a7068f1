// SPDX-License-Identifier: MIT
// flock() and not fcntl(): its lock belongs to the open file, so a second take in the same process
// is refused too, and closing some other descriptor of the file does not lose it. The file itself
// stays for ever: removing it would let two processes lock two files of one name.
#include "core/store/lease.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PID_TEXT_MAX = 24 };

// The pid is only what people are told; between a lock and the writing of its pid the file names
// somebody who is gone.
static bool read_holder(int fd, long *pid)
{
    char text[PID_TEXT_MAX];
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    if (len <= 0)
        return false;
    text[len] = '\0';
    *pid = strtol(text, NULL, 10);
    return *pid > 0 && *pid <= INT_MAX && (kill((pid_t)*pid, 0) == 0 || errno == EPERM);
}

static bool refuse(int fd, const char *folder, struct err *err)
{
    long pid;
    if (read_holder(fd, &pid))
        return err_set(err, ERR_LEASE,
                       "the state folder %s is held by another swarmd, pid %ld; end it, or set "
                       "SWARMD_STATE_DIR to another folder",
                       folder, pid);
    return err_set(err, ERR_LEASE,
                   "the state folder %s is held by another swarmd that has just started; end it, "
                   "or set SWARMD_STATE_DIR to another folder",
                   folder);
}

static bool write_holder(int fd, const char *path, struct err *err)
{
    char *text = mem_format("%ld\n", (long)getpid());
    size_t len = strlen(text);
    bool ok = ftruncate(fd, 0) == 0 && pwrite(fd, text, len, 0) == (ssize_t)len;
    int code = errno;
    mem_free(text);
    // Without room on the disk nothing could be stored either.
    return ok || err_set_errno(err, ERR_STORAGE, code, "cannot write %s", path);
}

bool lease_take(struct lease *lease, const char *folder, struct err *err)
{
    lease->fd = -1;
    char *path = mem_format("%s/swarmd.lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = false;
    if (fd < 0)
        err_set_errno(err, ERR_STORAGE, errno, "cannot open %s", path);
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        ok = write_holder(fd, path, err);
    else if (errno == EWOULDBLOCK)
        refuse(fd, folder, err);
    else
        err_set_errno(err, ERR_STORAGE, errno, "cannot lock %s", path);
    mem_free(path);
    if (ok)
        lease->fd = fd;
    else if (fd >= 0)
        close(fd);
    return ok;
}

// Locking an open file that is locked already changes nothing, so this fails only when fd is not
// what it should be.
bool lease_adopt(struct lease *lease, int fd, const char *folder, struct err *err)
{
    lease->fd = -1;
    char *path = mem_format("%s/swarmd.lock", folder);
    bool ok = false;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
        err_set_errno(err, ERR_LEASE, errno, "the lease of %s was not handed over", folder);
    else
        ok = write_holder(fd, path, err);
    mem_free(path);
    if (ok)
        lease->fd = fd;
    return ok;
}

void lease_give(struct lease *lease)
{
    if (lease->fd >= 0)
        close(lease->fd);
    lease->fd = -1;
}

void lease_release(struct lease *lease)
{
    if (lease->fd < 0)
        return;
    // Empty, so that nobody reads the pid of a process that is gone.
    if (ftruncate(lease->fd, 0) != 0) {
        // The lock goes all the same, and a reader checks that the pid lives.
    }
    close(lease->fd);
    lease->fd = -1;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static char *choose_folder(struct err *err)
{
    const char *folder = variable("SWARMD_STATE_DIR");
    if (folder && folder[0] == '/')
        return mem_format("%s", folder);
    if (folder) {
        char here[PATH_MAX];
        if (getcwd(here, sizeof(here)))
            return mem_format("%s/%s", here, folder);
        err_set_errno(err, ERR_STORAGE, errno, "SWARMD_STATE_DIR is the relative path %s", folder);
        return NULL;
    }
    folder = variable("XDG_STATE_HOME");
    if (folder && folder[0] == '/') // a relative one is to be ignored, says its specification
        return mem_format("%s/swarmd", folder);
    folder = variable("HOME");
    if (folder)
        return mem_format("%s/.local/state/swarmd", folder);
    err_set(err, ERR_STORAGE,
            "there is no place for the state: neither SWARMD_STATE_DIR, "
            "XDG_STATE_HOME nor HOME is set");
    return NULL;
}

static bool make_folder(char *path, struct err *err)
{
    for (char *slash = path + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        char end = *slash;
        *slash = '\0';
        int failed = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
        struct stat st;
        if (failed && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            failed = 0; // a parent on a read-only file system
        if (failed)
            return err_set_errno(err, ERR_STORAGE, failed, "cannot make the folder %s", path);
        *slash = end;
        if (!end)
            break;
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_STORAGE, "the state folder %s is not a folder", path);
    return true;
}

char *state_folder(struct err *err)
{
    char *path = choose_folder(err);
    if (!path)
        return NULL;
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    if (make_folder(path, err))
        return path;
    mem_free(path);
    return NULL;
}
