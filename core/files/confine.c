// SPDX-License-Identifier: MIT
#include "core/files/confine.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// A rename elsewhere in the tree makes the kernel give up a lookup through ".."; it asks to be
// called again.
enum { OPENAT2_RETRIES_MAX = 128 };

enum { PATH_SHOWN_MAX = 240 }; // bytes of a path in a message, so that the reason fits too

static atomic_bool walk_forced;

void root_force_walk(bool on)
{
    atomic_store(&walk_forced, on);
}

bool root_open(struct root *root, const char *path, struct err *err)
{
    root->fd = -1;
    root->checkout = NULL;
    root->path = realpath(path, NULL);
    if (!root->path)
        return err_set_errno(err, ERR_WORKTREE, errno, "cannot open the folder %s", path);
    root->fd = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->fd >= 0)
        return true;
    err_set_errno(err, ERR_WORKTREE, errno, "cannot open the folder %s", path);
    root_close(root);
    return false;
}

void root_close(struct root *root)
{
    if (root->fd >= 0)
        close(root->fd);
    root->fd = -1;
    free(root->path);
    root->path = NULL;
}

static struct str shown(struct str path)
{
    return utf8_cut(path, PATH_SHOWN_MAX);
}

// What is behind `folder` in a path that is within it; STR_NONE when it is not.
static struct str within(struct str path, const char *folder)
{
    struct str prefix = str_of(folder);
    while (prefix.len > 1 && prefix.data[prefix.len - 1] == '/')
        prefix.len--;
    if (prefix.len < 2 || !str_starts(path, prefix))
        return STR_NONE;
    struct str rest = str_skip(path, prefix.len);
    if (rest.len && rest.data[0] != '/')
        return STR_NONE;
    while (rest.len && rest.data[0] == '/')
        rest = str_skip(rest, 1);
    return rest.len ? rest : STR(".");
}

static void refuse_outside(const struct root *root, struct str path, struct err *err)
{
    struct str same = root->checkout ? within(path, root->checkout) : STR_NONE;
    if (same.data) {
        err_set(err, ERR_REFUSED,
                "%.*s is in the person's own checkout, which you cannot reach; the same file of "
                "yours is %.*s in your working directory",
                STR_ARG(shown(path)), STR_ARG(shown(same)));
        return;
    }
    err_set(err, ERR_REFUSED, "%.*s is outside the worktree; only paths beneath %s can be reached",
            STR_ARG(shown(path)), root->path);
}

// Cuts root->path off an absolute path; false when it is elsewhere.
static bool strip_root(const struct root *root, struct str *path)
{
    struct str prefix = str_of(root->path);
    if (str_is(prefix, "/"))
        return true;
    if (!str_starts(*path, prefix))
        return false;
    *path = str_skip(*path, prefix.len);
    return path->len == 0 || path->data[0] == '/';
}

// Appends the components of path to out (which has room for them), resolving "." and "..";
// false when it climbs above the root.
static bool append_components(char *out, struct str path)
{
    size_t len = 0;
    while (path.len) {
        const char *slash = memchr(path.data, '/', path.len);
        struct str part = str_from(path.data, slash ? (size_t)(slash - path.data) : path.len);
        path = str_skip(path, part.len + (slash ? 1 : 0));
        if (part.len == 0 || str_is(part, "."))
            continue;
        if (str_is(part, "..")) {
            if (len == 0)
                return false;
            while (len && out[--len] != '/')
                ;
            continue;
        }
        if (len)
            out[len++] = '/';
        memcpy(out + len, part.data, part.len);
        len += part.len;
    }
    if (len == 0)
        out[len++] = '.';
    out[len] = '\0';
    return true;
}

char *root_relative(const struct root *root, struct str path, struct err *err)
{
    if (path.len >= PATH_MAX) {
        err_set(err, ERR_REFUSED, "the path %.*s... is longer than %d bytes", STR_ARG(shown(path)),
                PATH_MAX - 1);
        return NULL;
    }
    if (path.len && memchr(path.data, '\0', path.len)) {
        err_set(err, ERR_REFUSED, "the path %.*s... holds a NUL byte",
                STR_ARG(shown(str_of(path.data))));
        return NULL;
    }
    struct str rest = path;
    char *out = mem_new(path.len + 2);
    if ((path.len && path.data[0] == '/' && !strip_root(root, &rest)) ||
        !append_components(out, rest)) {
        refuse_outside(root, path, err);
        mem_free(out);
        return NULL;
    }
    return out;
}

// What an open beneath the root gave, in the same words for both ways.
static int open_failed(const struct root *root, const char *rel, int code, struct err *err)
{
    struct str path = shown(str_of(rel));
    if (code == EXDEV)
        err_set(err, ERR_REFUSED,
                "%.*s leads outside the worktree; only paths beneath %s can be reached, and "
                "symbolic links to absolute paths are not followed",
                STR_ARG(path), root->path);
    else if (code == ELOOP)
        err_set(err, ERR_REFUSED, "%.*s goes through a symbolic link that cannot be followed",
                STR_ARG(path));
    else
        err_set_errno(err, ERR_WORKTREE, code, "%.*s", STR_ARG(path));
    return -1;
}

