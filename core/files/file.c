// SPDX-License-Identifier: MIT
#include "core/files/file.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

enum { READ_PIECE = 256 << 10, TEMPORARY_NAME_MAX = 64 };

const char *file_kind_name(mode_t mode)
{
    if (S_ISREG(mode))
        return "a file";
    if (S_ISDIR(mode))
        return "a folder";
    if (S_ISLNK(mode))
        return "a symbolic link";
    if (S_ISFIFO(mode))
        return "a named pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

int file_open(const struct root *root, const char *rel, struct stat *st, struct err *err)
{
    // O_NONBLOCK: a named pipe without a writer would hold the lane for ever.
    int fd = root_openat(root, rel, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, err);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) != 0)
        err_set_errno(err, ERR_WORKTREE, errno, "%s", rel);
    else if (!S_ISREG(st->st_mode))
        err_set(err, ERR_WORKTREE, "%s is %s, not a file", rel, file_kind_name(st->st_mode));
    else
        return fd;
    close(fd);
    return -1;
}

long file_read(int fd, const char *rel, void *bytes, size_t len, struct err *err)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = read(fd, (char *)bytes + done, len - done);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR) {
            err_set_errno(err, ERR_WORKTREE, errno, "cannot read %s", rel);
            return -1;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (long)done;
}

bool file_write(int fd, struct str bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t written = write(fd, bytes.data, bytes.len);
        if (written < 0 && errno != EINTR)
            return err_set_errno(err, ERR_WORKTREE, errno, "cannot write");
        bytes = str_skip(bytes, written > 0 ? (size_t)written : 0);
    }
    return true;
}

bool file_load_fd(int fd, const char *rel, struct buf *out, struct err *err)
{
    for (;;) {
        size_t want = out->max - out->len < READ_PIECE ? out->max - out->len : READ_PIECE;
        if (!buf_reserve(out, want))
            return err_set(err, ERR_LIMIT, "no memory for %s", rel);
        long got = file_read(fd, rel, out->data + out->len, want, err);
        if (got < 0)
            return false;
        buf_truncate(out, out->len + (size_t)got);
        if ((size_t)got < want)
            return true;
        char more;
        if (out->len == out->max && file_read(fd, rel, &more, 1, err) != 0)
            return err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", rel, out->max);
        if (out->len == out->max)
            return true;
    }
}

bool file_load(const struct root *root, const char *rel, struct buf *out, struct err *err)
{
    struct stat st;
    int fd = file_open(root, rel, &st, err);
    if (fd < 0)
        return false;
    bool ok = file_load_fd(fd, rel, out, err);
    close(fd);
    return ok;
}

bool file_is_missing(const struct root *root, const char *rel)
{
    struct err ignored;
    const char *name;
    struct stat st;
    int parent = root_open_parent(root, rel, &name, &ignored);
    if (parent < 0)
        return true;
    bool missing = fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
    close(parent);
    return missing;
}

bool file_is_binary(struct str bytes)
{
    size_t len = bytes.len < FILE_BINARY_PROBE ? bytes.len : FILE_BINARY_PROBE;
    return len && memchr(bytes.data, '\0', len);
}

bool file_is_git(const char *rel)
{
    for (const char *part = rel; part;) {
        const char *slash = strchr(part, '/');
        size_t len = slash ? (size_t)(slash - part) : strlen(part);
        if (len == 4 && strncasecmp(part, ".git", 4) == 0)
            return true;
        part = slash ? slash + 1 : NULL;
    }
    return false;
}

// Where rel leads when its last component is a symbolic link, else rel itself; mem_free.
static char *resolve(const struct root *root, const char *rel, struct err *err)
{
    struct err ignored;
    struct stat st;
    int fd = root_openat(root, rel, O_PATH | O_NOFOLLOW, 0, &ignored);
    bool link = fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
    if (fd >= 0)
        close(fd);
    if (!link)
        return mem_dup(str_of(rel));
    fd = root_openat(root, rel, O_PATH, 0, err);
    if (fd < 0) {
        err_wrap(err, "cannot write through the symbolic link");
        return NULL;
    }
    char *where = root_locate(root, fd, err);
    close(fd);
    return where;
}

// One file that is being replaced.
struct target {
    const struct root *root;
    const char *rel;  // as resolved
    const char *name; // within rel
    int parent;
    bool exists;
    struct stat st;
    char temporary[TEMPORARY_NAME_MAX];
};

