// SPDX-License-Identifier: MIT
#include "transports/process.h"

#include "core/base/mem.h"
#include "core/base/process_tree.h"
#include "core/permission/sandbox_spec.h"
#include "transports/loop.h"
#include "transports/loop_parts.h"
#include "transports/proxy.h"
#include "transports/spawn.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum {
    READS_A_TURN = 4,        // of LOOP_SCRATCH_BYTES, then others come
    READS_AT_THE_END = 64,   // of a pipe that somebody holds, before it is closed
    KILL_ROUNDS_OVERDUE = 8, // looks at the tree of a helper that does not end
};

struct processes {
    struct loop *loop;
    const struct ports *ports;
    char *exec_helper;
    struct list without_pidfd;
    uv_signal_t child_ended; // only while that list has any
    bool signal_open;
};

struct process {
    struct processes *all;
    struct list node; // in without_pidfd
    struct process_sink sink;
    void *arg;
    pid_t pid;                    // of the helper; 0 when it could not be started
    int pidfd;                    // -1: none
    int out;                      // -1: closed
    int reports;                  // of the sandbox; -1: none
    char *weak, *blocked, *limit; // the newest of each
    uv_poll_t reports_poll;       // only while a proxy is awaited
    bool proxy_awaited;
    struct proxy *proxy; // or NULL
    const struct sandbox_list *hosts;
    uv_poll_t exit_poll, out_poll;
    uv_timer_t timer; // the helper's end after a stop, then the pipe's end after that
    struct deferred later;
    struct err err; // why it could not be started
    struct process_end end;
    bool paused, exited, finished;
    int open_parts; // handles that must close before it may be freed
};

// --- end

static void free_when_closed(struct process *process)
{
    if (process->open_parts > 0 || !process->finished)
        return;
    list_remove(&process->later.node);
    list_remove(&process->node);
    mem_free(process->weak);
    mem_free(process->blocked);
    mem_free(process->limit);
    mem_free(process);
}

static void on_part_closed(uv_handle_t *handle)
{
    struct process *process = handle->data;
    process->open_parts--;
    free_when_closed(process);
}

static void keep_report(char **kept, struct str message, const char *word)
{
    size_t len = strlen(word);
    if (message.len <= len || memcmp(message.data, word, len) != 0 || message.data[len] != ' ')
        return;
    mem_free(*kept);
    *kept = mem_dup(str_skip(message, len + 1));
}

// One message; *fd is what came with it, or -1.
static ssize_t read_report(int reports, char *bytes, int *fd)
{
    char control[CMSG_SPACE(sizeof *fd)];
    struct iovec piece = {bytes, SANDBOX_REPORT_MAX};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    *fd = -1;
    ssize_t got = recvmsg(reports, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    return got;
}

static void await_no_proxy(struct process *process)
{
    if (process->proxy_awaited)
        uv_close((uv_handle_t *)&process->reports_poll, on_part_closed);
    process->proxy_awaited = false;
}

static void take_reports(struct process *process)
{
    char bytes[SANDBOX_REPORT_MAX];
    ssize_t got;
    int fd;
    while ((got = read_report(process->reports, bytes, &fd)) > 0) {
        struct str message = str_from(bytes, (size_t)got);
        if (fd >= 0 && process->proxy_awaited)
            process->proxy = proxy_create(process->all->loop, fd, process->hosts);
        else if (fd >= 0)
            close(fd);
        if (fd >= 0)
            await_no_proxy(process);
        keep_report(&process->weak, message, SANDBOX_SAYS_WEAK);
        keep_report(&process->blocked, message, SANDBOX_SAYS_BLOCKED);
        keep_report(&process->limit, message, SANDBOX_SAYS_LIMIT);
    }
}

static void on_reports(uv_poll_t *poll, int status, int events)
{
    struct process *process = poll->data;
    (void)events;
    if (status < 0)
        await_no_proxy(process);
    else
        take_reports(process);
}

static void await_proxy(struct process *process, const struct sandbox_list *hosts)
{
    struct uv_loop_s *uv = loop_uv(process->all->loop);
    process->hosts = hosts;
    if (!hosts || process->reports < 0 ||
        uv_poll_init(uv, &process->reports_poll, process->reports) < 0)
        return; // without a proxy nothing can be reached
    process->reports_poll.data = process;
    process->open_parts++;
    process->proxy_awaited = true;
    uv_poll_start(&process->reports_poll, UV_READABLE, on_reports);
}

// All is there by now: the helper has ended.
static void read_reports(struct process *process)
{
    if (process->reports < 0)
        return;
    take_reports(process);
    await_no_proxy(process);
    proxy_close(process->proxy);
    close(process->reports);
    process->reports = -1;
    process->end.weak = process->weak;
    process->end.blocked = process->blocked;
    process->end.limit = process->limit;
}

static void finish(struct process *process)
{
    if (!process->exited || process->out >= 0 || process->finished)
        return;
    process->finished = true;
    read_reports(process);
    process->sink.ended(process->arg, &process->end, &process->err);
    uv_close((uv_handle_t *)&process->timer, on_part_closed);
}

static void close_output(struct process *process)
{
    uv_close((uv_handle_t *)&process->out_poll, on_part_closed);
    close(process->out);
    process->out = -1;
    finish(process);
}

// --- output

static void on_output(uv_poll_t *poll, int status, int events);
static void on_pipe_held(uv_timer_t *timer);

// False when the output has ended, which may have ended the process too.
static bool read_output(struct process *process, int reads)
{
    char *bytes = loop_scratch(process->all->loop);
    for (int i = 0; i < reads && !process->paused; i++) {
        ssize_t got = read(process->out, bytes, LOOP_SCRATCH_BYTES);
        if (got > 0) {
            process->sink.output(process->arg, str_from(bytes, (size_t)got));
            if (got < LOOP_SCRATCH_BYTES && !process->exited)
                return true;
        } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        } else {
            close_output(process);
            return false;
        }
    }
    return true;
}

