// SPDX-License-Identifier: MIT
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10, WAIT_STEP_MS = 10 };

static volatile sig_atomic_t interrupts; // a signal handler has nowhere else to write

static void count_interrupt(int signal)
{
    (void)signal;
    interrupts++;
}

int child_interrupts(void)
{
    return interrupts;
}

// Blocked but for the wait in child_next(), so that none is missed between a look and a wait.
static void catch_signals(void)
{
    struct sigaction count = {.sa_handler = count_interrupt};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaction(SIGINT, &count, NULL);
    sigaction(SIGTERM, &count, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); // a server that is gone shows at the next read
}

static int spawn(pid_t *pid, int in, int out)
{
    static char name[] = "swarmd", stdio[] = "--stdio";
    static char *const argv[] = {name, stdio, NULL};
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int code = posix_spawn(pid, "/proc/self/exe", &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return code;
}

bool child_start(struct child *child, struct err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        return err_set_errno(err, ERR_LIMIT, errno, "cannot make a pipe");
    catch_signals();
    int code = spawn(&child->pid, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    child->in = in[1];
    child->out = out[0];
    buf_init(&child->buf, CHILD_LINE_MAX + READ_SIZE);
    child->used = 0;
    child->ended = false;
    return code == 0 || err_set_errno(err, ERR_LIMIT, code, "cannot start the server");
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            data += put;
            len -= (size_t)put;
        }
    }
    return true;
}

bool child_send(struct child *child, struct str line, struct err *err)
{
    return (send_all(child->in, line.data, line.len) && send_all(child->in, "\n", 1)) ||
           err_set_errno(err, ERR_STORAGE, errno, "cannot reach the server");
}

static bool take_line(struct child *child, struct str *line, size_t from)
{
    size_t left = child->buf.len - child->used;
    if (left <= from)
        return false;
    const char *start = child->buf.data + child->used;
    const char *end = memchr(start + from, '\n', left - from);
    if (!end)
        return false;
    *line = str_from(start, (size_t)(end - start));
    child->used += line->len + 1;
    return true;
}

static enum child_read read_more(struct child *child)
{
    struct pollfd wait = {.fd = child->out, .events = POLLIN};
    sigset_t none;
    sigemptyset(&none);
    int seen = interrupts;
    if (ppoll(&wait, 1, NULL, &none) < 0)
        return interrupts != seen ? CHILD_INTERRUPTED : errno == EINTR ? CHILD_LINE : CHILD_ENDED;
    if (!buf_reserve(&child->buf, READ_SIZE))
        return CHILD_ENDED;
    ssize_t got = read(child->out, child->buf.data + child->buf.len, READ_SIZE);
    child->ended = got <= 0;
    if (child->ended)
        return CHILD_ENDED;
    child->buf.len += (size_t)got;
    return CHILD_LINE;
}

enum child_read child_next(struct child *child, struct str *line)
{
    if (take_line(child, line, 0))
        return CHILD_LINE;
    if (child->used)
        buf_remove_front(&child->buf, child->used);
    child->used = 0;
    for (size_t scanned = 0;;) {
        enum child_read result = read_more(child);
        if (result != CHILD_LINE)
            return result;
        if (take_line(child, line, scanned))
            return CHILD_LINE;
        scanned = child->buf.len;
    }
}

int child_finish(struct child *child)
{
    struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};
    int status = 0;
    close(child->in);
    close(child->out);
    buf_release(&child->buf);
    for (int i = 0; waitpid(child->pid, &status, WNOHANG) == 0; i++) {
        if (child->ended && i == CHILD_STAYS_MS / WAIT_STEP_MS)
            return 0;
        if (i == CHILD_END_S * 1000 / WAIT_STEP_MS)
            kill(child->pid, SIGKILL);
        nanosleep(&step, NULL);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