// O_NOFOLLOW of a component that is a symbolic link says ENOTDIR where O_DIRECTORY is asked for.
static int refine_error(int parent, const char *name, int code)
{
    struct stat st;
    if (code == ENOTDIR && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        return ELOOP;
    return code;
}

// Opens one component; -1 and errno.
static int walk_step(int parent, struct str part, int flags, mode_t mode)
{
    char name[NAME_MAX + 1];
    if (part.len > NAME_MAX || str_is(part, "..")) {
        errno = part.len > NAME_MAX ? ENAMETOOLONG : EXDEV;
        return -1;
    }
    memcpy(name, part.data, part.len);
    name[part.len] = '\0';
    int fd = openat(parent, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        errno = refine_error(parent, name, errno);
        return -1;
    }
    // O_PATH gives the link itself, which only O_NOFOLLOW asks for.
    struct stat st;
    bool link_wanted = !(flags & O_PATH) || (flags & O_NOFOLLOW);
    if (link_wanted || (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode)))
        return fd;
    close(fd);
    errno = ELOOP;
    return -1;
}

// Opens rel one component at a time, following no symbolic link. -1 and errno.
static int walk_open(int root_fd, const char *rel, int flags, mode_t mode)
{
    int parent = root_fd;
    for (;;) {
        const char *slash = strchr(rel, '/');
        struct str part = str_from(rel, slash ? (size_t)(slash - rel) : strlen(rel));
        int fd = slash ? walk_step(parent, part, O_PATH | O_DIRECTORY, 0)
                       : walk_step(parent, part, flags, mode);
        int code = errno;
        if (parent != root_fd)
            close(parent);
        if (fd < 0 || !slash) {
            errno = code;
            return fd;
        }
        parent = fd;
        rel = slash + 1;
    }
}

// -1 and errno; ENOSYS where this system has no openat2 (or a sandbox hides it).
static int kernel_open(int root_fd, const char *rel, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = flags & O_CREAT ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    for (int tries = 0; tries < OPENAT2_RETRIES_MAX; tries++) {
        long fd = syscall(SYS_openat2, root_fd, rel, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            return (int)fd;
    }
    return -1;
}

int root_openat(const struct root *root, const char *rel, int flags, mode_t mode, struct err *err)
{
    if (!atomic_load(&walk_forced)) {
        int fd = kernel_open(root->fd, rel, flags, mode);
        if (fd >= 0)
            return fd;
        // Containers of old answer EPERM for system calls that they do not know. The walk is as
        // safe, so an EPERM that is meant comes back from there.
        if (errno != ENOSYS && errno != EPERM)
            return open_failed(root, rel, errno, err);
    }
    int fd = walk_open(root->fd, rel, flags, mode);
    return fd >= 0 ? fd : open_failed(root, rel, errno, err);
}

int root_open_parent(const struct root *root, const char *rel, const char **name, struct err *err)
{
    const char *slash = strrchr(rel, '/');
    *name = slash ? slash + 1 : rel;
    if (!slash)
        return root_openat(root, ".", O_PATH | O_DIRECTORY, 0, err);
    char *folder = mem_dup(str_from(rel, (size_t)(slash - rel)));
    int fd = root_openat(root, folder, O_PATH | O_DIRECTORY, 0, err);
    mem_free(folder);
    return fd;
}

// Makes the one folder rel beneath its existing parent; one that is there already is fine.
static bool make_folder(const struct root *root, const char *rel, struct err *err)
{
    const char *name;
    int parent = root_open_parent(root, rel, &name, err);
    if (parent < 0)
        return false;
    bool ok = mkdirat(parent, name, 0777) == 0 || errno == EEXIST;
    if (!ok)
        err_set_errno(err, ERR_WORKTREE, errno, "cannot make the folder %s", rel);
    close(parent);
    return ok;
}

bool root_make_parents(const struct root *root, const char *rel, struct err *err)
{
    const char *name;
    struct err first = {0};
    int fd = root_open_parent(root, rel, &name, &first);
    if (fd < 0 && first.kind == ERR_REFUSED) {
        *err = first;
        return false;
    }
    if (fd < 0) {
        char *path = mem_dup(str_of(rel));
        bool ok = true;
        for (char *slash = strchr(path, '/'); ok && slash; slash = strchr(slash + 1, '/')) {
            *slash = '\0';
            ok = make_folder(root, path, err);
            *slash = '/';
        }
        mem_free(path);
        fd = ok ? root_open_parent(root, rel, &name, err) : -1;
    }
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

char *root_locate(const struct root *root, int fd, struct err *err)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path);
    if (len < 0 || (size_t)len == sizeof path) {
        err_set_errno(err, ERR_WORKTREE, len < 0 ? errno : ENAMETOOLONG, "cannot read %s", link);
        return NULL;
    }
    return root_relative(root, str_from(path, (size_t)len), err);
}
