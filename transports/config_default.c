// SPDX-License-Identifier: MIT
// What holds without a configuration file.
#include "core/base/mem.h"
#include "transports/config_internal.h"

#include <stdlib.h>

static const struct builtin_provider builtins[] = {
    {"anthropic", PROVIDER_ANTHROPIC, "https://api.anthropic.com", "ANTHROPIC_API_KEY",
     "claude-sonnet-5", NULL},
    {"openai", PROVIDER_OPENAI_CHAT, "https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-5.1",
     NULL},
    {"gemini", PROVIDER_GEMINI, "https://generativelanguage.googleapis.com", "GEMINI_API_KEY",
     "gemini-3.8-flash", "GOOGLE_API_KEY"},
    {"openrouter", PROVIDER_OPENAI_CHAT, "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY",
     "anthropic/claude-sonnet-4.5", NULL},
    {"local", PROVIDER_OPENAI_CHAT, "http://127.0.0.1:11434/v1", NULL, NULL, NULL},
    {"demo", PROVIDER_DEMO, NULL, NULL, "tour", NULL},
};

const struct builtin_provider *builtin_providers(size_t *count)
{
    *count = sizeof(builtins) / sizeof(*builtins);
    return builtins;
}

const struct builtin_provider *builtin_provider(struct str name)
{
    size_t count;
    const struct builtin_provider *all = builtin_providers(&count);
    for (size_t i = 0; i < count; i++)
        if (str_is(name, all[i].name))
            return &all[i];
    return NULL;
}

static bool is_set(const char *variable)
{
    const char *value = variable ? getenv(variable) : NULL;
    return value && *value;
}

const char *builtin_key_env(const struct builtin_provider *builtin)
{
    bool other = !is_set(builtin->api_key_env) && is_set(builtin->other_key_env);
    return other ? builtin->other_key_env : builtin->api_key_env;
}

void config_set_defaults(struct config *config)
{
    *config = (struct config){
        .mode = mem_dup(STR("ask")),
        .log_level = LOG_INFO,
        .max_active = 16,
        .step_limit = 100,
        .context_percent = 85,
        .turn_idle_s = 600,
        .stall_s = 120,
        .retry_first_ms = 500,
        .retry_max_ms = 30000,
        .quota_probe_s = 300,
        .pool_count = 2,
        .pool_mb = 512,
        .idle_s = 600,
        .merge_co_author = true,
    };
    sandbox_policy_set_defaults(&config->sandbox);
}

static char *dup_or_null(const char *s)
{
    return s ? mem_dup(str_of(s)) : NULL;
}

void config_add_builtins(struct config *config)
{
    size_t count;
    const struct builtin_provider *all = builtin_providers(&count);
    for (size_t i = 0; i < count && config->provider_count < CONFIG_PROVIDERS_MAX; i++) {
        if (config_provider(config, str_of(all[i].name)))
            continue;
        config->providers[config->provider_count++] = (struct provider_config){
            .name = mem_dup(str_of(all[i].name)),
            .kind = all[i].kind,
            .base_url = dup_or_null(all[i].base_url),
            .api_key_env = dup_or_null(builtin_key_env(&all[i])),
        };
    }
    for (size_t i = 0; i < config->provider_count; i++) {
        struct provider_config *provider = &config->providers[i];
        const struct builtin_provider *builtin = builtin_provider(str_of(provider->name));
        if (builtin && config_same_server(provider->kind, builtin->kind))
            provider->default_model = builtin->model;
    }
}

static bool has_key(const struct provider_config *provider)
{
    return provider->kind == PROVIDER_DEMO || provider->api_key_command || provider->api_key_file ||
           is_set(provider->api_key_env);
}

// NULL: there is nothing to use it with.
static char *default_model(const struct provider_config *provider, const char *model)
{
    if (model)
        return has_key(provider) ? mem_dup(str_of(model)) : NULL;
    return provider->api_key_env ? NULL : config_local_model(provider);
}

void config_choose_model(struct config *config)
{
    size_t count;
    const struct builtin_provider *all = builtin_providers(&count);
    for (size_t i = 0; i < count && !config->model; i++) {
        const struct provider_config *provider = config_provider(config, str_of(all[i].name));
        char *model = default_model(provider, all[i].model);
        if (model)
            config->model = mem_format("%s/%s", all[i].name, model);
        mem_free(model);
    }
    if (!config->model) // the file has given the demo's name to something else
        config->model = mem_dup(STR("demo/tour"));
}
