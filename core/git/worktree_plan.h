// SPDX-License-Identifier: MIT
// What a checkout has to write: every entry of a commit in the order of the index, with what
// happens to its content. For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_PLAN_H
#define SWARMD_CORE_GIT_WORKTREE_PLAN_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/files/ignore.h"
#include "core/git/worktree_convert.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct git_repository;

enum {
    PLAN_ENTRIES_MAX = 1 << 24,
    PLAN_DEPTH_MAX = 256,        // nested folders
    PLAN_CONVERSIONS_MAX = 4096, // different ones
    PLAN_MEMORY_MAX = 1 << 30,   // of paths
};

struct plan_stat { // what the index keeps
    uint32_t ctime_s, ctime_ns, mtime_s, mtime_ns, dev, ino, uid, gid, size;
};

struct plan_entry {
    const char *path; // relative to the top, NUL-terminated
    uint32_t len;
    uint32_t mode;       // 0100644, 0100755, 0120000, 0160000
    uint32_t folder;     // it is in
    uint16_t conversion; // 0: none
    bool skipped;        // left out by the sparse patterns
    unsigned char id[20];
    struct plan_stat stat; // filled by the writer
};

struct plan_folder {    // a tree, in the order of the index's cache
    const char *path;   // "" for the top
    uint32_t len, name; // name: where its last component begins
    unsigned char id[20];
    uint32_t entries, folders; // below it, and of those directly in it
    bool wanted;               // something is written below it
};

struct plan {
    struct arena arena;
    struct plan_entry *entries;
    size_t count, room;
    struct plan_folder *folders;
    size_t folder_count, folder_room;
    struct conversion *conversions; // the first is none
    size_t conversion_count;
    bool symlinks;      // core.symlinks
    const char *filter; // a driver that is configured and named by an attribute, or NULL
};

// `sparse` may be NULL. Settings and the person's attributes are those of the repository.
bool plan_make(struct plan *plan, struct git_repository *repository, const char *commit,
               const struct ignore *sparse, struct err *err);
void plan_release(struct plan *plan);

#endif
