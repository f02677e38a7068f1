// SPDX-License-Identifier: MIT
#include "core/swarm/overlap.h"

#include "core/base/mem.h"

#include <stdlib.h>

enum { CHAINS_MIN = 1024 };

struct path {
    struct path *chain;
    uint64_t hash;
    int64_t *agents;              // ascending
    struct overlap_lines **lines; // of each of them, or NULL
    size_t count, capacity;
    size_t repository_len, path_len;
    char text[]; // repository, path
};

struct owner {
    int64_t agent;
    struct path **paths;
    size_t count, capacity;
    bool full;
};

struct overlap {
    struct path **chains;
    size_t chain_count, path_count, noted, ranges; // of all agents
    struct owner *owners;                          // by agent
    size_t owner_count, owner_capacity;
};

struct overlap *overlap_new(void)
{
    struct overlap *overlap = mem_new(sizeof(*overlap));
    overlap->chain_count = CHAINS_MIN;
    overlap->chains = mem_new_array(overlap->chain_count, sizeof(*overlap->chains));
    return overlap;
}

void overlap_free(struct overlap *overlap)
{
    if (!overlap)
        return;
    while (overlap->owner_count)
        overlap_clear(overlap, overlap->owners[overlap->owner_count - 1].agent);
    mem_free(overlap->owners);
    mem_free(overlap->chains);
    mem_free(overlap);
}

// --- owners ---

static size_t owner_place(const struct overlap *overlap, int64_t agent)
{
    size_t low = 0, high = overlap->owner_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (overlap->owners[middle].agent < agent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct owner *owner_find(const struct overlap *overlap, int64_t agent)
{
    size_t at = owner_place(overlap, agent);
    bool found = at < overlap->owner_count && overlap->owners[at].agent == agent;
    return found ? &overlap->owners[at] : NULL;
}

static struct owner *owner_need(struct overlap *overlap, int64_t agent)
{
    struct owner *found = owner_find(overlap, agent);
    if (found)
        return found;
    size_t at = owner_place(overlap, agent);
    if (overlap->owner_count == overlap->owner_capacity) {
        overlap->owner_capacity = overlap->owner_capacity ? 2 * overlap->owner_capacity : 16;
        overlap->owners =
            mem_resize(overlap->owners, overlap->owner_capacity, sizeof(*overlap->owners));
    }
    memmove(&overlap->owners[at + 1], &overlap->owners[at],
            (overlap->owner_count - at) * sizeof(*overlap->owners));
    overlap->owner_count++;
    overlap->owners[at] = (struct owner){.agent = agent};
    return &overlap->owners[at];
}

bool overlap_is_full(const struct overlap *overlap, int64_t agent)
{
    const struct owner *owner = owner_find(overlap, agent);
    return owner && owner->full;
}

// --- paths ---

static uint64_t hash_of(struct str repository, struct str path)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < repository.len; i++)
        hash = (hash ^ (unsigned char)repository.data[i]) * 0x100000001b3u;
    for (size_t i = 0; i < path.len; i++)
        hash = (hash ^ (unsigned char)path.data[i]) * 0x100000001b3u;
    return hash;
}

static struct str repository_of(const struct path *path)
{
    return str_from(path->text, path->repository_len);
}

static struct str path_of(const struct path *path)
{
    return str_from(path->text + path->repository_len, path->path_len);
}

static void grow(struct overlap *overlap)
{
    size_t count = 2 * overlap->chain_count;
    struct path **chains = mem_new_array(count, sizeof(*chains));
    for (size_t i = 0; i < overlap->chain_count; i++) {
        for (struct path *path = overlap->chains[i], *next; path; path = next) {
            next = path->chain;
            path->chain = chains[path->hash % count];
            chains[path->hash % count] = path;
        }
    }
    mem_free(overlap->chains);
    overlap->chains = chains;
    overlap->chain_count = count;
}

static struct path *path_need(struct overlap *overlap, struct str repository, struct str name)
{
    uint64_t hash = hash_of(repository, name);
    struct path *path = overlap->chains[hash % overlap->chain_count];
    for (; path; path = path->chain) {
        if (path->hash == hash && str_equal(repository_of(path), repository) &&
            str_equal(path_of(path), name))
            return path;
    }
    if (overlap->path_count >= 2 * overlap->chain_count)
        grow(overlap);
    path = mem_new(sizeof(*path) + repository.len + name.len);
    path->hash = hash;
    path->repository_len = repository.len;
    path->path_len = name.len;
    memcpy(path->text, repository.data, repository.len);
    memcpy(path->text + repository.len, name.data, name.len);
    path->chain = overlap->chains[hash % overlap->chain_count];
    overlap->chains[hash % overlap->chain_count] = path;
    overlap->path_count++;
    return path;
}

static void path_drop(struct overlap *overlap, struct path *path)
{
    struct path **link = &overlap->chains[path->hash % overlap->chain_count];
    while (*link != path)
        link = &(*link)->chain;
    *link = path->chain;
    overlap->path_count--;
    mem_free(path->agents);
    mem_free(path->lines);
    mem_free(path);
}

static size_t agent_place(const struct path *path, int64_t agent)
{
    size_t at = 0;
    while (at < path->count && path->agents[at] < agent)
        at++;
    return at;
}

