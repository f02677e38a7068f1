// SPDX-License-Identifier: MIT
// Where a file that one side has no more went to, by git's measure: how many of its bytes are, as
// whole lines, in a file that the same side added. git takes half of them for a rename. Ours is
// clear from a little more on, and only when nothing else comes near; what lies between is a doubt.
// git compares text without its CRs, and what it takes for binary with them: clear is what is so
// both ways.
#include "core/base/mem.h"
#include "core/git/merge_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    SCORE_SAME = 100,
    SCORE_CLEAR = 55,
    SCORE_DOUBT = 48,
    CHUNK_MAX = 64, // bytes of a longer line that are compared at once
};

struct chunk {
    uint64_t hash;
    uint32_t bytes;
};

struct lines { // as a sorted set
    struct chunk *chunks;
    size_t count;
};

struct content {
    struct lines plain, with_cr;
    size_t bytes;
    bool loaded, known;
};

struct score { // 0..100
    int low, high;
};

static const struct score same = {SCORE_SAME, SCORE_SAME}, different = {0, 0};

struct merge_renames {
    struct merge_result *result;
    struct content *contents; // of paths in the base, by index
    struct content *added[2]; // and as they were added: by them, by us
    size_t pairs;
};

struct merge_renames *merge_renames_new(struct merge_result *result)
{
    struct merge_renames *renames = mem_new(sizeof(*renames));
    renames->result = result;
    renames->contents = mem_new_array(result->count + 1, sizeof(struct content));
    for (int i = 0; i < 2; i++)
        renames->added[i] = mem_new_array(result->count + 1, sizeof(struct content));
    return renames;
}

void merge_renames_free(struct merge_renames *renames)
{
    struct content *all[] = {renames->contents, renames->added[0], renames->added[1]};
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < renames->result->count; i++) {
            mem_free(all[k][i].plain.chunks);
            mem_free(all[k][i].with_cr.chunks);
        }
        mem_free(all[k]);
    }
    mem_free(renames);
}

// --- contents ---