// The folder is open: nothing that is renamed elsewhere can change where the bytes go. What is
// asked is where it really is, since a link may lead into .git by another name.
static bool check_target(struct target *t, struct err *err)
{
    char *where = root_locate(t->root, t->parent, err);
    if (!where)
        return false;
    bool git = file_is_git(where) || file_is_git(t->name);
    mem_free(where);
    if (git)
        return err_set(err, ERR_REFUSED, "%s belongs to git and cannot be written", t->rel);
    t->exists = fstatat(t->parent, t->name, &t->st, AT_SYMLINK_NOFOLLOW) == 0;
    if (!t->exists && errno != ENOENT)
        return err_set_errno(err, ERR_WORKTREE, errno, "%s", t->rel);
    if (t->exists && !S_ISREG(t->st.st_mode))
        return err_set(err, ERR_WORKTREE, "%s is %s, not a file", t->rel,
                       file_kind_name(t->st.st_mode));
    return true;
}

static int make_temporary(struct target *t, struct err *err)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        number = (uint64_t)getpid() << 32 | (uintptr_t)t >> 4;
    snprintf(t->temporary, sizeof t->temporary, ".swarmd-%016" PRIx64 ".tmp", number);
    int fd =
        openat(t->parent, t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        err_set_errno(err, ERR_WORKTREE, errno, "cannot make a file beside %s", t->rel);
    return fd;
}

static bool write_temporary(struct target *t, int fd, struct str bytes, struct err *err)
{
    if (!file_write(fd, bytes, err))
        return err_wrap(err, "%s", t->rel);
    if (!t->exists)
        return true;
    // Only root can give a file to its owner; others get a file of their own, as editors do.
    if (geteuid() == 0 && fchown(fd, t->st.st_uid, t->st.st_gid) != 0)
        return err_set_errno(err, ERR_WORKTREE, errno, "cannot keep the owner of %s", t->rel);
    if (fchmod(fd, t->st.st_mode & 0777) != 0)
        return err_set_errno(err, ERR_WORKTREE, errno, "cannot keep the mode of %s", t->rel);
    return true;
}

static bool replace(struct target *t, struct str bytes, struct err *err)
{
    if (!check_target(t, err))
        return false;
    int fd = make_temporary(t, err);
    if (fd < 0)
        return false;
    bool ok = write_temporary(t, fd, bytes, err);
    if (close(fd) != 0 && ok)
        ok = err_set_errno(err, ERR_WORKTREE, errno, "cannot write %s", t->rel);
    if (ok && renameat(t->parent, t->temporary, t->parent, t->name) != 0)
        ok = err_set_errno(err, ERR_WORKTREE, errno, "cannot write %s", t->rel);
    if (!ok)
        unlinkat(t->parent, t->temporary, 0);
    return ok;
}

// Does the nearest folder above rel that exists stand in .git, by whatever name it is called?
static bool leads_into_git(const struct root *root, const char *rel)
{
    struct err ignored;
    char *path = mem_dup(str_of(rel));
    int fd = -1;
    for (char *slash; fd < 0 && (slash = strrchr(path, '/'));) {
        *slash = '\0';
        fd = root_openat(root, path, O_PATH | O_DIRECTORY, 0, &ignored);
    }
    mem_free(path);
    char *where = fd >= 0 ? root_locate(root, fd, &ignored) : NULL;
    bool git = file_is_git(rel) || (where && file_is_git(where));
    mem_free(where);
    if (fd >= 0)
        close(fd);
    return git;
}

bool file_replace(const struct root *root, const char *rel, struct str bytes,
                  struct file_replaced *replaced, struct err *err)
{
    struct target target = {.root = root};
    if (leads_into_git(root, rel))
        return err_set(err, ERR_REFUSED, "%s belongs to git and cannot be written", rel);
    if (!root_make_parents(root, rel, err))
        return false;
    char *where = resolve(root, rel, err);
    if (!where)
        return false;
    target.rel = where;
    target.parent = root_open_parent(root, where, &target.name, err);
    bool ok = target.parent >= 0 && replace(&target, bytes, err);
    if (target.parent >= 0)
        close(target.parent);
    if (ok)
        *replaced = (struct file_replaced){
            .created = !target.exists,
            .rel = where,
            .links = target.exists ? (unsigned)target.st.st_nlink : 0,
        };
    else
        mem_free(where);
    return ok;
}
