// SPDX-License-Identifier: MIT
#include "transports/watch.h"

#include "core/base/mem.h"
#include "transports/loop.h"

#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

struct watch {
    uv_poll_t poll;
    int pidfd;
    void (*ended)(void *arg);
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    close(watch->pidfd);
    mem_free(watch);
}

static void on_pidfd(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    (void)status;
    (void)events;
    uv_poll_stop(poll);
    watch->ended(watch->arg);
}

struct watch *watch_process(struct loop *loop, int64_t pid, void (*ended)(void *arg), void *arg)
{
    int pidfd = pid > 0 && pid <= INT_MAX ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
    if (pidfd < 0)
        return NULL;
    struct watch *watch = mem_new(sizeof(*watch));
    watch->pidfd = pidfd;
    watch->ended = ended;
    watch->arg = arg;
    watch->poll.data = watch;
    if (uv_poll_init(loop_uv(loop), &watch->poll, pidfd) < 0) {
        close(pidfd);
        mem_free(watch);
        return NULL;
    }
    uv_poll_start(&watch->poll, UV_READABLE, on_pidfd);
    uv_unref((uv_handle_t *)&watch->poll);
    return watch;
}

void watch_end(struct watch *watch)
{
    if (watch && !uv_is_closing((uv_handle_t *)&watch->poll))
        uv_close((uv_handle_t *)&watch->poll, on_closed);
}
