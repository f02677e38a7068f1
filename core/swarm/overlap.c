// SPDX-License-Identifier: MIT
#include "core/swarm/overlap.h"

#include "core/base/mem.h"

#include <stdlib.h>

enum { CHAINS_MIN = 1024 };

struct path {
    struct path *chain;
    uint64_t hash;
    int64_t *agents; // ascending
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
    size_t chain_count, path_count, noted; // noted: of all agents
    struct owner *owners;                  // by agent
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
    mem_free(path);
}

static size_t agent_place(const struct path *path, int64_t agent)
{
    size_t at = 0;
    while (at < path->count && path->agents[at] < agent)
        at++;
    return at;
}

void overlap_add(struct overlap *overlap, int64_t agent, struct str repository, struct str name)
{
    struct owner *owner = owner_need(overlap, agent);
    if (name.len == 0 || repository.len == 0)
        return;
    if (name.len > OVERLAP_PATH_MAX || owner->count == OVERLAP_AGENT_PATHS_MAX ||
        overlap->noted == OVERLAP_PATHS_MAX) {
        owner->full = true;
        return;
    }
    struct path *path = path_need(overlap, repository, name);
    size_t at = agent_place(path, agent);
    if (at < path->count && path->agents[at] == agent)
        return;
    if (path->count == path->capacity) {
        path->capacity = path->capacity ? 2 * path->capacity : 2;
        path->agents = mem_resize(path->agents, path->capacity, sizeof(*path->agents));
    }
    memmove(&path->agents[at + 1], &path->agents[at], (path->count - at) * sizeof(*path->agents));
    path->agents[at] = agent;
    path->count++;
    if (owner->count == owner->capacity) {
        owner->capacity = owner->capacity ? 2 * owner->capacity : 8;
        owner->paths = mem_resize(owner->paths, owner->capacity, sizeof(*owner->paths));
    }
    owner->paths[owner->count++] = path;
    overlap->noted++;
}

void overlap_clear(struct overlap *overlap, int64_t agent)
{
    struct owner *owner = owner_find(overlap, agent);
    if (!owner)
        return;
    for (size_t i = 0; i < owner->count; i++) {
        struct path *path = owner->paths[i];
        size_t at = agent_place(path, agent);
        path->count--;
        memmove(&path->agents[at], &path->agents[at + 1],
                (path->count - at) * sizeof(*path->agents));
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
                  void (*fn)(void *arg, struct str repository, struct str path,
                             const int64_t *agents, size_t count),
                  void *arg)
{
    for (size_t i = 0; i < overlap->chain_count; i++) {
        for (const struct path *path = overlap->chains[i]; path; path = path->chain) {
            if (path->count > 1)
                fn(arg, repository_of(path), path_of(path), path->agents, path->count);
        }
    }
}
