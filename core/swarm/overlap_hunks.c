// SPDX-License-Identifier: MIT
#include "core/swarm/overlap_hunks.h"

#include "core/base/mem.h"

#include <stdlib.h>
#include <string.h>

struct mark {
    uint32_t start, end;
    int64_t agent;
};

static int by_start(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool is_comparable(const struct overlap_path *path)
{
    for (size_t i = 0; i < path->count; i++) {
        if (!path->lines[i] || memcmp(path->lines[i]->old_blob, path->lines[0]->old_blob,
                                      sizeof(path->lines[i]->old_blob)) != 0)
            return false;
    }
    return true;
}

static struct mark *marks_of(const struct overlap_path *path, size_t *count)
{
    size_t total = 0;
    *count = 0;
    for (size_t i = 0; i < path->count; i++)
        total += path->lines[i]->count;
    struct mark *marks = mem_new_array(total + 1, sizeof(*marks));
    for (size_t i = 0; i < path->count; i++) {
        const struct overlap_lines *lines = path->lines[i];
        for (size_t k = 0; k < lines->count; k++) {
            struct line_range range = lines->ranges[k];
            marks[(*count)++] =
                (struct mark){range.start, range.start + range.count, path->agents[i]};
        }
    }
    qsort(marks, *count, sizeof(*marks), by_start);
    return marks;
}

// Each once, behind those of the hunks before.
static size_t agents_of(const struct mark *marks, size_t count, int64_t *agents)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        agents[i] = marks[i].agent;
    qsort(agents, count, sizeof(*agents), by_number);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || agents[kept - 1] != agents[i])
            agents[kept++] = agents[i];
    }
    return kept;
}

bool overlap_hunks_find(const struct overlap_path *path, struct overlap_hunks *hunks)
{
    size_t count, next;
    bool all = true;
    *hunks = (struct overlap_hunks){0};
    if (!is_comparable(path))
        return false;
    struct mark *marks = marks_of(path, &count);
    int64_t *agents = hunks->agents = mem_new_array(count + 1, sizeof(*agents));
    hunks->items = mem_new_array(OVERLAP_HUNKS_MAX, sizeof(*hunks->items));
    for (size_t i = 0; i < count && all; i = next) {
        uint32_t end = marks[i].end;
        for (next = i + 1; next < count && marks[next].start <= end; next++)
            end = marks[next].end > end ? marks[next].end : end;
        size_t sharing = agents_of(&marks[i], next - i, agents);
        if (sharing < 2)
            continue;
        all = hunks->count < OVERLAP_HUNKS_MAX;
        if (all)
            hunks->items[hunks->count++] =
                (struct overlap_hunk){marks[i].start, end, agents, sharing};
        agents += sharing;
    }
    mem_free(marks);
    return all;
}

void overlap_hunks_release(struct overlap_hunks *hunks)
{
    mem_free(hunks->items);
    mem_free(hunks->agents);
    *hunks = (struct overlap_hunks){0};
}
