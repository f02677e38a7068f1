// SPDX-License-Identifier: MIT
// Reads configuration from YAML and the environment (the users' page: docs/configuration.md).
//
// config_yaml.c walks the file, config_default.c has what holds without one, config_file.c puts
// file, environment and defaults together, config_env.c makes the commands' environment.
#ifndef SWARMD_TRANSPORTS_CONFIG_FILE_H
#define SWARMD_TRANSPORTS_CONFIG_FILE_H

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/swarm/config.h"

enum {
    CONFIG_FILE_MAX = 1 << 20,
    CONFIG_ACTIVE_MAX = 1000,
    CONFIG_SECONDS_MAX = 30 * 24 * 3600,
    CONFIG_STEPS_MAX = 100000,
    CONFIG_CONCURRENCY_MAX = 1000,
    CONFIG_RETRY_MS_MAX = 600000,
};

// $SWARMD_CONFIG, else $XDG_CONFIG_HOME/swarmd/config.yaml, else ~/.config/swarmd/config.yaml. A
// missing file is no error unless $SWARMD_CONFIG names it. The environment's SWARMD_MODEL,
// SWARMD_MODE and SWARMD_MAX_ACTIVE override the file; the built-in providers follow those of the
// file, which override them by name. Without a model: the default one of the first built-in
// provider whose key is in the environment, else what a server on this machine has (`local`;
// 0.1 s at most, microseconds where there is none), else demo. Errors (ERR_CONFIG) read
// "<path>:<line>: <what is wrong and what it takes>"; unknown keys are errors and name the
// nearest known one. On failure nothing is left to release.
bool config_load(struct config *config, struct err *err);

// The same of a text: no file, and of the environment only the keys' presence. path is for
// messages.
bool config_parse(struct config *config, const char *path, struct str yaml, struct err *err);
void config_release(struct config *config);

const struct provider_config *config_provider(const struct config *config, struct str name);

// "openai, openrouter, local, demo": for messages. Cut to size.
void config_provider_names(const struct config *config, char *out, size_t size);

// A copy of environ without swarmd's credentials: every api_key_env that is configured, and the
// keys of the providers that are built in now or later. NULL-terminated; freed with
// config_free_env().
char **config_tool_env(const struct config *config);

// Moves the same credentials out of the memory that the kernel shows others as
// /proc/<pid>/environ. Once, before threads start; getenv() goes on to find them.
void config_hide_credentials(const struct config *config);
void config_free_env(char **envp);

// The environment of the commands of each role that names variables. Before credentials are hidden.
void config_make_role_env(struct config *config);

#endif
