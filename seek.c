// SPDX-License-Identifier: MIT
#include "seek.h"

#include "background.h"
#include "core/base/mem.h"
#include "transports/control.h"

struct seek {
    struct seek_setup setup;
    struct timer *timer;
    int64_t began_at, wait_ms;
    pid_t background; // 0: none was started
    bool reached;     // it served this process
};

static void fail(struct seek *seek, const struct err *err)
{
    seek->setup.failed(seek->setup.arg, err);
}

// why: what fails when it was waited for too long.
static void wait_more(struct seek *seek, const struct err *why)
{
    const struct ports *ports = seek->setup.ports;
    if (port_mono_ms(ports) - seek->began_at >= SEEK_MS_MAX) {
        fail(seek, why);
        return;
    }
    ports->ops->timer_set(seek->timer, seek->wait_ms);
    seek->wait_ms = seek->wait_ms ? seek->wait_ms * 2 : SEEK_FIRST_WAIT_MS;
    if (seek->wait_ms > SEEK_WAIT_MS)
        seek->wait_ms = SEEK_WAIT_MS;
}

// The lease is ours.
static void begin_host(struct seek *seek, struct lease *lease, const struct err *silent)
{
    const char *folder = seek->setup.folder;
    struct err err;
    if (seek->reached)
        background_forget(&seek->background);
    seek->reached = false;
    if (!seek->setup.detach) {
        seek->setup.leased(seek->setup.arg, lease);
    } else if (background_failed(folder, &seek->background, &err)) {
        lease_release(lease);
        fail(seek, &err);
    } else if (background_start(folder, lease, &seek->background, &err)) {
        wait_more(seek, silent);
    } else {
        fail(seek, &err);
    }
}

static void on_timer(void *arg)
{
    struct seek *seek = arg;
    const struct seek_setup *setup = &seek->setup;
    struct lease lease;
    struct err held, silent;
    // The host first: who is alive answers, and nothing is locked for it.
    int fd = control_connect(setup->folder, &silent);
    if (fd >= 0) {
        seek->reached = true;
        setup->found(setup->arg, fd);
    } else if (silent.kind != ERR_LEASE) {
        fail(seek, &silent);
    } else if (lease_take(&lease, setup->folder, &held)) {
        begin_host(seek, &lease, &silent);
    } else if (held.kind != ERR_LEASE) {
        fail(seek, &held);
    } else {
        err_wrap(&held, "%s", silent.message);
        wait_more(seek, &held);
    }
}

struct seek *seek_create(const struct seek_setup *setup)
{
    struct seek *seek = mem_new(sizeof(*seek));
    seek->setup = *setup;
    seek->timer = port_timer_new(setup->ports, on_timer, seek);
    return seek;
}

void seek_start(struct seek *seek)
{
    seek->began_at = port_mono_ms(seek->setup.ports);
    seek->wait_ms = SEEK_FIRST_WAIT_MS;
    seek->setup.ports->ops->timer_set(seek->timer, 0);
}

void seek_stop(struct seek *seek)
{
    seek->setup.ports->ops->timer_stop(seek->timer);
}

void seek_destroy(struct seek *seek)
{
    if (!seek)
        return;
    seek->setup.ports->ops->timer_free(seek->timer);
    mem_free(seek);
}
