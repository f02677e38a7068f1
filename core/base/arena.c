// SPDX-License-Identifier: MIT
// All free space of a block is zero at any time: blocks come from calloc(), and
// arena_reset() clears what was handed out. So an allocation is only a step forward.
#include "core/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, BLOCK_MIN = 4 * 1024, BLOCK_MAX = 256 * 1024 };

struct arena_block {
    struct arena_block *next; // older
    size_t size;              // header included
};

_Static_assert(sizeof(struct arena_block) % ALIGNMENT == 0, "the first byte is aligned");

void arena_init(struct arena *arena, size_t max)
{
    *arena = (struct arena){.max = max};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_release(struct arena *arena)
{
    free_blocks(arena->blocks);
    arena_init(arena, arena->max);
}

static void use_block(struct arena *arena, struct arena_block *block)
{
    arena->next = (char *)(block + 1);
    arena->left = block->size - sizeof *block;
}

// Takes the largest block out of the list that is not larger than BLOCK_MAX: one
// message of many megabytes shall not be held for ever.
static struct arena_block *take_largest(struct arena *arena)
{
    struct arena_block **best = NULL;
    for (struct arena_block **at = &arena->blocks; *at; at = &(*at)->next)
        if ((*at)->size <= BLOCK_MAX && (!best || (*at)->size > (*best)->size))
            best = at;
    struct arena_block *block = best ? *best : NULL;
    if (block)
        *best = block->next;
    return block;
}

void arena_reset(struct arena *arena)
{
    if (!arena->blocks)
        return;
    struct arena_block *newest = arena->blocks;
    size_t left = arena->left;
    struct arena_block *kept = take_largest(arena);
    free_blocks(arena->blocks);
    size_t max = arena->max;
    arena_init(arena, max);
    if (!kept)
        return;
    size_t dirty = kept->size - sizeof *kept - (kept == newest ? left : 0);
    memset(kept + 1, 0, dirty);
    kept->next = NULL;
    arena->blocks = kept;
    arena->used = kept->size;
    use_block(arena, kept);
}

static struct arena_block *new_block(struct arena *arena, size_t size)
{
    struct arena_block *block = calloc(1, size);
    if (!block)
        return NULL;
    block->size = size;
    arena->used += size;
    return block;
}

static size_t usual_size(const struct arena *arena)
{
    size_t size = arena->used < BLOCK_MIN ? BLOCK_MIN : arena->used;
    return size > BLOCK_MAX ? BLOCK_MAX : size;
}

// The current block is full: opens one that has room, or gives what is too large
// for any usual block a block of its own behind the current one.
static void *alloc_slow(struct arena *arena, size_t size)
{
    size_t allowed = arena->max - arena->used;
    if (size > SIZE_MAX - sizeof(struct arena_block) || size + sizeof(struct arena_block) > allowed)
        return NULL;
    size_t needed = size + sizeof(struct arena_block);
    size_t usual = usual_size(arena);
    if (usual > allowed)
        usual = allowed & ~(size_t)(ALIGNMENT - 1);
    struct arena_block *block = new_block(arena, needed > usual ? needed : usual);
    if (!block)
        return NULL;
    if (needed > usual && arena->blocks) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
        return block + 1;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    use_block(arena, block);
    return arena_alloc(arena, size);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = size ? (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) : ALIGNMENT;
    if (size > arena->left)
        return alloc_slow(arena, size);
    void *p = arena->next;
    arena->next += size;
    arena->left -= size;
    return p;
}

struct str arena_copy(struct arena *arena, struct str s)
{
    char *copy = s.len < SIZE_MAX ? arena_alloc(arena, s.len + 1) : NULL;
    if (!copy)
        return STR_NONE;
    if (s.len)
        memcpy(copy, s.data, s.len);
    return (struct str){copy, s.len};
}
