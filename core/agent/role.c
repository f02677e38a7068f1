// SPDX-License-Identifier: MIT
#include "core/agent/role.h"

#include <stdio.h>

const struct role_config *role_find(const struct config *config, struct str name)
{
    for (size_t i = 0; i < config->role_count; i++) {
        if (name.len && str_is(name, config->roles[i].name))
            return &config->roles[i];
    }
    return NULL;
}

bool role_check(const struct config *config, struct str name, struct err *err)
{
    char names[300] = "";
    size_t len = 0;
    if (name.len == 0 || config->role_count == 0 || role_find(config, name))
        return true;
    for (size_t i = 0; i < config->role_count && len < sizeof(names); i++)
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
                                config->roles[i].name);
    return err_set(err, ERR_PARAMS, "role: there is no role '%.*s'; there are %s", STR_ARG(name),
                   names);
}
