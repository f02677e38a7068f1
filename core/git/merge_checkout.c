// SPDX-License-Identifier: MIT
#include "core/git/merge_checkout.h"

#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/files/folder.h"
#include "core/git/merge_index.h"
#include "core/git/merge_place.h"
#include "core/git/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool checkout_open(struct checkout *checkout, git_repository *repository, const char *name,
                   const git_oid *from, const git_oid *to, struct merge_plan *plan, struct err *err)
{
    *checkout = (struct checkout){
        .repository = repository, .plan = plan, .to = *to, .root = -1, .stage_fd = -1};
    git_tree *old = NULL, *new = NULL;
    const char *folder = git_repository_workdir(repository);
    checkout->stage = mem_format("%sswarmd-%s", git_repository_path(repository), name);
    merge_result_init(&checkout->changes, repository, "", "");
    bool ok = merge_tree_of(&old, repository, from, err) &&
              merge_tree_of(&new, repository, to, err) &&
              merge_walk(&checkout->changes, old, new, old, err);
    git_tree_free(old);
    git_tree_free(new);
    checkout->stats = mem_new_array(checkout->changes.count + 1, sizeof(*checkout->stats));
    checkout->exchanged = mem_new_array(checkout->changes.count + 1, sizeof(bool));
    if (ok)
        checkout->root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (ok && checkout->root < 0)
        ok = err_set_errno(err, ERR_REPOSITORY, errno, "cannot open %s", folder);
    if (ok && git_repository_index(&checkout->index, repository) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot read the index of %s", folder);
    return ok;
}

static char *index_path(const struct checkout *checkout, const char *end)
{
    return mem_format("%sindex%s", git_repository_path(checkout->repository), end);
}

// --- the lock ---

static bool is_our_lock(const struct checkout *checkout)
{
    char *lock = index_path(checkout, ".lock"), *ours = mem_format("%s/lock", checkout->stage);
    struct stat a, b;
    bool same = lstat(lock, &a) == 0 && lstat(ours, &b) == 0 && a.st_ino == b.st_ino &&
                a.st_dev == b.st_dev;
    mem_free(ours);
    mem_free(lock);
    return same;
}

static void unlock(struct checkout *checkout)
{
    char *lock = index_path(checkout, ".lock");
    if (is_our_lock(checkout))
        unlink(lock);
    mem_free(lock);
    checkout->locked = false;
}

static bool take_lock(struct checkout *checkout, struct err *err)
{
    char *lock = index_path(checkout, ".lock"), *ours = mem_format("%s/lock", checkout->stage);
    int fd = open(ours, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    if (!ok)
        err_set_errno(err, ERR_REPOSITORY, errno, "cannot make %s", ours);
    else
        close(fd);
    if (ok && link(ours, lock) < 0) {
        ok = false;
        if (errno == EEXIST)
            err_set(err, ERR_REFUSED,
                    "another git works in %s just now (there is %s): try again; if none does, "
                    "remove that file",
                    git_repository_workdir(checkout->repository), lock);
        else
            err_set_errno(err, ERR_REPOSITORY, errno, "cannot lock the index with %s", lock);
    }
    checkout->locked = ok;
    mem_free(ours);
    mem_free(lock);
    return ok;
}

static bool open_stage(struct checkout *checkout, struct err *err)
{
    checkout->stage_fd = open(checkout->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return checkout->stage_fd >= 0 ||
           err_set_errno(err, ERR_REPOSITORY, errno, "cannot open %s", checkout->stage);
}

static bool make_stage(struct checkout *checkout, struct err *err)
{
    struct stat st;
    if (!folder_remove(checkout->stage, err))
        return false;
    if (mkdir(checkout->stage, 0700) < 0)
        return err_set_errno(err, ERR_REPOSITORY, errno, "cannot make %s", checkout->stage);
    if (!open_stage(checkout, err))
        return false;
    struct stat root;
    if (fstat(checkout->stage_fd, &st) == 0 && fstat(checkout->root, &root) == 0 &&
        st.st_dev != root.st_dev)
        return err_set(err, ERR_REFUSED,
                       "%s and its git directory are on different file systems, so that its files "
                       "cannot be exchanged at once: merge into a branch that is not checked out",
                       git_repository_workdir(checkout->repository));
    return true;
}

void checkout_close(struct checkout *checkout)
{
    struct err ignored;
    if (checkout->locked)
        unlock(checkout);
    if (checkout->stage_fd >= 0) {
        close(checkout->stage_fd);
        folder_remove(checkout->stage, &ignored);
    }
    if (checkout->root >= 0)
        close(checkout->root);
    git_index_free(checkout->index);
    merge_result_release(&checkout->changes);
    mem_free(checkout->stats);
    mem_free(checkout->exchanged);
    mem_free(checkout->stage);
}

// --- exchanging ---

// Files that go make room for folders, and folders for files.
static bool exchange_all(struct checkout *checkout, struct err *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < checkout->changes.count; i++) {
            bool goes = !checkout->changes.paths[i].ours.mode;
            if (goes == (pass == 0) && !place_exchange(checkout, i, err))
                return false;
        }
    }
    return true;
}

bool checkout_undo(struct checkout *checkout, struct err *err)
{
    bool ok = true;
    for (int pass = 1; pass >= 0; pass--) {
        for (size_t i = checkout->changes.count; i-- > 0;) {
            bool goes = !checkout->changes.paths[i].ours.mode;
            if (goes == (pass == 0) && checkout->exchanged[i])
                ok = place_undo(checkout, i, ok ? err : &(struct err){0}) && ok;
        }
    }
    if (!ok) { // what could not be put back is kept for the person
        char *kept = mem_format("%s.kept", checkout->stage);
        if (rename(checkout->stage, kept) == 0)
            err_wrap(err, "the files as they were are in %s", kept);
        mem_free(kept);
    }
    return ok;
}

// What git writes out now, under the lock, stays for checkout_finish().
static bool read_again(struct checkout *checkout, struct err *err)
{
    char *full = mem_format("%s/full", checkout->stage);
    bool ok = true;
    if (index_is_written_out(checkout->repository)) {
        git_index_free(checkout->index);
        checkout->index = NULL;
        ok = index_write_out(checkout->repository, full, err) &&
             (git_index_open(&checkout->index, full) == 0 ||
              git_fail(err, ERR_REPOSITORY, "cannot read the index that git wrote out"));
    } else if (git_index_read(checkout->index, 1) < 0) {
        ok = git_fail(err, ERR_REPOSITORY, "cannot read the index");
    }
    mem_free(full);
    return ok;
}

bool checkout_begin(struct checkout *checkout, struct err *err)
{
    struct err undo_err;
    bool ok = make_stage(checkout, err) && take_lock(checkout, err);
    ok = ok && read_again(checkout, err) && checkout_check(checkout, err);
    for (size_t i = 0; ok && i < checkout->changes.count; i++)
        ok = place_prepare(checkout, i, err);
    if (ok && !exchange_all(checkout, err)) {
        ok = false;
        if (!checkout_undo(checkout, &undo_err))
            *err = undo_err;
    }
    return ok;
}

// --- the index ---

static bool put_entry(struct checkout *checkout, git_index *index, size_t i)
{
    const struct merge_path *change = &checkout->changes.paths[i];
    const git_index_entry *old = git_index_get_bypath(index, change->path, 0);
    if (!change->ours.mode)
        return !old || git_index_remove(index, change->path, 0) == 0;
    git_index_entry entry = {
        .mode = change->ours.mode, .id = change->ours.id, .path = change->path};
    struct stat st;
    if (old)
        entry.flags_extended = old->flags_extended;
    if (change->ours.mode != GIT_FILEMODE_COMMIT && place_stat(checkout, change->path, &st)) {
        entry.ctime = (git_index_time){(int32_t)st.st_ctim.tv_sec, (uint32_t)st.st_ctim.tv_nsec};
        entry.mtime = (git_index_time){(int32_t)st.st_mtim.tv_sec, (uint32_t)st.st_mtim.tv_nsec};
        entry.dev = (uint32_t)st.st_dev;
        entry.ino = (uint32_t)st.st_ino;
        entry.uid = st.st_uid;
        entry.gid = st.st_gid;
        entry.file_size = (uint32_t)st.st_size;
    }
    return git_index_add(index, &entry) == 0;
}

// A path may be a folder in one index and a file in the other: what goes first makes room.
static bool put_entries(struct checkout *checkout, git_index *index, struct err *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < checkout->changes.count; i++) {
            bool goes = !checkout->changes.paths[i].ours.mode;
            if (goes == (pass == 0) && !put_entry(checkout, index, i))
                return git_fail(err, ERR_REPOSITORY, "cannot note %s in the index",
                                checkout->changes.paths[i].path);
        }
    }
    return true;
}

