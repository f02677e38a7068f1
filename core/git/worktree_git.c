// SPDX-License-Identifier: MIT
#include "core/git/worktree_git.h"

#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/worktree_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 10, POLL_FIRST_US = 500, VARIABLES_MAX = 40 };

// What git needs to reach a remote as the person does.
static const char *const passed[] = {
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
};

static void fill_environment(char *envp[VARIABLES_MAX], const char *index)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        const char *value = getenv(passed[i]);
        if (value)
            envp[count++] = mem_format("%s=%s", passed[i], value);
    }
    envp[count++] = mem_dup(STR("GIT_TERMINAL_PROMPT=0"));
    envp[count++] = mem_dup(STR("LC_MESSAGES=C"));
    if (index)
        envp[count++] = mem_format("GIT_INDEX_FILE=%s", index);
    envp[count] = NULL;
}

// All at once, so that neither side waits for the other.
static int input_file(struct str input)
{
    int fd = memfd_create("swarmd-git", MFD_CLOEXEC);
    while (fd >= 0 && input.len) {
        ssize_t put = write(fd, input.data, input.len);
        if (put < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        input = str_skip(input, put > 0 ? (size_t)put : 0);
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static int start(pid_t *pid, const struct git_command *command, char *const argv[], int in,
                 int said)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *envp[VARIABLES_MAX];
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all); // swarmd ignores SIGPIPE
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (command->out)
        posix_spawn_file_actions_adddup2(&actions, command->out, 1);
    else
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, said, 2);
    fill_environment(envp, command->index);
    int code = posix_spawnp(pid, "git", &actions, &attributes, argv, envp);
    for (size_t i = 0; envp[i]; i++)
        mem_free(envp[i]);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

// False when it had to be ended.
static bool await(pid_t pid, struct worktree_progress *progress, int *status)
{
    struct timespec pause = {.tv_nsec = POLL_FIRST_US * 1000L};
    for (long waited = 0; waited < GIT_RUN_MS_MAX * 1000000L; waited += pause.tv_nsec) {
        pid_t ended = waitpid(pid, status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return ended == pid;
        if (progress && atomic_load(&progress->stop))
            break;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < POLL_MS * 1000000L) // most take a few milliseconds
            pause.tv_nsec *= 2;
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        continue;
    return false;
}

static bool explain(int said, const char *command, const char *repository, struct err *err)
{
    struct buf text;
    buf_init(&text, GIT_SAID_MAX);
    ssize_t len =
        buf_reserve(&text, GIT_SAID_MAX - 1) ? pread(said, text.data, GIT_SAID_MAX - 1, 0) : -1;
    struct str words = str_trim(str_from(text.data, len > 0 ? (size_t)len : 0));
    err_set(err, ERR_REPOSITORY, "git %s in %s: %.*s", command, repository,
            (int)(words.len < 300 ? words.len : 300), words.len ? words.data : "it failed");
    buf_release(&text);
    return false;
}

bool git_run(git_repository *repository, const struct git_command *command, struct err *err)
{
    const char *folder = git_repository_workdir(repository);
    if (!folder)
        folder = git_repository_path(repository);
    const char *argv[GIT_ARGUMENTS_MAX] = {
        "git", "-C",       folder, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
        "-c",  "gc.auto=0"};
    size_t count = 9;
    for (size_t i = 0; command->arguments[i] && count + 1 < GIT_ARGUMENTS_MAX; i++)
        argv[count++] = command->arguments[i];
    const char *name = command->arguments[0];
    for (size_t i = 0; strcmp(name, "-c") == 0; i += 2) // a setting comes before the command
        name = command->arguments[i + 2];
    int in = command->in ? dup(command->in) : input_file(command->input);
    int said = memfd_create("swarmd-git", MFD_CLOEXEC), status = 0;
    pid_t pid = 0;
    int code = in >= 0 && said >= 0 ? start(&pid, command, (char *const *)argv, in, said) : errno;
    bool ok = code == 0;
    if (code == ENOENT)
        err_set(err, ERR_REPOSITORY,
                "%s has %s, for which swarmd needs the git command line, and there is no git in "
                "PATH; install it",
                folder, command->why);
    else if (!ok)
        err_set_errno(err, ERR_REPOSITORY, code, "git does not start");
    else if (!await(pid, command->progress, &status))
        ok = err_set(err, ERR_REPOSITORY, "git %s in %s was stopped", name, folder);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        ok = explain(said, name, folder, err);
    if (in >= 0)
        close(in);
    if (said >= 0)
        close(said);
    return ok;
}

// --- partial clones ---

#define PARTIAL "objects that were left away (it is a partial clone)"

// The remote that has what is missing; mem_free(), NULL when it is no partial clone.
static char *promisor(git_repository *repository)
{
    git_config *config = NULL;
    git_config_iterator *entries = NULL;
    git_config_entry *entry;
    const char *named;
    char *found = NULL;
    if (git_repository_config_snapshot(&config, repository) < 0)
        return NULL;
    if (git_config_get_string(&named, config, "extensions.partialclone") == 0)
        found = mem_dup(str_of(named));
    // Not its search by a pattern, which leaks.
    if (!found && git_config_iterator_new(&entries, config) == 0)
        while (!found && git_config_next(&entry, entries) == 0) {
            struct str name = str_of(entry->name);
            int on = 0;
            if (str_starts(name, STR("remote.")) && str_ends(name, STR(".promisor")) &&
                git_config_parse_bool(&on, entry->value) == 0 && on)
                found = mem_dup(str_from(name.data + 7, name.len - 7 - 9));
        }
    git_config_iterator_free(entries);
    git_config_free(config);
    return found;
}

bool git_fetch_trees(git_repository *repository, const char *commit,
                     struct worktree_progress *progress, struct err *err)
{
    char *remote = promisor(repository);
    const char *const arguments[] = {"ls-tree", "-r", "-t", "--name-only", commit, NULL};
    const struct git_command command = {
        .arguments = arguments, .why = PARTIAL, .progress = progress};
    bool ok = !remote || git_run(repository, &command, err);
    git_odb *objects = NULL;
    if (ok && remote && git_repository_odb(&objects, repository) == 0)
        git_odb_refresh(objects);
    git_odb_free(objects);
    mem_free(remote);
    return ok;
}

static size_t list_missing(git_odb *objects, const struct plan *plan, struct buf *out)
{
    size_t missing = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];
        git_oid id;
        memcpy(id.id, entry->id, sizeof id.id);
        if (entry->skipped || entry->mode == GIT_FILEMODE_COMMIT ||
            git_odb_exists_ext(objects, &id, GIT_ODB_LOOKUP_NO_REFRESH))
            continue;
        buf_addf(out, "%s\n", git_oid_tostr_s(&id));
        missing++;
    }
    return missing;
}

