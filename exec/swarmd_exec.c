// SPDX-License-Identifier: MIT
// swarmd-exec: starts one command of an agent and sees to it that nothing of it is left behind.
//
//     swarmd-exec [--parent PID] -- COMMAND [ARGUMENT]...
//
// The server starts it in a process group of its own (transports/process.c). It makes itself the
// reaper of all that descends from it, runs the command in a session of its own, and waits. A
// double fork or setsid does not get away from it: an orphan becomes its child.
//
// - The command ends: what it left behind gets SIGTERM, and SIGKILL LEFTOVER_GRACE_MS later.
// - SIGTERM, from the server or because the server died: SIGTERM to all, SIGKILL after
//   STOP_GRACE_MS to those still there.
//
// It exits when no process is left, with the command's exit code, or 128 + the signal that ended
// it. 127: the command was not found; 126: it cannot be executed; 125: wrong use, or no process
// could be made. Only what survives SIGKILL for KILL_ROUNDS_MAX rounds (a process that hangs in
// the kernel) is left, and it says so on stderr. A command that sends SIGKILL to its helper dies
// with it, but not what it has started in the background: that takes a PID namespace.
//
// All signals are blocked and taken by sigtimedwait(): no handler, no race, and nothing that the
// command sends to its own group, or the terminal to ours, ends it. Libc only, linked statically,
// because its start-up is part of every command.
#include "core/process_tree.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LEFTOVER_GRACE_MS = 100,
    STOP_GRACE_MS = 3000,
    KILL_ROUND_MS = 10, // at most; a round ends when a child has died
    KILL_ROUNDS_MAX = 150,
    MESSAGE_MAX = 4096,
};

enum { EXIT_WRONG_USE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

struct helper {
    pid_t parent; // 0: not told
    char **argv;  // the command's
    pid_t command;
    int exit_code;
    bool command_ended;
    int64_t kill_at; // ms; -1: not yet
    struct process_tree tree;
};

// In one write, so that it does not mix with the command's output. _exit: stdio is not used.
static _Noreturn void __attribute__((format(printf, 2, 3))) quit(int code, const char *format, ...)
{
    char message[MESSAGE_MAX];
    int len = snprintf(message, sizeof message, "swarmd-exec: ");
    va_list args;
    va_start(args, format);
    len += vsnprintf(message + len, sizeof message - (size_t)len - 1, format, args);
    va_end(args);
    if (len > MESSAGE_MAX - 2)
        len = MESSAGE_MAX - 2;
    message[len++] = '\n';
    if (write(STDERR_FILENO, message, (size_t)len) < 0)
        _exit(code);
    _exit(code);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// --- the command

static _Noreturn void run_command(char **argv)
{
    execvp(argv[0], argv);
    int code = errno;
    if (code == ENOENT && strchr(argv[0], '/') && access(argv[0], F_OK) == 0)
        quit(EXIT_NOT_EXECUTABLE, "%s: its interpreter was not found", argv[0]);
    if (code == ENOENT)
        quit(EXIT_NOT_FOUND, "%s: not found", argv[0]);
    quit(EXIT_NOT_EXECUTABLE, "%s: %s", argv[0], strerror(code));
}

// Everything that a command's surroundings will ever need (a sandbox, limits) goes in here.
static _Noreturn void become_command(const struct helper *helper, pid_t self)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); // should somebody kill us with SIGKILL
    if (getppid() != self)
        _exit(128 + SIGKILL);
    setsid(); // no terminal to ask questions on, no group shared with us
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    run_command(helper->argv);
}

static void start_command(struct helper *helper)
{
    pid_t self = getpid();
    helper->command = fork();
    if (helper->command == 0)
        become_command(helper, self);
    if (helper->command < 0)
        quit(EXIT_WRONG_USE, "no process for %s: %s", helper->argv[0], strerror(errno));
}

// --- the tree

// False when no child is left; and, as orphans become our children, no descendant.
static bool reap(struct helper *helper)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid == 0)
            return true;
        if (pid < 0 && errno != EINTR)
            return false;
        if (pid == helper->command) {
            helper->command_ended = true;
            helper->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
}

// SIGTERM or SIGCHLD; 0 when neither came by the time (-1: waits for ever).
static int wait_signal(int64_t until)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    int64_t left = until - now_ms();
    if (left < 0)
        left = 0;
    struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
    int number = until < 0 ? sigwaitinfo(&set, NULL) : sigtimedwait(&set, NULL, &timeout);
    return number > 0 ? number : 0;
}

static void terminate_tree(struct helper *helper, int grace_ms)
{
    process_tree_find(&helper->tree, getpid());
    process_tree_signal(&helper->tree, SIGTERM);
    process_tree_signal(&helper->tree, SIGCONT); // a stopped one could not act on it
    helper->kill_at = now_ms() + grace_ms;
}

static void kill_tree(struct helper *helper)
{
    for (int i = 0; i < KILL_ROUNDS_MAX && reap(helper); i++) {
        process_tree_kill(&helper->tree, getpid());
        wait_signal(now_ms() + KILL_ROUND_MS);
    }
    if (!reap(helper))
        return;
    process_tree_find(&helper->tree, getpid());
    quit(helper->command_ended ? helper->exit_code : 128 + SIGKILL,
         "%zu processes of %s do not die of SIGKILL (the first is %ld)", helper->tree.count,
         helper->argv[0], helper->tree.count > 0 ? (long)helper->tree.pids[0] : 0);
}

// Returns when the command and all that came of it are dead.
static void reap_tree(struct helper *helper)
{
    while (reap(helper)) {
        if (helper->command_ended && helper->kill_at < 0)
            terminate_tree(helper, LEFTOVER_GRACE_MS);
        if (helper->kill_at >= 0 && now_ms() >= helper->kill_at) {
            kill_tree(helper);
            return;
        }
        if (wait_signal(helper->kill_at) == SIGTERM && helper->kill_at < 0)
            terminate_tree(helper, STOP_GRACE_MS);
    }
}

// --- the helper itself

static void parse_arguments(struct helper *helper, int argc, char **argv)
{
    int i = 1;
    if (i + 1 < argc && strcmp(argv[i], "--parent") == 0) {
        helper->parent = (pid_t)strtol(argv[i + 1], NULL, 10);
        i += 2;
    }
    if (i + 1 >= argc || strcmp(argv[i], "--") != 0)
        quit(EXIT_WRONG_USE, "use: swarmd-exec [--parent PID] -- COMMAND [ARGUMENT]...");
    helper->argv = argv + i + 1;
}

// False when the server is gone already: then nobody would tell us.
static bool bind_to_parent(const struct helper *helper)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    return helper->parent == 0 || getppid() == helper->parent;
}

int main(int argc, char **argv)
{
    struct helper helper = {.kill_at = -1};
    parse_arguments(&helper, argc, argv);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (!bind_to_parent(&helper))
        _exit(128 + SIGTERM);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        quit(EXIT_WRONG_USE, "cannot reap what commands leave behind: %s", strerror(errno));
    start_command(&helper);
    reap_tree(&helper);
    _exit(helper.exit_code);
}
