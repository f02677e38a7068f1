// SPDX-License-Identifier: MIT
// The file's layout.
#include "core/base/mem.h"
#include "transports/config_walk.h"

#include <stdio.h>
#include <yaml.h>

static bool is_one_of(struct str key, const char *const *known)
{
    for (; *known; known++)
        if (str_is(key, *known))
            return true;
    return false;
}

static bool set_provider_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                             struct err *err)
{
    static const char *const known[] = {
        "kind", "base_url", "api_key_env", "api_key_file", "api_key_command", "concurrency", NULL};
    struct provider_config *provider = arg;
    struct str value;
    (void)walk;
    if (str_is(entry->key, "api_key")) // the value may be a key: not looked at
        return config_fail(&entry->at, err,
                           "keys are not kept in this file: put the key into an environment "
                           "variable and write its name as api_key_env, or write api_key_command "
                           "or api_key_file");
    if (!is_one_of(entry->key, known))
        return config_unknown_key(entry, known, err);
    if (!config_scalar(entry, &value, err))
        return false;
    if (str_is(entry->key, "kind"))
        return config_set_kind(provider, &entry->value_at, value, err);
    if (str_is(entry->key, "base_url"))
        return config_set_base_url(provider, &entry->value_at, value, err);
    if (str_is(entry->key, "api_key_command"))
        return config_set_key_command(provider, &entry->value_at, value, err);
    if (str_is(entry->key, "api_key_file"))
        return config_set_key_file(provider, &entry->value_at, value, err);
    if (str_is(entry->key, "concurrency"))
        return config_set_concurrency(provider, &entry->value_at, value, err);
    return config_set_key_env(provider, &entry->value_at, value, err);
}

static bool is_provider_name(struct str name)
{
    bool ok = name.len > 0 && name.len <= 64;
    for (size_t i = 0; ok && i < name.len; i++) {
        char c = name.data[i];
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
             (i > 0 && (c == '-' || c == '_' || c == '.'));
    }
    return ok;
}

static bool check_provider(const struct provider_config *provider, const struct config_entry *entry,
                           struct err *err)
{
    if (provider->kind != PROVIDER_DEMO && !provider->base_url)
        return config_fail(&entry->at, err, "providers.%s: base_url is missing, as in %s",
                           provider->name, config_kind_example(provider->kind));
    if (provider->kind == PROVIDER_DEMO && provider->base_url)
        return config_fail(&entry->at, err, "providers.%s: demo takes no base_url", provider->name);
    if (!!provider->api_key_env + !!provider->api_key_command + !!provider->api_key_file > 1)
        return config_fail(&entry->at, err,
                           "providers.%s: give one of api_key_env, api_key_command and "
                           "api_key_file",
                           provider->name);
    return true;
}

// A built-in name brings its values along, but not those that another kind has no use for.
static void begin_provider(struct config_walk *walk, struct provider_config *provider,
                           const struct config_entry *entry)
{
    const struct builtin_provider *builtin = builtin_provider(entry->key);
    const yaml_node_t *kind = config_find_value(walk, entry->value, "kind");
    struct provider_config wanted = {0};
    struct err ignored;
    *provider = (struct provider_config){.name = mem_dup(entry->key)};
    if (!builtin)
        return;
    provider->kind = builtin->kind;
    if (kind && kind->type == YAML_SCALAR_NODE &&
        (!config_set_kind(&wanted, &entry->value_at, config_text(kind), &ignored) ||
         !config_same_server(wanted.kind, builtin->kind)))
        return;
    if (builtin->base_url)
        provider->base_url = mem_dup(str_of(builtin->base_url));
    bool other_key = config_find_value(walk, entry->value, "api_key_command") ||
                     config_find_value(walk, entry->value, "api_key_file");
    if (builtin->api_key_env && !other_key)
        provider->api_key_env = mem_dup(str_of(builtin_key_env(builtin)));
}

static bool add_provider(struct config_walk *walk, const struct config_entry *entry, void *arg,
                         struct err *err)
{
    struct config *config = walk->config;
    (void)arg;
    if (!is_provider_name(entry->key))
        return config_fail(&entry->at, err,
                           "providers: a name takes small letters, digits, '-', '_' and '.' "
                           "(at most 64), not '%.*s'",
                           (int)(entry->key.len < 80 ? entry->key.len : 80), entry->key.data);
    size_t builtins;
    builtin_providers(&builtins); // there is always room for these
    if (config->provider_count == CONFIG_PROVIDERS_MAX - builtins)
        return config_fail(&entry->at, err, "providers: there are more than %d",
                           (int)(CONFIG_PROVIDERS_MAX - builtins));
    struct provider_config *provider = &config->providers[config->provider_count++];
    begin_provider(walk, provider, entry);
    if (!config_each_entry(walk, entry->value, "provider", set_provider_key, provider, err))
        return false;
    if (!builtin_provider(entry->key) && !config_find_value(walk, entry->value, "kind"))
        return config_fail(&entry->at, err,
                           "providers.%s: kind is missing, as in kind: openai-chat",
                           provider->name);
    return check_provider(provider, entry, err);
}

