// SPDX-License-Identifier: MIT
// Fills a fresh worktree: the files of a commit, and the index that belongs to them. For
// core/git/worktree*.c only.
//
// Ours, and not libgit2's: that one looks for .gitattributes among the files that it has written
// so far, so what sorts before one ("#notes") gets the wrong ends of lines; it knows no
// working-tree-encoding; and it takes twice the time of git.
#ifndef SWARMD_CORE_GIT_WORKTREE_CHECKOUT_H
#define SWARMD_CORE_GIT_WORKTREE_CHECKOUT_H

#include "core/files/ignore.h"
#include "core/git/worktree.h"

struct git_repository;

// `path` is a folder that holds at most .git. Settings are those of the repository.
bool worktree_checkout(struct git_repository *repository, const char *path, const char *index,
                       const char *commit, const struct ignore *sparse,
                       struct worktree_progress *progress, struct err *err);

#endif
