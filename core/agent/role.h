// SPDX-License-Identifier: MIT
// Roles: what the configuration says of agents by what they do.
#ifndef SWARMD_CORE_AGENT_ROLE_H
#define SWARMD_CORE_AGENT_ROLE_H

#include "core/base/err.h"
#include "core/swarm/config.h"

const struct role_config *role_find(const struct config *config, struct str name); // or NULL

// Without any role configured, a role is a free word. Else one that there is none of is ERR_PARAMS,
// which names those there are.
bool role_check(const struct config *config, struct str name, struct err *err);

#endif
