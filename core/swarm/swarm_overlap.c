// SPDX-License-Identifier: MIT
// Who changed the same files: fed by tool calls at once, and by the checkpoint after each turn.
#include "core/base/mem.h"
#include "core/swarm/overlap_hunks.h"
#include "core/swarm/review_watch.h"
#include "core/swarm/swarm_internal.h"

#include <stdlib.h>

enum { PATHS_TREE_MAX = 4 << 20, OVERLAPS_SHOWN_MAX = 1000 };

// --- keeping agents' own lists ---

static bool refresh(struct agent *agent)
{
    int64_t others[AGENT_OVERLAPS_SHOWN] = {0};
    size_t count = overlap_others(agent->swarm->overlap, agent->num, others, AGENT_OVERLAPS_SHOWN);
    bool same =
        count == agent->overlap_count && memcmp(others, agent->overlaps, sizeof(others)) == 0;
    memcpy(agent->overlaps, others, sizeof(others));
    agent->overlap_count = count;
    if (!same)
        agent_touch(agent);
    return !same;
}

// The others are those of before and of now.
static void refresh_all(struct agent *agent)
{
    int64_t before[AGENT_OVERLAPS_SHOWN];
    size_t count = agent->overlap_count;
    bool more = count > AGENT_OVERLAPS_SHOWN;
    memcpy(before, agent->overlaps, sizeof(before));
    if (!refresh(agent))
        return;
    more = more || agent->overlap_count > AGENT_OVERLAPS_SHOWN;
    if (more) { // who the others are is not all known here
        list_for_each(node, &agent->swarm->agents) refresh(list_entry(node, struct agent, node));
        return;
    }
    const int64_t *lists[] = {before, agent->overlaps};
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < AGENT_OVERLAPS_SHOWN && lists[k][i]; i++) {
            struct agent *other = swarm_find_num(agent->swarm, lists[k][i]);
            if (other)
                refresh(other);
        }
    }
}

// Calls tell of paths alone. Where others changed the same ones, a look at the files tells which
// lines it was, of both.
static void look_at_lines(struct agent *agent)
{
    if (agent->overlap_count && agent->overlap_stale)
        review_look_soon(agent);
    for (size_t i = 0; i < agent->overlap_count && i < AGENT_OVERLAPS_SHOWN; i++) {
        struct agent *other = swarm_find_num(agent->swarm, agent->overlaps[i]);
        if (other && other->overlap_stale)
            review_look_soon(other);
    }
}

void overlap_take_call(struct agent *agent, const char *paths)
{
    struct arena arena;
    struct json *json;
    struct err ignored;
    if (!paths || !agent->repository)
        return;
    arena_init(&arena, PATHS_TREE_MAX);
    if (json_parse(&json, &arena, str_of(paths), &ignored)) {
        json_for_each(path, json)
        {
            if (path->type == JSON_STRING)
                overlap_add(agent->swarm->overlap, agent->num, str_of(agent->repository),
                            path->string);
        }
    }
    arena_release(&arena);
    agent->overlap_stale = true;
    refresh_all(agent);
    look_at_lines(agent);
}

void overlap_take_all(struct agent *agent, const struct tree_changes *changes)
{
    if (!agent->repository)
        return;
    agent->overlap_known = true;
    overlap_clear(agent->swarm->overlap, agent->num);
    for (size_t i = 0; i < changes->count; i++)
        overlap_add_change(agent->swarm->overlap, agent->num, str_of(agent->repository),
                           &changes->items[i]);
    refresh_all(agent);
    look_at_lines(agent);
}

void overlap_forget(struct agent *agent)
{
    overlap_clear(agent->swarm->overlap, agent->num);
    refresh_all(agent);
}

void agent_write_overlaps(struct json_writer *w, const struct agent *agent)
{
    json_begin_array(w);
    for (size_t i = 0; i < agent->overlap_count && i < AGENT_OVERLAPS_SHOWN; i++) {
        const struct agent *other = swarm_find_num(agent->swarm, agent->overlaps[i]);
        if (other)
            json_put_str(w, str_of(other->id));
    }
    json_end_array(w);
}

// --- the list of all ---

struct listing {
    struct swarm *swarm;
    struct str scope;
    struct overlap_path *found;
    size_t count, capacity;
};

static bool is_in_scope(struct swarm *swarm, struct str scope, int64_t num)
{
    const struct agent *agent = swarm_find_num(swarm, num);
    return agent && (!scope.data || (agent->scope && str_is(scope, agent->scope)));
}

static void collect(void *arg, const struct overlap_path *path)
{
    struct listing *listing = arg;
    bool wanted = false;
    for (size_t i = 0; i < path->count && !wanted; i++)
        wanted = is_in_scope(listing->swarm, listing->scope, path->agents[i]);
    if (!wanted)
        return;
    if (listing->count == listing->capacity) {
        listing->capacity = listing->capacity ? 2 * listing->capacity : 64;
        listing->found = mem_resize(listing->found, listing->capacity, sizeof(*listing->found));
    }
    listing->found[listing->count++] = *path;
}

static int compare(struct str a, struct str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_place(const void *a, const void *b)
{
    const struct overlap_path *x = a, *y = b;
    int order = compare(x->repository, y->repository);
    return order ? order : compare(x->path, y->path);
}

static void add_agents(struct json_writer *w, struct swarm *swarm, const int64_t *agents,
                       size_t count)
{
    json_key(w, "agents");
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        const struct agent *agent = swarm_find_num(swarm, agents[i]);
        if (agent)
            json_put_str(w, str_of(agent->id));
    }
    json_end_array(w);
}

static void add_hunks(struct json_writer *w, struct swarm *swarm, const struct overlap_path *shared)
{
    struct overlap_hunks hunks;
    json_key(w, "hunks");
    if (overlap_hunks_find(shared, &hunks)) {
        json_begin_array(w);
        for (size_t i = 0; i < hunks.count; i++) {
            json_begin_object(w);
            json_add_int(w, "startLine", hunks.items[i].start);
            json_add_int(w, "endLine", (int64_t)hunks.items[i].end - 1);
            add_agents(w, swarm, hunks.items[i].agents, hunks.items[i].count);
            json_end_object(w);
        }
        json_end_array(w);
    } else {
        json_put_null(w);
    }
    overlap_hunks_release(&hunks);
}

void swarm_write_overlaps(struct swarm *swarm, struct str scope, struct json_writer *w)
{
    struct listing listing = {.swarm = swarm, .scope = scope};
    overlap_each(swarm->overlap, collect, &listing);
    if (listing.count)
        qsort(listing.found, listing.count, sizeof(*listing.found), by_place);
    json_begin_array(w);
    for (size_t i = 0; i < listing.count && i < OVERLAPS_SHOWN_MAX; i++) {
        const struct overlap_path *shared = &listing.found[i];
        json_begin_object(w);
        json_add_str(w, "repository", shared->repository);
        json_add_str(w, "path", shared->path);
        add_agents(w, swarm, shared->agents, shared->count);
        add_hunks(w, swarm, shared);
        json_end_object(w);
    }
    json_end_array(w);
    mem_free(listing.found);
}
