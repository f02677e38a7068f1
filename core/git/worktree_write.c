// SPDX-License-Identifier: MIT
#include "core/git/worktree_write.h"

#include "core/base/mem.h"
#include "core/git/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct job {
    struct plan *plan;
    git_odb *objects;
    int folder;
    const char *top; // for messages
    uint32_t *order; // entries that are files, folder by folder
    size_t count;
    struct timespec times[2];
    struct worktree_progress *progress;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock; // of err
    struct err *err;
};

struct writer {
    struct job *job;
    struct buf converted;
    uint32_t folder; // the open one
    int fd;
};

// The first failure is the one to tell.
static bool fail(struct job *job, const struct err *err)
{
    pthread_mutex_lock(&job->lock);
    if (!atomic_exchange(&job->failed, true))
        *job->err = *err;
    pthread_mutex_unlock(&job->lock);
    return false;
}

static bool cannot_read(struct job *job, const struct plan_entry *entry)
{
    struct err err;
    git_fail(&err, ERR_WORKTREE, "cannot read %s of the base commit", entry->path);
    return fail(job, &err);
}

static bool cannot_write(struct job *job, const char *path)
{
    struct err err;
    err_set_errno(&err, ERR_WORKTREE, errno, "cannot write %s/%s", job->top, path);
    return fail(job, &err);
}

static const git_oid *entry_id(const struct plan_entry *entry, git_oid *id)
{
    memcpy(id->id, entry->id, sizeof id->id);
    return id;
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t put = write(fd, bytes.data, bytes.len);
        if (put < 0 && errno != EINTR)
            return false;
        bytes = str_skip(bytes, put > 0 ? (size_t)put : 0);
    }
    return true;
}

static uint32_t low(int64_t value)
{
    return (uint32_t)value; // git's index has 32 bits of everything and compares only those
}

static void note(struct plan_entry *entry, const struct stat *st)
{
    entry->stat = (struct plan_stat){
        .ctime_s = low(st->st_ctim.tv_sec),
        .ctime_ns = low(st->st_ctim.tv_nsec),
        .mtime_s = low(st->st_mtim.tv_sec),
        .mtime_ns = low(st->st_mtim.tv_nsec),
        .dev = low((int64_t)st->st_dev),
        .ino = low((int64_t)st->st_ino),
        .uid = st->st_uid,
        .gid = st->st_gid,
        .size = low(st->st_size),
    };
}

