// SPDX-License-Identifier: MIT
#include "transports/spawn.h"

#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void prepare_files(posix_spawn_file_actions_t *actions, int pipe_end, const char *cwd)
{
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_adddup2(actions, pipe_end, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions, pipe_end, STDERR_FILENO);
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
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
                 int pipe_end, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    prepare_files(&actions, pipe_end, spec->cwd);
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

bool spawn_helper(const char *helper, const struct process_spec *spec, pid_t *pid, int *out,
                  struct err *err)
{
    size_t count = 0;
    while (spec->argv[count])
        count++;
    if (count == 0)
        return err_set(err, ERR_PARAMS, "there is no command to start");
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set_errno(err, ERR_LIMIT, errno, "cannot start %s", spec->argv[0]);

    char parent[24];
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    const char *const front[] = {"swarmd-exec", "--parent", parent, "--"};
    enum { FRONT = sizeof front / sizeof *front };
    const char **argv = mem_new_array(FRONT + count + 1, sizeof *argv);
    memcpy(argv, front, sizeof front);
    memcpy(argv + FRONT, spec->argv, count * sizeof *argv);
    int code = spawn(helper, spec, argv, ends[1], pid);
    mem_free(argv);
    close(ends[1]);
    if (code != 0) {
        *pid = 0;
        close(ends[0]);
        return explain(code, helper, spec, err);
    }
    *out = ends[0];
    return true;
}
