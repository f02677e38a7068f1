// SPDX-License-Identifier: MIT
// Which agents changed the same files: an index of paths, by repository, and of the lines of them
// where those are known. Pure; knows numbers of agents, and no more of them.
//
// Bounded: what an agent, or all of them, have beyond the ceilings is not noted, and
// overlap_is_full() says so.
#ifndef SWARMD_CORE_SWARM_OVERLAP_H
#define SWARMD_CORE_SWARM_OVERLAP_H

#include "core/base/str.h"
#include "core/git/tree_changes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OVERLAP_AGENT_PATHS_MAX = 4096,
    OVERLAP_PATHS_MAX = 262144,  // of all agents
    OVERLAP_PATH_MAX = 4096,     // bytes; longer ones are not noted
    OVERLAP_RANGES_MAX = 262144, // of all agents; of what is beyond only the path is noted
};

struct overlap;

struct overlap *overlap_new(void);
void overlap_free(struct overlap *overlap);

// Its lines are not known, or not any more.
void overlap_add(struct overlap *overlap, int64_t agent, struct str repository, struct str path);
void overlap_add_change(struct overlap *overlap, int64_t agent, struct str repository,
                        const struct tree_change *change);
void overlap_clear(struct overlap *overlap, int64_t agent); // it has changed nothing (any more)
bool overlap_is_full(const struct overlap *overlap, int64_t agent);

// The other agents that changed what this one did, ascending, each once; returns how many there
// are, of which `max` are in `others`.
size_t overlap_others(const struct overlap *overlap, int64_t agent, int64_t *others, size_t max);

struct overlap_lines { // what one agent changed of one file
    unsigned char old_blob[CHANGE_BLOB_BYTES];
    size_t count;
    struct line_range ranges[];
};

struct overlap_path {
    struct str repository, path;
    const int64_t *agents;              // ascending
    struct overlap_lines *const *lines; // of each of them; NULL: not known
    size_t count;
};

// Each path that at least two agents changed, in no order. What it points to lives until the next
// change of the index.
void overlap_each(const struct overlap *overlap,
                  void (*fn)(void *arg, const struct overlap_path *path), void *arg);

#endif
