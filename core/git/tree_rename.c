// SPDX-License-Identifier: MIT
// Renames: which new file is which removed one, under another name.
#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/tree_diff.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPAN_BYTES_MAX = 64, // longer lines are compared in pieces
    CANDIDATES = 4,      // that are kept for each new file
    // With a base name of its own a file needs to be this much alike, at least.
    SCORE_BY_NAME = TREE_SCORE_MIN + (TREE_SCORE_MAX - TREE_SCORE_MIN) / 2,
};

struct span {
    uint64_t hash;
    uint32_t bytes;
};

struct side { // one removed or new file
    struct tree_file *file;
    const char *name; // the last component of its path
    struct span *spans;
    size_t span_count, size;
    bool loaded, usable, taken;
};

struct pair {
    size_t source, target;
    int score;
    bool same_name, valid;
};

struct renames {
    git_repository *repository;
    struct side *sources, *targets; // removed, new
    size_t source_count, target_count;
    size_t bytes; // that were read
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_regular(uint16_t mode)
{
    return mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

static const git_oid *id_of(const struct side *side)
{
    return side->file->status == TREE_ADDED ? &side->file->new_id : &side->file->old_id;
}

static uint16_t mode_of(const struct side *side)
{
    return side->file->status == TREE_ADDED ? side->file->new_mode : side->file->old_mode;
}

static void join(struct side *source, struct side *target, int score)
{
    struct tree_file *from = source->file, *to = target->file;
    to->old_path = mem_dup(str_of(from->path));
    to->old_id = from->old_id;
    to->old_mode = from->old_mode;
    to->score = score;
    source->taken = target->taken = true;
}

// --- the same content ---

static int compare_ids(const void *a, const void *b)
{
    const struct side *x = *(struct side *const *)a, *y = *(struct side *const *)b;
    int order = git_oid_cmp(id_of(x), id_of(y));
    return order ? order : (x > y) - (x < y); // those of one content by path
}

static struct side **first_of_id(struct side **sorted, size_t count, const git_oid *id)
{
    size_t from = 0, to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (git_oid_cmp(id_of(sorted[middle]), id) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return sorted + from;
}

static bool may_be_moved(const struct side *source, const struct side *target)
{
    bool regular = is_regular(mode_of(source)) && is_regular(mode_of(target));
    return !source->taken && (regular || mode_of(source) == mode_of(target));
}

static void find_moved(struct renames *r)
{
    struct side **sorted = mem_new_array(r->source_count + 1, sizeof *sorted);
    for (size_t i = 0; i < r->source_count; i++)
        sorted[i] = &r->sources[i];
    qsort(sorted, r->source_count, sizeof *sorted, compare_ids);
    for (size_t i = 0; i < r->target_count; i++) {
        struct side *target = &r->targets[i], *best = NULL;
        struct side **end = sorted + r->source_count;
        for (struct side **at = first_of_id(sorted, r->source_count, id_of(target));
             at < end && git_oid_equal(id_of(*at), id_of(target)); at++) {
            bool same_name = strcmp((*at)->name, target->name) == 0;
            if (may_be_moved(*at, target) && (!best || same_name))
                best = *at;
            if (best && same_name)
                break;
        }
        if (best)
            join(best, target, TREE_SCORE_MAX);
    }
    mem_free(sorted);
}

// --- likeness ---

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

// One span a line. What stands behind the last line break does not count (git 2.39 has it so).
static size_t cut_spans(const unsigned char *bytes, size_t len, bool text, struct span *spans)
{
    uint64_t hash = 0xcbf29ce484222325u;
    uint32_t n = 0;
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (text && bytes[i] == '\r' && i + 1 < len && bytes[i + 1] == '\n')
            continue;
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
        if (++n < SPAN_BYTES_MAX && bytes[i] != '\n')
            continue;
        spans[count++] = (struct span){hash, n};
        hash = 0xcbf29ce484222325u;
        n = 0;
    }
    return count;
}

static size_t merge_spans(struct span *spans, size_t count)
{
    size_t kept = 0;
    qsort(spans, count, sizeof *spans, compare_spans);
    for (size_t i = 0; i < count; i++) {
        if (kept && spans[kept - 1].hash == spans[i].hash)
            spans[kept - 1].bytes += spans[i].bytes;
        else
            spans[kept++] = spans[i];
    }
    return kept;
}

static size_t span_room(const unsigned char *bytes, size_t len)
{
    size_t room = len / SPAN_BYTES_MAX + 2;
    for (size_t i = 0; i < len; i++)
        room += bytes[i] == '\n';
    return room;
}

static bool load_size(struct renames *r, struct side *side, struct err *err)
{
    git_odb *odb = NULL;
    git_object_t type;
    bool ok = git_repository_odb(&odb, r->repository) == 0 &&
              git_odb_read_header(&side->size, &type, odb, id_of(side)) == 0;
    git_odb_free(odb);
    side->usable = side->size <= TREE_FILE_BYTES_MAX;
    return ok || git_fail(err, ERR_WORKTREE, "cannot read %s", side->file->path);
}

static bool load_spans(struct renames *r, struct side *side, struct err *err)
{
    git_blob *blob = NULL;
    if (side->loaded || !side->usable)
        return true;
    if (!tree_attributes_are_safe(r->repository, side->file->path, err))
        return false;
    side->loaded = true;
    r->bytes += side->size;
    side->usable = r->bytes <= TREE_RENAME_BYTES_MAX;
    if (!side->usable)
        return true;
    if (git_blob_lookup(&blob, r->repository, id_of(side)) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot read %s", side->file->path);
    const unsigned char *bytes = git_blob_rawcontent(blob);
    if (side->size) {
        side->spans = mem_new_array(span_room(bytes, side->size), sizeof *side->spans);
        bool text = tree_is_text(r->repository, side->file->path, bytes, side->size);
        side->span_count =
            merge_spans(side->spans, cut_spans(bytes, side->size, text, side->spans));
    }
    git_blob_free(blob);
    return true;
}

static uint64_t common_bytes(const struct side *a, const struct side *b)
{
    uint64_t common = 0;
    for (size_t i = 0, j = 0; i < a->span_count && j < b->span_count;) {
        const struct span *x = &a->spans[i], *y = &b->spans[j];
        if (x->hash == y->hash)
            common += x->bytes < y->bytes ? x->bytes : y->bytes;
        i += x->hash <= y->hash;
        j += y->hash <= x->hash;
    }
    return common;
}

static bool score_of(struct renames *r, struct side *source, struct side *target, int *score,
                     struct err *err)
{
    *score = 0;
    if (!is_regular(mode_of(source)) || !is_regular(mode_of(target)))
        return true;
    uint64_t larger = source->size > target->size ? source->size : target->size;
    uint64_t smaller = source->size > target->size ? target->size : source->size;
    if (larger * (TREE_SCORE_MAX - TREE_SCORE_MIN) < (larger - smaller) * TREE_SCORE_MAX)
        return true;
    if (!load_spans(r, source, err) || !load_spans(r, target, err))
        return false;
    if (source->usable && target->usable && target->size)
        *score = (int)(common_bytes(source, target) * TREE_SCORE_MAX / larger);
    return true;
}

// --- a base name that no other has ---

static int compare_names(const void *a, const void *b)
{
    const struct side *x = *(struct side *const *)a, *y = *(struct side *const *)b;
    return strcmp(x->name, y->name);
}

// Those left of a side, by name; names that are there twice are dropped.
static size_t unique_names(struct side *sides, size_t count, struct side **out)
{
    size_t left = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!sides[i].taken)
            out[left++] = &sides[i];
    }
    qsort(out, left, sizeof *out, compare_names);
    for (size_t i = 0, end; i < left; i = end) {
        for (end = i + 1; end < left && strcmp(out[end]->name, out[i]->name) == 0; end++)
            ;
        if (end == i + 1)
            out[kept++] = out[i];
    }
    return kept;
}

static bool find_by_name(struct renames *r, struct err *err)
{
    struct side **from = mem_new_array(r->source_count + 1, sizeof *from);
    struct side **to = mem_new_array(r->target_count + 1, sizeof *to);
    size_t from_count = unique_names(r->sources, r->source_count, from);
    size_t to_count = unique_names(r->targets, r->target_count, to);
    bool ok = true;
    for (size_t i = 0, j = 0; ok && i < from_count && j < to_count;) {
        int order = strcmp(from[i]->name, to[j]->name), score = 0;
        if (order == 0) {
            ok = score_of(r, from[i], to[j], &score, err);
            if (ok && score >= SCORE_BY_NAME)
                join(from[i], to[j], score);
        }
        i += order <= 0;
        j += order >= 0;
    }
    mem_free(from);
    mem_free(to);
    return ok;
}

// --- the most alike ---

// Which comes first; 0 leaves the order as it is.
static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->valid != y->valid)
        return y->valid - x->valid;
    if (x->score != y->score)
        return (y->score > x->score) - (y->score < x->score);
    return y->same_name - x->same_name;
}

