// SPDX-License-Identifier: MIT
// What the walls cost a command: `sh -c 'echo hi'` by itself, through swarmd-exec, with all walls,
// with each left out, and in bubblewrap where it is installed. They take turns, so that whatever
// disturbs one disturbs all. Wall time as a median with the quartiles, and CPU time with that of
// the helper in it.
//
//     bench_sandbox PATH_OF_SWARMD_EXEC [COMMANDS]
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/permission/sandbox.h"
#include "transports/process.h"
#include "transports/spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS = 200, COMMANDS_MAX = 10000, VARIANTS = 8 };

extern char **environ;

struct variant {
    const char *name;
    bool helper, sandboxed; // otherwise started by itself
    struct sandbox_policy policy;
    struct buf description;
    const char *const *argv;
    double *walls;
    double cpu;
};

struct bench {
    char *helper;
    char folder[PATH_MAX], state[PATH_MAX], worktree[PATH_MAX];
    struct variant variants[VARIANTS];
    int count, commands;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "bench_sandbox: %s\n", what);
    exit(1);
}

// --- one command

static double wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

static pid_t start_alone(const struct variant *variant, int *out)
{
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        give_up("no pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (posix_spawnp(&pid, variant->argv[0], &actions, NULL, (char *const *)variant->argv,
                     environ) != 0)
        give_up("cannot start a command");
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *out = ends[0];
    return pid;
}

static pid_t start(const struct bench *bench, struct variant *variant, int *out, int *reports)
{
    struct spawned spawned;
    struct err err = {0};
    struct process_spec spec = {.argv = variant->argv,
                                .envp = (const char *const *)environ,
                                .cwd = bench->worktree,
                                .sandbox = buf_str(&variant->description)};
    *reports = -1;
    if (!variant->helper)
        return start_alone(variant, out);
    if (!spawn_helper(bench->helper, &spec, &spawned, &err))
        give_up(err.message);
    *out = spawned.out;
    *reports = spawned.reports;
    return spawned.pid;
}

static void run_command(const struct bench *bench, struct variant *variant, int sample)
{
    char bytes[64];
    int out, reports, status;
    double cpu = cpu_ms(), begun = wall_ms();
    pid_t pid = start(bench, variant, &out, &reports);
    size_t len = 0;
    ssize_t got;
    while (len < sizeof bytes && (got = read(out, bytes + len, sizeof bytes - len)) > 0)
        len += (size_t)got;
    if (waitpid(pid, &status, 0) != pid || status != 0 || len != 3)
        give_up(variant->name);
    variant->walls[sample] = wall_ms() - begun;
    variant->cpu += cpu_ms() - cpu;
    close(out);
    if (reports >= 0)
        close(reports);
}

// --- the variants

static const char *const command[] = {"sh", "-c", "echo hi", NULL};

static struct variant *add(struct bench *bench, const char *name)
{
    struct variant *variant = &bench->variants[bench->count++];
    variant->name = name;
    variant->argv = command;
    variant->helper = variant->sandboxed = true;
    sandbox_policy_set_defaults(&variant->policy);
    return variant;
}

static void add_all(struct bench *bench)
{
    static const char *const bubblewrap[] = {
        "bwrap",         "--ro-bind",     "/",    "/",      "--dev", "/dev",    "--proc",
        "/proc",         "--tmpfs",       "/tmp", "--bind", "/mnt",  "/mnt",    "--unshare-pid",
        "--unshare-ipc", "--new-session", "--",   "sh",     "-c",    "echo hi", NULL};
    add(bench, "by itself")->helper = false;
    add(bench, "through swarmd-exec, no walls")->sandboxed = false;
    add(bench, "all walls");
    add(bench, "without seccomp")->policy.without_seccomp = true;
    add(bench, "without Landlock")->policy.without_landlock = true;
    add(bench, "Landlock and seccomp alone")->policy.without_namespaces = true;
    add(bench, "all walls, network off")->policy.network = SANDBOX_NETWORK_OFF;
    if (system("bwrap --ro-bind / / true 2>/dev/null") != 0)
        return; // not there, or not allowed here
    struct variant *peer = add(bench, "bubblewrap, mounts and processes only");
    peer->helper = false;
    peer->argv = bubblewrap;
}

static void describe(struct bench *bench, struct variant *variant)
{
    struct sandbox_place place = {.state_folder = bench->state,
                                  .agent_id = "a",
                                  .worktree = bench->worktree,
                                  .repository = bench->folder,
                                  .isolated = true};
    const char *home = getenv("HOME");
    variant->policy.home = home ? mem_dup(str_of(home)) : NULL;
    buf_init(&variant->description, SANDBOX_SPEC_MAX);
    if (variant->helper && variant->sandboxed)
        sandbox_describe(&variant->description, &variant->policy, &place);
    variant->walls = mem_new_array((size_t)bench->commands, sizeof *variant->walls);
}

// As swarmd lays them out. Not in /tmp, of which commands have their own.
static void make_folders(struct bench *bench)
{
    static const char *const parts[] = {"/worktrees/a/.", "/git/a/objects/info/.", "/tmp/.",
                                        "/output/a/."};
    const char *home = getenv("HOME");
    char path[PATH_MAX + 32];
    struct err err = {0};
    snprintf(bench->folder, sizeof bench->folder, "%.4000s/.swarmd-bench-XXXXXX", home ? home : "");
    if (!mkdtemp(bench->folder))
        give_up("no folder can be made in the home folder");
    snprintf(bench->state, sizeof bench->state, "%.4050s/state", bench->folder);
    snprintf(bench->worktree, sizeof bench->worktree, "%.4060s/worktrees/a", bench->state);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", bench->state, parts[i]);
        if (!folder_make_parents(path, &err))
            give_up(err.message);
    }
}

// --- figures

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const struct bench *bench, const struct variant *variant)
{
    int count = bench->commands;
    qsort(variant->walls, (size_t)count, sizeof *variant->walls, by_value);
    printf("%-40s %8.2f ms  (%.2f..%.2f)  CPU %.2f ms\n", variant->name, variant->walls[count / 2],
           variant->walls[count / 4], variant->walls[count * 3 / 4], variant->cpu / count);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct err err = {0};
    int commands = argc > 2 ? atoi(argv[2]) : COMMANDS;
    if (argc < 2 || commands < 1 || commands > COMMANDS_MAX)
        give_up("use: bench_sandbox PATH_OF_SWARMD_EXEC [COMMANDS]");
    bench.helper = realpath(argv[1], NULL);
    if (!bench.helper)
        give_up("there is no such swarmd-exec");
    bench.commands = commands;
    make_folders(&bench);
    add_all(&bench);
    for (int i = 0; i < bench.count; i++)
        describe(&bench, &bench.variants[i]);
    for (int sample = 0; sample < commands; sample++)
        for (int i = 0; i < bench.count; i++)
            run_command(&bench, &bench.variants[i], sample);
    for (int i = 0; i < bench.count; i++) {
        print(&bench, &bench.variants[i]);
        mem_free(bench.variants[i].walls);
        buf_release(&bench.variants[i].description);
        sandbox_policy_release(&bench.variants[i].policy);
    }
    free(bench.helper);
    return folder_remove(bench.folder, &err) ? 0 : 1;
}