static bool write_content(struct writer *w, struct plan_entry *entry, const char *name,
                          struct str bytes)
{
    mode_t mode = entry->mode == 0100755 ? 0777 : 0666;
    int fd = openat(w->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return cannot_write(w->job, entry->path);
    struct stat st;
    bool ok = write_all(fd, bytes) && futimens(fd, w->job->times) == 0 && fstat(fd, &st) == 0;
    int code = errno;
    if (close(fd) < 0 && ok) {
        code = errno; // full disks of some file systems show here
        ok = false;
    }
    errno = code;
    if (!ok)
        return cannot_write(w->job, entry->path);
    note(entry, &st);
    return true;
}

static bool write_blob(struct writer *w, struct plan_entry *entry, const char *name,
                       git_odb_object *blob)
{
    const struct conversion *conversion = &w->job->plan->conversions[entry->conversion];
    struct str bytes = str_from(git_odb_object_data(blob), git_odb_object_size(blob));
    char id[GIT_OID_HEXSZ + 1];
    if (S_ISREG(entry->mode) && !conversion_is_none(conversion) &&
        !convert(conversion, git_oid_tostr(id, sizeof id, git_odb_object_id(blob)), bytes,
                 &w->converted, &bytes)) {
        struct err err;
        err_set(&err, ERR_LIMIT, "%s becomes too large by the attributes that it has", entry->path);
        return fail(w->job, &err);
    }
    return write_content(w, entry, name, bytes);
}

static bool write_entry(struct writer *w, struct plan_entry *entry)
{
    struct job *job = w->job;
    const struct plan_folder *folder = &job->plan->folders[entry->folder];
    if (w->fd < 0 || w->folder != entry->folder) {
        if (w->fd >= 0)
            close(w->fd);
        w->fd = openat(job->folder, folder->len ? folder->path : ".",
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (w->fd < 0)
            return cannot_write(job, folder->path);
        w->folder = entry->folder;
    }
    git_odb_object *blob = NULL;
    git_oid id;
    if (git_odb_read(&blob, job->objects, entry_id(entry, &id)) < 0 ||
        git_odb_object_type(blob) != GIT_OBJECT_BLOB) {
        git_odb_object_free(blob);
        return cannot_read(job, entry);
    }
    bool ok = write_blob(w, entry, entry->path + folder->len + (folder->len ? 1 : 0), blob);
    git_odb_object_free(blob);
    return ok;
}

static bool report(struct job *job, size_t files)
{
    struct err err;
    atomic_fetch_add(&job->progress->done, files);
    if (!atomic_load(&job->progress->stop))
        return true;
    err_set(&err, ERR_WORKTREE, "the checkout of %s was given up", job->top);
    return fail(job, &err);
}

static void *write_files(void *arg)
{
    struct job *job = arg;
    struct writer w = {.job = job, .fd = -1};
    buf_init(&w.converted, WRITE_BYTES_MAX);
    while (!atomic_load_explicit(&job->failed, memory_order_relaxed)) {
        size_t at = atomic_fetch_add(&job->next, WRITE_BATCH), end = at + WRITE_BATCH;
        if (at >= job->count)
            break;
        if (end > job->count)
            end = job->count;
        for (size_t i = at; i < end; i++)
            if (!write_entry(&w, &job->plan->entries[job->order[i]]))
                goto done;
        if (job->progress && !report(job, end - at))
            break;
    }
done:
    if (w.fd >= 0)
        close(w.fd);
    buf_release(&w.converted);
    return NULL;
}

// --- folders before files, links after them ---

static bool make_folders(struct job *job)
{
    for (size_t i = 1; i < job->plan->folder_count; i++) {
        const struct plan_folder *folder = &job->plan->folders[i];
        if (folder->wanted && mkdirat(job->folder, folder->path, 0777) < 0)
            return cannot_write(job, folder->path);
    }
    return true;
}

// Its files are another repository's: an empty folder, as git leaves it.
static bool make_submodule(struct job *job, struct plan_entry *entry)
{
    struct stat st;
    if (mkdirat(job->folder, entry->path, 0777) < 0 ||
        fstatat(job->folder, entry->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cannot_write(job, entry->path);
    st.st_size = 0;
    note(entry, &st);
    return true;
}

static bool make_link(struct job *job, struct plan_entry *entry)
{
    git_odb_object *blob = NULL;
    git_oid id;
    if (git_odb_read(&blob, job->objects, entry_id(entry, &id)) < 0)
        return cannot_read(job, entry);
    char *target = mem_dup(str_from(git_odb_object_data(blob), git_odb_object_size(blob)));
    git_odb_object_free(blob);
    struct stat st;
    bool ok = symlinkat(target, job->folder, entry->path) == 0;
    // No symlinks on this file system, but its name says so: as git does then, the error is told.
    ok = ok && utimensat(job->folder, entry->path, job->times, AT_SYMLINK_NOFOLLOW) == 0 &&
         fstatat(job->folder, entry->path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    int code = errno;
    mem_free(target);
    errno = code;
    if (!ok)
        return cannot_write(job, entry->path);
    note(entry, &st);
    return true;
}

static bool make_others(struct job *job)
{
    for (size_t i = 0; i < job->plan->count; i++) {
        struct plan_entry *entry = &job->plan->entries[i];
        if (entry->skipped || S_ISREG(entry->mode) ||
            (S_ISLNK(entry->mode) && !job->plan->symlinks))
            continue;
        if (!(S_ISLNK(entry->mode) ? make_link : make_submodule)(job, entry))
            return false;
    }
    return true;
}

// Entries of a folder are together, so that it is opened once.
static void put_in_order(struct job *job)
{
    const struct plan *plan = job->plan;
    uint32_t *begin = mem_new_array(plan->folder_count + 1, sizeof *begin);
    job->order = mem_new_array(plan->count + 1, sizeof *job->order);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < plan->count; i++) {
            const struct plan_entry *entry = &plan->entries[i];
            bool file = S_ISREG(entry->mode) || (S_ISLNK(entry->mode) && !plan->symlinks);
            if (entry->skipped || !file)
                continue;
            if (round == 0)
                begin[entry->folder + 1]++;
            else
                job->order[begin[entry->folder]++] = (uint32_t)i;
        }
        for (size_t i = 0; round == 0 && i < plan->folder_count; i++)
            begin[i + 1] += begin[i];
        if (round == 0)
            job->count = begin[plan->folder_count];
    }
    mem_free(begin);
}

bool plan_write(struct plan *plan, git_repository *repository, int folder, const char *top,
                int threads, struct worktree_progress *progress, struct err *err)
{
    struct job job = {.plan = plan, .folder = folder, .top = top, .progress = progress, .err = err};
    pthread_mutex_init(&job.lock, NULL);
    clock_gettime(CLOCK_REALTIME, &job.times[0]);
    job.times[0].tv_sec -= WRITE_AGE_S;
    job.times[1] = job.times[0];
    if (git_repository_odb(&job.objects, repository) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot open the objects of the repository");
    put_in_order(&job);
    if (progress)
        atomic_store(&progress->total, job.count);
    if (make_folders(&job)) {
        pthread_t others[WRITE_THREADS];
        int started = 0;
        while (started < threads - 1 && started < WRITE_THREADS && job.count > WRITE_BATCH &&
               pthread_create(&others[started], NULL, write_files, &job) == 0)
            started++;
        write_files(&job);
        while (started > 0)
            pthread_join(others[--started], NULL);
        if (!atomic_load(&job.failed))
            make_others(&job);
    }
    mem_free(job.order);
    git_odb_free(job.objects);
    pthread_mutex_destroy(&job.lock);
    return !atomic_load(&job.failed);
}
