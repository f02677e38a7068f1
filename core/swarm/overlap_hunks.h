// SPDX-License-Identifier: MIT
// Which lines of a file several agents changed. Pure.
#ifndef SWARMD_CORE_SWARM_OVERLAP_HUNKS_H
#define SWARMD_CORE_SWARM_OVERLAP_HUNKS_H

#include "core/swarm/overlap.h"

enum { OVERLAP_HUNKS_MAX = 64 }; // of a file

// The lines start .. end - 1 of the base; end is start where all of them only put something in
// before that line.
struct overlap_hunk {
    uint32_t start, end;
    const int64_t *agents; // ascending
    size_t count;
};

struct overlap_hunks {
    struct overlap_hunk *items; // ascending
    size_t count;
    int64_t *agents;
};

// Ranges that overlap, or touch with no line between them (git would call it a conflict), are one
// hunk; those of at least two agents are found. False when it cannot be told: of some agent the
// lines are not known, they do not have the same base, or there would be more than
// OVERLAP_HUNKS_MAX. To be released in any case.
bool overlap_hunks_find(const struct overlap_path *path, struct overlap_hunks *hunks);
void overlap_hunks_release(struct overlap_hunks *hunks);

#endif
