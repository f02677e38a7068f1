// SPDX-License-Identifier: MIT
#include "lsp/params.h"

#include <stdio.h>

bool params_need_str(const struct json *params, const char *key, struct str *out, struct err *err)
{
    struct str value = STR_NONE;
    if (!json_get_str(params, key, &value, err))
        return false;
    if (str_trim(value).len == 0)
        return err_set(err, ERR_PARAMS, "%s: expected a string that is not empty", key);
    *out = value;
    return true;
}

bool params_get_choice(const struct json *params, const char *key, const char *const *choices,
                       int *out, struct err *err)
{
    struct str value = STR_NONE;
    if (!json_get_str(params, key, &value, err))
        return false;
    if (!value.data)
        return true;
    for (int i = 0; choices[i]; i++) {
        if (str_is(value, choices[i])) {
            *out = i;
            return true;
        }
    }
    char list[200] = "";
    size_t len = 0;
    for (int i = 0; choices[i] && len + strlen(choices[i]) + 5 < sizeof(list); i++)
        len +=
            (size_t)snprintf(list + len, sizeof(list) - len, "%s\"%s\"", i ? ", " : "", choices[i]);
    return err_set(err, ERR_PARAMS, "%s: expected one of %s", key, list);
}

bool params_get_int(const struct json *params, const char *key, int64_t min, int64_t max,
                    int64_t *out, struct err *err)
{
    int64_t value = *out;
    if (!json_get_int(params, key, &value, err))
        return false;
    const struct json *member = json_get(params, key);
    if (member && member->type != JSON_NULL && (value < min || value > max)) {
        if (max == INT64_MAX)
            return err_set(err, ERR_PARAMS, "%s: expected an integer of at least %lld", key,
                           (long long)min);
        return err_set(err, ERR_PARAMS, "%s: expected an integer from %lld to %lld", key,
                       (long long)min, (long long)max);
    }
    *out = value;
    return true;
}

bool params_get_dollars(const struct json *params, const char *key, int64_t *nano, struct err *err)
{
    double dollars = (double)*nano / 1e9;
    const struct json *member = json_get(params, key);
    if (!member || member->type == JSON_NULL)
        return true;
    if (!json_get_real(params, key, &dollars, err))
        return false;
    if (!(dollars >= 0 && dollars <= USAGE_DOLLARS_MAX))
        return err_set(err, ERR_PARAMS, "%s: expected a number from 0 to %d", key,
                       USAGE_DOLLARS_MAX);
    *nano = (int64_t)(dollars * 1e9 + 0.5);
    return true;
}

static bool get_limits(const struct json *limits, struct agent_limits *turn, struct budget *agent,
                       struct err *err)
{
    return params_get_int(limits, "steps", 0, INT64_MAX, &turn->steps, err) &&
           params_get_int(limits, "tokens", 0, INT64_MAX, &agent->most[BUDGET_TOKENS], err) &&
           params_get_int(limits, "seconds", 0, INT64_MAX / 1000, &turn->seconds, err) &&
           params_get_dollars(limits, "costUsd", &agent->most[BUDGET_COST], err);
}

bool params_get_limits(const struct json *params, const char *key, struct agent_limits *turn,
                       struct budget *agent, struct err *err)
{
    const struct json *limits = NULL;
    if (!json_get_object(params, key, &limits, err))
        return false;
    return !limits || get_limits(limits, turn, agent, err) || err_wrap(err, "%s", key);
}

bool params_need_agent(struct swarm *swarm, const struct json *params, struct agent **out,
                       struct err *err)
{
    struct str id = STR_NONE;
    if (!params_need_str(params, "agentId", &id, err))
        return false;
    *out = swarm_find(swarm, id, err);
    return *out != NULL;
}
