// SPDX-License-Identifier: MIT
// Copies the objects of a commit that were made in a worktree into its repository.
//
// They come from an agent: each is hashed again, read by its type, and what git would not check out
// (a file named .git) is refused. Nothing is written before all of it was looked at.
// For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_OBJECTS_H
#define SWARMD_CORE_GIT_WORKTREE_OBJECTS_H

#include "core/base/err.h"

#include <stdbool.h>

struct git_repository;
struct git_oid;

enum {
    IMPORT_OBJECTS_MAX = 1 << 22,      // of one import
    IMPORT_OBJECT_BYTES_MAX = 1 << 30, // of one: it is read as a whole
    IMPORT_LOOSE_MAX = 100,            // more become one pack
};

// `objects` is the folder of the worktree's own ones; no alternate of it is looked at.
bool objects_import(struct git_repository *repository, const char *objects,
                    const struct git_oid *commit, struct err *err);

#endif
