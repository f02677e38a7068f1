// SPDX-License-Identifier: MIT
// The value of `merge`: how agents' work is brought into branches.
#include "core/base/mem.h"
#include "transports/config_walk.h"

#include <string.h>

static bool set_author(struct config *config, const struct config_entry *entry, struct str value,
                       struct err *err)
{
    const char *open = value.len ? memchr(value.data, '<', value.len) : NULL;
    bool named = open && str_trim(str_from(value.data, (size_t)(open - value.data))).len;
    bool closed = value.len && value.data[value.len - 1] == '>' &&
                  memchr(value.data, '>', value.len) == value.data + value.len - 1;
    bool address = named && closed && open + 1 < value.data + value.len - 1 &&
                   !memchr(open + 1, '<', value.len - (size_t)(open + 1 - value.data)) &&
                   !memchr(value.data, '\n', value.len);
    if (!address)
        return config_fail(&entry->value_at, err,
                           "merge.author: expected a name and an address, as in \"Ada Lovelace "
                           "<ada@example.org>\"");
    mem_free(config->merge_author);
    config->merge_author = mem_dup(value);
    return true;
}

static bool set_strategy(struct config *config, const struct config_entry *entry, struct str value,
                         struct err *err)
{
    if (!str_is(value, "merge") && !str_is(value, "squash") && !str_is(value, "rebase") &&
        !str_is(value, "ff"))
        return config_fail(&entry->value_at, err,
                           "merge.strategy: expected merge, squash, rebase or ff, not '%.*s'",
                           (int)(value.len < 80 ? value.len : 80), value.data ? value.data : "");
    mem_free(config->merge_strategy);
    config->merge_strategy = mem_dup(value);
    return true;
}

static bool set_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                    struct err *err)
{
    static const char *const known[] = {"author", "co_author", "strategy", NULL};
    struct str value;
    (void)arg;
    if (!str_is(entry->key, "author") && !str_is(entry->key, "co_author") &&
        !str_is(entry->key, "strategy"))
        return config_unknown_key(entry, known, err);
    if (!config_scalar(entry, &value, err))
        return false;
    if (str_is(entry->key, "co_author"))
        return config_set_bool(&walk->config->merge_co_author, &entry->value_at, "merge.co_author",
                               value, err);
    if (str_is(entry->key, "author"))
        return set_author(walk->config, entry, value, err);
    return set_strategy(walk->config, entry, value, err);
}

bool config_read_merge(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    return config_each_entry(walk, entry->value, "merge", set_key, NULL, err);
}
