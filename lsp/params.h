// SPDX-License-Identifier: MIT
// Parameters of requests. Every error is ERR_PARAMS and names the field and what it takes.
#ifndef SWARMD_LSP_PARAMS_H
#define SWARMD_LSP_PARAMS_H

#include "core/agent/agent.h"
#include "core/base/json.h"
#include "core/swarm/swarm.h"

#include <stdbool.h>

// A string that must be there and not empty.
bool params_need_str(const struct json *params, const char *key, struct str *out, struct err *err);

// An optional string out of a closed list, NULL-terminated. *out is an index, untouched when
// absent.
bool params_get_choice(const struct json *params, const char *key, const char *const *choices,
                       int *out, struct err *err);

// An optional integer within bounds.
bool params_get_int(const struct json *params, const char *key, int64_t min, int64_t max,
                    int64_t *out, struct err *err);

// An optional amount of dollars, as nano-dollars.
bool params_get_dollars(const struct json *params, const char *key, int64_t *nano, struct err *err);

// {steps, tokens, seconds, costUsd}, each optional; what is absent stays as it is. Steps and
// seconds are of a turn, tokens and dollars of the agent.
bool params_get_limits(const struct json *params, const char *key, struct agent_limits *turn,
                       struct budget *agent, struct err *err);

// The agent that agentId names, by any unique prefix.
bool params_need_agent(struct swarm *swarm, const struct json *params, struct agent **out,
                       struct err *err);

#endif
