// SPDX-License-Identifier: MIT
#include "core/git/snapshot_cache.h"

#include "core/base/mem.h"
#include "core/files/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct cache_entry {
    struct stat_data data;
    unsigned char id[SNAPSHOT_ID_SIZE];
    uint32_t name, name_len; // in `names`
};

struct cache_head {
    char magic[8]; // with the version
    uint64_t check;
    uint32_t count, names;
};

static const char magic[8] = "swSNAP1";

static uint32_t low(int64_t value)
{
    return (uint32_t)value;
}

void stat_data_set(struct stat_data *data, const struct stat *st)
{
    *data = (struct stat_data){
        .mtime = low(st->st_mtim.tv_sec),
        .mtime_ns = low(st->st_mtim.tv_nsec),
        .ctime = low(st->st_ctim.tv_sec),
        .ctime_ns = low(st->st_ctim.tv_nsec),
        .ino = low((int64_t)st->st_ino),
        .size = low(st->st_size),
        // Only what git keeps of it, for an index may be what it is compared with.
        .mode = S_IFREG | (st->st_mode & S_IXUSR ? 0755 : 0644),
    };
}

bool stat_data_is_young(const struct stat_data *data, int64_t now_ms)
{
    // Whatever changes a file moves its ctime, which nobody can set.
    int64_t changed = (int64_t)data->ctime * 1000 + data->ctime_ns / 1000000;
    int64_t tick = data->ctime_ns ? SNAPSHOT_TICK_MS : SNAPSHOT_COARSE_TICK_MS;
    return changed + tick >= now_ms;
}

void snapshot_cache_init(struct snapshot_cache *cache)
{
    buf_init(&cache->entries, SNAPSHOT_CACHE_BYTES_MAX);
    buf_init(&cache->names, SNAPSHOT_CACHE_BYTES_MAX);
    cache->sorted = true;
}

void snapshot_cache_release(struct snapshot_cache *cache)
{
    buf_release(&cache->entries);
    buf_release(&cache->names);
}

static size_t count_of(const struct snapshot_cache *cache)
{
    return cache->entries.len / sizeof(struct cache_entry);
}

static struct cache_entry *entries_of(const struct snapshot_cache *cache)
{
    return (struct cache_entry *)(void *)cache->entries.data;
}

static int compare_names(struct str a, struct str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static struct str name_of(const struct snapshot_cache *cache, const struct cache_entry *entry)
{
    return str_from(cache->names.data + entry->name, entry->name_len);
}

static int compare(const void *a, const void *b, void *cache)
{
    return compare_names(name_of(cache, a), name_of(cache, b));
}

void snapshot_cache_add(struct snapshot_cache *cache, struct str path, const struct stat_data *data,
                        const unsigned char id[SNAPSHOT_ID_SIZE])
{
    struct cache_entry entry = {
        .data = *data, .name = (uint32_t)cache->names.len, .name_len = (uint32_t)path.len};
    memcpy(entry.id, id, SNAPSHOT_ID_SIZE);
    buf_add_str(&cache->names, path);
    if (cache->names.overflow) // what does not fit is read again the next time
        return;
    buf_add(&cache->entries, &entry, sizeof entry);
    cache->sorted = false;
}

static void sort(struct snapshot_cache *cache)
{
    if (!cache->sorted && count_of(cache) > 1)
        qsort_r(cache->entries.data, count_of(cache), sizeof(struct cache_entry), compare, cache);
    cache->sorted = true;
}

static const struct cache_entry *find(struct snapshot_cache *cache, struct str path)
{
    sort(cache);
    size_t from = 0, to = count_of(cache);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct cache_entry *entry = &entries_of(cache)[middle];
        int order = compare_names(path, name_of(cache, entry));
        if (order == 0)
            return entry;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const unsigned char *snapshot_cache_find(struct snapshot_cache *cache, struct str path,
                                         const struct stat_data *data)
{
    const struct cache_entry *entry = find(cache, path);
    return entry && memcmp(&entry->data, data, sizeof *data) == 0 ? entry->id : NULL;
}

bool snapshot_cache_has(struct snapshot_cache *cache, struct str path)
{
    return find(cache, path) != NULL;
}

// --- the file ---

static uint64_t mix(uint64_t sum, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
        sum ^= sum >> 29;
    }
    for (; len; len--, p++)
        sum = (sum ^ *p) * 0x9E3779B97F4A7C15u;
    return sum;
}

static uint64_t check_of(const struct snapshot_cache *cache)
{
    uint64_t sum = mix(1, cache->entries.data, cache->entries.len);
    return mix(sum, cache->names.data, cache->names.len);
}

static bool read_part(FILE *in, struct buf *out, size_t len)
{
    if (!buf_reserve(out, len + 1) || fread(out->data, 1, len, in) != len)
        return false;
    out->len = len;
    return true;
}

static bool is_whole(const struct snapshot_cache *cache, const struct cache_head *head)
{
    if (check_of(cache) != head->check)
        return false;
    for (size_t i = 0; i < count_of(cache); i++) {
        const struct cache_entry *entry = &entries_of(cache)[i];
        if (entry->name > cache->names.len || entry->name_len > cache->names.len - entry->name)
            return false;
    }
    return true;
}

void snapshot_cache_load(struct snapshot_cache *cache, const char *file)
{
    struct cache_head head;
    FILE *in = fopen(file, "re");
    snapshot_cache_init(cache);
    if (!in)
        return;
    bool ok = fread(&head, sizeof head, 1, in) == 1 && memcmp(head.magic, magic, 8) == 0 &&
              read_part(in, &cache->entries, head.count * sizeof(struct cache_entry)) &&
              read_part(in, &cache->names, head.names) && is_whole(cache, &head);
    fclose(in);
    if (!ok) {
        snapshot_cache_release(cache);
        snapshot_cache_init(cache);
    }
}

static bool write_part(FILE *out, const struct buf *part)
{
    return part->len == 0 || fwrite(part->data, 1, part->len, out) == part->len;
}

static bool write_parts(FILE *out, const struct snapshot_cache *cache)
{
    struct cache_head head = {
        .check = check_of(cache),
        .count = (uint32_t)count_of(cache),
        .names = (uint32_t)cache->names.len,
    };
    memcpy(head.magic, magic, sizeof head.magic);
    return fwrite(&head, sizeof head, 1, out) == 1 && write_part(out, &cache->entries) &&
           write_part(out, &cache->names);
}

bool snapshot_cache_save(struct snapshot_cache *cache, const char *file, struct err *err)
{
    sort(cache);
    if (!folder_make_parents(file, err))
        return false;
    char *fresh = mem_format("%s.new", file);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    bool ok = out && write_parts(out, cache);
    if (out && fclose(out) != 0)
        ok = false;
    if (!out && fd >= 0)
        close(fd);
    ok = ok && rename(fresh, file) == 0;
    if (!ok)
        err_set_errno(err, ERR_STORAGE, errno, "cannot write %s", file);
    mem_free(fresh);
    return ok;
}