bool checkout_finish(struct checkout *checkout, struct err *err)
{
    char *copy = mem_format("%s/index", checkout->stage), *path = index_path(checkout, "");
    char *copy_lock = mem_format("%s/index.lock", checkout->stage);
    git_index *index = NULL;
    unlink(copy_lock); // of a server that was killed while it wrote the copy
    char *full = mem_format("%s/full", checkout->stage);
    bool ok = index_copy(access(full, F_OK) == 0 ? full : path, copy, err);
    mem_free(full);
    if (ok && git_index_open(&index, copy) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot read the index");
    ok = ok && put_entries(checkout, index, err);
    if (ok && git_index_write(index) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot write the index");
    if (ok && rename(copy, path) < 0)
        ok = err_set_errno(err, ERR_REPOSITORY, errno, "cannot replace %s", path);
    if (!ok)
        err_wrap(err, "the files in %s are merged, the index is not: git reset there does it",
                 git_repository_workdir(checkout->repository));
    git_index_free(index);
    mem_free(copy_lock);
    mem_free(path);
    mem_free(copy);
    return ok;
}

// --- after a crash ---

bool checkout_resume(struct checkout *checkout, bool *begun, struct err *err)
{
    *begun = folder_exists(checkout->stage);
    if (!*begun)
        return true;
    if (!open_stage(checkout, err))
        return false;
    checkout->locked = is_our_lock(checkout);
    for (size_t i = 0; i < checkout->changes.count; i++)
        checkout->exchanged[i] = place_was_exchanged(checkout, i);
    return true;
}
