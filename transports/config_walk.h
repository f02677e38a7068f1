// SPDX-License-Identifier: MIT
// Walking the file, over libyaml's document tree. Aliases are followed, never copied, and only as
// deep as the layout goes, so that no document can make the walk long.
#ifndef SWARMD_TRANSPORTS_CONFIG_WALK_H
#define SWARMD_TRANSPORTS_CONFIG_WALK_H

#include "transports/config_internal.h"

#include <yaml.h>

struct config_walk {
    struct config *config;
    const char *path;
    yaml_document_t *document;
    struct config_origin *model_at;
};

struct config_entry {
    struct str key;
    const yaml_node_t *value;
    struct config_origin at, value_at;
};

typedef bool config_entry_fn(struct config_walk *walk, const struct config_entry *entry, void *arg,
                             struct err *err);

// Calls fn for each key of a mapping; `what` names it in messages. A key that is written twice is
// an error.
bool config_each_entry(struct config_walk *walk, const yaml_node_t *mapping, const char *what,
                       config_entry_fn *fn, void *arg, struct err *err);
// Fails, and names the nearest of `known` (NULL-terminated).
bool config_unknown_key(const struct config_entry *entry, const char *const *known,
                        struct err *err);
// The single value of a key; null gives the empty string.
bool config_scalar(const struct config_entry *entry, struct str *out, struct err *err);
// Calls fn for each word of a list.
typedef bool config_text_fn(void *arg, const struct config_origin *at, struct str text,
                            struct err *err);
bool config_each_text(struct config_walk *walk, const struct config_entry *entry,
                      config_text_fn *fn, void *arg, struct err *err);
// Calls fn for each key of a whole text; walk->document is set for that long.
bool config_each_key(struct config_walk *walk, struct str yaml, config_entry_fn *fn, void *arg,
                     struct err *err);
// allow, ask and deny: lists of rules (config_roles.c).
bool config_read_rules(struct config_walk *walk, const struct config_entry *entry,
                       struct rules *rules, enum rule_source source, struct err *err);
const yaml_node_t *config_find_value(struct config_walk *walk, const yaml_node_t *mapping,
                                     const char *name); // or NULL
struct str config_text(const yaml_node_t *scalar);

bool config_is_empty(const struct config_entry *entry); // all below it is commented out
const yaml_node_t *config_node(const struct config_walk *walk, int index);

// config_money.c: the values of `models`, `budgets` and `fallback`.
bool config_read_models(struct config_walk *walk, const struct config_entry *entry,
                        struct err *err);
bool config_read_budgets(struct config_walk *walk, const struct config_entry *entry,
                         struct err *err);
bool config_read_fallback(struct config_walk *walk, const struct config_entry *entry,
                          struct err *err);
// config_merge.c: the value of `merge`.
bool config_read_merge(struct config_walk *walk, const struct config_entry *entry, struct err *err);

// config_outputs.c: the values of `outputs` and of `summary_model`.
bool config_read_outputs(struct config_walk *walk, const struct config_entry *entry,
                         struct output_config *outputs, struct err *err);
bool config_set_summary_model(char **model, const struct config_entry *entry, struct err *err);

// config_sandbox.c: the value of `sandbox`.
bool config_read_sandbox(struct config_walk *walk, const struct config_entry *entry,
                         struct err *err);

// The keys of `retry` (config_limits.c); a config_entry_fn.
bool config_set_retry_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                          struct err *err);

// config_worktree.c: the value of `repositories`.
bool config_read_repositories(struct config_walk *walk, const struct config_entry *entry,
                              struct err *err);
void config_release_repositories(struct config *config);

// The keys of `worktree_pool` (config_worktree.c); a config_entry_fn.
bool config_set_pool_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                         struct err *err);

#endif
