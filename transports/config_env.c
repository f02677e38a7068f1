// SPDX-License-Identifier: MIT
// The environment of agents' commands: what the sandbox passes of the user's, without what is only
// swarmd's.
#include "core/base/mem.h"
#include "transports/config_internal.h"

#include <unistd.h>

static bool is_variable(const char *entry, const char *name)
{
    size_t len = strlen(name);
    return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool is_credential(const struct config *config, const char *entry)
{
    static const char *const always[] = {"OPENAI_API_KEY",
                                         "OPENROUTER_API_KEY",
                                         "ANTHROPIC_API_KEY",
                                         "ANTHROPIC_AUTH_TOKEN",
                                         "GEMINI_API_KEY",
                                         "GOOGLE_API_KEY",
                                         NULL};
    for (const char *const *name = always; *name; name++)
        if (is_variable(entry, *name))
            return true;
    for (size_t i = 0; i < config->provider_count; i++)
        if (config->providers[i].api_key_env &&
            is_variable(entry, config->providers[i].api_key_env))
            return true;
    return false;
}

static bool role_passes(const struct role_config *role, const char *entry)
{
    for (size_t i = 0; role && i < role->environment_count; i++)
        if (is_variable(entry, role->environment[i]))
            return true;
    return false;
}

static char **make_env(const struct config *config, const struct role_config *role)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **envp = mem_new_array(count + 1, sizeof(*envp));
    for (size_t i = 0; i < count; i++)
        if (!is_credential(config, environ[i]) &&
            (sandbox_passes(&config->sandbox, environ[i]) || role_passes(role, environ[i])))
            envp[kept++] = mem_dup(str_of(environ[i]));
    return envp;
}

char **config_tool_env(const struct config *config)
{
    return make_env(config, NULL);
}

void config_make_role_env(struct config *config)
{
    for (size_t i = 0; i < config->role_count; i++)
        if (config->roles[i].environment_count && !config->roles[i].envp)
            config->roles[i].envp = make_env(config, &config->roles[i]);
}

void config_hide_credentials(const struct config *config)
{
    for (char **entry = environ; *entry; entry++) {
        if (!is_credential(config, *entry))
            continue;
        char *shown = *entry;
        *entry = mem_dup(str_of(shown)); // getenv() finds it here from now on
        explicit_bzero(shown, strlen(shown));
    }
}

void config_free_env(char **envp)
{
    for (char **entry = envp; entry && *entry; entry++)
        mem_free(*entry);
    mem_free(envp);
}
