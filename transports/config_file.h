// SPDX-License-Identifier: MIT
// Reads configuration from YAML and the environment (order: docs/configuration.md).
#ifndef SWARMD_TRANSPORTS_CONFIG_FILE_H
#define SWARMD_TRANSPORTS_CONFIG_FILE_H

#include "core/config.h"
#include "core/err.h"
#include "core/str.h"

// $SWARMD_CONFIG, else $XDG_CONFIG_HOME/swarmd/config.yaml, else ~/.config/swarmd/config.yaml. A
// missing file is no error unless $SWARMD_CONFIG names it. Then the built-in providers are added
// where their key is in the environment, and a model chosen when none is configured: the first
// provider whose key is in the environment, else a configured local server that answers, else
// demo. Errors (ERR_CONFIG) read "<path>:<line>: <what is wrong and what it takes>"; unknown keys
// are errors and name the nearest known one.
bool config_load(struct config *config, struct err *err);
bool config_parse(struct config *config, const char *path, struct str yaml, struct err *err);
void config_release(struct config *config);

// A copy of environ without swarmd's credentials: every api_key_env that is configured, and the
// built-in providers' names. NULL-terminated; freed with config_free_env().
char **config_tool_env(const struct config *config);
void config_free_env(char **envp);

#endif
