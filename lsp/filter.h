// SPDX-License-Identifier: MIT
// What one connection wants to see: agents' events of everybody or of none, and the item events
// of all, of scopes and of single agents. Pure.
#ifndef SWARMD_LSP_FILTER_H
#define SWARMD_LSP_FILTER_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_AGENTS_MAX = 10000, FILTER_SCOPES_MAX = 256 };

enum filter_kind { FILTER_ALL, FILTER_SCOPE, FILTER_AGENT };

struct filter_entry {
    enum filter_kind kind;
    int64_t agent;    // its num
    struct str scope; // data NULL: the agents without a scope
    bool deltas;
};

struct filter {
    bool agents; // `agent` and `removed` events of everybody
    bool all, all_deltas;
    struct filter_entry *single; // by agent, ascending
    size_t single_count, single_capacity;
    struct filter_entry *scopes; // strings owned
    size_t scope_count;
};

// Whose event it is. `known` is false for an agent that is removed: its scope is not known then,
// and who wants any scope gets its events, rather one too many than one too few.
struct filter_subject {
    int64_t agent;
    struct str scope;
    bool known;
};

void filter_release(struct filter *filter);

// Adds, or replaces the one of the same kind and name. ERR_LIMIT at the ceilings.
bool filter_add(struct filter *filter, const struct filter_entry *entry, struct err *err);
void filter_remove(struct filter *filter, const struct filter_entry *entry); // FILTER_ALL: every

bool filter_entry_matches(const struct filter_entry *entry, const struct filter_subject *subject);
bool filter_wants_items(const struct filter *filter, const struct filter_subject *subject);
bool filter_wants_deltas(const struct filter *filter, const struct filter_subject *subject);
bool filter_wants_agent(const struct filter *filter, const struct filter_subject *subject);

#endif
