// SPDX-License-Identifier: MIT
#include "core/git/worktree_oids.h"

#include "core/base/mem.h"

#include <git2.h>
#include <string.h>

enum { OIDS_ROOM_MIN = 64 }; // a power of two

// The id is a hash already; whoever makes ids collide here only makes it slow for objects of
// his own.
static git_oid *place(const struct oids *oids, const git_oid *id)
{
    size_t at;
    memcpy(&at, id->id, sizeof at);
    while (true) {
        git_oid *slot = &oids->slots[at++ & (oids->room - 1)];
        if (git_oid_is_zero(slot) || git_oid_equal(slot, id))
            return slot;
    }
}

static void grow(struct oids *oids)
{
    struct oids larger = {.room = oids->room ? oids->room * 2 : OIDS_ROOM_MIN};
    larger.slots = mem_new_array(larger.room, sizeof *larger.slots);
    for (size_t i = 0; i < oids->room; i++)
        if (!git_oid_is_zero(&oids->slots[i]))
            *place(&larger, &oids->slots[i]) = oids->slots[i];
    larger.count = oids->count;
    mem_free(oids->slots);
    *oids = larger;
}

bool oids_add(struct oids *oids, const git_oid *id)
{
    if (oids->count * 2 >= oids->room)
        grow(oids);
    git_oid *slot = place(oids, id);
    if (!git_oid_is_zero(slot))
        return false;
    *slot = *id;
    oids->count++;
    return true;
}

void oids_release(struct oids *oids)
{
    mem_free(oids->slots);
    *oids = (struct oids){0};
}
