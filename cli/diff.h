// SPDX-License-Identifier: MIT
// What an agent changed, by the git command line.
#ifndef SWARMD_CLI_DIFF_H
#define SWARMD_CLI_DIFF_H

#include "core/buf.h"
#include "core/err.h"

#include <stdbool.h>

enum { DIFF_PATCH_MAX = 16 << 20 };

// The patch from the commit `base` to the files of `worktree`, untracked ones included. Nothing of
// the repository is written, its index neither: git works on a copy of that. Where `out` is NULL
// git prints to our stdout, else it goes there, cut at the buffer's ceiling.
bool diff_print(const char *worktree, const char *base, struct buf *out, struct err *err);

#endif