// Takes lines.
static void set_lines(struct overlap *overlap, struct path *path, size_t at,
                      struct overlap_lines *lines)
{
    if (path->lines[at])
        overlap->ranges -= path->lines[at]->count;
    mem_free(path->lines[at]);
    path->lines[at] = lines;
    if (lines)
        overlap->ranges += lines->count;
}

static void insert_agent(struct path *path, size_t at, int64_t agent)
{
    if (path->count == path->capacity) {
        path->capacity = path->capacity ? 2 * path->capacity : 2;
        path->agents = mem_resize(path->agents, path->capacity, sizeof(*path->agents));
        path->lines = mem_resize(path->lines, path->capacity, sizeof(*path->lines));
    }
    size_t after = path->count++ - at;
    memmove(&path->agents[at + 1], &path->agents[at], after * sizeof(*path->agents));
    memmove(&path->lines[at + 1], &path->lines[at], after * sizeof(*path->lines));
    path->agents[at] = agent;
    path->lines[at] = NULL;
}

static void remove_agent(struct path *path, size_t at)
{
    size_t after = --path->count - at;
    memmove(&path->agents[at], &path->agents[at + 1], after * sizeof(*path->agents));
    memmove(&path->lines[at], &path->lines[at + 1], after * sizeof(*path->lines));
}

// NULL: a ceiling was met.
static struct path *note(struct overlap *overlap, int64_t agent, struct str repository,
                         struct str name, size_t *at)
{
    struct owner *owner = owner_need(overlap, agent);
    if (name.len == 0 || repository.len == 0)
        return NULL;
    if (name.len > OVERLAP_PATH_MAX || owner->count == OVERLAP_AGENT_PATHS_MAX ||
        overlap->noted == OVERLAP_PATHS_MAX) {
        owner->full = true;
        return NULL;
    }
    struct path *path = path_need(overlap, repository, name);
    *at = agent_place(path, agent);
    if (*at < path->count && path->agents[*at] == agent)
        return path;
    insert_agent(path, *at, agent);
    if (owner->count == owner->capacity) {
        owner->capacity = owner->capacity ? 2 * owner->capacity : 8;
        owner->paths = mem_resize(owner->paths, owner->capacity, sizeof(*owner->paths));
    }
    owner->paths[owner->count++] = path;
    overlap->noted++;
    return path;
}

void overlap_add(struct overlap *overlap, int64_t agent, struct str repository, struct str name)
{
    size_t at;
    struct path *path = note(overlap, agent, repository, name, &at);
    if (path)
        set_lines(overlap, path, at, NULL);
}

void overlap_add_change(struct overlap *overlap, int64_t agent, struct str repository,
                        const struct tree_change *change)
{
    size_t at, bytes = change->range_count * sizeof(*change->ranges);
    struct path *path = note(overlap, agent, repository, str_of(change->path), &at);
    if (!path)
        return;
    set_lines(overlap, path, at, NULL);
    if (!change->lines_known || change->range_count > OVERLAP_RANGES_MAX - overlap->ranges)
        return;
    struct overlap_lines *lines = mem_new(sizeof(*lines) + bytes);
    memcpy(lines->old_blob, change->old_blob, sizeof(lines->old_blob));
    lines->count = change->range_count;
    if (bytes)
        memcpy(lines->ranges, change->ranges, bytes);
    set_lines(overlap, path, at, lines);
}

void overlap_clear(struct overlap *overlap, int64_t agent)
{
    struct owner *owner = owner_find(overlap, agent);
    if (!owner)
        return;
    for (size_t i = 0; i < owner->count; i++) {
        struct path *path = owner->paths[i];
        size_t at = agent_place(path, agent);
        set_lines(overlap, path, at, NULL);
        remove_agent(path, at);
        if (path->count == 0)
            path_drop(overlap, path);
    }
    overlap->noted -= owner->count;
    mem_free(owner->paths);
    size_t at = (size_t)(owner - overlap->owners);
    overlap->owner_count--;
    memmove(owner, owner + 1, (overlap->owner_count - at) * sizeof(*owner));
}

// --- looking ---

size_t overlap_others(const struct overlap *overlap, int64_t agent, int64_t *others, size_t max)
{
    const struct owner *owner = owner_find(overlap, agent);
    size_t count = 0;
    // Few agents, and many paths that the same ones share: each is looked for among those found.
    for (const struct owner *other = overlap->owners;
         owner && other < overlap->owners + overlap->owner_count; other++) {
        bool shares = false;
        const struct owner *fewer = other->count < owner->count ? other : owner;
        int64_t wanted = fewer == owner ? other->agent : agent;
        for (size_t i = 0; other != owner && !shares && i < fewer->count; i++) {
            const struct path *path = fewer->paths[i];
            size_t at = path->count > 1 ? agent_place(path, wanted) : path->count;
            shares = at < path->count && path->agents[at] == wanted;
        }
        if (shares && count++ < max)
            others[count - 1] = other->agent;
    }
    return count;
}

void overlap_each(const struct overlap *overlap,
                  void (*fn)(void *arg, const struct overlap_path *path), void *arg)
{
    for (size_t i = 0; i < overlap->chain_count; i++) {
        for (const struct path *path = overlap->chains[i]; path; path = path->chain) {
            struct overlap_path found = {repository_of(path), path_of(path), path->agents,
                                         path->lines, path->count};
            if (path->count > 1)
                fn(arg, &found);
        }
    }
}
