// SPDX-License-Identifier: MIT
// What the files of the snapshot share (snapshot*.c). Nobody else includes it.
#ifndef SWARMD_CORE_GIT_SNAPSHOT_PARTS_H
#define SWARMD_CORE_GIT_SNAPSHOT_PARTS_H

#include "core/files/ignore.h"
#include "core/git/snapshot.h"
#include "core/git/snapshot_cache.h"

#include <git2.h>
#include <limits.h>

struct walk {
    git_repository *repository;
    git_odb *odb;
    git_index *index; // the repository's: holds the file at hand, for the filters look there
    struct snapshot_cache known, fresh;
    struct ignore ignore;
    struct snapshot *out;
    struct err *err;
    const char *top;     // for messages
    char path[PATH_MAX]; // of the entry at hand, below top
    int depth;
    bool reread;    // the rules for ends of lines changed here: stat data says nothing
    bool file_mode; // core.fileMode: the executable bit counts
    int64_t now_ms;
    int64_t new_bytes;
};

struct tree_item {
    git_oid id;
    git_filemode_t mode;
    size_t name; // in the folder's names
};

// The entry of a file or symlink at walk->path: `name` in the open folder. *taken is false when it
// is not to be in the tree. tracked may be NULL.
bool snapshot_file(struct walk *walk, int folder, const char *name, const struct stat *st,
                   const git_tree_entry *tracked, struct tree_item *item, bool *taken);

void snapshot_leave(struct walk *walk); // notes walk->path as left out

#endif
