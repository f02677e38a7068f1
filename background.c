// SPDX-License-Identifier: MIT
#include "background.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOLD_BYTES_MAX = 300 }; // of the child's last words

static const char words_name[] = "background.err";

// The state folder by its whole path: the child does not stay where this process is.
static char **environment(char *folder)
{
    size_t count = 0;
    while (environ[count])
        count++;
    char **copy = mem_new_array(count + 2, sizeof(*copy));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], "SWARMD_STATE_DIR=", 17) != 0)
            copy[used++] = environ[i];
    }
    copy[used] = folder;
    return copy;
}

static int spawn(const char *folder, const struct lease *lease, pid_t *pid)
{
    static char name[] = "swarmd", option[] = "--background";
    static char *const argv[] = {name, option, NULL};
    char *words = mem_format("%s/%s", folder, words_name);
    char *variable = mem_format("SWARMD_STATE_DIR=%s", folder);
    char **envp = environment(variable);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    // First, because a descriptor that is opened below could be the lease's new number.
    posix_spawn_file_actions_adddup2(&files, lease->fd, BACKGROUND_LEASE_FD);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, words,
                                     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    posix_spawn_file_actions_addclosefrom_np(&files, BACKGROUND_LEASE_FD + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int code = posix_spawn(pid, "/proc/self/exe", &files, &attributes, argv, envp);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    mem_free(envp);
    mem_free(variable);
    mem_free(words);
    return code;
}

bool background_start(const char *folder, struct lease *lease, pid_t *pid, struct err *err)
{
    int code = spawn(folder, lease, pid);
    lease_give(lease);
    return code == 0 ||
           err_set_errno(err, ERR_LIMIT, code, "cannot start the background host of %s", folder);
}

static void read_words(const char *folder, char *out, size_t size)
{
    char *path = mem_format("%s/%s", folder, words_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = fd >= 0 ? read(fd, out, size - 1) : -1;
    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    if (fd >= 0)
        close(fd);
    mem_free(path);
}

bool background_failed(const char *folder, pid_t *pid, struct err *err)
{
    int status;
    char words[TOLD_BYTES_MAX];
    if (*pid <= 0 || waitpid(*pid, &status, WNOHANG) != *pid)
        return false;
    *pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false; // it had nothing to do for long
    read_words(folder, words, sizeof(words));
    return !err_set(err, ERR_LEASE, "the background host of %s has ended: %s", folder,
                    words[0] ? words : "it said nothing");
}

void background_forget(pid_t *pid)
{
    if (*pid > 0)
        waitpid(*pid, NULL, WNOHANG);
    *pid = 0;
}
