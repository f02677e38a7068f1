// SPDX-License-Identifier: MIT
#include "transports/control.h"

#include "core/base/mem.h"
#include "transports/control_path.h"
#include "transports/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

struct control {
    struct control_path path;
    int fd;
    uv_poll_t poll;
    uv_timer_t pause;
    int open_parts;
    control_accepted *accepted;
    void *arg;
};

static struct sockaddr_un address_of(const struct control_path *path)
{
    struct sockaddr_un address = {.sun_family =
                                      AF_UNIX}; // the path is short enough: control_path.c
    memcpy(address.sun_path, path->socket, strlen(path->socket));
    return address;
}

static bool is_same_user(int fd, uid_t *user)
{
    struct ucred other = {.uid = (uid_t)-1};
    socklen_t len = sizeof(other);
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &len) == 0;
    *user = other.uid;
    return known && other.uid == geteuid();
}

// --- listening

static void on_waiting(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct control *control = timer->data;
    uv_poll_start(&control->poll, UV_READABLE, on_waiting);
}

static void take(struct control *control, int fd)
{
    struct err err;
    uid_t user;
    bool same = is_same_user(fd, &user);
    if (!same)
        err_set(&err, ERR_REFUSED, "this swarmd serves user %ld, not user %ld", (long)geteuid(),
                (long)user);
    control->accepted(control->arg, fd, same ? NULL : &err);
}

static void on_waiting(uv_poll_t *poll, int status, int events)
{
    struct control *control = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < CONTROL_ACCEPTS_A_TURN && !uv_is_closing((uv_handle_t *)poll); i++) {
        int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            take(control, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            // No descriptors, no memory: trying at once again would only burn the processor.
            uv_poll_stop(poll);
            uv_timer_start(&control->pause, on_pause_over, CONTROL_PAUSE_MS, 0);
            return;
        }
    }
}

static bool bind_and_listen(int fd, const struct control_path *path, struct err *err)
{
    struct sockaddr_un address = address_of(path);
    // The mode of the socket's own inode is what bind() gives the file, less the umask; so there is
    // no moment in which it is wider.
    if (fd < 0 || fchmod(fd, 0600) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, CONTROL_BACKLOG) != 0)
        return err_set_errno(err, ERR_STORAGE, errno, "cannot listen at %s", path->socket);
    return true;
}

struct control *control_listen(struct loop *loop, const char *folder, control_accepted *accepted,
                               void *arg, struct err *err)
{
    struct control *control = mem_new(sizeof(*control));
    control->accepted = accepted;
    control->arg = arg;
    if (!control_path_make(&control->path, folder, err)) {
        mem_free(control);
        return NULL;
    }
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = bind_and_listen(control->fd, &control->path, err);
    int code = ok ? uv_poll_init(loop_uv(loop), &control->poll, control->fd) : 0;
    if (code < 0)
        ok = err_set_errno(err, ERR_LIMIT, -code, "cannot wait at %s", control->path.socket);
    if (!ok) {
        control_path_remove(&control->path);
        control_path_release(&control->path);
        if (control->fd >= 0)
            close(control->fd);
        mem_free(control);
        return NULL;
    }
    uv_timer_init(loop_uv(loop), &control->pause);
    control->poll.data = control->pause.data = control;
    uv_poll_start(&control->poll, UV_READABLE, on_waiting);
    return control;
}

static void on_part_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;
    if (--control->open_parts > 0)
        return;
    control_path_release(&control->path);
    mem_free(control);
}

void control_close(struct control *control)
{
    if (!control)
        return;
    control_path_remove(&control->path);
    control->open_parts = 2;
    uv_close((uv_handle_t *)&control->poll, on_part_closed);
    uv_close((uv_handle_t *)&control->pause, on_part_closed);
    close(control->fd); // uv_close() has taken it out of the poll
}

// --- connecting

int control_connect(const char *folder, struct err *err)
{
    struct control_path path;
    uid_t user;
    if (!control_path_find(&path, folder, err))
        return -1;
    struct sockaddr_un address = address_of(&path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = false;
    // A unix socket is connected at once, or not at all.
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        err_set_errno(err, ERR_LEASE, errno, "nobody answers at %s", path.socket);
    else if (!is_same_user(fd, &user))
        err_set(err, ERR_REFUSED, "%s belongs to user %ld, not to you", path.socket, (long)user);
    else
        ok = true;
    control_path_release(&path);
    if (!ok && fd >= 0)
        close(fd);
    return ok ? fd : -1;
}
