// SPDX-License-Identifier: MIT
#include "core/base/mem.h"
#include "core/store/journal_parts.h"

enum {
    RING_CAPACITY_MIN = 64,
    RING_CAPACITY_KEPT = 1024, // when it is empty
};

void ring_init(struct ring *ring, int64_t next_seq)
{
    *ring = (struct ring){.first = next_seq};
}

static struct event *at(const struct ring *ring, size_t index)
{
    size_t place = ring->head + index;
    return &ring->events[place < ring->capacity ? place : place - ring->capacity];
}

void ring_release(struct ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        shared_unref(at(ring, i)->bytes);
    mem_free(ring->events);
    ring_init(ring, ring->first + (int64_t)ring->count);
}

static size_t size_of(const struct event *event)
{
    return sizeof(*event->bytes) + event->bytes->len;
}

static void drop_oldest(struct ring *ring)
{
    struct event *oldest = at(ring, 0);
    ring->bytes -= size_of(oldest);
    shared_unref(oldest->bytes);
    ring->head = ring->head + 1 < ring->capacity ? ring->head + 1 : 0;
    ring->count--;
    ring->first++;
}

void ring_forget(struct ring *ring, int64_t seq)
{
    while (ring->count && ring->first <= seq)
        drop_oldest(ring);
    if (ring->count || ring->capacity <= RING_CAPACITY_KEPT)
        return;
    mem_free(ring->events);
    *ring = (struct ring){.first = ring->first};
}

static void grow(struct ring *ring)
{
    size_t capacity = ring->capacity ? 2 * ring->capacity : RING_CAPACITY_MIN;
    struct event *events = mem_new_array(capacity, sizeof(*events));
    for (size_t i = 0; i < ring->count; i++)
        events[i] = *at(ring, i);
    mem_free(ring->events);
    ring->events = events;
    ring->capacity = capacity;
    ring->head = 0;
}

// The newest event stays even when it alone is over the ceiling: its readers have to get it.
void ring_push(struct ring *ring, const struct event *event)
{
    while (ring->count && (ring->count == JOURNAL_RING_EVENTS_MAX ||
                           ring->bytes + size_of(event) > JOURNAL_RING_BYTES_MAX))
        drop_oldest(ring);
    if (ring->count == ring->capacity)
        grow(ring);
    if (ring->count == 0)
        ring->first = event->seq;
    ring->count++;
    *at(ring, ring->count - 1) = *event;
    ring->bytes += size_of(event);
}

const struct event *ring_next(const struct ring *ring, int64_t after, bool *lost)
{
    *lost = after + 1 < ring->first;
    size_t index = *lost ? 0 : (size_t)(after + 1 - ring->first);
    return index < ring->count ? at(ring, index) : NULL;
}
