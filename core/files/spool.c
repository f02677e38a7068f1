// SPDX-License-Identifier: MIT
#include "core/files/spool.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/files/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct spool {
    struct work work; // first: the lane hands it back
    const struct ports *ports;
    char *folder, *name;
    struct spool_events events;
    void *arg;
    struct buf waiting;
    bool full, finish;
    // the lane's while busy
    bool busy, last;
    int fd; // -1: not open yet
    struct buf writing;
    struct err err;
};

// --- on the lane ---

static bool sync_folder(const struct spool *spool, struct err *err)
{
    int folder = open(spool->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = folder >= 0 && fsync(folder) == 0;
    if (!ok)
        err_set_errno(err, ERR_STORAGE, errno, "%s", spool->folder);
    if (folder >= 0)
        close(folder);
    return ok;
}

static bool open_file(struct spool *spool, struct err *err)
{
    if (!folder_make(spool->folder, err))
        return false;
    char *path = mem_format("%s/%s", spool->folder, spool->name);
    spool->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (spool->fd < 0)
        err_set_errno(err, ERR_STORAGE, errno, "%s", path);
    mem_free(path);
    return spool->fd >= 0;
}

static bool write_batch(struct spool *spool, struct err *err)
{
    if (spool->fd < 0 && !open_file(spool, err))
        return false;
    if (!file_write(spool->fd, buf_str(&spool->writing), err)) {
        err->kind = ERR_STORAGE;
        return err_wrap(err, "%s/%s", spool->folder, spool->name);
    }
    if (!spool->last)
        return true;
    // A row will name this file: it is on the disk before the row is.
    if (fsync(spool->fd) != 0)
        return err_set_errno(err, ERR_STORAGE, errno, "%s/%s", spool->folder, spool->name);
    return sync_folder(spool, err);
}

static void run_batch(struct work *work)
{
    struct spool *spool = (struct spool *)work;
    if (spool->err.kind == ERR_NONE)
        write_batch(spool, &spool->err);
    if (spool->last && spool->fd >= 0)
        close(spool->fd);
}

// --- on the loop ---

static void free_spool(struct spool *spool)
{
    buf_release(&spool->waiting);
    buf_release(&spool->writing);
    mem_free(spool->folder);
    mem_free(spool->name);
    mem_free(spool);
}

static void submit(struct spool *spool)
{
    if (spool->busy || (spool->waiting.len == 0 && !spool->finish))
        return;
    struct buf free = spool->writing;
    spool->writing = spool->waiting;
    spool->waiting = free;
    buf_clear(&spool->waiting);
    if (spool->writing.overflow && spool->err.kind == ERR_NONE)
        err_set(&spool->err, ERR_STORAGE, "the disk is too slow for it");
    spool->busy = true;
    spool->last = spool->finish;
    port_work(spool->ports, LANE_FILES, &spool->work);
}

static void batch_done(struct work *work)
{
    struct spool *spool = (struct spool *)work;
    spool->busy = false;
    if (spool->last) {
        struct err err = spool->err;
        const struct spool_events events = spool->events;
        void *arg = spool->arg;
        free_spool(spool);
        events.finished(arg, &err);
        return;
    }
    bool was_full = spool->full;
    submit(spool);
    spool->full = false;
    if (was_full && !spool->finish)
        spool->events.drained(spool->arg);
}

struct spool *spool_create(const struct ports *ports, const char *folder, const char *name,
                           const struct spool_events *events, void *arg)
{
    struct spool *spool = mem_new(sizeof *spool);
    spool->work.run = run_batch;
    spool->work.done = batch_done;
    spool->ports = ports;
    spool->folder = mem_dup(str_of(folder));
    spool->name = mem_dup(str_of(name));
    spool->events = *events;
    spool->arg = arg;
    spool->fd = -1;
    buf_init(&spool->waiting, SPOOL_WAIT_MAX);
    buf_init(&spool->writing, SPOOL_WAIT_MAX);
    return spool;
}

void spool_write(struct spool *spool, struct str bytes)
{
    buf_add_str(&spool->waiting, bytes);
    if (spool->waiting.len > SPOOL_FULL)
        spool->full = true;
    submit(spool);
}

bool spool_is_full(const struct spool *spool)
{
    return spool->full;
}

void spool_finish(struct spool *spool)
{
    spool->finish = true;
    submit(spool);
}