static int by_hash(const void *a, const void *b)
{
    const struct chunk *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static size_t chunk_at(const char *text, size_t len, bool with_cr, struct chunk *chunk)
{
    size_t size = 0;
    uint64_t hash = 0xcbf29ce484222325u;
    while (size < len && size < CHUNK_MAX) {
        char c = text[size++];
        if (!with_cr && c == '\r' && size < len && text[size] == '\n')
            continue;
        hash = (hash ^ (unsigned char)c) * 0x100000001b3u;
        if (c == '\n')
            break;
    }
    *chunk = (struct chunk){hash, (uint32_t)size};
    return size;
}

static void cut(struct lines *lines, const char *text, size_t len, bool with_cr)
{
    size_t capacity = 0, kept = 0;
    for (size_t at = 0; at < len;) {
        if (lines->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            lines->chunks = mem_resize(lines->chunks, capacity, sizeof(struct chunk));
        }
        at += chunk_at(text + at, len - at, with_cr, &lines->chunks[lines->count++]);
    }
    if (lines->count)
        qsort(lines->chunks, lines->count, sizeof(struct chunk), by_hash);
    for (size_t i = 0; i < lines->count; i++) {
        if (kept && lines->chunks[kept - 1].hash == lines->chunks[i].hash)
            lines->chunks[kept - 1].bytes += lines->chunks[i].bytes;
        else
            lines->chunks[kept++] = lines->chunks[i];
    }
    lines->count = kept;
}

static const struct content *load(struct merge_renames *renames, struct content *content,
                                  const struct merge_entry *entry)
{
    if (content->loaded)
        return content;
    content->loaded = true;
    git_blob *blob = NULL;
    if (git_blob_lookup(&blob, renames->result->repository, &entry->id) == 0 &&
        git_blob_rawsize(blob) <= MERGE_SCORED_BYTES_MAX) {
        content->known = true;
        content->bytes = (size_t)git_blob_rawsize(blob);
        cut(&content->plain, git_blob_rawcontent(blob), content->bytes, false);
        cut(&content->with_cr, git_blob_rawcontent(blob), content->bytes, true);
    }
    git_blob_free(blob);
    return content;
}

static size_t common_of(const struct lines *a, const struct lines *b)
{
    size_t common = 0, i = 0, k = 0;
    while (i < a->count && k < b->count) {
        const struct chunk *x = &a->chunks[i], *y = &b->chunks[k];
        if (x->hash == y->hash)
            common += x->bytes < y->bytes ? x->bytes : y->bytes;
        i += x->hash <= y->hash;
        k += y->hash <= x->hash;
    }
    return common;
}

// How much of a is in b, of the larger one.
static struct score score_of(const struct content *a, const struct content *b)
{
    size_t larger = a->bytes > b->bytes ? a->bytes : b->bytes;
    if (a->bytes == 0 || b->bytes == 0)
        return different;
    int plain = (int)(common_of(&a->plain, &b->plain) * 100 / larger);
    int with_cr = (int)(common_of(&a->with_cr, &b->with_cr) * 100 / larger);
    return plain < with_cr ? (struct score){plain, with_cr} : (struct score){with_cr, plain};
}

// --- pairs ---

static const struct merge_entry *side_of(const struct merge_path *path, bool ours)
{
    return ours ? &path->ours : &path->theirs;
}

static struct score compare(struct merge_renames *renames, const struct merge_path *source,
                            const struct merge_path *target, bool by_us)
{
    static const struct score unknown = {0, SCORE_SAME};
    const struct merge_path *first = renames->result->paths;
    const struct merge_entry *added = side_of(target, by_us);
    struct content *before = &renames->contents[source - first];
    bool is_same = git_oid_equal(&added->id, &source->base.id);
    if (!merge_is_file(added) || !merge_is_file(&source->base))
        return is_same && added->mode == source->base.mode ? same : different;
    if (is_same) { // git renames no empty files
        const struct content *content = load(renames, before, &source->base);
        return content->known && content->bytes == 0 ? different : same;
    }
    if (++renames->pairs > MERGE_RENAME_PAIRS_MAX)
        return unknown;
    const struct content *a = load(renames, before, &source->base);
    const struct content *b = load(renames, &renames->added[by_us][target - first], added);
    return a->known && b->known ? score_of(a, b) : unknown;
}

static bool is_target(const struct merge_path *path, bool by_us)
{
    return !path->base.mode && side_of(path, by_us)->mode;
}

static bool is_source(const struct merge_path *path, bool by_us)
{
    return path->base.mode && !side_of(path, by_us)->mode;
}

// Does anything else that is gone come near to being the target?
static bool has_rival(struct merge_renames *renames, const struct merge_path *source,
                      const struct merge_path *target, struct score score, bool by_us)
{
    const struct merge_result *result = renames->result;
    for (size_t i = 0; i < result->count; i++) {
        const struct merge_path *other = &result->paths[i];
        if (other == source || !is_source(other, by_us))
            continue;
        struct score rival = compare(renames, other, target, by_us);
        if (rival.high >= SCORE_DOUBT && (score.low < SCORE_SAME || rival.high == SCORE_SAME))
            return true;
    }
    return false;
}

enum merge_rename merge_renamed(struct merge_renames *renames, const struct merge_path *source,
                                bool by_us, struct merge_path **target)
{
    struct merge_result *result = renames->result;
    struct score best = different;
    int second = 0;
    *target = NULL;
    for (size_t i = 0; i < result->count; i++) {
        struct merge_path *candidate = &result->paths[i];
        if (!is_target(candidate, by_us))
            continue;
        struct score score = compare(renames, source, candidate, by_us);
        if (score.high > best.high) {
            second = best.high;
            best = score;
            *target = candidate;
        } else if (score.high > second) {
            second = score.high;
        }
    }
    if (best.high < SCORE_DOUBT) {
        *target = NULL;
        return RENAME_NONE;
    }
    bool alone = second < SCORE_DOUBT || (best.low == SCORE_SAME && second < SCORE_SAME);
    if (best.low < SCORE_CLEAR || !alone || has_rival(renames, source, *target, best, by_us))
        return RENAME_UNCLEAR;
    return RENAME_CLEAR;
}
