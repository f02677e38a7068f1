// SPDX-License-Identifier: MIT
// Files of the person's tree that go through the programs of a filter (git-lfs): libgit2 runs none,
// and the git command line does it instead, with the person's own configuration.
#ifndef SWARMD_CORE_GIT_MERGE_FILTER_H
#define SWARMD_CORE_GIT_MERGE_FILTER_H

#include "core/git/merge_checkout.h"

// Does git run a program for this path? Never in an agent's worktree: its files are as they are
// committed, and its configuration names no programs.
bool filter_runs(const struct checkout *checkout, const char *path);

// What the blob becomes in the tree, into fd.
bool filter_write(const struct checkout *checkout, const char *path, const git_oid *blob, int fd,
                  struct err *err);
// The blob that the file `real` would become as `path`.
bool filter_hash(const struct checkout *checkout, const char *real, const char *path, git_oid *id);

#endif
