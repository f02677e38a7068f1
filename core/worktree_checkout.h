// SPDX-License-Identifier: MIT
// Fills a fresh worktree: the files of a commit, and the index that belongs to them. For
// core/worktree.c only.
//
// Ours, and not libgit2's: that one looks for .gitattributes among the files that it has written
// so far, so what sorts before one ("#notes") gets the wrong ends of lines; and it takes twice the
// time of git. Filters that run commands (LFS) are not run, as libgit2 knows none.
#ifndef SWARMD_CORE_WORKTREE_CHECKOUT_H
#define SWARMD_CORE_WORKTREE_CHECKOUT_H

#include "core/err.h"

#include <stdbool.h>

struct git_repository;

enum { CHECKOUT_DEPTH_MAX = 256 }; // nested folders; a descriptor each is held

// `tree` is the new worktree, whose folder holds only .git; files go to `path`. Nothing is
// written through a symlink or outside the folder, whatever the commit contains.
bool worktree_checkout(struct git_repository *tree, const char *path, const char *commit,
                       struct err *err);

#endif
