// SPDX-License-Identifier: MIT
// What the files of a worktree were at the last look, by their stat data, so that a snapshot reads
// only those that changed. A file of swarmd's own for each agent; losing it costs time, no more.
//
// As in git's index 32 bits of everything are compared. A file whose inode changed shortly before
// it was looked at is not remembered: a later write may leave the same stat data (the clock of
// file systems ticks slowly).
#ifndef SWARMD_CORE_GIT_SNAPSHOT_CACHE_H
#define SWARMD_CORE_GIT_SNAPSHOT_CACHE_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum {
    SNAPSHOT_CACHE_BYTES_MAX = 256 << 20, // of the file; a larger one is not kept
    SNAPSHOT_TICK_MS = 20,                // how old a change must be to be remembered,
    SNAPSHOT_COARSE_TICK_MS = 2000,       // and where times have no nanoseconds
    SNAPSHOT_ID_SIZE = 20,                // of an object's id
};

struct stat_data {
    uint32_t mtime, mtime_ns, ctime, ctime_ns, ino, size, mode;
};

void stat_data_set(struct stat_data *data, const struct stat *st);
// Was its inode changed so shortly before `now_ms` (since 1970) that more may have come unseen?
bool stat_data_is_young(const struct stat_data *data, int64_t now_ms);

struct snapshot_cache {
    struct buf entries; // struct cache_entry, sorted by path when there is `sorted`
    struct buf names;
    bool sorted;
};

void snapshot_cache_init(struct snapshot_cache *cache);
void snapshot_cache_release(struct snapshot_cache *cache);

// In any order; each path once.
void snapshot_cache_add(struct snapshot_cache *cache, struct str path, const struct stat_data *data,
                        const unsigned char id[SNAPSHOT_ID_SIZE]);
// The id that the file had with the same stat data, or NULL.
const unsigned char *snapshot_cache_find(struct snapshot_cache *cache, struct str path,
                                         const struct stat_data *data);
bool snapshot_cache_has(struct snapshot_cache *cache, struct str path);

// A file that is missing, broken or of another version gives an empty cache.
void snapshot_cache_load(struct snapshot_cache *cache, const char *file);
// Makes missing folders. ERR_STORAGE.
bool snapshot_cache_save(struct snapshot_cache *cache, const char *file, struct err *err);

#endif
