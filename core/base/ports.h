// SPDX-License-Identifier: MIT
// What the core needs from outside: a clock, timers, work off the loop, and child processes.
//
// The transports implement this over libuv (transports/loop.h); unit tests implement it with a
// clock that they turn. Everything here is called on the loop thread and calls back on the loop
// thread, except the `run` of a work item. No callback is made from within the call that asked
// for it.
#ifndef SWARMD_CORE_BASE_PORTS_H
#define SWARMD_CORE_BASE_PORTS_H

#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

// Work lanes: bounded pools, so that one kind of blocking work cannot starve another.
enum lane {
    LANE_STORE, // one thread: the only writer of the database
    LANE_READ,  // one thread: readers of the database
    LANE_GIT,   // two threads: libgit2
    LANE_FILES, // two threads: file tools, directory walks, spooled outputs
    LANE_COUNT
};

// One item of blocking work. The caller embeds it and keeps it alive until `done`, which always
// comes, on the loop. There is no cancel: an owner that is gone by then marks its own struct.
struct work {
    void (*run)(struct work *work);  // on a lane's thread; touches nothing of the loop's
    void (*done)(struct work *work); // on the loop; may free the work
    struct work *next;               // the lane's own
};

// Something to do at the end of this loop turn, once. Embedded by the caller; asking again while
// it is pending changes nothing.
struct deferred {
    void (*fn)(struct deferred *deferred);
    struct list node; // list_init() it before first use
};

struct timer; // owned by who made it
struct watch; // the same

// A command, always started through the exec helper (exec/swarmd_exec.c), which is the reaper of
// everything the command starts: when the command has ended, or the server dies, or it is
// stopped, nothing of it is left.
struct sandbox_list;

struct process_spec {
    const char *const *argv; // argv[0] is looked up in PATH of envp; NULL-terminated
    const char *const *envp; // the whole environment; NULL-terminated
    const char *cwd;
    struct str sandbox;               // of core/permission/sandbox.h; empty: none
    const struct sandbox_list *hosts; // that its network is limited to, or NULL; outlives it
};

struct process_end {
    int exit_code; // 128 + signal when one ended it, as shells have it
    bool stopped;  // process_stop() was what ended it
    // Of a sandbox, one line for people each; NULL when there was nothing. Valid during the call.
    const char *weak;    // a wall that this system does not have
    const char *blocked; // what it has refused
    const char *limit;   // which limit has ended the command
};

struct process_sink {
    // stdout and stderr merged, in order. bytes is valid during the call.
    void (*output)(void *arg, struct str bytes);
    // Once, after the last output, when every process of the tree is dead. The handle is
    // invalid from here on. err->kind is not ERR_NONE when it could not be started.
    void (*ended)(void *arg, const struct process_end *end, const struct err *err);
};

struct process;

struct port_ops {
    int64_t (*mono_ms)(void *ctx); // monotonic, cached for the loop turn
    int64_t (*wall_ms)(void *ctx); // since 1970, UTC

    struct timer *(*timer_new)(void *ctx, void (*fn)(void *arg), void *arg);
    void (*timer_set)(struct timer *timer, int64_t ms); // once, ms from now; again replaces
    void (*timer_stop)(struct timer *timer);
    void (*timer_free)(struct timer *timer); // takes NULL; also from its own callback

    void (*work)(void *ctx, enum lane lane, struct work *work);
    void (*defer)(void *ctx, struct deferred *deferred);

    // Never NULL; a failure to start comes through sink->ended.
    struct process *(*process_start)(void *ctx, const struct process_spec *spec,
                                     const struct process_sink *sink, void *arg);
    // TERM to everything, KILL after 3 s to what is left; `ended` still comes.
    void (*process_stop)(struct process *process);
    // Back pressure: no `output` while paused.
    void (*process_pause)(struct process *process, bool paused);

    // Somebody else's process, such as the editor: `ended` comes once. NULL when there is none.
    struct watch *(*watch_process)(void *ctx, int64_t pid, void (*ended)(void *arg), void *arg);
    void (*watch_end)(struct watch *watch); // takes NULL; also from within `ended`
};

struct ports {
    const struct port_ops *ops;
    void *ctx;
};

static inline int64_t port_mono_ms(const struct ports *p)
{
    return p->ops->mono_ms(p->ctx);
}

static inline int64_t port_wall_ms(const struct ports *p)
{
    return p->ops->wall_ms(p->ctx);
}

static inline struct timer *port_timer_new(const struct ports *p, void (*fn)(void *), void *arg)
{
    return p->ops->timer_new(p->ctx, fn, arg);
}

static inline void port_work(const struct ports *p, enum lane lane, struct work *work)
{
    p->ops->work(p->ctx, lane, work);
}

static inline void port_defer(const struct ports *p, struct deferred *deferred)
{
    p->ops->defer(p->ctx, deferred);
}

#endif
