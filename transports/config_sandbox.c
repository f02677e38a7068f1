// SPDX-License-Identifier: MIT
// `sandbox` of the configuration file.
#include "core/base/mem.h"
#include "transports/config_walk.h"

#include <stdio.h>

enum { MEGABYTES_MAX = 1 << 24, COUNT_MAX = 1 << 20, ABI_MAX = 1000 };

struct list_key {
    const char *name;
    size_t offset; // in struct sandbox_policy
    bool paths;
};

static const struct list_key lists[] = {
    {"writable", offsetof(struct sandbox_policy, writable), true},
    {"hidden", offsetof(struct sandbox_policy, hidden), true},
    {"readable", offsetof(struct sandbox_policy, readable), true},
    {"environment", offsetof(struct sandbox_policy, environment), false},
};

struct number_key {
    const char *name;
    size_t offset;
    int max;
};

static const struct number_key numbers[] = {
    {"memory_mb", offsetof(struct sandbox_policy, memory_mb), MEGABYTES_MAX},
    {"processes", offsetof(struct sandbox_policy, processes), COUNT_MAX},
    {"cpu_seconds", offsetof(struct sandbox_policy, cpu_seconds), CONFIG_SECONDS_MAX},
    {"file_mb", offsetof(struct sandbox_policy, file_mb), MEGABYTES_MAX},
    {"disk_free_mb", offsetof(struct sandbox_policy, disk_free_mb), MEGABYTES_MAX},
    {"open_files", offsetof(struct sandbox_policy, open_files), COUNT_MAX},
    {"landlock_abi", offsetof(struct sandbox_policy, landlock_abi), ABI_MAX},
};

struct bool_key {
    const char *name;
    size_t offset;
    bool inverted;
};

static const struct bool_key switches[] = {
    {"enabled", offsetof(struct sandbox_policy, off), true},
    {"unix_sockets", offsetof(struct sandbox_policy, unix_sockets), false},
    {"ptrace", offsetof(struct sandbox_policy, ptrace), false},
    {"namespaces", offsetof(struct sandbox_policy, without_namespaces), true},
    {"landlock", offsetof(struct sandbox_policy, without_landlock), true},
    {"seccomp", offsetof(struct sandbox_policy, without_seccomp), true},
    {"cgroup", offsetof(struct sandbox_policy, without_cgroup), true},
};

static const char *const known[] = {"disk_free_mb", "enabled",     "writable",     "hidden",
                                    "readable",     "environment", "network",      "memory_mb",
                                    "processes",    "file_mb",     "open_files",   "unix_sockets",
                                    "ptrace",       "cpu_seconds", "namespaces",   "seccomp",
                                    "cgroup",       "landlock",    "landlock_abi", NULL};

// --- lists ---

static bool check_item(const struct config_entry *entry, bool paths, struct str item,
                       struct err *err)
{
    bool absolute = item.len > 0 && item.data[0] == '/';
    bool in_home =
        str_is(item, "~") || (item.len > 1 && item.data[0] == '~' && item.data[1] == '/');
    if (item.len == 0 || memchr(item.data, '\0', item.len))
        return config_fail(&entry->value_at, err, "sandbox.%.*s: an entry is empty",
                           STR_ARG(entry->key));
    if (!paths && str_is(entry->key, "environment") && sandbox_is_secret(item))
        return config_fail(&entry->value_at, err,
                           "sandbox.environment: '%.*s' sounds like a secret, which every agent "
                           "would get; give it to a role (`environment` in roles/NAME.yaml)",
                           (int)(item.len < 80 ? item.len : 80), item.data);
    if (paths && !absolute && !in_home)
        return config_fail(&entry->value_at, err,
                           "sandbox.%.*s: a path begins with '/' or '~/', not '%.*s'",
                           STR_ARG(entry->key), (int)(item.len < 80 ? item.len : 80), item.data);
    return true;
}

