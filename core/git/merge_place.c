// SPDX-License-Identifier: MIT
#include "core/git/merge_place.h"

#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/merge_filter.h"
#include "core/git/repository.h"
#include "core/git/tree_diff.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOT_MAX = 24 };

static void slot_of(size_t i, char slot[SLOT_MAX])
{
    snprintf(slot, SLOT_MAX, "%zu", i);
}

static bool has_file(const struct merge_entry *entry)
{
    return entry->mode && entry->mode != GIT_FILEMODE_COMMIT;
}

// The folder of path, one component at a time. -1 with errno.
static int open_parent(const struct checkout *checkout, const char *path, bool make,
                       const char **name)
{
    int at = dup(checkout->root);
    for (const char *slash; at >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        char *component = mem_dup(str_from(path, (size_t)(slash - path)));
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int next = openat(at, component, flags);
        if (next < 0 && errno == ENOENT && make && mkdirat(at, component, 0777) == 0)
            next = openat(at, component, flags);
        int code = errno;
        mem_free(component);
        close(at);
        errno = code;
        at = next;
    }
    *name = path;
    return at;
}

bool place_stat(const struct checkout *checkout, const char *path, struct stat *st)
{
    const char *name;
    int parent = open_parent(checkout, path, false, &name);
    bool there = parent >= 0 && fstatat(parent, name, st, AT_SYMLINK_NOFOLLOW) == 0;
    int code = errno;
    if (parent >= 0)
        close(parent);
    errno = code;
    return there;
}

// --- contents ---

static bool has_mode(const struct stat *st, const struct merge_entry *entry)
{
    if (entry->mode == GIT_FILEMODE_LINK)
        return S_ISLNK(st->st_mode);
    bool executable = st->st_mode & 0100;
    return S_ISREG(st->st_mode) && executable == (entry->mode == GIT_FILEMODE_BLOB_EXECUTABLE);
}

// Of the file `real`, as if it were `path`.
static bool hash_of(const struct checkout *checkout, const char *real, const char *path,
                    const struct stat *st, git_oid *id)
{
    char target[PATH_MAX];
    if (S_ISREG(st->st_mode) && filter_runs(checkout, path))
        return filter_hash(checkout, real, path, id);
    if (!S_ISLNK(st->st_mode))
        return git_repository_hashfile(id, checkout->repository, real, GIT_OBJECT_BLOB, path) == 0;
    ssize_t len = readlink(real, target, sizeof(target));
    return len >= 0 && git_odb_hash(id, target, (size_t)len, GIT_OBJECT_BLOB) == 0;
}

bool place_has(const struct checkout *checkout, const char *path, const struct merge_entry *entry)
{
    struct stat st;
    git_oid id;
    if (!place_stat(checkout, path, &st) || !has_mode(&st, entry))
        return false;
    char *real = mem_format("%s%s", git_repository_workdir(checkout->repository), path);
    bool same = hash_of(checkout, real, path, &st, &id) && git_oid_equal(&id, &entry->id);
    mem_free(real);
    return same;
}

static bool slot_has(const struct checkout *checkout, size_t i, const struct merge_entry *entry)
{
    char *real = mem_format("%s/%zu", checkout->stage, i);
    struct stat st;
    git_oid id;
    bool same = lstat(real, &st) == 0 && has_mode(&st, entry) &&
                hash_of(checkout, real, checkout->changes.paths[i].path, &st, &id) &&
                git_oid_equal(&id, &entry->id);
    mem_free(real);
    return same;
}

bool place_was_exchanged(const struct checkout *checkout, size_t i)
{
    const struct merge_path *change = &checkout->changes.paths[i];
    struct stat st;
    char slot[SLOT_MAX];
    slot_of(i, slot);
    bool in_slot = fstatat(checkout->stage_fd, slot, &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool was = has_file(&change->base), is = has_file(&change->ours);
    if (was && is)
        return slot_has(checkout, i, &change->base);
    if (was)
        return in_slot;
    return is && !in_slot && place_has(checkout, change->path, &change->ours);
}

// --- preparing ---

static bool write_link(struct checkout *checkout, const char *slot, git_blob *blob)
{
    char *target = mem_dup(str_from(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)));
    bool ok = symlinkat(target, checkout->stage_fd, slot) == 0;
    mem_free(target);
    return ok;
}