static int compare_pairs_stably(const void *a, const void *b)
{
    int order = compare_pairs(a, b);
    return order ? order
                 : ((const char *)a > (const char *)b) - ((const char *)a < (const char *)b);
}

static int compare_places(const void *a, const void *b)
{
    return compare_pairs_stably(*(struct pair *const *)a, *(struct pair *const *)b);
}

static void keep_if_better(struct pair best[CANDIDATES], const struct pair *pair)
{
    size_t worst = 0;
    for (size_t i = 1; i < CANDIDATES; i++) {
        if (compare_pairs(&best[i], &best[worst]) > 0)
            worst = i;
    }
    if (compare_pairs(&best[worst], pair) > 0)
        best[worst] = *pair;
}

static bool find_candidates(struct renames *r, size_t target, struct pair best[CANDIDATES],
                            struct err *err)
{
    for (size_t i = 0; i < r->source_count; i++) {
        struct pair pair = {.source = i, .target = target, .valid = true};
        if (r->sources[i].taken)
            continue;
        if (!score_of(r, &r->sources[i], &r->targets[target], &pair.score, err))
            return false;
        pair.same_name = strcmp(r->sources[i].name, r->targets[target].name) == 0;
        keep_if_better(best, &pair);
    }
    return true;
}

static void join_best(struct renames *r, struct pair *pairs, size_t count)
{
    struct pair **order = mem_new_array(count + 1, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = &pairs[i];
    qsort(order, count, sizeof *order, compare_places);
    for (size_t i = 0; i < count && order[i]->valid && order[i]->score >= TREE_SCORE_MIN; i++) {
        struct side *source = &r->sources[order[i]->source];
        struct side *target = &r->targets[order[i]->target];
        if (!source->taken && !target->taken)
            join(source, target, order[i]->score);
    }
    mem_free(order);
}

static size_t count_left(const struct side *sides, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        left += !sides[i].taken;
    return left;
}

static bool find_alike(struct renames *r, struct err *err)
{
    size_t sources = count_left(r->sources, r->source_count), at = 0;
    size_t targets = count_left(r->targets, r->target_count);
    if (!sources || !targets || sources * targets > (size_t)TREE_RENAMES_MAX * TREE_RENAMES_MAX)
        return true;
    struct pair *pairs = mem_new_array(targets * CANDIDATES, sizeof *pairs);
    bool ok = true;
    for (size_t i = 0; ok && i < r->target_count; i++) {
        if (!r->targets[i].taken)
            ok = find_candidates(r, i, &pairs[CANDIDATES * at++], err);
    }
    if (ok)
        join_best(r, pairs, targets * CANDIDATES);
    mem_free(pairs);
    return ok;
}

// --- the whole ---

static bool collect(struct renames *r, struct tree_diff *diff, struct err *err)
{
    bool ok = true;
    r->sources = mem_new_array(diff->count + 1, sizeof *r->sources);
    r->targets = mem_new_array(diff->count + 1, sizeof *r->targets);
    for (size_t i = 0; i < diff->count; i++) {
        struct tree_file *file = &diff->files[i];
        uint16_t mode = file->status == TREE_ADDED ? file->new_mode : file->old_mode;
        bool pairs = file->status == TREE_ADDED || file->status == TREE_REMOVED;
        if (!pairs || mode == GIT_FILEMODE_COMMIT)
            continue;
        struct side *side = file->status == TREE_ADDED ? &r->targets[r->target_count++]
                                                       : &r->sources[r->source_count++];
        side->file = file;
        side->name = base_name(file->path);
    }
    if (!r->source_count || !r->target_count)
        return true;
    for (size_t i = 0; ok && i < r->source_count; i++)
        ok = load_size(r, &r->sources[i], err);
    for (size_t i = 0; ok && i < r->target_count; i++)
        ok = load_size(r, &r->targets[i], err);
    return ok;
}

// The removed halves go; the new ones become `renamed`.
static void settle(struct renames *r, struct tree_diff *diff)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->source_count; i++) {
        if (r->sources[i].taken) {
            mem_free(r->sources[i].file->path);
            r->sources[i].file->path = NULL;
        }
    }
    for (size_t i = 0; i < r->target_count; i++) {
        if (r->targets[i].taken)
            r->targets[i].file->status = TREE_RENAMED;
    }
    for (size_t i = 0; i < diff->count; i++) {
        if (diff->files[i].path)
            diff->files[kept++] = diff->files[i];
    }
    diff->count = kept;
}

static void release(struct renames *r)
{
    for (size_t i = 0; i < r->source_count; i++)
        mem_free(r->sources[i].spans);
    for (size_t i = 0; i < r->target_count; i++)
        mem_free(r->targets[i].spans);
    mem_free(r->sources);
    mem_free(r->targets);
}

bool tree_find_renames(git_repository *repository, struct tree_diff *diff, struct err *err)
{
    struct renames r = {.repository = repository};
    bool ok = collect(&r, diff, err);
    if (ok && r.source_count && r.target_count) {
        find_moved(&r);
        ok = find_by_name(&r, err) && find_alike(&r, err);
    }
    if (ok)
        settle(&r, diff);
    release(&r);
    return ok;
}