// --- the keys at the top ---

static bool read_providers(struct config_walk *walk, const struct config_entry *entry,
                           struct err *err)
{
    return config_is_empty(entry) ||
           config_each_entry(walk, entry->value, "providers", add_provider, NULL, err);
}

static bool read_pool(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    return config_each_entry(walk, entry->value, "worktree_pool", config_set_pool_key, NULL, err);
}

static bool read_retry(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    return config_each_entry(walk, entry->value, "retry", config_set_retry_key, NULL, err);
}

static bool read_permissions(struct config_walk *walk, const struct config_entry *entry,
                             struct err *err)
{
    return config_read_rules(walk, entry, &walk->config->permissions, RULE_USER, err);
}

static bool read_outputs(struct config_walk *walk, const struct config_entry *entry,
                         struct err *err)
{
    return config_read_outputs(walk, entry, &walk->config->outputs, err);
}

static bool read_summary_model(struct config_walk *walk, const struct config_entry *entry,
                               struct err *err)
{
    return config_set_summary_model(&walk->config->summary_model, entry, err);
}

static bool read_model(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    struct str value = {0};
    if (!config_scalar(entry, &value, err))
        return false;
    *walk->model_at = entry->value_at;
    return config_set_model(walk->config, &entry->value_at, value, err);
}

static bool read_mode(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    struct str value = {0};
    return config_scalar(entry, &value, err) &&
           config_set_mode(walk->config, &entry->value_at, value, err);
}

static bool read_detach(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    struct str value = {0};
    return config_scalar(entry, &value, err) &&
           config_set_bool(&walk->config->detach, &entry->value_at, "detach", value, err);
}

static const struct top_key {
    const char *name;
    bool (*read)(struct config_walk *walk, const struct config_entry *entry, struct err *err);
    // Without it, a whole number:
    size_t offset; // in struct config
    int min, max;
} top_keys[] = {
    {"model", .read = read_model},
    {"mode", .read = read_mode},
    {"max_active", .offset = offsetof(struct config, max_active), .min = 1,
     .max = CONFIG_ACTIVE_MAX},
    {"step_limit", .offset = offsetof(struct config, step_limit), .min = 1,
     .max = CONFIG_STEPS_MAX},
    {"context_percent", .offset = offsetof(struct config, context_percent), .min = 20, .max = 95},
    {"outputs", .read = read_outputs},
    {"summary_model", .read = read_summary_model},
    {"turn_idle_seconds", .offset = offsetof(struct config, turn_idle_s), .min = 1,
     .max = CONFIG_SECONDS_MAX},
    {"turn_seconds", .offset = offsetof(struct config, turn_s), .min = 0,
     .max = CONFIG_SECONDS_MAX},
    {"stall_seconds", .offset = offsetof(struct config, stall_s), .min = 1,
     .max = CONFIG_SECONDS_MAX},
    {"providers", .read = read_providers},
    {"detach", .read = read_detach},
    {"idle_seconds", .offset = offsetof(struct config, idle_s), .min = 0,
     .max = CONFIG_SECONDS_MAX},
    {"sandbox", .read = config_read_sandbox},
    {"merge", .read = config_read_merge},
    {"retry", .read = read_retry},
    {"quota_probe_seconds", .offset = offsetof(struct config, quota_probe_s), .min = 1,
     .max = CONFIG_SECONDS_MAX},
    {"models", .read = config_read_models},
    {"budgets", .read = config_read_budgets},
    {"fallback", .read = config_read_fallback},
    {"permissions", .read = read_permissions},
    {"worktree_pool", .read = read_pool},
    {"repositories", .read = config_read_repositories},
};

enum { TOP_KEYS = sizeof(top_keys) / sizeof(*top_keys) };

static bool set_number(struct config_walk *walk, const struct config_entry *entry,
                       const struct top_key *key, struct err *err)
{
    struct str value = {0};
    int *number = (int *)((char *)walk->config + key->offset);
    return config_scalar(entry, &value, err) &&
           config_set_int(number, &entry->value_at, key->name, value, key->min, key->max, err);
}

static bool set_top_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                        struct err *err)
{
    const char *names[TOP_KEYS + 1] = {NULL};
    (void)arg;
    for (size_t i = 0; i < TOP_KEYS; i++) {
        const struct top_key *key = &top_keys[i];
        names[i] = key->name;
        if (str_is(entry->key, key->name))
            return key->read ? key->read(walk, entry, err) : set_number(walk, entry, key, err);
    }
    return config_unknown_key(entry, names, err);
}

bool config_read_yaml(struct config *config, const char *path, struct str yaml,
                      struct config_origin *model_at, struct err *err)
{
    struct config_walk walk = {.config = config, .path = path, .model_at = model_at};
    return config_each_key(&walk, yaml, set_top_key, NULL, err);
}
