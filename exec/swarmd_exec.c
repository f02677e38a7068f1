// SPDX-License-Identifier: MIT
// swarmd-exec: starts one command of an agent in a sandbox and sees to it that nothing of it is
// left.
//
//     swarmd-exec [--parent PID] [--sandbox] -- COMMAND [ARGUMENT]...
//
// The server starts it in a process group of its own (transports/process.c). With --sandbox,
// descriptor SANDBOX_FD brings the description (core/permission/sandbox_spec.h) and takes reports
// back.
//
// In a sandbox there are three processes: this one, which the server knows; the init of a PID
// namespace, which builds the walls around itself and reaps; and the command. When the init ends,
// by whatever, the kernel kills everything in the namespace. Where namespaces are forbidden, and
// without a sandbox, this process is the reaper itself (subreaper), and Landlock and seccomp are
// what is left of the walls.
//
// - The command ends: what it left behind gets SIGTERM, and SIGKILL LEFTOVER_GRACE_MS later.
// - SIGTERM, from the server or because the server died: SIGTERM to all, SIGKILL after
//   STOP_GRACE_MS to those still there.
//
// It exits when no process is left, with the command's exit code, or 128 + the signal that ended
// it. 127: the command was not found; 126: it cannot be executed; 125: wrong use, no process could
// be made, or no sandbox: then the command was not run.
//
// All signals are blocked and taken by sigtimedwait(): no handler, no race, and nothing that the
// command sends to its own group, or the terminal to ours, ends it.
#include "exec/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// What the init tells the process above it, in memory that both have.
struct told {
    bool forbidden; // nothing was run: no mounts may be made in a namespace here
    struct failure why;
};

struct helper {
    pid_t parent; // 0: not told
    char **argv;  // the command's
    struct plan *plan;
    struct told *told;
    int alive[2]; // a pipe whose writing end the outer process alone has
};

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

static _Noreturn void no_sandbox(const struct failure *failure)
{
    quit(EXIT_WRONG_USE, "the sandbox could not be made, so the command was not run: %s: %s",
         failure->what, strerror(failure->code));
}

// Returns what tells of calls that are refused, or -1.
static int raise_walls(const struct helper *helper, bool in_namespaces)
{
    const struct plan *plan = helper->plan;
    struct failure failure = {0};
    int listener = -1;
    limits_apply(plan, in_namespaces);
    if (!privileges_drop(&failure))
        no_sandbox(&failure);
    if (plan->landlock) {
        int abi = landlock_restrict(plan, !in_namespaces, &failure);
        if (abi < 0)
            no_sandbox(&failure);
        if (abi == 0)
            report(SANDBOX_SAYS_WEAK, "%s",
                   in_namespaces ? "the kernel has no Landlock of ABI 2 or later"
                                 : "nothing keeps commands from your files: no namespaces may be "
                                   "made, and the kernel has no Landlock of ABI 2 or later");
    }
    if (plan->seccomp && !seccomp_restrict(plan, in_namespaces, &listener, &failure))
        no_sandbox(&failure);
    return listener;
}

static _Noreturn void become_command(const struct helper *helper, pid_t self, bool in_namespaces,
                                     int channel)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); // should somebody kill us with SIGKILL
    if (getppid() != self)
        _exit(128 + SIGKILL);
    setsid(); // no terminal to ask questions on, no group shared with us
    if (helper->plan->sandboxed) {
        int listener = raise_walls(helper, in_namespaces);
        if (listener >= 0)
            denials_send(channel, listener);
        else
            close(channel);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    run_command(helper->argv);
}

// Runs the command to its end, as the reaper of all that comes of it.
static _Noreturn void run(const struct helper *helper, bool in_namespaces)
{
    struct reaper reaper = {.name = helper->argv[0], .is_init = in_namespaces};
    pid_t self = getpid();
    int theirs = -1;
    reaper.denials = (struct denials){.channel = -1, .listener = -1};
    if (helper->plan->sandboxed && !denials_open(&reaper.denials, &theirs))
        quit(EXIT_WRONG_USE, "no pair of sockets: %s", strerror(errno));
    reaper.command = fork();
    if (reaper.command == 0)
        become_command(helper, self, in_namespaces, theirs);
    if (reaper.command < 0)
        quit(EXIT_WRONG_USE, "no process for %s: %s", helper->argv[0], strerror(errno));
    if (theirs >= 0) {
        close(theirs);
        denials_receive(&reaper.denials);
    }
    watch_begin(&reaper.watch, helper->plan, in_namespaces);
    reaper_run(&reaper);
    limits_report(helper->plan, reaper.exit_code);
    _exit(reaper.exit_code);
}

// --- the init of the namespaces

// False when the outer process is gone already: then nobody would tell us.
static bool bind_to_outer(const struct helper *helper)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0); // nothing in the namespace looks into it
    close(helper->alive[1]);
    struct pollfd outer = {.fd = helper->alive[0]};
    return poll(&outer, 1, 0) == 0;
}

