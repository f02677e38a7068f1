// SPDX-License-Identifier: MIT
#include "transports/config_walk.h"

#include <stdio.h>

enum { NAMES_MAX = 200 };

static struct config_origin origin(const struct config_walk *walk, const yaml_node_t *node)
{
    return (struct config_origin){walk->path, (int)node->start_mark.line + 1};
}

struct str config_text(const yaml_node_t *node)
{
    return str_from((const char *)node->data.scalar.value, node->data.scalar.length);
}

const yaml_node_t *config_node(const struct config_walk *walk, int index)
{
    return yaml_document_get_node(walk->document, index);
}

static bool is_repeated(struct config_walk *walk, const yaml_node_t *mapping,
                        const yaml_node_pair_t *pair, struct str key)
{
    for (yaml_node_pair_t *at = mapping->data.mapping.pairs.start; at < pair; at++)
        if (str_equal(config_text(config_node(walk, at->key)), key))
            return true;
    return false;
}

bool config_each_entry(struct config_walk *walk, const yaml_node_t *mapping, const char *what,
                       config_entry_fn *fn, void *arg, struct err *err)
{
    struct config_origin at = origin(walk, mapping);
    if (mapping->type != YAML_MAPPING_NODE)
        return config_fail(&at, err, "%s: expected keys and values (\"key: value\")", what);
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_node(walk, pair->key);
        struct config_entry entry = {.value = config_node(walk, pair->value)};
        entry.at = origin(walk, key);
        entry.value_at = origin(walk, entry.value);
        if (key->type != YAML_SCALAR_NODE)
            return config_fail(&entry.at, err, "%s: a key must be a word", what);
        entry.key = config_text(key);
        if (is_repeated(walk, mapping, pair, entry.key))
            return config_fail(&entry.at, err, "'%.*s' is written twice", STR_ARG(entry.key));
        if (!fn(walk, &entry, arg, err))
            return false;
    }
    return true;
}

bool config_unknown_key(const struct config_entry *entry, const char *const *known, struct err *err)
{
    const char *nearest = config_nearest(entry->key, known);
    if (nearest)
        return config_fail(&entry->at, err, "unknown key '%.*s'; did you mean '%s'?",
                           STR_ARG(entry->key), nearest);
    char names[NAMES_MAX] = "";
    for (size_t len = 0; *known && len < sizeof(names); known++)
        len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "", *known);
    return config_fail(&entry->at, err, "unknown key '%.*s'; expected one of %s",
                       STR_ARG(entry->key), names);
}

bool config_scalar(const struct config_entry *entry, struct str *out, struct err *err)
{
    if (entry->value->type != YAML_SCALAR_NODE)
        return config_fail(&entry->value_at, err, "%.*s: expected a single value",
                           STR_ARG(entry->key));
    *out = config_text(entry->value);
    if (out->len && memchr(out->data, '\0', out->len))
        return config_fail(&entry->value_at, err, "%.*s: has a NUL byte", STR_ARG(entry->key));
    if (entry->value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (str_is(*out, "~") || str_is(*out, "null")))
        *out = STR("");
    return true;
}

const yaml_node_t *config_find_value(struct config_walk *walk, const yaml_node_t *mapping,
                                     const char *name)
{
    if (mapping->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = config_node(walk, pair->key);
        if (key->type == YAML_SCALAR_NODE && str_is(config_text(key), name))
            return config_node(walk, pair->value);
    }
    return NULL;
}

bool config_is_empty(const struct config_entry *entry)
{
    return entry->value->type == YAML_SCALAR_NODE && entry->value->data.scalar.length == 0;
}
