// SPDX-License-Identifier: MIT
// What the file says of worktrees.
#include "transports/config_walk.h"

enum { POOL_MAX = 1000, POOL_MB_MAX = 1 << 20 };

bool config_set_pool_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                         struct err *err)
{
    static const char *const known[] = {"count", "mb", NULL};
    struct str value;
    (void)arg;
    bool count = str_is(entry->key, known[0]);
    if (!count && !str_is(entry->key, known[1]))
        return config_unknown_key(entry, known, err);
    return config_scalar(entry, &value, err) &&
           config_set_int(count ? &walk->config->pool_count : &walk->config->pool_mb,
                          &entry->value_at, count ? known[0] : known[1], value, count ? 0 : 1,
                          count ? POOL_MAX : POOL_MB_MAX, err);
}
