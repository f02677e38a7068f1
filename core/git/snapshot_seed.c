// SPDX-License-Identifier: MIT
// What is known of a worktree's files before the first snapshot: what its checkout noted.
#include "core/git/repository.h"
#include "core/git/snapshot_parts.h"

bool snapshot_seed(const char *file, const char *cache, struct err *err)
{
    git_index *index = NULL;
    struct snapshot_cache fresh;
    struct stat st;
    if (stat(file, &st) < 0 || git_index_open(&index, file) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot read %s", file);
    int64_t made = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    snapshot_cache_init(&fresh);
    for (size_t i = 0; i < git_index_entrycount(index); i++) {
        const git_index_entry *entry = git_index_get_byindex(index, i);
        struct stat_data data = {
            .mtime = (uint32_t)entry->mtime.seconds,
            .mtime_ns = entry->mtime.nanoseconds,
            .ctime = (uint32_t)entry->ctime.seconds,
            .ctime_ns = entry->ctime.nanoseconds,
            .ino = entry->ino,
            .size = entry->file_size,
            .mode = entry->mode,
        };
        if (S_ISREG(entry->mode) && !stat_data_is_young(&data, made))
            snapshot_cache_add(&fresh, str_of(entry->path), &data, entry->id.id);
    }
    bool ok = snapshot_cache_save(&fresh, cache, err);
    snapshot_cache_release(&fresh);
    git_index_free(index);
    return ok;
}