static void on_output(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct process *process = poll->data;
    // libuv has stopped to poll when status < 0: what is there is all that comes.
    if (read_output(process, status < 0 ? READS_AT_THE_END : READS_A_TURN) && status < 0)
        close_output(process);
}

static void on_pipe_held(uv_timer_t *timer)
{
    struct process *process = timer->data;
    if (process->out >= 0 && read_output(process, READS_AT_THE_END) && !process->paused)
        close_output(process);
}

// What is left in the pipe is read first, however late the loop is: the timer only ends a pipe
// that is held, and does not run while nobody reads.
static void watch_output(struct process *process)
{
    if (process->out < 0)
        return;
    if (process->paused)
        uv_poll_stop(&process->out_poll);
    else
        uv_poll_start(&process->out_poll, UV_READABLE, on_output);
    if (!process->exited)
        return;
    if (process->paused)
        uv_timer_stop(&process->timer);
    else
        uv_timer_start(&process->timer, on_pipe_held, PROCESS_PIPE_HELD_MS, 0);
}

void process_pause(struct process *process, bool paused)
{
    if (process->paused == paused)
        return;
    process->paused = paused;
    watch_output(process);
}

// --- exit of the helper

static bool reap(struct process *process)
{
    int status;
    if (waitpid(process->pid, &status, WNOHANG) != process->pid)
        return false;
    process->exited = true;
    process->end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    uv_timer_stop(&process->timer);
    watch_output(process);
    return true;
}

static void on_pidfd(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct process *process = poll->data;
    if (!reap(process))
        return;
    uv_close((uv_handle_t *)&process->exit_poll, on_part_closed);
    close(process->pidfd);
    process->pidfd = -1;
    finish(process);
}

static void reap_without_pidfd(struct process *process)
{
    if (process->exited || !reap(process))
        return;
    list_remove(&process->node);
    struct processes *all = process->all;
    if (list_empty(&all->without_pidfd))
        uv_signal_stop(&all->child_ended);
    finish(process);
}

static void on_child_ended(uv_signal_t *handle, int number)
{
    (void)number;
    struct processes *all = handle->data;
    list_for_each_safe(node, &all->without_pidfd)
        reap_without_pidfd(list_entry(node, struct process, node));
}