// A slash at the end would hide from the comparison of paths which is in which.
static struct str without_slashes(struct str path)
{
    while (path.len > 1 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static bool read_list(struct config_walk *walk, const struct config_entry *entry, bool paths,
                      struct sandbox_list *list, struct err *err)
{
    const yaml_node_t *node = entry->value;
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
        return true; // the key alone: an empty list
    if (node->type != YAML_SEQUENCE_NODE)
        return config_fail(&entry->value_at, err, "sandbox.%.*s: expected a list, as in [a, b]",
                           STR_ARG(entry->key));
    for (yaml_node_item_t *at = node->data.sequence.items.start; at < node->data.sequence.items.top;
         at++) {
        const yaml_node_t *item = yaml_document_get_node(walk->document, *at);
        if (item->type != YAML_SCALAR_NODE)
            return config_fail(&entry->value_at, err, "sandbox.%.*s: an entry is no single value",
                               STR_ARG(entry->key));
        struct str text = paths ? without_slashes(config_text(item)) : config_text(item);
        if (!check_item(entry, paths, text, err))
            return false;
        if (!sandbox_list_add(list, text))
            return config_fail(&entry->value_at, err, "sandbox.%.*s: more than %d entries",
                               STR_ARG(entry->key), (int)SANDBOX_LIST_MAX);
    }
    return true;
}

static bool set_network(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    struct sandbox_policy *policy = &walk->config->sandbox;
    struct str value;
    if (entry->value->type == YAML_SEQUENCE_NODE) {
        policy->network = SANDBOX_NETWORK_HOSTS;
        return read_list(walk, entry, false, &policy->hosts, err);
    }
    if (!config_scalar(entry, &value, err))
        return false;
    if (str_is(value, "on") || str_is(value, "true"))
        policy->network = SANDBOX_NETWORK_ON;
    else if (str_is(value, "off") || str_is(value, "false"))
        policy->network = SANDBOX_NETWORK_OFF;
    else
        return config_fail(&entry->value_at, err,
                           "sandbox.network: expected on, off or a list of hosts, not '%.*s'",
                           (int)(value.len < 80 ? value.len : 80), value.data);
    return true;
}

// --- all ---

static bool set_single(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    char *policy = (char *)&walk->config->sandbox, name[64];
    struct str value;
    if (!config_scalar(entry, &value, err))
        return false;
    snprintf(name, sizeof name, "sandbox.%.*s", STR_ARG(entry->key));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (str_is(entry->key, numbers[i].name))
            return config_set_int((int *)(policy + numbers[i].offset), &entry->value_at, name,
                                  value, 0, numbers[i].max, err);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        bool *out = (bool *)(policy + switches[i].offset);
        if (!str_is(entry->key, switches[i].name))
            continue;
        if (!config_set_bool(out, &entry->value_at, name, value, err))
            return false;
        *out = *out != switches[i].inverted;
        return true;
    }
    return config_unknown_key(entry, known, err);
}

static bool set_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                    struct err *err)
{
    struct sandbox_policy *policy = &walk->config->sandbox;
    (void)arg;
    if (str_is(entry->key, "network"))
        return set_network(walk, entry, err);
    if (str_is(entry->key, "writable"))
        policy->own_writable = true;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (str_is(entry->key, lists[i].name))
            return read_list(walk, entry, lists[i].paths,
                             (struct sandbox_list *)((char *)policy + lists[i].offset), err);
    bool is_known = false;
    for (const char *const *name = known; *name; name++)
        is_known = is_known || str_is(entry->key, *name);
    return is_known ? set_single(walk, entry, err) : config_unknown_key(entry, known, err);
}

bool config_read_sandbox(struct config_walk *walk, const struct config_entry *entry,
                         struct err *err)
{
    if (entry->value->type == YAML_SCALAR_NODE && entry->value->data.scalar.length == 0)
        return true;
    return config_each_entry(walk, entry->value, "sandbox", set_key, NULL, err);
}
