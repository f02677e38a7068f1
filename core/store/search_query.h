// SPDX-License-Identifier: MIT
// What a person types into a search, as an expression that SQLite's FTS5 understands.
//
// Words and "phrases" must all be there; a star behind one takes any ending (pars*). Everything
// else that is typed is text, so no input is a syntax error. Which characters belong to a word is
// the index's business (store_schema.c): agent_enter is looked for as the phrase "agent enter".
#ifndef SWARMD_CORE_STORE_SEARCH_QUERY_H
#define SWARMD_CORE_STORE_SEARCH_QUERY_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEARCH_QUERY_MAX = 1024,   // bytes
    SEARCH_AGENTS_MAX = 10000, // that one search can be narrowed to
};

// Appends the expression. ERR_PARAMS when there is no word in it, or too much.
bool search_query_add(struct buf *match, struct str query, struct err *err);

// Appends in front of it that the item is one of these agents'; count > 0.
void search_query_narrow(struct buf *match, const int64_t *agents, size_t count);

#endif
