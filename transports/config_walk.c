// SPDX-License-Identifier: MIT
#include "transports/config_walk.h"

#include <stdio.h>

enum { NAMES_MAX = 400 };

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

bool config_each_text(struct config_walk *walk, const struct config_entry *entry,
                      config_text_fn *fn, void *arg, struct err *err)
{
    const yaml_node_t *list = entry->value;
    if (list->type == YAML_SCALAR_NODE && list->data.scalar.length == 0)
        return true; // everything below is commented out
    if (list->type != YAML_SEQUENCE_NODE)
        return config_fail(&entry->value_at, err, "%.*s: expected a list, as in [a, b]",
                           STR_ARG(entry->key));
    for (yaml_node_item_t *item = list->data.sequence.items.start;
         item < list->data.sequence.items.top; item++) {
        const yaml_node_t *node = config_node(walk, *item);
        struct config_origin at = origin(walk, node);
        if (node->type != YAML_SCALAR_NODE)
            return config_fail(&at, err, "%.*s: expected a list of words", STR_ARG(entry->key));
        if (!fn(arg, &at, config_text(node), err))
            return false;
    }
    return true;
}

static bool bad_syntax(const yaml_parser_t *parser, const char *path, struct err *err)
{
    struct config_origin at = {path, (int)parser->problem_mark.line + 1};
    return config_fail(&at, err, "%s%s%s", parser->problem ? parser->problem : "not YAML",
                       parser->context ? " " : "", parser->context ? parser->context : "");
}

static bool only_one_document(yaml_parser_t *parser, const char *path, struct err *err)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second))
        return bad_syntax(parser, path, err);
    yaml_node_t *root = yaml_document_get_root_node(&second);
    struct config_origin at = {path, root ? (int)second.start_mark.line + 1 : 0};
    yaml_document_delete(&second);
    return root ? config_fail(&at, err, "expected one document, here a second one begins") : true;
}

bool config_each_key(struct config_walk *walk, struct str yaml, config_entry_fn *fn, void *arg,
                     struct err *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        return err_set(err, ERR_CONFIG, "%s: no memory to read it", walk->path);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.len ? yaml.data : ""),
                                 yaml.len);
    bool ok = yaml_parser_load(&parser, &document) || bad_syntax(&parser, walk->path, err);
    if (ok) {
        walk->document = &document;
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        bool empty = !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0);
        ok = empty || config_each_entry(walk, root, "the file", fn, arg, err);
        yaml_document_delete(&document);
        if (ok && root)
            ok = only_one_document(&parser, walk->path, err);
    }
    yaml_parser_delete(&parser);
    return ok;
}
