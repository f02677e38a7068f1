// SPDX-License-Identifier: MIT
// Which segments may still grow. Only numbers are kept, not the bytes: SQLite appends to the row,
// whose pages it has to touch anyway. What is forgotten here (a restart, a rollback, too many
// agents) only means that the agent's next event begins a new segment.
#include "core/mem.h"
#include "core/store_internal.h"

void segment_cache_init(struct segment_cache *cache)
{
    memset(cache->chains, 0, sizeof(cache->chains));
    list_init(&cache->by_use);
    cache->count = 0;
}

void segment_cache_release(struct segment_cache *cache)
{
    list_for_each_safe(node, &cache->by_use)
        mem_free(list_entry(node, struct open_segment, by_use));
    segment_cache_init(cache);
}

static struct open_segment **chain_of(struct segment_cache *cache, int64_t agent)
{
    return &cache->chains[(uint64_t)agent & (OPEN_SEGMENT_CHAINS - 1)];
}

struct open_segment *segment_cache_find(struct segment_cache *cache, int64_t agent)
{
    struct open_segment *segment = *chain_of(cache, agent);
    while (segment && segment->agent != agent)
        segment = segment->chain;
    if (segment) {
        list_remove(&segment->by_use);
        list_append(&cache->by_use, &segment->by_use);
    }
    return segment;
}

static struct open_segment *take_oldest(struct segment_cache *cache)
{
    struct open_segment *oldest = list_entry(cache->by_use.next, struct open_segment, by_use);
    struct open_segment **link = chain_of(cache, oldest->agent);
    while (*link != oldest)
        link = &(*link)->chain;
    *link = oldest->chain;
    list_remove(&oldest->by_use);
    return oldest;
}

struct open_segment *segment_cache_put(struct segment_cache *cache, int64_t agent,
                                       int64_t first_seq)
{
    struct open_segment *segment = segment_cache_find(cache, agent);
    if (!segment) {
        if (cache->count == OPEN_SEGMENTS_MAX) {
            segment = take_oldest(cache);
        } else {
            segment = mem_new(sizeof(*segment));
            cache->count++;
        }
        segment->agent = agent;
        segment->chain = *chain_of(cache, agent);
        *chain_of(cache, agent) = segment;
        list_append(&cache->by_use, &segment->by_use);
    }
    segment->first_seq = first_seq;
    segment->events = segment->bytes = 0;
    return segment;
}
