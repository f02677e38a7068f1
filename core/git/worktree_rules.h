// SPDX-License-Identifier: MIT
// .gitignore and .gitattributes of a whole tree, before libgit2 opens them by their paths: it would
// wait for who writes into a pipe, and read a device for ever. For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_RULES_H
#define SWARMD_CORE_GIT_WORKTREE_RULES_H

#include "core/base/err.h"

#include <stdbool.h>

enum {
    RULES_DEPTH_MAX = 256,       // folders within folders; each holds a descriptor
    RULES_FOLDERS_MAX = 1 << 20, // that are looked into
};

// ERR_WORKTREE names the first that is neither a file nor a folder.
bool rules_are_files(const char *top, struct err *err);
bool rules_are_files_in(int folder, const char *name, struct err *err); // name: for the error

#endif
