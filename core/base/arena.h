// SPDX-License-Identifier: MIT
// Memory by scope: everything of one message, one turn or one page, freed at once.
#ifndef SWARMD_CORE_BASE_ARENA_H
#define SWARMD_CORE_BASE_ARENA_H

#include "core/base/str.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks;
    char *next; // first free byte of the newest block
    size_t left;
    size_t used; // bytes taken from the system
    size_t max;  // ceiling of `used`
};

void arena_init(struct arena *arena, size_t max); // takes no memory yet
void arena_release(struct arena *arena);          // frees all; usable again
void arena_reset(struct arena *arena);            // forgets all, keeps one block for reuse

// 16-byte aligned, zeroed; NULL past the ceiling. Blocks grow from 4 KiB to 256 KiB.
void *arena_alloc(struct arena *arena, size_t size);

// NUL-terminated copy; data NULL past the ceiling.
struct str arena_copy(struct arena *arena, struct str s);

#endif
