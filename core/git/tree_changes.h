// SPDX-License-Identifier: MIT
// Which files differ from the merge base, and in which of its lines: for who else changed them.
// Lines are told of the old side, so that those of two agents compare as long as both started from
// the same blob. Needs no libgit2; core/git/tree_changes.c fills it on LANE_GIT.
#ifndef SWARMD_CORE_GIT_TREE_CHANGES_H
#define SWARMD_CORE_GIT_TREE_CHANGES_H

#include "core/base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHANGE_BLOB_BYTES = 20,
    CHANGE_RANGES_MAX = 64,       // of a file; with more the whole file counts
    CHANGES_COMPARED_MAX = 256,   // files of one look; of the further ones the whole file counts
    CHANGES_BYTES_MAX = 32 << 20, // of both sides of all of them; likewise
};

// The lines start .. start + count - 1, from 1; count 0: something was put in before line start.
struct line_range {
    uint32_t start, count;
};

struct tree_change {
    char *path;
    // False: the whole file. It was added or removed, is binary, large, no regular file, or a
    // ceiling was met.
    bool lines_known;
    unsigned char old_blob[CHANGE_BLOB_BYTES];
    struct line_range *ranges; // ascending; none: only its mode changed
    size_t range_count;
};

struct tree_changes {
    struct tree_change *items;
    size_t count, capacity;
    size_t compared, bytes; // so far
};

static inline void tree_changes_release(struct tree_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        mem_free(changes->items[i].path);
        mem_free(changes->items[i].ranges);
    }
    mem_free(changes->items);
    *changes = (struct tree_changes){0};
}

// One side of a changed file; mode 0: it is not there.
struct git_oid;
struct git_repository;
struct tree_side {
    const struct git_oid *id;
    uint32_t mode;
};

// A file that cannot be compared counts as a whole: it is no error.
void tree_changes_add(struct tree_changes *changes, struct git_repository *repository,
                      const char *path, struct tree_side old, struct tree_side new);

#endif
