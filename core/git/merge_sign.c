// SPDX-License-Identifier: MIT
// Signatures come from the program that git itself would run: gpg, gpgsm, or ssh-keygen. It gets an
// environment of its own, without swarmd's credentials, and a time in which a person can type a
// passphrase into what gpg's agent shows. Runs on a lane, so it may wait.
#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/merge_commit.h"
#include "core/git/repository.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 256 << 10, VARIABLES_MAX = 64 };

static char *get_config(git_repository *repository, const char *key)
{
    git_config *config = NULL;
    git_buf value = GIT_BUF_INIT;
    char *found = NULL;
    if (git_repository_config_snapshot(&config, repository) == 0 &&
        git_config_get_string_buf(&value, config, key) == 0 && value.size)
        found = mem_dup(str_from(value.ptr, value.size));
    git_buf_dispose(&value);
    git_config_free(config);
    return found;
}

bool sign_is_wanted(git_repository *repository)
{
    git_config *config = NULL;
    int wanted = 0;
    if (git_repository_config_snapshot(&config, repository) == 0 &&
        git_config_get_bool(&wanted, config, "commit.gpgsign") < 0)
        wanted = 0;
    git_config_free(config);
    return wanted;
}

// --- the program ---

static const char *const passed[] = {"HOME",
                                     "PATH",
                                     "USER",
                                     "LOGNAME",
                                     "TMPDIR",
                                     "LANG",
                                     "LANGUAGE",
                                     "TERM",
                                     "GNUPGHOME",
                                     "GPG_TTY",
                                     "GPG_AGENT_INFO",
                                     "SSH_AUTH_SOCK",
                                     "SSH_AGENT_PID",
                                     "SSH_ASKPASS",
                                     "SSH_ASKPASS_REQUIRE",
                                     "DISPLAY",
                                     "WAYLAND_DISPLAY",
                                     "XAUTHORITY",
                                     "XDG_RUNTIME_DIR",
                                     "XDG_CONFIG_HOME",
                                     "DBUS_SESSION_BUS_ADDRESS",
                                     "PINENTRY_USER_DATA"};

static void fill_environment(char *envp[VARIABLES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++) {
        const char *value = getenv(passed[i]);
        if (value)
            envp[count++] = mem_format("%s=%s", passed[i], value);
    }
    const char *ctype = getenv("LC_ALL") ? getenv("LC_ALL") : getenv("LC_CTYPE");
    if (ctype)
        envp[count++] = mem_format("LC_CTYPE=%s", ctype);
    envp[count] = NULL;
}

struct child {
    pid_t pid;
    int in, out, error;
    struct buf output, said;
};

