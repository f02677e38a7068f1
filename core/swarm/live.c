// SPDX-License-Identifier: MIT
// Items whose text is still growing, ordered by their last change.
#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"

static struct live_slot *free_slot(struct swarm *swarm)
{
    for (size_t i = 0; i < swarm->slot_count; i++) {
        if (!swarm->slots[i]->used)
            return swarm->slots[i];
    }
    size_t count = swarm->slot_count + 1;
    swarm->slots = mem_resize(swarm->slots, count, sizeof(*swarm->slots));
    struct live_slot *slot = mem_new(sizeof(*slot));
    slot->item.slot = (unsigned)swarm->slot_count;
    list_init(&slot->item.by_change);
    swarm->slots[swarm->slot_count] = slot;
    swarm->slot_count = count;
    return slot;
}

struct live_item *live_begin(struct agent *agent, struct item *item)
{
    struct live_slot *slot = free_slot(agent->swarm);
    slot->used = true;
    slot->item.agent = agent;
    slot->item.item = item;
    live_changed(agent->swarm, &slot->item);
    return &slot->item;
}

void live_changed(struct swarm *swarm, struct live_item *live)
{
    live->changed = ++swarm->change;
    list_remove(&live->by_change);
    list_append(&swarm->live, &live->by_change);
    swarm_tell(swarm);
}

void live_end(struct swarm *swarm, struct live_item *live)
{
    if (!live)
        return;
    list_remove(&live->by_change);
    live->item = NULL;
    live->agent = NULL;
    swarm->slots[live->slot]->used = false;
}

struct live_item *swarm_live_last(struct swarm *swarm)
{
    if (list_empty(&swarm->live))
        return NULL;
    return list_entry(swarm->live.prev, struct live_item, by_change);
}

struct live_item *swarm_live_before(struct swarm *swarm, const struct live_item *item)
{
    if (item->by_change.prev == &swarm->live)
        return NULL;
    return list_entry(item->by_change.prev, struct live_item, by_change);
}
