// SPDX-License-Identifier: MIT
// Who changed the same files: fed by tool calls at once, and by the checkpoint after each turn.
#include "core/base/mem.h"
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
    refresh_all(agent);
}

void overlap_take_all(struct agent *agent, struct str paths)
{
    if (!agent->repository)
        return;
    agent->overlap_known = true;
    overlap_clear(agent->swarm->overlap, agent->num);
    while (paths.len) {
        struct str path = str_of(paths.data); // each ends in a NUL
        overlap_add(agent->swarm->overlap, agent->num, str_of(agent->repository), path);
        paths = str_skip(paths, path.len + 1);
    }
    refresh_all(agent);
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

struct shared_path {
    struct str repository, path;
    const int64_t *agents;
    size_t count;
};

struct listing {
    struct swarm *swarm;
    struct str scope;
    struct shared_path *found;
    size_t count, capacity;
};

static bool is_in_scope(struct swarm *swarm, struct str scope, int64_t num)
{
    const struct agent *agent = swarm_find_num(swarm, num);
    return agent && (!scope.data || (agent->scope && str_is(scope, agent->scope)));
}

static void collect(void *arg, struct str repository, struct str path, const int64_t *agents,
                    size_t count)
{
    struct listing *listing = arg;
    bool wanted = false;
    for (size_t i = 0; i < count && !wanted; i++)
        wanted = is_in_scope(listing->swarm, listing->scope, agents[i]);
    if (!wanted)
        return;
    if (listing->count == listing->capacity) {
        listing->capacity = listing->capacity ? 2 * listing->capacity : 64;
        listing->found = mem_resize(listing->found, listing->capacity, sizeof(*listing->found));
    }
    listing->found[listing->count++] = (struct shared_path){repository, path, agents, count};
}

static int compare(struct str a, struct str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_place(const void *a, const void *b)
{
    const struct shared_path *x = a, *y = b;
    int order = compare(x->repository, y->repository);
    return order ? order : compare(x->path, y->path);
}

void swarm_write_overlaps(struct swarm *swarm, struct str scope, struct json_writer *w)
{
    struct listing listing = {.swarm = swarm, .scope = scope};
    overlap_each(swarm->overlap, collect, &listing);
    if (listing.count)
        qsort(listing.found, listing.count, sizeof(*listing.found), by_place);
    json_begin_array(w);
    for (size_t i = 0; i < listing.count && i < OVERLAPS_SHOWN_MAX; i++) {
        const struct shared_path *shared = &listing.found[i];
        json_begin_object(w);
        json_add_str(w, "repository", shared->repository);
        json_add_str(w, "path", shared->path);
        json_key(w, "agents");
        json_begin_array(w);
        for (size_t k = 0; k < shared->count; k++) {
            const struct agent *agent = swarm_find_num(swarm, shared->agents[k]);
            if (agent)
                json_put_str(w, str_of(agent->id));
        }
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
    mem_free(listing.found);
}
