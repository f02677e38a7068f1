// SPDX-License-Identifier: MIT
// Rules in files, and the roles: one file each, in the folder roles beside the configuration file.
#include "core/agent/usage.h"
#include "core/base/mem.h"
#include "transports/config_walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64, PROMPT_MAX = 64 << 10, NUMBER_MAX = 999999999 };

// --- rules ---

struct rule_list {
    struct rules *rules;
    enum rule_effect effect;
    enum rule_source source;
};

static bool add_rule(void *arg, const struct config_origin *at, struct str text, struct err *err)
{
    struct rule_list *list = arg;
    struct err why;
    return rules_add(list->rules, list->effect, list->source, text, &why) ||
           config_fail(at, err, "%s: %s", rule_effect_name(list->effect), why.message);
}

static bool set_rules_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                          struct err *err)
{
    static const char *const known[] = {"allow", "ask", "deny", NULL};
    struct rule_list *list = arg;
    if (!rule_effect_from_name(entry->key, &list->effect))
        return config_unknown_key(entry, known, err);
    return config_each_text(walk, entry, add_rule, list, err);
}

bool config_read_rules(struct config_walk *walk, const struct config_entry *entry,
                       struct rules *rules, enum rule_source source, struct err *err)
{
    struct rule_list list = {.rules = rules, .source = source};
    if (entry->value->type == YAML_SCALAR_NODE && entry->value->data.scalar.length == 0)
        return true;
    return config_each_entry(walk, entry->value, "permissions", set_rules_key, &list, err);
}

// --- one role ---

static bool set_number(int64_t *out, const struct config_entry *entry, struct str value,
                       struct err *err)
{
    int number = 0;
    char *key = mem_dup(entry->key);
    bool ok = config_set_int(&number, &entry->value_at, key, value, 0, NUMBER_MAX, err);
    mem_free(key);
    *out = number;
    return ok;
}

static bool set_cost(int64_t *out, const struct config_entry *entry, struct str value,
                     struct err *err)
{
    char *text = mem_dup(value), *end = text;
    double dollars = strtod(text, &end);
    bool ok = value.len > 0 && *end == 0 && dollars >= 0 && dollars <= USAGE_DOLLARS_MAX;
    *out = ok ? (int64_t)(dollars * 1e9 + 0.5) : 0;
    mem_free(text);
    return ok || config_fail(&entry->value_at, err, "cost_usd: expected a number of at least 0");
}

static bool set_limits_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                           struct err *err)
{
    static const char *const known[] = {"steps", "tokens", "seconds", "cost_usd", NULL};
    struct role_config *role = arg;
    struct str value = STR_NONE;
    (void)walk;
    if (!config_scalar(entry, &value, err))
        return false;
    if (str_is(entry->key, "steps"))
        return set_number(&role->steps, entry, value, err);
    if (str_is(entry->key, "tokens"))
        return set_number(&role->tokens, entry, value, err);
    if (str_is(entry->key, "seconds"))
        return set_number(&role->seconds, entry, value, err);
    if (str_is(entry->key, "cost_usd"))
        return set_cost(&role->cost, entry, value, err);
    return config_unknown_key(entry, known, err);
}

static bool is_variable(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

static bool add_variable(void *arg, const struct config_origin *at, struct str name,
                         struct err *err)
{
    struct role_config *role = arg;
    if (!is_variable(name)) // it may be a value: it is not shown
        return config_fail(at, err, "environment: expected names of variables");
    if (role->environment_count == CONFIG_ROLE_ENVIRONMENT_MAX)
        return config_fail(at, err, "environment: there are more than %d",
                           (int)CONFIG_ROLE_ENVIRONMENT_MAX);
    role->environment[role->environment_count++] = mem_dup(name);
    return true;
}

// Through the checks of the configuration file's own keys.
static bool set_checked(char **out, const struct config_entry *entry, struct str value, bool mode,
                        struct err *err)
{
    struct config checked = {0};
    bool ok = mode ? config_set_mode(&checked, &entry->value_at, value, err)
                   : config_set_model(&checked, &entry->value_at, value, err);
    *out = mode ? checked.mode : checked.model;
    return ok;
}

static bool set_role_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                         struct err *err)
{
    static const char *const known[] = {"model",       "mode",          "prompt",
                                        "permissions", "limits",        "environment",
                                        "outputs",     "summary_model", NULL};
    struct role_config *role = arg;
    struct str value = STR_NONE;
    if (str_is(entry->key, "permissions"))
        return config_read_rules(walk, entry, &role->permissions, RULE_ROLE, err);
    if (str_is(entry->key, "limits"))
        return config_each_entry(walk, entry->value, "limits", set_limits_key, role, err);
    if (str_is(entry->key, "outputs"))
        return config_read_outputs(walk, entry, &role->outputs, err);
    if (str_is(entry->key, "summary_model"))
        return config_set_summary_model(&role->summary_model, entry, err);
    if (str_is(entry->key, "environment"))
        return config_each_text(walk, entry, add_variable, role, err);
    bool mode = str_is(entry->key, "mode"), model = str_is(entry->key, "model");
    if (!mode && !model && !str_is(entry->key, "prompt"))
        return config_unknown_key(entry, known, err);
    if (!config_scalar(entry, &value, err))
        return false;
    if (mode || model)
        return set_checked(mode ? &role->mode : &role->model, entry, value, mode, err);
    if (value.len > PROMPT_MAX)
        return config_fail(&entry->value_at, err, "prompt: at most %d bytes", PROMPT_MAX);
    role->prompt = value.len ? mem_dup(value) : NULL;
    return true;
}

