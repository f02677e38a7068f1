// SPDX-License-Identifier: MIT
// A worktree's content as a git tree: what `git add -A` and `git write-tree` would make of it, but
// with neither the branch, the worktree's index nor a hook touched.
//
// Files are opened beneath the worktree's folder, never through a symlink, whoever moves things
// there meanwhile. Of filters only the built-in ones run (ends of lines, $Id$). New objects go
// into the repository's object database, loose and not synced to the disk. For
// core/git/checkpoint*.c only; runs on LANE_GIT.
//
// Left out, besides what git ignores: what is over the ceilings below, what cannot be read, and
// repositories that the agent made or cloned inside (git would note their commit alone; their
// files are in their own database). Where such a file is in `tracked`, it stays as it is there.
// Submodules stay at the commit that `tracked` names, as long as their folder is there.
#ifndef SWARMD_CORE_GIT_SNAPSHOT_H
#define SWARMD_CORE_GIT_SNAPSHOT_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct git_oid;
struct git_repository;
struct git_tree;

enum {
    SNAPSHOT_FILE_BYTES_MAX = 100 << 20, // a larger file is left out
    SNAPSHOT_FILES_MAX = 500000,         // more are no snapshot at all (limit)
    SNAPSHOT_DEPTH_MAX = 256,            // nested folders; deeper ones likewise
    SNAPSHOT_LEFT_MAX = 1000,            // paths that are named; all are counted
    SNAPSHOT_OBJECTS_BYTES_MAX = 64 << 20,
    SNAPSHOT_LEFT_BYTES_MAX = SNAPSHOT_LEFT_MAX * 4096,
};
#define SNAPSHOT_NEW_BYTES_MAX ((int64_t)2 << 30) // one snapshot reads; what is beyond is left out

struct snapshot {
    struct buf left; // paths that were left out, each with a NUL behind it
    size_t left_count;
    struct buf objects; // ids of the files and folders that `tracked` does not have
    size_t files;
    size_t read; // files that were read, for their stat data was not known
};

void snapshot_init(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot);
bool snapshot_leaves(const struct snapshot *snapshot, const char *path); // of those named

// `repository` is the person's, with the worktree set as its working directory and an index of
// its own (repository_open_for() makes one so). Files of `tracked` are taken whether or not
// they are ignored. `cache` names the file of snapshot_cache.h, or is NULL.
bool snapshot_take(struct git_repository *repository, const char *worktree,
                   struct git_tree *tracked, const char *cache, struct snapshot *snapshot,
                   struct git_oid *tree, struct err *err);

// Takes over what a fresh worktree's index says of its files, so that the first snapshot need not
// read them all. Only before anybody else could write there.
bool snapshot_seed(const char *index, const char *cache, struct err *err);

#endif
