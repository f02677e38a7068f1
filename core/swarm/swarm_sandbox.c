// SPDX-License-Identifier: MIT
// Which walls of the sandbox this system has: asked once, with a command that does nothing, when
// the first agent gets a place. Where one is missing, each agent says so before it runs anything,
// and swarm/stats does.
#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_NO_SANDBOX = 125, SAID_MAX = 400 };

struct sandbox_probe {
    struct swarm *swarm; // NULL: it is gone
    bool ended;
    char *weak; // or NULL
    struct buf said;
};

static const char *missing(const struct swarm *swarm)
{
    return swarm->probe ? swarm->probe->weak : NULL;
}

void sandbox_greet(struct agent *agent)
{
    const struct swarm *swarm = agent->swarm;
    if (swarm->setup.config->sandbox.off)
        event_notice(agent, "warning",
                     "Commands are not sandboxed, as the configuration says: what this agent runs "
                     "with bash can reach everything that you can.");
    else if (missing(swarm))
        event_notice(agent, "warning", "The sandbox of commands is weak on this system: %s.",
                     missing(swarm));
}

static void on_output(void *arg, struct str bytes)
{
    struct sandbox_probe *probe = arg;
    buf_add_str(&probe->said, bytes);
}

static void probe_free(struct sandbox_probe *probe)
{
    mem_free(probe->weak);
    buf_release(&probe->said);
    mem_free(probe);
}

static void on_ended(void *arg, const struct process_end *end, const struct err *err)
{
    struct sandbox_probe *probe = arg;
    struct swarm *swarm = probe->swarm;
    probe->ended = true;
    if (!swarm) {
        probe_free(probe);
        return;
    }
    if (end->weak)
        probe->weak = mem_dup(str_of(end->weak));
    else if (err->kind != ERR_NONE)
        probe->weak = mem_format("no command can be run: %s", err->message);
    else if (end->exit_code == EXIT_NO_SANDBOX)
        probe->weak =
            mem_format("no command is run: %.*s", STR_ARG(str_trim(buf_str(&probe->said))));
    if (probe->weak)
        log_line(swarm->setup.log, LOG_WARNING, NULL, "sandbox: %s", probe->weak);
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        if (agent->greeted && agent->turn && probe->weak)
            sandbox_greet(agent);
    }
    swarm_close_check(swarm);
}

void sandbox_probe(struct swarm *swarm)
{
    static const struct process_sink sink = {on_output, on_ended};
    static const char *const argv[] = {"true", NULL};
    const struct ports *ports = swarm->setup.ports;
    const struct sandbox_policy *policy = &swarm->setup.config->sandbox;
    if (swarm->probe || policy->off)
        return;
    struct buf description;
    buf_init(&description, SANDBOX_SPEC_MAX);
    sandbox_describe(&description, policy, NULL);
    swarm->probe = mem_new(sizeof(*swarm->probe));
    swarm->probe->swarm = swarm;
    buf_init(&swarm->probe->said, SAID_MAX);
    struct process_spec spec = {
        .argv = argv,
        .envp = swarm->setup.tool_envp,
        .cwd = "/",
        .sandbox = buf_str(&description),
    };
    ports->ops->process_start(ports->ctx, &spec, &sink, swarm->probe);
    buf_release(&description);
}

static bool in_git(const struct agent *agent, const char *name, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/.git/%s", agent->worktree, name) < PATH_MAX;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_git_folder(const struct agent *agent)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/.git", agent->worktree) < (int)sizeof path &&
           is_folder(path);
}

bool sandbox_guard_repository(struct agent *agent)
{
    static const char *const made[] = {"hooks", "info", "modules", "worktrees", "objects/info"};
    char path[PATH_MAX];
    struct stat st;
    if (agent->isolated || agent->swarm->setup.config->sandbox.off)
        return true;
    if (!has_git_folder(agent) || !in_git(agent, "objects", path) || !is_folder(path))
        return false;
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (in_git(agent, made[i], path))
            mkdir(path, 0755);
    agent->config_worktree = in_git(agent, "config.worktree", path) && lstat(path, &st) == 0;
    for (const char *const *name = sandbox_git_kept; *name; name++)
        if (in_git(agent, *name, path) && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
            return false;
    return true;
}

static void remove_planted(struct agent *agent, const char *path)
{
    if (unlink(path) == 0)
        event_notice(agent, "warning",
                     "A command made %s, by which git would read another configuration. It "
                     "was removed.",
                     path);
}

// The rest of an agent's own git directory is put back by the import, on another thread.
static void clean_own(struct agent *agent)
{
    char *git = agent_git_folder(agent), *path = mem_format("%s/commondir", git);
    remove_planted(agent, path);
    mem_free(path);
    mem_free(git);
}

void sandbox_clean_repository(struct agent *agent)
{
    static const char *const planted[] = {"commondir", "config.worktree"};
    char path[PATH_MAX];
    if (agent->swarm->setup.config->sandbox.off)
        return;
    if (agent->isolated) {
        clean_own(agent);
        return;
    }
    // Where there are no mounts, a link may be in the place of .git by now.
    for (int i = 0; has_git_folder(agent) && i < (agent->config_worktree ? 1 : 2); i++)
        if (in_git(agent, planted[i], path))
            remove_planted(agent, path);
}

bool sandbox_probe_runs(const struct swarm *swarm)
{
    return swarm->probe && !swarm->probe->ended;
}

void sandbox_probe_forget(struct swarm *swarm)
{
    if (!swarm->probe)
        return;
    swarm->probe->swarm = NULL;
    if (swarm->probe->ended)
        probe_free(swarm->probe);
}

const char *swarm_sandbox(const struct swarm *swarm, const char **weak)
{
    *weak = missing(swarm);
    if (swarm->setup.config->sandbox.off)
        return "off";
    if (!swarm->probe || !swarm->probe->ended)
        return "unknown";
    return *weak ? "weak" : "on";
}