static bool start(struct child *child, const char *const argv[], struct err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, error[2] = {-1, -1};
    char *envp[VARIABLES_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    fill_environment(envp);
    int code =
        pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(error, O_CLOEXEC) == 0
            ? 0
            : errno;
    if (code == 0) {
        posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        posix_spawn_file_actions_adddup2(&actions, error[1], 2);
        code = posix_spawnp(&child->pid, argv[0], &actions, &attributes, (char *const *)argv, envp);
    }
    int theirs[] = {in[0], out[1], error[1]};
    for (int i = 0; i < 3; i++)
        if (theirs[i] >= 0)
            close(theirs[i]);
    child->in = in[1];
    child->out = out[0];
    child->error = error[0];
    for (size_t i = 0; envp[i]; i++)
        mem_free(envp[i]);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code == 0 || err_set_errno(err, ERR_REPOSITORY, code,
                                      "the commit is to be signed (commit.gpgsign), but %s does "
                                      "not start",
                                      argv[0]);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void take(int *fd, struct buf *into)
{
    char bytes[4096];
    ssize_t len = read(*fd, bytes, sizeof(bytes));
    if (len > 0)
        buf_add(into, bytes, (size_t)len);
    else if (len == 0 || errno != EINTR)
        close_fd(fd);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void feed(struct child *child, struct str *input)
{
    // SIGPIPE is ignored in the server.
    ssize_t len = input->len ? write(child->in, input->data, input->len) : 0;
    if (len > 0)
        *input = str_skip(*input, (size_t)len);
    if (input->len == 0 || (len < 0 && errno != EINTR && errno != EAGAIN))
        close_fd(&child->in);
}

// False: it took too long.
static bool talk(struct child *child, struct str input)
{
    int64_t end = now_ms() + MERGE_SIGN_MS_MAX;
    fcntl(child->in, F_SETFL, O_NONBLOCK);
    while (child->out >= 0 || child->error >= 0) {
        struct pollfd polls[] = {
            {child->in, POLLOUT, 0}, {child->out, POLLIN, 0}, {child->error, POLLIN, 0}};
        int64_t left = end - now_ms();
        if (left <= 0)
            return false;
        if (poll(polls, 3, (int)left) < 0)
            continue;
        if (polls[0].revents)
            feed(child, &input);
        if (polls[1].revents)
            take(&child->out, &child->output);
        if (polls[2].revents)
            take(&child->error, &child->said);
    }
    return true;
}

// What it wrote to stdout; mem_free(). NULL and err.
static char *run(const char *const argv[], struct str input, struct err *err)
{
    struct child child = {.in = -1, .out = -1, .error = -1};
    int status = 0;
    buf_init(&child.output, OUTPUT_MAX);
    buf_init(&child.said, OUTPUT_MAX);
    bool ok = start(&child, argv, err);
    if (ok) {
        bool in_time = talk(&child, input);
        if (!in_time)
            kill(-child.pid, SIGKILL);
        while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
            continue;
        struct str said = str_trim(buf_str(&child.said));
        if (!in_time)
            ok = err_set(err, ERR_REPOSITORY, "%s did not sign the commit within %d s", argv[0],
                         MERGE_SIGN_MS_MAX / 1000);
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            ok = err_set(err, ERR_REPOSITORY, "%s did not sign the commit: %.*s", argv[0],
                         (int)(said.len < 300 ? said.len : 300), said.data ? said.data : "");
    }
    close_fd(&child.in);
    close_fd(&child.out);
    close_fd(&child.error);
    buf_release(&child.said);
    char *output = ok ? buf_detach(&child.output, NULL) : NULL;
    buf_release(&child.output);
    return output;
}

// --- the formats ---

static char *program_of(git_repository *repository, const char *key, const char *older,
                        const char *fallback)
{
    char *program = get_config(repository, key);
    if (!program && older)
        program = get_config(repository, older);
    return program ? program : mem_dup(str_of(fallback));
}

static char *sign_gpg(git_repository *repository, const char *format, const char *key,
                      struct str payload, struct err *err)
{
    bool x509 = strcmp(format, "x509") == 0;
    char *program = x509 ? program_of(repository, "gpg.x509.program", NULL, "gpgsm")
                         : program_of(repository, "gpg.openpgp.program", "gpg.program", "gpg");
    const char *argv[] = {program, "--status-fd=2", "-bsau", key, NULL};
    char *signature = run(argv, payload, err);
    if (signature && !strstr(signature, "-----BEGIN ")) {
        mem_free(signature);
        signature = NULL;
        err_set(err, ERR_REPOSITORY, "%s ended without a signature", program);
    }
    mem_free(program);
    return signature;
}

static bool write_file(const char *path, struct str text, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len;
    if (!ok)
        err_set_errno(err, ERR_REPOSITORY, errno, "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    return ok;
}

// A file's name, or the key itself: then its private half is in the agent.
static char *sign_ssh(git_repository *repository, const char *key, struct str payload,
                      struct err *err)
{
    const char *temporary = getenv("TMPDIR");
    char *folder = mem_format("%s/swarmd-sign-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) {
        err_set_errno(err, ERR_REPOSITORY, errno, "cannot make %s", folder);
        mem_free(folder);
        return NULL;
    }
    char *program = program_of(repository, "gpg.ssh.program", NULL, "ssh-keygen");
    char *file = mem_format("%s/key", folder);
    struct str literal = str_of(key);
    bool is_literal = str_starts(literal, STR("key::"));
    if (is_literal)
        literal = str_skip(literal, sizeof("key::") - 1);
    is_literal = is_literal || str_starts(literal, STR("ssh-"));
    const char *home = getenv("HOME");
    char *expanded = key[0] == '~' && key[1] == '/' && home ? mem_format("%s%s", home, key + 1)
                                                            : mem_dup(str_of(key));
    const char *argv[] = {program,
                          "-Y",
                          "sign",
                          "-n",
                          "git",
                          "-f",
                          is_literal ? file : expanded,
                          is_literal ? "-U" : NULL,
                          NULL};
    char *signature = NULL;
    if (!is_literal || write_file(file, literal, err))
        signature = run(argv, payload, err); // without a file it signs what comes in
    mem_free(expanded);
    mem_free(file);
    mem_free(program);
    struct err ignored;
    folder_remove(folder, &ignored);
    mem_free(folder);
    return signature;
}

char *sign_make(git_repository *repository, const git_signature *committer, struct str payload,
                struct err *err)
{
    char *format = get_config(repository, "gpg.format"), *signature = NULL;
    char *key = get_config(repository, "user.signingkey");
    if (!format)
        format = mem_dup(STR("openpgp"));
    if (strcmp(format, "ssh") == 0) {
        if (key)
            signature = sign_ssh(repository, key, payload, err);
        else
            err_set(err, ERR_REPOSITORY,
                    "commits are to be signed with ssh, but git does not say "
                    "with which key: git config --global user.signingkey ...");
    } else if (strcmp(format, "openpgp") == 0 || strcmp(format, "x509") == 0) {
        if (!key)
            key = mem_format("%s <%s>", committer->name, committer->email);
        signature = sign_gpg(repository, format, key, payload, err);
    } else {
        err_set(err, ERR_REPOSITORY, "gpg.format is '%s', which swarmd does not know", format);
    }
    mem_free(format);
    mem_free(key);
    return signature;
}
