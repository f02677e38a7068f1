// SPDX-License-Identifier: MIT
// What the files of the configuration loader share; included by transports/config_*.c only.
#ifndef SWARMD_TRANSPORTS_CONFIG_INTERNAL_H
#define SWARMD_TRANSPORTS_CONFIG_INTERNAL_H

#include "core/base/buf.h"
#include "transports/config_file.h"

// Where a value comes from, for messages: "<path>:<line>", or the variable's name.
struct config_origin {
    const char *path;
    int line; // 0: path says it all
};

// "<path>:<line>: <text>"
bool config_fail(const struct config_origin *at, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct builtin_provider {
    const char *name;
    enum provider_kind kind;
    const char *base_url, *api_key_env; // or NULL
    const char *model;         // used when nothing is configured; NULL: what the server says it has
    const char *other_key_env; // taken when it is set and api_key_env is not; or NULL
};
const struct builtin_provider *builtin_providers(size_t *count);
const struct builtin_provider *builtin_provider(struct str name);    // or NULL
const char *builtin_key_env(const struct builtin_provider *builtin); // or NULL

void config_set_defaults(struct config *config);
void config_add_builtins(struct config *config);
void config_choose_model(struct config *config); // when there is none

// The first model of a server on this machine, or NULL: see config_local.c. Freed with mem_free().
char *config_local_model(const struct provider_config *provider);

// Values, checked; the same for file and environment. `key` is for messages.
bool config_set_model(struct config *config, const struct config_origin *at, struct str value,
                      struct err *err);
bool config_set_mode(struct config *config, const struct config_origin *at, struct str value,
                     struct err *err);
bool config_set_int(int *out, const struct config_origin *at, const char *key, struct str value,
                    int min, int max, struct err *err);
bool config_set_bool(bool *out, const struct config_origin *at, const char *key, struct str value,
                     struct err *err);

// After the built-ins are in: is the model's provider configured?
bool config_check_model(const struct config *config, const struct config_origin *at,
                        struct err *err);

// Values of one provider.
bool config_set_base_url(struct provider_config *provider, const struct config_origin *at,
                         struct str value, struct err *err);
bool config_set_key_env(struct provider_config *provider, const struct config_origin *at,
                        struct str value, struct err *err);
bool config_set_key_command(struct provider_config *provider, const struct config_origin *at,
                            struct str value, struct err *err);
bool config_set_key_file(struct provider_config *provider, const struct config_origin *at,
                         struct str value, struct err *err);
bool config_set_kind(struct provider_config *provider, const struct config_origin *at,
                     struct str value, struct err *err);

bool config_set_concurrency(struct provider_config *provider, const struct config_origin *at,
                            struct str value, struct err *err);

// A base URL to show in a message.
const char *config_kind_example(enum provider_kind kind);
// Do two kinds speak to the same servers, so that one's base URL and key are good for the other?
bool config_same_server(enum provider_kind a, enum provider_kind b);

// Walks the file's text into config, which holds defaults. *model_at gets the model's line.
bool config_read_yaml(struct config *config, const char *path, struct str yaml,
                      struct config_origin *model_at, struct err *err);

// Reads roles/*.yaml of the folder of `path` (config_roles.c). A folder that is not there has none.
bool config_read_roles(struct config *config, const char *path, struct err *err);
// Those that a role names are configured. After the built-ins are in.
bool config_check_roles(const struct config *config, struct err *err);
void config_release_roles(struct config *config);

// The providers of summary models are configured (config_outputs.c). After the built-ins are in.
bool config_check_summary_models(const struct config *config, struct err *err);
void config_release_outputs(struct output_config *outputs);

// A whole file (config_file.c); one that is not there and need not be leaves out empty.
bool config_read_file(const char *path, bool must_exist, struct buf *out, struct err *err);

// The one of `known` (NULL-terminated) that `word` may well have been meant to be: at most a third
// of its letters, rounded up, are wrong, or it is a part of it. NULL when there is none.
const char *config_nearest(struct str word, const char *const *known);

#endif
