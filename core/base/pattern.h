// SPDX-License-Identifier: MIT
// Regular expressions (PCRE2), compiled where the machine allows it, with bounds on what a match
// may cost. One pattern belongs to one thread.
#ifndef SWARMD_CORE_BASE_PATTERN_H
#define SWARMD_CORE_BASE_PATTERN_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PATTERN_LEN_MAX = 4096,          // bytes
    PATTERN_STEPS_MAX = 1000000,     // of one match
    PATTERN_DEPTH_MAX = 10000,       // of one match, when it is interpreted
    PATTERN_HEAP_KIB_MAX = 32 << 10, // likewise
};

struct pattern;

// NULL and ERR_PARAMS that says what is wrong at which byte.
struct pattern *pattern_create(struct str text, struct err *err);
void pattern_free(struct pattern *pattern); // takes NULL

enum pattern_result { PATTERN_NO_MATCH, PATTERN_MATCH, PATTERN_TOO_COSTLY };

// Looks for the first match; *at is where it begins. Invalid UTF-8 in text matches nothing.
enum pattern_result pattern_find(struct pattern *pattern, struct str text, size_t *at);

#endif
