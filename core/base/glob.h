// SPDX-License-Identifier: MIT
// Wildcard patterns as git has them: ?, *, [..] with ranges and [:classes:], \x, and ** in paths.
//
// Matching never takes longer than a bounded number of steps; a pattern that would is no match.
#ifndef SWARMD_CORE_BASE_GLOB_H
#define SWARMD_CORE_BASE_GLOB_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    GLOB_STEPS_MAX = 1 << 17,
    GLOB_PATTERN_MAX = 4096, // bytes
    GLOB_BRACES_MAX = 64,    // patterns that one with {a,b} stands for
};

enum glob_flag {
    GLOB_PATH = 1,       // ?, * and [..] do not match '/'; ** between slashes does
    GLOB_CODE_POINT = 2, // ? and [..] take a whole code point, not a byte
};

bool glob_match(struct str pattern, struct str text, unsigned flags);

// Patterns of people and models: {a,b} too, and a pattern without '/' matches the last component
// at any depth.
struct glob {
    char *patterns[GLOB_BRACES_MAX];
    bool anywhere[GLOB_BRACES_MAX];
    size_t count;
};

bool glob_init(struct glob *glob, struct str pattern, struct err *err); // ERR_PARAMS
void glob_release(struct glob *glob);
bool glob_matches(const struct glob *glob, struct str path); // path relative, without ./

#endif
