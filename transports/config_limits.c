// SPDX-License-Identifier: MIT
// How many requests at once, and how failed ones are made again.
#include "transports/config_walk.h"

bool config_set_concurrency(struct provider_config *provider, const struct config_origin *at,
                            struct str value, struct err *err)
{
    struct err ignored;
    if (str_is(value, "adaptive"))
        provider->concurrency = CONCURRENCY_ADAPTIVE;
    else if (str_is(value, "off"))
        provider->concurrency = CONCURRENCY_OFF;
    else if (!config_set_int(&provider->concurrency, at, "concurrency", value, 1,
                             CONFIG_CONCURRENCY_MAX, &ignored))
        return config_fail(at, err,
                           "concurrency: expected adaptive, off, or a whole number from 1 to %d, "
                           "not '%.*s'",
                           CONFIG_CONCURRENCY_MAX, (int)(value.len < 80 ? value.len : 80),
                           value.len ? value.data : "");
    return true;
}

bool config_set_retry_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                          struct err *err)
{
    static const char *const known[] = {"first_ms", "max_ms", NULL};
    struct str value;
    (void)arg;
    bool first = str_is(entry->key, known[0]);
    if (!first && !str_is(entry->key, known[1]))
        return config_unknown_key(entry, known, err);
    return config_scalar(entry, &value, err) &&
           config_set_int(first ? &walk->config->retry_first_ms : &walk->config->retry_max_ms,
                          &entry->value_at, first ? known[0] : known[1], value, 1,
                          CONFIG_RETRY_MS_MAX, err);
}
