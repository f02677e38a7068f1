// SPDX-License-Identifier: MIT
#include "cli/diff.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 32 << 10, ENVIRONMENT_MAX = 65536, ARGUMENTS_MAX = 16 };

struct output {
    diff_take_fn *take;
    void *arg;
};

// Ours without what would lead git elsewhere, as when we run inside a hook; and with the index.
static char **make_environment(char *index)
{
    static const char *const dropped[] = {
        "GIT_DIR=",    "GIT_WORK_TREE=",        "GIT_INDEX_FILE=",
        "GIT_PREFIX=", "GIT_OBJECT_DIRECTORY=", "GIT_EXTERNAL_DIFF="};
    size_t count = 0, kept = 0;
    while (environ[count] && count < ENVIRONMENT_MAX)
        count++;
    char **env = mem_new_array(count + 2, sizeof *env);
    for (size_t i = 0; i < count; i++) {
        bool drop = false;
        for (size_t j = 0; j < sizeof dropped / sizeof *dropped; j++)
            drop |= strncmp(environ[i], dropped[j], strlen(dropped[j])) == 0;
        if (!drop)
            env[kept++] = environ[i];
    }
    env[kept] = index;
    return env;
}

// git -C <worktree> -c ... <arguments>; stdout to `out` when it is 0 or more.
static bool start_git(pid_t *pid, const char *worktree, char **env, int out,
                      const char *const *arguments, struct err *err)
{
    // Nothing of the repository's configuration is run.
    const char *argv[ARGUMENTS_MAX] = {
        "git",       "-C", worktree, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
        "--no-pager"};
    size_t count = 8;
    while (*arguments && count < ARGUMENTS_MAX - 1)
        argv[count++] = *arguments++;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int code = posix_spawnp(pid, "git", &files, &attributes, (char *const *)argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return code == 0 || err_set_errno(err, ERR_WORKTREE, code, "cannot start git");
}

static size_t whole_lines(const char *bytes, size_t len)
{
    const char *end = memrchr(bytes, '\n', len);
    if (end)
        return (size_t)(end + 1 - bytes);
    return len < READ_SIZE ? 0 : utf8_cut(str_from(bytes, len), len - 1).len;
}

static void read_output(int fd, const struct output *output)
{
    char bytes[READ_SIZE];
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, bytes + len, sizeof bytes - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        len += (size_t)got;
        size_t whole = whole_lines(bytes, len);
        if (whole)
            output->take(output->arg, str_from(bytes, whole));
        len -= whole;
        memmove(bytes, bytes + whole, len);
    }
    if (len)
        output->take(output->arg, str_from(bytes, len));
}

static bool run_git(const char *worktree, char **env, const struct output *output,
                    const char *const *arguments, struct err *err)
{
    int pipes[2] = {-1, -1}, status = 0;
    pid_t pid;
    if (output && pipe2(pipes, O_CLOEXEC) < 0)
        return err_set_errno(err, ERR_LIMIT, errno, "cannot make a pipe");
    bool ok = start_git(&pid, worktree, env, pipes[1], arguments, err);
    if (output)
        close(pipes[1]);
    if (ok && output)
        read_output(pipes[0], output);
    if (output)
        close(pipes[0]);
    while (ok && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (ok && status != 0)
        ok = err_set(err, ERR_WORKTREE, "git %s failed in %s", arguments[0], worktree);
    return ok;
}

static bool copy_file(const char *from, int to)
{
    char bytes[READ_SIZE];
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;
    bool ok = fd >= 0 || errno == ENOENT; // no index yet is an empty one
    while (fd >= 0 && ok && (got = read(fd, bytes, sizeof bytes)) > 0)
        ok = write(to, bytes, (size_t)got) == got;
    if (fd >= 0)
        close(fd);
    return ok && got == 0;
}

static void add_to_path(void *arg, struct str piece)
{
    struct buf *path = arg;
    buf_add_str(path, piece);
}

static bool copy_index(const char *worktree, char **env, int to, struct err *err)
{
    static const char *const where[] = {"rev-parse", "--path-format=absolute", "--git-path",
                                        "index", NULL};
    struct buf path;
    buf_init(&path, READ_SIZE);
    bool ok = run_git(worktree, env, &(struct output){add_to_path, &path}, where, err);
    while (ok && path.len && path.data[path.len - 1] == '\n')
        buf_truncate(&path, path.len - 1);
    if (ok && (path.len == 0 || !copy_file(path.data, to)))
        ok = err_set_errno(err, ERR_WORKTREE, errno, "cannot copy the index of %s", worktree);
    buf_release(&path);
    return ok;
}

bool diff_read(const char *worktree, const char *base, diff_take_fn *take, void *arg,
               struct err *err)
{
    const char *temporary = getenv("TMPDIR");
    char *index =
        mem_format("%s/swarmd-index-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    int fd = mkostemp(index, O_CLOEXEC);
    if (fd < 0) {
        err_set_errno(err, ERR_STORAGE, errno, "cannot make %s", index);
        mem_free(index);
        return false;
    }
    // Adding with the intent to add later writes no objects, and shows the files in the diff.
    static const char *const add[] = {"add", "--intent-to-add", "--", ".", NULL};
    const char *const show[] = {"diff", "--no-ext-diff", "--no-textconv", base, "--", NULL};
    char *variable = mem_format("GIT_INDEX_FILE=%s", index);
    char **plain = make_environment(NULL), **with_index = make_environment(variable);
    bool ok = copy_index(worktree, plain, fd, err) &&
              run_git(worktree, with_index, NULL, add, err) &&
              run_git(worktree, with_index, &(struct output){take, arg}, show, err);
    close(fd);
    unlink(index);
    mem_free(plain);
    mem_free(with_index);
    mem_free(variable);
    mem_free(index);
    return ok;
}