static bool is_role_name(struct str name)
{
    bool ok = name.len > 0 && name.len <= NAME_MAX_BYTES;
    for (size_t i = 0; ok && i < name.len; i++) {
        char c = name.data[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             (i > 0 && strchr("-_.", c));
    }
    return ok;
}

static bool read_role(struct config *config, const char *folder, const char *file, struct err *err)
{
    struct str name = str_from(file, strlen(file) - 5);
    char *path = mem_format("%s/%s", folder, file);
    struct config_origin at = {path, 0};
    struct buf text;
    buf_init(&text, CONFIG_FILE_MAX);
    bool ok = true;
    if (!is_role_name(name))
        ok = config_fail(&at, err,
                         "a role's name takes letters, digits, '-', '_' and '.' (at "
                         "most 64)");
    else if (config->role_count == CONFIG_ROLES_MAX)
        ok = config_fail(&at, err, "there are more than %d roles", (int)CONFIG_ROLES_MAX);
    else
        ok = config_read_file(path, true, &text, err);
    if (ok) {
        struct role_config *role = &config->roles[config->role_count++];
        struct config_walk walk = {.config = config, .path = path};
        role->name = mem_dup(name);
        ok = config_each_key(&walk, buf_str(&text), set_role_key, role, err);
    }
    buf_release(&text);
    mem_free(path);
    return ok;
}

// --- all of them ---

static int is_yaml(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(str_of(entry->d_name), STR(".yaml"));
}

bool config_read_roles(struct config *config, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return true;
    char *folder = mem_format("%.*s/roles", (int)(slash - path), path);
    struct dirent **files = NULL;
    int count = scandir(folder, &files, is_yaml, alphasort);
    bool ok = count >= 0 || errno == ENOENT || errno == ENOTDIR;
    if (!ok)
        err_set_errno(err, ERR_CONFIG, errno, "%s", folder);
    if (count > 0)
        config->roles = mem_new_array(CONFIG_ROLES_MAX, sizeof(*config->roles));
    for (int i = 0; i < count; i++) {
        ok = ok && read_role(config, folder, files[i]->d_name, err);
        free(files[i]);
    }
    free(files);
    mem_free(folder);
    return ok;
}

bool config_check_roles(const struct config *config, struct err *err)
{
    for (size_t i = 0; i < config->role_count; i++) {
        const struct role_config *role = &config->roles[i];
        struct str model = str_of(role->model);
        if (!role->model)
            continue;
        model.len = (size_t)str_find(model, STR("/"));
        if (!config_provider(config, model))
            return err_set(err, ERR_CONFIG, "roles/%s.yaml: model: no provider is called '%.*s'",
                           role->name, STR_ARG(model));
    }
    return true;
}

void config_release_roles(struct config *config)
{
    for (size_t i = 0; i < config->role_count; i++) {
        struct role_config *role = &config->roles[i];
        mem_free(role->name);
        mem_free(role->model);
        mem_free(role->mode);
        mem_free(role->prompt);
        mem_free(role->summary_model);
        config_release_outputs(&role->outputs);
        rules_release(&role->permissions);
        config_free_env(role->envp);
        for (size_t k = 0; k < role->environment_count; k++)
            mem_free(role->environment[k]);
    }
    mem_free(config->roles);
    config->roles = NULL;
    config->role_count = 0;
}