bool git_fetch_blobs(git_repository *repository, const struct plan *plan,
                     struct worktree_progress *progress, struct err *err)
{
    char *remote = promisor(repository);
    git_odb *objects = NULL;
    struct buf missing;
    bool ok = true;
    if (!remote)
        return true;
    buf_init(&missing, PLAN_MEMORY_MAX);
    if (git_repository_odb(&objects, repository) < 0)
        ok = git_fail(err, ERR_REPOSITORY, "cannot open the objects of the repository");
    // As git itself does it when it meets a missing object.
    const char *const arguments[] = {"-c",
                                     "fetch.negotiationAlgorithm=noop",
                                     "fetch",
                                     remote,
                                     "--no-tags",
                                     "--no-write-fetch-head",
                                     "--recurse-submodules=no",
                                     "--filter=blob:none",
                                     "--stdin",
                                     NULL};
    if (ok && list_missing(objects, plan, &missing) > 0)
        ok = git_run(repository,
                     &(struct git_command){.arguments = arguments,
                                           .why = PARTIAL,
                                           .input = buf_str(&missing),
                                           .progress = progress},
                     err) &&
             (git_odb_refresh(objects) == 0 ||
              git_fail(err, ERR_REPOSITORY, "cannot open what was fetched"));
    git_odb_free(objects);
    buf_release(&missing);
    mem_free(remote);
    return ok;
}
