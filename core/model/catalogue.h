// SPDX-License-Identifier: MIT
// The catalogue: what is known of models. Context size, limits, prices, abilities.
//
// What swarmd knows by itself is data/models.json, which is in the binary and is read at the first
// look-up; `models` of the configuration overrides and extends it. A model that neither has works
// with a context of CATALOGUE_CONTEXT_DEFAULT tokens, and what it costs is not known.
//
// An id fits whatever its writing: letters' case, `.`, `_` and `:` for `-`
// (`claude-sonnet-4.5`), a vendor before it (`anthropic/claude-sonnet-4-5`, `models/gemini-...`),
// a date or `-latest` behind it (`claude-sonnet-4-5-20250929`), a tag (`:free`, `:70b`; its price
// is then not known). The exact one wins over one that fits without these.
#ifndef SWARMD_CORE_MODEL_CATALOGUE_H
#define SWARMD_CORE_MODEL_CATALOGUE_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { CATALOGUE_CONTEXT_DEFAULT = 256000 };

// Money is counted in nano-dollars. A price is nano-dollars per million tokens: $3 is 3e9.
struct model_prices {
    int64_t input, output, cache_read, cache_write; // -1: not known
};

enum ability { ABILITY_UNKNOWN, ABILITY_NO, ABILITY_YES };

struct model_info {
    bool known;           // else all below are defaults
    int64_t context_size; // tokens of input and output together; never 0 in an answer
    int64_t max_input;    // 0: not known, or as much as the context
    int64_t max_output;   // 0: not known
    struct model_prices prices;
    struct model_prices long_prices; // of requests with more input than long_above
    int64_t long_above;              // 0: all requests have the same prices
    enum ability images, reasoning, tools;
};

// An entry of `models` in the configuration. What it leaves out is 0, -1 or ABILITY_UNKNOWN.
struct model_config {
    char *id; // "provider/model", or "model" of any provider
    struct model_info info;
};

struct config;
struct catalogue;

// `config` outlives it: its providers (a price may hold at the vendor's own server only) and its
// `models`.
struct catalogue *catalogue_create(const struct config *config);
void catalogue_destroy(struct catalogue *catalogue); // takes NULL

// `provider` as configured, `model` without it. Always fills an answer.
struct model_info catalogue_find(struct catalogue *catalogue, struct str provider,
                                 struct str model);

// Calls fn for every model that swarmd knows to be sold by the provider's own server.
void catalogue_each(struct catalogue *catalogue, struct str provider,
                    void (*fn)(void *arg, struct str model), void *arg);

struct model_info model_info_unknown(void);

#endif
