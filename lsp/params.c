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

static bool get_limits(const struct json *limits, struct agent_limits *out, struct err *err)
{
    if (!params_get_int(limits, "steps", 0, INT64_MAX, &out->steps, err) ||
        !params_get_int(limits, "tokens", 0, INT64_MAX, &out->tokens, err) ||
        !params_get_int(limits, "seconds", 0, INT64_MAX / 1000, &out->seconds, err) ||
        !json_get_real(limits, "costUsd", &out->cost_usd, err))
        return false;
    if (!(out->cost_usd >= 0))
        return err_set(err, ERR_PARAMS, "costUsd: expected a number of at least 0");
    return true;
}

bool params_get_limits(const struct json *params, const char *key, struct agent_limits *out,
                       struct err *err)
{
    const struct json *limits = NULL;
    if (!json_get_object(params, key, &limits, err))
        return false;
    return !limits || get_limits(limits, out, err) || err_wrap(err, "%s", key);
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
