// SPDX-License-Identifier: MIT
// The files of a worktree's git directory that are swarmd's, and what they say. For
// core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_GUARD_H
#define SWARMD_CORE_GIT_WORKTREE_GUARD_H

#include "core/git/worktree_record.h"

struct git_repository;

const char *guard_name(enum guard guard); // relative to the git directory; NULL for GUARD_LINK
char *guard_path(const struct worktree_spec *spec, enum guard guard);

// Writes it where it is not as it should be; tells whether it was not. A folder in its place is
// moved to private_aside(). repository may be NULL for GUARD_LINK.
bool guard_write(struct git_repository *repository, const struct worktree_spec *spec,
                 enum guard guard, bool *differed, struct err *err);

#endif