static bool write_file(struct checkout *checkout, const char *slot, git_blob *blob,
                       const struct merge_path *change, struct err *err)
{
    git_blob_filter_options options = {
        .version = GIT_BLOB_FILTER_OPTIONS_VERSION,
        .flags = GIT_BLOB_FILTER_ATTRIBUTES_FROM_COMMIT,
        .attr_commit_id = checkout->to,
    };
    git_buf bytes = GIT_BUF_INIT;
    mode_t mode = change->ours.mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0777 : 0666;
    int fd = -1;
    bool filters = filter_runs(checkout, change->path);
    bool ok = tree_attributes_are_safe(checkout->repository, change->path, err) &&
              (filters || git_blob_filter(&bytes, blob, change->path, &options) == 0 ||
               git_fail(err, ERR_REPOSITORY, "cannot make the content of %s", change->path));
    if (ok) {
        fd = openat(checkout->stage_fd, slot, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        ok = (fd >= 0 || err_set_errno(err, ERR_REPOSITORY, errno, "cannot make a file in %s",
                                       checkout->stage)) &&
             (filters ? filter_write(checkout, change->path, &change->ours.id, fd, err)
                      : file_write(fd, str_from(bytes.ptr, bytes.size), err));
    }
    if (fd >= 0)
        close(fd);
    git_buf_dispose(&bytes);
    return ok;
}

bool place_prepare(struct checkout *checkout, size_t i, struct err *err)
{
    const struct merge_path *change = &checkout->changes.paths[i];
    char slot[SLOT_MAX];
    git_blob *blob = NULL;
    slot_of(i, slot);
    if (!has_file(&change->ours))
        return true;
    if (git_blob_lookup(&blob, checkout->repository, &change->ours.id) < 0)
        return git_fail(err, ERR_REPOSITORY, "cannot read what %s is to become", change->path);
    bool ok;
    if (change->ours.mode == GIT_FILEMODE_LINK)
        ok = write_link(checkout, slot, blob) ||
             err_set_errno(err, ERR_REPOSITORY, errno, "cannot make a link in %s", checkout->stage);
    else
        ok = write_file(checkout, slot, blob, change, err);
    git_blob_free(blob);
    return ok;
}

// --- exchanging ---

// Some file systems cannot exchange; then the check before and the rename are two steps.
static int exchange(int stage, const char *slot, int parent, const char *name)
{
    if (renameat2(stage, slot, parent, name, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    char aside[SLOT_MAX + 8];
    snprintf(aside, sizeof(aside), "%s.old", slot);
    return renameat(parent, name, stage, aside) == 0 && renameat(stage, slot, parent, name) == 0
               ? renameat(stage, aside, stage, slot)
               : -1;
}

static int move(int from, const char *old, int to, const char *new)
{
    if (renameat2(from, old, to, new, RENAME_NOREPLACE) == 0)
        return 0;
    struct stat st;
    if ((errno != EINVAL && errno != ENOSYS) || fstatat(to, new, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return -1;
    return renameat(from, old, to, new);
}

static bool is_as_seen(const struct stat *now, const struct stat *seen)
{
    return now->st_ino == seen->st_ino && now->st_dev == seen->st_dev &&
           now->st_size == seen->st_size && now->st_mode == seen->st_mode &&
           now->st_mtim.tv_sec == seen->st_mtim.tv_sec &&
           now->st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
}

static void remove_empty_parents(const struct checkout *checkout, const char *path)
{
    char *folder = mem_dup(str_of(path));
    for (char *slash; (slash = strrchr(folder, '/'));) {
        *slash = '\0';
        const char *name;
        int parent = open_parent(checkout, folder, false, &name);
        bool removed = parent >= 0 && unlinkat(parent, name, AT_REMOVEDIR) == 0;
        if (parent >= 0)
            close(parent);
        if (!removed)
            break;
    }
    mem_free(folder);
}

static bool in_the_way(struct checkout *checkout, const char *path, int code, struct err *err)
{
    merge_add_dirty(checkout->plan, path, "changed");
    return err_set_errno(err, ERR_DIRTY, code, "%s was changed meanwhile in %s", path,
                         git_repository_workdir(checkout->repository));
}

// A submodule's files are git's to bring (git submodule update); its folder is all there is here.
static bool place_submodule(struct checkout *checkout, const struct merge_path *change)
{
    const char *name;
    int parent = open_parent(checkout, change->path, change->ours.mode != 0, &name);
    if (parent < 0)
        return true;
    if (change->ours.mode && !change->base.mode)
        mkdirat(parent, name, 0777);
    if (!change->ours.mode)
        unlinkat(parent, name, AT_REMOVEDIR);
    close(parent);
    return true;
}

// From the slot to the place, or back: they have the same three cases, the other way round.
static int swap(const struct checkout *checkout, const char *slot, int parent, const char *name,
                bool from_slot, bool to_slot)
{
    if (from_slot && to_slot)
        return exchange(checkout->stage_fd, slot, parent, name);
    return from_slot ? move(checkout->stage_fd, slot, parent, name)
                     : move(parent, name, checkout->stage_fd, slot);
}

bool place_exchange(struct checkout *checkout, size_t i, struct err *err)
{
    const struct merge_path *change = &checkout->changes.paths[i];
    bool was = has_file(&change->base), is = has_file(&change->ours);
    char slot[SLOT_MAX];
    const char *name;
    struct stat st;
    slot_of(i, slot);
    if (!was && !is)
        return place_submodule(checkout, change);
    int parent = open_parent(checkout, change->path, is, &name);
    if (parent < 0 || swap(checkout, slot, parent, name, is, was) < 0) {
        int code = errno;
        if (parent >= 0)
            close(parent);
        return in_the_way(checkout, change->path, code, err);
    }
    bool ok = true;
    if (was && (fstatat(checkout->stage_fd, slot, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                !is_as_seen(&st, &checkout->stats[i]))) {
        swap(checkout, slot, parent, name, was, is);
        ok = in_the_way(checkout, change->path, 0, err);
    }
    close(parent);
    checkout->exchanged[i] = ok;
    if (ok && !is)
        remove_empty_parents(checkout, change->path);
    return ok;
}

bool place_undo(struct checkout *checkout, size_t i, struct err *err)
{
    const struct merge_path *change = &checkout->changes.paths[i];
    bool was = has_file(&change->base), is = has_file(&change->ours);
    char slot[SLOT_MAX];
    const char *name;
    slot_of(i, slot);
    if (is && !place_has(checkout, change->path, &change->ours))
        return err_set(err, ERR_DIRTY, "%s was changed meanwhile, and stays so", change->path);
    int parent = open_parent(checkout, change->path, was, &name);
    bool ok = parent >= 0 && swap(checkout, slot, parent, name, was, is) == 0;
    if (!ok)
        err_set_errno(err, ERR_REPOSITORY, errno, "cannot put back %s", change->path);
    if (parent >= 0)
        close(parent);
    checkout->exchanged[i] = !ok;
    if (ok && !was)
        remove_empty_parents(checkout, change->path);
    return ok;
}
