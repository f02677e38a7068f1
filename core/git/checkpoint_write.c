// SPDX-License-Identifier: MIT
// Writing files of a worktree as a checkout would, one at a time and each at once. Nothing is
// written through a symlink or outside, whatever stands there.
#include "core/base/mem.h"
#include "core/git/checkpoint_parts.h"
#include "core/git/repository.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char temporary[] = ".swarmd-new";

static bool cannot_write(const struct view *view, const char *path)
{
    return err_set_errno(view->err, ERR_WORKTREE, errno, "cannot write %s/%s",
                         view->place->spec.path, path);
}

// A name that git would refuse must not come out of a tree either.
static bool is_safe(const char *name, size_t len)
{
    struct str s = str_from(name, len);
    return len && len <= NAME_MAX && !str_is(s, ".") && !str_is(s, "..") &&
           !(len == 4 && strncasecmp(name, ".git", 4) == 0);
}

// The open folder of path's last component, made where it is missing and `make`; -1.
static int open_parent(const struct view *view, const char *path, bool make, const char **name)
{
    int fd = open(view->place->spec.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const char *slash;
    for (*name = path; fd >= 0 && (slash = strchr(*name, '/')); *name = slash + 1) {
        char folder[NAME_MAX + 1];
        size_t len = (size_t)(slash - *name);
        int inner = -1;
        errno = EINVAL;
        if (is_safe(*name, len)) {
            memcpy(folder, *name, len);
            folder[len] = '\0';
            if (make && mkdirat(fd, folder, 0777) < 0 && errno == ENOTDIR)
                errno = ENOTDIR;
            inner = openat(fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        int code = errno;
        close(fd);
        errno = code;
        fd = inner;
    }
    if (fd >= 0 && !is_safe(*name, strlen(*name))) {
        close(fd);
        errno = EINVAL;
        fd = -1;
    }
    return fd;
}

// --- writing ---

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t put = write(fd, bytes, len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
        }
    }
    return true;
}

static bool write_file(int folder, const char *bytes, size_t len, bool executable)
{
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    executable ? 0777 : 0666);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, bytes, len);
    return (close(fd) == 0) & ok;
}

static bool write_link(int folder, const char *bytes, size_t len)
{
    char *target = mem_dup(str_from(bytes, len));
    bool ok = symlinkat(target, folder, temporary) == 0;
    int code = errno;
    mem_free(target);
    errno = code;
    return ok;
}

static bool place_bytes(struct view *view, const char *path, const char *bytes, size_t len,
                        uint16_t mode)
{
    const char *name;
    int folder = open_parent(view, path, true, &name);
    if (folder < 0)
        return cannot_write(view, path);
    unlinkat(folder, temporary, 0); // of one that was killed
    bool ok = mode == GIT_FILEMODE_LINK
                  ? write_link(folder, bytes, len)
                  : write_file(folder, bytes, len, mode == GIT_FILEMODE_BLOB_EXECUTABLE);
    ok = ok && (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOTDIR || errno == ENOENT) &&
         renameat(folder, temporary, folder, name) == 0;
    int code = errno;
    if (!ok)
        unlinkat(folder, temporary, 0);
    close(folder);
    errno = code;
    return ok || cannot_write(view, path);
}

static bool put_blob(struct view *view, const char *path, git_blob *blob, uint16_t mode,
                     const git_oid *commit)
{
    git_filter_options options = {.version = GIT_FILTER_OPTIONS_VERSION};
    git_filter_list *filters = NULL;
    git_buf filtered = GIT_BUF_INIT;
    options.flags = GIT_FILTER_ALLOW_UNSAFE;
    if (commit) {
        options.flags |= GIT_FILTER_ATTRIBUTES_FROM_COMMIT;
        options.attr_commit_id = *commit;
    }
    bool ok = true, plain = mode == GIT_FILEMODE_LINK;
    if (!plain && (git_filter_list_load_ext(&filters, view->repository, blob, path,
                                            GIT_FILTER_TO_WORKTREE, &options) < 0 ||
                   (filters && git_filter_list_apply_to_blob(&filtered, filters, blob) < 0)))
        ok = git_fail(view->err, ERR_WORKTREE, "cannot read %s as it was", path);
    else if (filters)
        ok = place_bytes(view, path, filtered.ptr, filtered.size, mode);
    else
        ok = place_bytes(view, path, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob),
                         mode);
    git_buf_dispose(&filtered);
    git_filter_list_free(filters);
    return ok;
}

