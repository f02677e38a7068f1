// SPDX-License-Identifier: MIT
#include "transports/spawn.h"

#include "core/base/mem.h"
#include "core/permission/sandbox_spec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// The helper's.
struct ends {
    int out;
    int sandbox; // -1: none
};

static void prepare_files(posix_spawn_file_actions_t *actions, const struct ends *ends,
                          const char *cwd)
{
    int last = ends->sandbox >= 0 ? SANDBOX_FD : STDERR_FILENO;
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_adddup2(actions, ends->out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions, ends->out, STDERR_FILENO);
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (ends->sandbox >= 0)
        posix_spawn_file_actions_adddup2(actions, ends->sandbox, SANDBOX_FD);
    posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
    posix_spawn_file_actions_addchdir_np(actions, cwd);
}

static void prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const char *helper, const struct process_spec *spec, const char *const *argv,
                 const struct ends *ends, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    prepare_files(&actions, ends, spec->cwd);
    prepare_attributes(&attributes);
    int code = posix_spawn(pid, helper, &actions, &attributes, (char *const *)argv,
                           (char *const *)spec->envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

// posix_spawn tells why, but not which of the two paths it was.
static bool explain(int code, const char *helper, const struct process_spec *spec, struct err *err)
{
    struct stat st;
    if (access(helper, X_OK) < 0)
        return err_set_errno(err, ERR_CONFIG, errno,
                             "no command can be started without %s; install swarmd again", helper);
    if (stat(spec->cwd, &st) < 0)
        return err_set_errno(err, ERR_WORKTREE, errno, "cannot start %s in %s", spec->argv[0],
                             spec->cwd);
    if (!S_ISDIR(st.st_mode) || access(spec->cwd, X_OK) < 0)
        return err_set_errno(err, ERR_WORKTREE, S_ISDIR(st.st_mode) ? errno : ENOTDIR,
                             "cannot start %s in %s", spec->argv[0], spec->cwd);
    return err_set_errno(err, ERR_LIMIT, code, "cannot start %s", spec->argv[0]);
}

// The description waits in the socket when the helper starts.
static bool make_channel(struct str description, int *ours, int *theirs)
{
    int pair[2];
    *ours = *theirs = -1;
    if (description.len == 0)
        return true;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return false;
    *ours = pair[0];
    *theirs = pair[1];
    return send(pair[0], description.data, description.len, MSG_NOSIGNAL) ==
           (ssize_t)description.len;
}

static const char **make_argv(const struct process_spec *spec, const char *parent)
{
    size_t count = 0, at = 0;
    while (spec->argv[count])
        count++;
    const char **argv = mem_new_array(count + 6, sizeof *argv);
    argv[at++] = "swarmd-exec";
    argv[at++] = "--parent";
    argv[at++] = parent;
    if (spec->sandbox.len > 0)
        argv[at++] = "--sandbox";
    argv[at++] = "--";
    memcpy(argv + at, spec->argv, count * sizeof *argv);
    return argv;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

bool spawn_helper(const char *helper, const struct process_spec *spec, struct spawned *spawned,
                  struct err *err)
{
    int fds[4] = {-1, -1, -1, -1}; // ours and theirs of the pipe, of the channel
    char parent[24];
    if (!spec->argv[0])
        return err_set(err, ERR_PARAMS, "there is no command to start");
    if (pipe2(fds, O_CLOEXEC) < 0 || !make_channel(spec->sandbox, &fds[2], &fds[3])) {
        err_set_errno(err, ERR_LIMIT, errno, "cannot start %s", spec->argv[0]);
        close_all(fds, 4);
        return false;
    }
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    const char **argv = make_argv(spec, parent);
    struct ends ends = {.out = fds[1], .sandbox = fds[3]};
    int code = spawn(helper, spec, argv, &ends, &spawned->pid);
    mem_free(argv);
    close(fds[1]);
    fds[1] = -1;
    close_all(fds + 3, 1);
    fds[3] = -1;
    if (code != 0) {
        spawned->pid = 0;
        close_all(fds, 4);
        return explain(code, helper, spec, err);
    }
    spawned->out = fds[0];
    spawned->reports = fds[2];
    return true;
}
