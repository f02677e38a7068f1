// SPDX-License-Identifier: MIT
#include "core/files/folder.h"

#include "core/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    REMOVE_DEPTH_MAX = 32,     // descriptors held; what lies deeper is first moved up to the top
    REMOVE_ROUNDS_MAX = 10000, // of moving up: trees of up to 320,000 levels
    MOVE_TRIES_MAX = 1000,     // names that somebody else took
};

bool folder_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool folder_is_empty(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    const struct dirent *entry;
    while ((entry = readdir(folder)) && is_dots(entry->d_name))
        ;
    closedir(folder);
    return !entry;
}

static bool make(char *path, bool parents_only, struct err *err)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        int code = errno;
        if (!ok)
            err_set_errno(err, ERR_STORAGE, code, "cannot make the folder %s", path);
        *at = '/';
        if (!ok)
            return false;
    }
    if (parents_only || mkdir(path, 0700) == 0)
        return true;
    struct stat st;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    return err_set_errno(err, ERR_STORAGE, errno, "cannot make the folder %s", path);
}

bool folder_make(const char *path, struct err *err)
{
    char *copy = mem_dup(str_of(path));
    bool ok = make(copy, false, err);
    mem_free(copy);
    return ok;
}

bool folder_make_parents(const char *path, struct err *err)
{
    char *copy = mem_dup(str_of(path));
    bool ok = make(copy, true, err);
    mem_free(copy);
    return ok;
}

struct removal {
    const char *path; // for messages
    int top;          // descriptor of the tree's top
    unsigned moved;   // folders moved up so far; their new names count with it
    struct err *err;
    bool failed;
};

static void removal_failed(struct removal *r, const char *name)
{
    if (!r->failed)
        err_set_errno(r->err, ERR_STORAGE, errno, "cannot remove %s in %s", name, r->path);
    r->failed = true;
}

// Opens a folder without following a symlink, giving ourselves the right to empty it.
static int open_to_empty(int parent, const char *name)
{
    int look = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (look < 0)
        return -1;
    struct stat st;
    if (fstat(look, &st) == 0 && (st.st_mode & 0700) != 0700) {
        char handle[40];
        snprintf(handle, sizeof handle, "/proc/self/fd/%d", look);
        chmod(handle, 0700); // when it fails, so does what follows, with the better message
    }
    int fd = openat(look, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = errno;
    close(look);
    errno = code;
    return fd;
}

static void move_up(struct removal *r, int parent, const char *name)
{
    char fresh[48];
    for (int i = 0; i < MOVE_TRIES_MAX; i++) {
        snprintf(fresh, sizeof fresh, ".swarmd-removing-%u", r->moved++);
        if (renameat2(parent, name, r->top, fresh, RENAME_NOREPLACE) == 0)
            return;
        if (errno != EEXIST)
            break;
    }
    removal_failed(r, name);
}

static void empty(struct removal *r, int fd, int depth);

static void remove_one(struct removal *r, int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return;
    if (errno != EISDIR && errno != EPERM) { // POSIX has EPERM for folders
        removal_failed(r, name);
        return;
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
        return;
    int fd = open_to_empty(parent, name);
    if (fd < 0) {
        removal_failed(r, name);
        return;
    }
    if (depth == REMOVE_DEPTH_MAX) {
        close(fd);
        move_up(r, parent, name);
        return;
    }
    empty(r, fd, depth + 1);
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        removal_failed(r, name);
}

static void empty(struct removal *r, int fd, int depth) // takes fd
{
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        removal_failed(r, ".");
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));)
        if (!is_dots(entry->d_name))
            remove_one(r, fd, entry->d_name, depth);
    closedir(folder);
}

bool folder_remove(const char *path, struct err *err)
{
    if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
        return true;
    struct removal r = {.path = path, .err = err};
    r.top = open_to_empty(AT_FDCWD, path);
    if (r.top < 0)
        return errno == ENOENT || err_set_errno(err, ERR_STORAGE, errno, "cannot remove %s", path);
    // One pass empties all but what it moved up.
    for (int round = 0; round < REMOVE_ROUNDS_MAX && !r.failed; round++) {
        unsigned before = r.moved;
        int fd = openat(r.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            removal_failed(&r, ".");
            break;
        }
        empty(&r, fd, 0);
        if (r.moved == before)
            break;
    }
    close(r.top);
    if (!r.failed && rmdir(path) < 0 && errno != ENOENT)
        return err_set_errno(err, ERR_STORAGE, errno, "cannot remove %s", path);
    return !r.failed;
}