bool worktree_put(struct view *view, const char *path, const git_oid *id, uint16_t mode,
                  const git_oid *commit)
{
    git_blob *blob = NULL;
    if (mode == GIT_FILEMODE_COMMIT)
        return true; // a submodule's files are not ours
    if (!tree_attributes_are_safe(view->repository, path, view->err))
        return false;
    if (git_blob_lookup(&blob, view->repository, id) < 0)
        return git_fail(view->err, ERR_WORKTREE, "cannot read %s as it was", path);
    bool ok = put_blob(view, path, blob, mode, commit);
    git_blob_free(blob);
    return ok;
}

// --- removing ---

static void remove_empty_above(const struct view *view, char *path)
{
    char *slash;
    while ((slash = strrchr(path, '/'))) {
        const char *name;
        *slash = '\0';
        int folder = open_parent(view, path, false, &name);
        bool removed = folder >= 0 && unlinkat(folder, name, AT_REMOVEDIR) == 0;
        if (folder >= 0)
            close(folder);
        if (!removed)
            return;
    }
}

bool worktree_take(struct view *view, const char *path)
{
    const char *name;
    int folder = open_parent(view, path, false, &name);
    if (folder < 0)
        return errno == ENOENT || errno == ENOTDIR || cannot_write(view, path);
    bool ok = unlinkat(folder, name, 0) == 0 || errno == ENOENT;
    int code = errno;
    close(folder);
    errno = code;
    if (!ok)
        return cannot_write(view, path);
    char *above = mem_dup(str_of(path));
    remove_empty_above(view, above);
    mem_free(above);
    return true;
}

// --- what no snapshot holds ---

static bool is_held(const struct view *view, const git_tree *tree, const char *path)
{
    git_tree_entry *entry = NULL;
    bool held = git_tree_entry_bypath(&entry, tree, path) == 0 &&
                git_tree_entry_type(entry) != GIT_OBJECT_TREE &&
                !snapshot_leaves(&view->snapshot, path);
    git_tree_entry_free(entry);
    return held;
}

static bool folder_has_other(const struct view *view, const git_tree *tree, int fd, char *path,
                             int depth)
{
    size_t len = strlen(path);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    bool other = !folder || depth == SNAPSHOT_DEPTH_MAX;
    while (!other && (entry = readdir(folder))) {
        const char *name = entry->d_name;
        struct stat st;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (len + strlen(name) + 2 > PATH_MAX)
            return closedir(folder), true;
        snprintf(path + len, PATH_MAX - len, "/%s", name);
        if (fstatat(dirfd(folder), name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
            other = folder_has_other(
                view, tree,
                openat(dirfd(folder), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), path,
                depth + 1);
        else
            other = !is_held(view, tree, path);
        path[len] = '\0';
    }
    if (folder)
        closedir(folder);
    else if (fd >= 0)
        close(fd);
    return other;
}

// path is a file's, or a folder's above it.
static bool stands_in_the_way(const struct view *view, const git_tree *tree, char *path,
                              bool is_folder)
{
    struct stat st;
    const char *name;
    int folder = open_parent(view, path, false, &name), inner = -1;
    bool there = folder >= 0 && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0, other = false;
    if (there && S_ISDIR(st.st_mode) && !is_folder) {
        inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        other = folder_has_other(view, tree, inner, path, 0);
    } else if (there && !S_ISDIR(st.st_mode)) {
        other = !is_held(view, tree, path);
    }
    if (folder >= 0)
        close(folder);
    return other;
}

bool worktree_has_other(struct view *view, const char *path)
{
    char at[PATH_MAX];
    git_tree *tree = NULL;
    size_t len = strlen(path);
    if (len >= sizeof at || git_tree_lookup(&tree, view->repository, &view->tree) < 0)
        return true;
    bool other = false;
    for (size_t i = 1; !other && i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        memcpy(at, path, i);
        at[i] = '\0';
        other = stands_in_the_way(view, tree, at, i < len);
    }
    git_tree_free(tree);
    return other;
}