static _Noreturn void become_init(const struct helper *helper, bool new_user, uid_t uid, gid_t gid)
{
    struct told *told = helper->told;
    if (new_user && !namespaces_map_user(uid, gid, &told->why)) {
        told->forbidden = true;
        _exit(EXIT_WRONG_USE);
    }
    if (!bind_to_outer(helper))
        _exit(128 + SIGKILL);
    namespaces_limit_processes(helper->plan);
    enum mounts_result result = mounts_build(helper->plan, &told->why);
    told->forbidden = result == MOUNTS_FORBIDDEN;
    if (result == MOUNTS_FORBIDDEN)
        _exit(EXIT_WRONG_USE);
    if (result == MOUNTS_FAILED)
        no_sandbox(&told->why);
    if (helper->plan->network != NETWORK_ON && !namespaces_loopback_up(&told->why))
        no_sandbox(&told->why);
    if (helper->plan->network == NETWORK_PROXY && !namespaces_offer_proxy(&told->why))
        no_sandbox(&told->why);
    setenv("TMPDIR", "/tmp", 1);
    run(helper, true);
}

static int wait_for_init(pid_t init)
{
    int status;
    for (;;) {
        pid_t ended = waitpid(init, &status, WNOHANG);
        if (ended == init)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (ended < 0 && errno != EINTR)
            return EXIT_WRONG_USE;
        if (wait_signal(-1, false) == SIGTERM)
            kill(init, SIGTERM);
    }
}

// Returns when no namespaces can be had; nothing was run then.
static void run_in_namespaces(struct helper *helper)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    bool new_user;
    struct cgroup cgroup;
    cgroup_make(&cgroup, helper->plan);
    if (pipe2(helper->alive, O_CLOEXEC) < 0)
        quit(EXIT_WRONG_USE, "no pipe: %s", strerror(errno));
    pid_t init = namespaces_enter(helper->plan, &cgroup, &new_user);
    if (init == 0)
        become_init(helper, new_user, uid, gid);
    if (init < 0) {
        helper->told->why.code = errno;
        memcpy(helper->told->why.what, "make namespaces", sizeof "make namespaces");
    } else {
        close(helper->alive[0]);
        int code = wait_for_init(init);
        cgroup_end(&cgroup, helper->plan);
        if (!helper->told->forbidden)
            _exit(code);
    }
    cgroup_end(&cgroup, NULL);
    report(SANDBOX_SAYS_WEAK,
           "no namespaces (%s: %s): Landlock alone is around files, and processes outside can be "
           "seen and signalled",
           helper->told->why.what, strerror(helper->told->why.code));
}

// --- the helper itself

static bool take(int argc, char **argv, int *at, const char *option)
{
    if (*at >= argc || strcmp(argv[*at], option) != 0)
        return false;
    ++*at;
    return true;
}

static void parse_arguments(struct helper *helper, int argc, char **argv)
{
    int i = 1;
    if (take(argc, argv, &i, "--parent") && i < argc)
        helper->parent = (pid_t)strtol(argv[i++], NULL, 10);
    bool sandboxed = take(argc, argv, &i, "--sandbox");
    if (!take(argc, argv, &i, "--") || i >= argc)
        quit(EXIT_WRONG_USE,
             "use: swarmd-exec [--parent PID] [--sandbox] -- COMMAND [ARGUMENT]...");
    helper->argv = argv + i;
    if (!sandboxed)
        return;
    plan_receive(helper->plan, SANDBOX_FD);
    fcntl(SANDBOX_FD, F_SETFD, FD_CLOEXEC);
    helper->told =
        mmap(NULL, sizeof *helper->told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (helper->told == MAP_FAILED)
        quit(EXIT_WRONG_USE, "no memory");
}

// False when the server is gone already: then nobody would tell us.
static bool bind_to_parent(const struct helper *helper)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    return helper->parent == 0 || getppid() == helper->parent;
}

// The folder that becomes /tmp: swarmd's own, for this agent.
static void make_temporary_folder(const char *path)
{
    char above[4096];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return;
    if (errno == ENOENT && len < sizeof above) {
        memcpy(above, path, len);
        above[len] = '\0';
        mkdir(above, 0700);
        if (mkdir(path, 0700) == 0 || errno == EEXIST)
            return;
    }
    quit(EXIT_WRONG_USE, "cannot make the temporary folder %s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
    static struct plan plan;
    struct helper helper = {.plan = &plan};
    parse_arguments(&helper, argc, argv);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (!bind_to_parent(&helper))
        _exit(128 + SIGTERM);
    if (plan.tmp) {
        make_temporary_folder(plan.tmp);
        setenv("TMPDIR", plan.tmp, 1);
    }
    if (plan.sandboxed && plan.namespaces)
        run_in_namespaces(&helper);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        quit(EXIT_WRONG_USE, "cannot reap what commands leave behind: %s", strerror(errno));
    run(&helper, false);
}
