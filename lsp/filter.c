// SPDX-License-Identifier: MIT
#include "lsp/filter.h"

#include "core/base/mem.h"

// Where the agent is, or would be.
static size_t find_single(const struct filter *filter, int64_t agent)
{
    size_t low = 0, high = filter->single_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (filter->single[middle].agent < agent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_single(const struct filter *filter, size_t at, int64_t agent)
{
    return at < filter->single_count && filter->single[at].agent == agent;
}

static bool same_scope(struct str a, struct str b)
{
    if (!a.data || !b.data)
        return a.data == b.data;
    return str_equal(a, b);
}

static size_t find_scope(const struct filter *filter, struct str scope)
{
    size_t at = 0;
    while (at < filter->scope_count && !same_scope(filter->scopes[at].scope, scope))
        at++;
    return at;
}

void filter_release(struct filter *filter)
{
    for (size_t i = 0; i < filter->scope_count; i++)
        mem_free((char *)filter->scopes[i].scope.data);
    mem_free(filter->scopes);
    mem_free(filter->single);
    *filter = (struct filter){.agents = false};
}

static bool add_single(struct filter *filter, const struct filter_entry *entry, struct err *err)
{
    size_t at = find_single(filter, entry->agent);
    if (has_single(filter, at, entry->agent)) {
        filter->single[at].deltas = entry->deltas;
        return true;
    }
    if (filter->single_count == FILTER_AGENTS_MAX)
        return err_set(err, ERR_LIMIT, "at most %d agents: subscribe to a scope or to all instead",
                       FILTER_AGENTS_MAX);
    if (filter->single_count == filter->single_capacity) {
        filter->single_capacity = filter->single_capacity ? 2 * filter->single_capacity : 16;
        filter->single = mem_resize(filter->single, filter->single_capacity, sizeof(*entry));
    }
    memmove(filter->single + at + 1, filter->single + at,
            (filter->single_count - at) * sizeof(*entry));
    filter->single[at] = *entry;
    filter->single_count++;
    return true;
}

static bool add_scope(struct filter *filter, const struct filter_entry *entry, struct err *err)
{
    size_t at = find_scope(filter, entry->scope);
    if (at == FILTER_SCOPES_MAX)
        return err_set(err, ERR_LIMIT, "at most %d scopes: subscribe to all instead",
                       FILTER_SCOPES_MAX);
    if (at == filter->scope_count) {
        filter->scopes = mem_resize(filter->scopes, at + 1, sizeof(*entry));
        filter->scopes[at] = *entry;
        filter->scopes[at].scope.data = entry->scope.data ? mem_dup(entry->scope) : NULL;
        filter->scope_count++;
    }
    filter->scopes[at].deltas = entry->deltas;
    return true;
}

bool filter_add(struct filter *filter, const struct filter_entry *entry, struct err *err)
{
    switch (entry->kind) {
    case FILTER_AGENT:
        return add_single(filter, entry, err);
    case FILTER_SCOPE:
        return add_scope(filter, entry, err);
    case FILTER_ALL:
        filter->all = true;
        filter->all_deltas = entry->deltas;
    }
    return true;
}

static void remove_single(struct filter *filter, int64_t agent)
{
    size_t at = find_single(filter, agent);
    if (!has_single(filter, at, agent))
        return;
    filter->single_count--;
    memmove(filter->single + at, filter->single + at + 1,
            (filter->single_count - at) * sizeof(*filter->single));
}

static void remove_scope(struct filter *filter, struct str scope)
{
    size_t at = find_scope(filter, scope);
    if (at == filter->scope_count)
        return;
    mem_free((char *)filter->scopes[at].scope.data);
    filter->scope_count--;
    filter->scopes[at] = filter->scopes[filter->scope_count];
}

void filter_remove(struct filter *filter, const struct filter_entry *entry)
{
    if (entry->kind == FILTER_AGENT) {
        remove_single(filter, entry->agent);
    } else if (entry->kind == FILTER_SCOPE) {
        remove_scope(filter, entry->scope);
    } else {
        bool agents = filter->agents;
        filter_release(filter);
        filter->agents = agents;
    }
}

bool filter_entry_matches(const struct filter_entry *entry, const struct filter_subject *subject)
{
    if (entry->kind == FILTER_AGENT)
        return entry->agent == subject->agent;
    return entry->kind == FILTER_ALL || !subject->known || same_scope(entry->scope, subject->scope);
}

static bool wants(const struct filter *filter, const struct filter_subject *subject, bool deltas)
{
    if (deltas ? filter->all && filter->all_deltas : filter->all)
        return true;
    size_t at = find_single(filter, subject->agent);
    if (has_single(filter, at, subject->agent) && (!deltas || filter->single[at].deltas))
        return true;
    for (size_t i = 0; i < filter->scope_count; i++) {
        if (filter_entry_matches(&filter->scopes[i], subject) &&
            (!deltas || filter->scopes[i].deltas))
            return true;
    }
    return false;
}

bool filter_wants_items(const struct filter *filter, const struct filter_subject *subject)
{
    return wants(filter, subject, false);
}

bool filter_wants_deltas(const struct filter *filter, const struct filter_subject *subject)
{
    return wants(filter, subject, true);
}

bool filter_wants_agent(const struct filter *filter, const struct filter_subject *subject)
{
    return filter->agents || wants(filter, subject, false);
}
