// SPDX-License-Identifier: MIT
// The value of `outputs`, of the file and of roles: how much of a tool's output its model is shown.
#include "core/base/mem.h"
#include "core/tools/tool.h"
#include "transports/config_walk.h"

#include <limits.h>

struct size_key {
    const char *name;
    size_t offset; // in struct output_sizes
    int min, max;
};

static const struct size_key keys[] = {
    {"whole", offsetof(struct output_sizes, whole), 500, TOOL_SHOWN_MAX},
    {"cut", offsetof(struct output_sizes, cut), 500, 1000000000},
    {"summary", offsetof(struct output_sizes, summary), 500, TOOL_SHOWN_MAX},
    {"read", offsetof(struct output_sizes, read), 10000, 100000000},
};

// False: it is no size.
static bool set_size(struct output_sizes *sizes, const struct config_entry *entry, bool *known,
                     struct err *err)
{
    *known = false;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        struct str value;
        int *out = (int *)((char *)sizes + keys[i].offset);
        if (!str_is(entry->key, keys[i].name))
            continue;
        *known = true;
        if (!config_scalar(entry, &value, err))
            return false;
        if (str_is(value, "off") && str_is(entry->key, "summary")) {
            *out = OUTPUT_OFF;
            return true;
        }
        return config_set_int(out, &entry->value_at, keys[i].name, value, keys[i].min, keys[i].max,
                              err);
    }
    return true;
}

static bool set_tool_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                         struct err *err)
{
    static const char *const names[] = {"whole", "cut", "summary", "read", NULL};
    bool known;
    (void)walk;
    if (!set_size(arg, entry, &known, err))
        return false;
    return known || config_unknown_key(entry, names, err);
}

static bool add_tool(struct config_walk *walk, const struct config_entry *entry, void *arg,
                     struct err *err)
{
    struct output_config *config = arg;
    const char *names[OUTPUT_TOOLS_MAX + 1] = {0};
    size_t count;
    const struct tool *const *tools = tool_all(&count);
    for (size_t i = 0; i < count && i < OUTPUT_TOOLS_MAX; i++)
        names[i] = tools[i]->schema.name;
    if (!tool_find(entry->key))
        return config_unknown_key(entry, names, err);
    size_t at = config->tool_count++; // a name is written once, and there are fewer than there is
                                      // room for
    config->tools[at] = mem_dup(entry->key);
    return config_is_empty(entry) || config_each_entry(walk, entry->value, "outputs.tools",
                                                       set_tool_key, &config->by_tool[at], err);
}

static bool set_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                    struct err *err)
{
    static const char *const names[] = {"whole", "cut", "summary", "read", "tools", NULL};
    struct output_config *config = arg;
    bool known;
    if (str_is(entry->key, "tools"))
        return config_is_empty(entry) ||
               config_each_entry(walk, entry->value, "outputs.tools", add_tool, config, err);
    if (!set_size(&config->general, entry, &known, err))
        return false;
    return known || config_unknown_key(entry, names, err);
}

bool config_read_outputs(struct config_walk *walk, const struct config_entry *entry,
                         struct output_config *outputs, struct err *err)
{
    return config_is_empty(entry) ||
           config_each_entry(walk, entry->value, "outputs", set_key, outputs, err);
}

bool config_set_summary_model(char **model, const struct config_entry *entry, struct err *err)
{
    struct str value;
    if (!config_scalar(entry, &value, err))
        return false;
    long slash = str_find(value, STR("/"));
    if (slash <= 0 || (size_t)slash + 1 == value.len)
        return config_fail(&entry->value_at, err,
                           "summary_model: expected provider/model, as in "
                           "anthropic/claude-haiku-4-5, not '%.*s'",
                           (int)(value.len < 80 ? value.len : 80), value.data ? value.data : "");
    *model = mem_dup(value);
    return true;
}

static bool is_configured(const struct config *config, const char *model, const char *where,
                          struct err *err)
{
    struct str provider = str_of(model);
    if (!model)
        return true;
    provider.len = (size_t)str_find(provider, STR("/"));
    return config_provider(config, provider) ||
           err_set(err, ERR_CONFIG, "%s: summary_model: no provider is called '%.*s'", where,
                   STR_ARG(provider));
}

bool config_check_summary_models(const struct config *config, struct err *err)
{
    bool ok = is_configured(config, config->summary_model, "the configuration", err);
    for (size_t i = 0; ok && i < config->role_count; i++) {
        char *where = mem_format("roles/%s.yaml", config->roles[i].name);
        ok = is_configured(config, config->roles[i].summary_model, where, err);
        mem_free(where);
    }
    return ok;
}

void config_release_outputs(struct output_config *outputs)
{
    for (size_t i = 0; i < outputs->tool_count; i++)
        mem_free(outputs->tools[i]);
    outputs->tool_count = 0;
}
