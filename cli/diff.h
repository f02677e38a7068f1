// SPDX-License-Identifier: MIT
// What an agent changed, by the git command line.
#ifndef SWARMD_CLI_DIFF_H
#define SWARMD_CLI_DIFF_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>

// Takes a piece of what git prints: whole lines, but for one that is longer than a piece may be.
typedef void diff_take_fn(void *arg, struct str piece);

// The patch from the commit `base` to the files of `worktree`, untracked ones included. Nothing of
// the repository is written, its index neither: git works on a copy of that. No piece
// means no changes.
bool diff_read(const char *worktree, const char *base, diff_take_fn *take, void *arg,
               struct err *err);

#endif
