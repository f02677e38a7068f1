// SPDX-License-Identifier: MIT
#include "core/permission/sandbox.h"

#include "core/base/mem.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const char *const sandbox_git_kept[] = {"config",  "config.worktree", "hooks",        "info",
                                        "modules", "worktrees",       "objects/info", NULL};
static const char *const in_git_folder[] = {"config",      "hooks",        "info",
                                            "packed-refs", "objects/info", NULL};

void sandbox_policy_set_defaults(struct sandbox_policy *policy)
{
    *policy = (struct sandbox_policy){
        .memory_mb = 8192,
        .processes = 2048,
        .cpu_seconds = 0,
        .file_mb = 4096,
        .open_files = 65536,
        .disk_free_mb = 512,
    };
}

bool sandbox_list_add(struct sandbox_list *list, struct str item)
{
    if (list->count == SANDBOX_LIST_MAX)
        return false;
    list->items[list->count++] = mem_dup(item);
    return true;
}

static void list_release(struct sandbox_list *list)
{
    while (list->count > 0)
        mem_free(list->items[--list->count]);
}

void sandbox_policy_release(struct sandbox_policy *policy)
{
    list_release(&policy->writable);
    list_release(&policy->hidden);
    list_release(&policy->readable);
    list_release(&policy->environment);
    list_release(&policy->hosts);
    mem_free(policy->home);
    mem_free(policy->config_file);
    *policy = (struct sandbox_policy){0};
}

// --- the description ---

static void put(struct buf *out, const char *key, const char *value)
{
    buf_addf(out, "%s=%s", key, value);
    buf_add_char(out, '\0');
}

static void put_number(struct buf *out, const char *key, int64_t number)
{
    char text[24];
    if (number <= 0)
        return;
    snprintf(text, sizeof text, "%" PRId64, number);
    put(out, key, text);
}

// "~/" needs a home folder; an entry that has none is left out.
static void put_path(struct buf *out, const char *key, const struct sandbox_policy *policy,
                     const char *path)
{
    char text[PATH_MAX];
    if (path[0] == '/')
        put(out, key, path);
    else if (path[0] == '~' && policy->home &&
             snprintf(text, sizeof text, "%s%s", policy->home, path + 1) < (int)sizeof text)
        put(out, key, text);
}

static void put_inside(struct buf *out, const char *key, const char *folder, const char *name)
{
    char text[PATH_MAX];
    if (snprintf(text, sizeof text, "%s/%s", folder, name) < (int)sizeof text)
        put(out, key, text);
}

static bool is_shown(const struct sandbox_policy *policy, const char *path)
{
    for (size_t i = 0; i < policy->readable.count; i++)
        if (strcmp(policy->readable.items[i], path) == 0)
            return true;
    return false;
}

static void put_caches(struct buf *out, const struct sandbox_policy *policy)
{
    for (const char *const *path = sandbox_caches; *path && !policy->own_writable; path++)
        put_path(out, SANDBOX_WRITE, policy, *path);
    for (size_t i = 0; i < policy->writable.count; i++)
        put_path(out, SANDBOX_WRITE, policy, policy->writable.items[i]);
}

static void put_hidden(struct buf *out, const struct sandbox_policy *policy)
{
    for (const char *const *path = sandbox_hidden; *path; path++)
        if (!is_shown(policy, *path))
            put_path(out, SANDBOX_HIDE, policy, *path);
    for (size_t i = 0; i < policy->hidden.count; i++)
        put_path(out, SANDBOX_HIDE, policy, policy->hidden.items[i]);
    for (const char *const *path = sandbox_shown; *path; path++)
        put_path(out, SANDBOX_READ, policy, *path);
    if (policy->config_file)
        put_path(out, SANDBOX_HIDE, policy, policy->config_file);
}

// In /tmp and the like, where the command sees folders of its own.
static bool is_replaced(const char *path)
{
    static const char *const replaced[] = {"/tmp/", "/var/tmp/", "/run/", "/dev/", NULL};
    for (const char *const *at = replaced; *at; at++)
        if (strncmp(path, *at, strlen(*at)) == 0)
            return true;
    return false;
}

// What is writable in there is a mount of its own, so that no folder with something read-only in it
// can be renamed and another put in its place.
static void put_repository(struct buf *out, const struct sandbox_place *place)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/.git", place->worktree) >= (int)sizeof path)
        return;
    put(out, place->git_writable ? SANDBOX_WRITE : SANDBOX_READ, path);
    if (!place->git_writable)
        return;
    put_inside(out, SANDBOX_WRITE, path, "objects");
    for (const char *const *name = sandbox_git_kept; *name; name++)
        put_inside(out, SANDBOX_READ, path, *name);
}

static void put_place(struct buf *out, const struct sandbox_place *place)
{
    char path[PATH_MAX];
    put(out, SANDBOX_HIDE, place->state_folder);
    if (place->isolated) {
        put(out, SANDBOX_READ, place->repository);
        put_inside(out, SANDBOX_READ, place->worktree, ".git");
    }
    put(out, SANDBOX_WRITE, place->worktree);
    if (!place->isolated)
        put_repository(out, place);
    snprintf(path, sizeof path, "%s/git/%s", place->state_folder, place->agent_id);
    put(out, SANDBOX_WRITE, path);
    put_inside(out, SANDBOX_WRITE, path, "objects");
    for (const char *const *name = in_git_folder; *name; name++)
        put_inside(out, SANDBOX_READ, path, *name);
    snprintf(path, sizeof path, "%s/output/%s", place->state_folder, place->agent_id);
    put(out, SANDBOX_READ, path);
    snprintf(path, sizeof path, "%s/tmp/%s", place->state_folder, place->agent_id);
    put(out, SANDBOX_TMP, path);
}

static void put_limits(struct buf *out, const struct sandbox_policy *policy)
{
    put_number(out, SANDBOX_MEMORY, (int64_t)policy->memory_mb << 20);
    put_number(out, SANDBOX_PROCESSES, policy->processes);
    put_number(out, SANDBOX_CPU, policy->cpu_seconds);
    put_number(out, SANDBOX_FILE, (int64_t)policy->file_mb << 20);
    put_number(out, SANDBOX_DISK, (int64_t)policy->disk_free_mb << 20);
    put_number(out, SANDBOX_FILES, policy->open_files);
}

static void put_walls(struct buf *out, const struct sandbox_policy *policy)
{
    static const char *const networks[] = {"on", "off", "proxy"};
    put(out, SANDBOX_NETWORK, networks[policy->network]);
    if (policy->unix_sockets)
        put(out, SANDBOX_ALLOW, "unix-sockets");
    if (policy->ptrace)
        put(out, SANDBOX_ALLOW, "ptrace");
    if (policy->without_namespaces)
        put(out, SANDBOX_WITHOUT, "namespaces");
    if (policy->without_landlock)
        put(out, SANDBOX_WITHOUT, "landlock");
    if (policy->without_seccomp)
        put(out, SANDBOX_WITHOUT, "seccomp");
    if (policy->without_cgroup)
        put(out, SANDBOX_WITHOUT, "cgroup");
    put_number(out, SANDBOX_ABI, policy->landlock_abi);
}

void sandbox_describe(struct buf *out, const struct sandbox_policy *policy,
                      const struct sandbox_place *place)
{
    if (policy->off)
        return;
    if (policy->home && is_replaced(policy->home))
        put(out, SANDBOX_READ, policy->home);
    put_caches(out, policy);
    put_hidden(out, policy);
    if (place)
        put_place(out, place);
    put_limits(out, policy);
    put_walls(out, policy);
}