static void watch_by_signal(struct process *process)
{
    struct processes *all = process->all;
    if (!all->signal_open) {
        uv_signal_init(loop_uv(all->loop), &all->child_ended);
        all->child_ended.data = all;
        all->signal_open = true;
    }
    uv_signal_start(&all->child_ended, on_child_ended, SIGCHLD);
    list_append(&all->without_pidfd, &process->node);
    port_defer(all->ports, &process->later); // it may have ended before we listened
}

static void watch_exit(struct process *process)
{
    struct uv_loop_s *uv = loop_uv(process->all->loop);
    process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (process->pidfd >= 0 && uv_poll_init(uv, &process->exit_poll, process->pidfd) == 0) {
        process->exit_poll.data = process;
        process->open_parts++;
        uv_poll_start(&process->exit_poll, UV_READABLE, on_pidfd);
        return;
    }
    if (process->pidfd >= 0)
        close(process->pidfd);
    process->pidfd = -1;
    watch_by_signal(process);
}

// --- stop

static void signal_helper(struct process *process, int number)
{
    if (process->pidfd < 0 || syscall(SYS_pidfd_send_signal, process->pidfd, number, NULL, 0) < 0)
        kill(process->pid, number); // its number is its own until it is reaped
}

static void on_overdue(uv_timer_t *timer)
{
    struct process *process = timer->data;
    struct process_tree tree = {NULL, 0, 0};
    for (int i = 0; i < KILL_ROUNDS_OVERDUE && process_tree_kill(&tree, process->pid); i++)
        ;
    process_tree_release(&tree);
    signal_helper(process, SIGKILL);
}

void process_stop(struct process *process)
{
    if (process->exited || process->pid == 0 || process->end.stopped)
        return;
    process->end.stopped = true;
    signal_helper(process, SIGTERM);
    signal_helper(process, SIGCONT); // the command may have stopped it
    uv_timer_start(&process->timer, on_overdue, PROCESS_OVERDUE_MS, 0);
}

// --- start

static void on_later(struct deferred *later)
{
    struct process *process = list_entry(later, struct process, later);
    if (process->pid > 0) {
        reap_without_pidfd(process);
        return;
    }
    process->finished = true;
    process->sink.ended(process->arg, &process->end, &process->err);
    free_when_closed(process);
}

static bool watch_pipe(struct process *process)
{
    int code = uv_poll_init(loop_uv(process->all->loop), &process->out_poll, process->out);
    if (code < 0)
        return err_set_errno(&process->err, ERR_LIMIT, -code, "cannot read a command's output");
    process->out_poll.data = process;
    process->open_parts++;
    return true;
}

struct process *process_start(struct processes *processes, const struct process_spec *spec,
                              const struct process_sink *sink, void *arg)
{
    struct process *process = mem_new(sizeof *process);
    process->all = processes;
    process->sink = *sink;
    process->arg = arg;
    process->pidfd = process->out = process->reports = -1;
    process->end.exit_code = -1;
    process->later.fn = on_later;
    list_init(&process->later.node);
    list_init(&process->node);
    struct spawned spawned;
    if (!spawn_helper(processes->exec_helper, spec, &spawned, &process->err)) {
        port_defer(processes->ports, &process->later);
        return process;
    }
    process->pid = spawned.pid;
    process->out = spawned.out;
    process->reports = spawned.reports;
    uv_timer_init(loop_uv(processes->loop), &process->timer);
    process->timer.data = process;
    process->open_parts++;
    await_proxy(process, spec->hosts);
    watch_exit(process);
    if (watch_pipe(process)) {
        watch_output(process);
    } else {
        close(process->out);
        process->out = -1;
        process_stop(process);
    }
    return process;
}

struct processes *processes_create(struct loop *loop, const char *exec_helper)
{
    struct processes *processes = mem_new(sizeof *processes);
    processes->loop = loop;
    processes->ports = loop_ports(loop);
    // Absolute, as it is executed in the command's folder.
    char path[PATH_MAX];
    processes->exec_helper = mem_dup(str_of(realpath(exec_helper, path) ? path : exec_helper));
    list_init(&processes->without_pidfd);
    return processes;
}

void processes_close(struct processes *processes)
{
    if (processes->signal_open)
        uv_close((uv_handle_t *)&processes->child_ended, NULL);
}

void processes_destroy(struct processes *processes)
{
    if (!processes)
        return;
    mem_free(processes->exec_helper);
    mem_free(processes);
}
