// SPDX-License-Identifier: MIT
#include "core/base/process_tree.h"
#include "exec/helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LEFTOVER_GRACE_MS = 100,
    STOP_GRACE_MS = 3000,
    KILL_ROUND_MS = 10, // at most; a round ends when a child has died
    KILL_ROUNDS_MAX = 150,
};

// False when no child is left; and, as orphans become our children, no descendant.
static bool reap(struct reaper *reaper)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid == 0)
            return true;
        if (pid < 0 && errno != EINTR)
            return false;
        if (pid == reaper->command) {
            reaper->command_ended = true;
            reaper->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
}

int wait_signal(int64_t until, bool outside)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    for (;;) {
        int64_t left = until - now_ms();
        if (left < 0)
            left = 0;
        struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        siginfo_t info;
        int number = until < 0 ? sigwaitinfo(&set, &info) : sigtimedwait(&set, &info, &timeout);
        // The kernel gives 0 for senders that have no number in this namespace.
        if (number == SIGTERM && outside && info.si_pid != 0)
            continue;
        return number > 0 ? number : 0;
    }
}

static void signal_all(const struct reaper *reaper, struct process_tree *tree, int number)
{
    if (reaper->is_init)
        kill(-1, number); // all but this one
    else
        process_tree_signal(tree, number);
}

static void terminate_tree(struct reaper *reaper, struct process_tree *tree, int grace_ms)
{
    if (!reaper->is_init)
        process_tree_find(tree, getpid());
    signal_all(reaper, tree, SIGTERM);
    signal_all(reaper, tree, SIGCONT); // a stopped one could not act on it
    reaper->kill_at = now_ms() + grace_ms;
}

static void kill_tree(struct reaper *reaper, struct process_tree *tree)
{
    if (!reaper->command_ended)
        reaper->exit_code = 128 + SIGKILL;
    if (reaper->is_init)
        return; // the end of this process is theirs, and waits for it
    for (int i = 0; i < KILL_ROUNDS_MAX && reap(reaper); i++) {
        process_tree_kill(tree, getpid());
        wait_signal(now_ms() + KILL_ROUND_MS, false);
    }
    if (!reap(reaper))
        return;
    process_tree_find(tree, getpid());
    quit(reaper->exit_code, "%zu processes of %s do not die of SIGKILL (the first is %ld)",
         tree->count, reaper->name, tree->count > 0 ? (long)tree->pids[0] : 0);
}

// --- waiting

static void take_signal(struct reaper *reaper, int signals)
{
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof info) != sizeof info || info.ssi_signo != SIGTERM)
        return;
    // The kernel gives 0 for senders that have no number in this namespace: ours, not the
    // command's.
    if (!reaper->is_init || info.ssi_pid == 0)
        reaper->stop_asked = true;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

// Returns when there may be something to do.
static void wait_event(struct reaper *reaper, int signals)
{
    struct denials *denials = &reaper->denials;
    struct pollfd fds[2] = {{.fd = signals, .events = POLLIN},
                            {.fd = denials->listener, .events = POLLIN}};
    int64_t until = earlier(reaper->kill_at, reaper->watch.next_at), left = until - now_ms();
    if (poll(fds, 2, until < 0 ? -1 : left > 0 ? (int)left : 0) <= 0)
        return;
    if (fds[0].revents)
        take_signal(reaper, signals);
    if (fds[1].revents & POLLIN) {
        denials_answer(denials);
    } else if (fds[1].revents) { // all whom the filter held are gone
        close(denials->listener);
        denials->listener = -1;
    }
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void reaper_run(struct reaper *reaper)
{
    struct process_tree tree = {NULL, 0, 0};
    int signals = open_signals();
    if (signals < 0)
        quit(EXIT_WRONG_USE, "cannot wait for %s: %s", reaper->name, strerror(errno));
    reaper->kill_at = -1;
    while (reap(reaper)) {
        if (reaper->command_ended && reaper->kill_at < 0)
            terminate_tree(reaper, &tree, LEFTOVER_GRACE_MS);
        if (reaper->stop_asked && reaper->kill_at < 0)
            terminate_tree(reaper, &tree, STOP_GRACE_MS);
        bool passed = !reaper->command_ended && watch_look(&reaper->watch);
        if (passed || (reaper->kill_at >= 0 && now_ms() >= reaper->kill_at)) {
            kill_tree(reaper, &tree);
            break;
        }
        wait_event(reaper, signals);
    }
    denials_report(&reaper->denials);
}
