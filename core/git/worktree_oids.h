// SPDX-License-Identifier: MIT
// A set of object ids. For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_OIDS_H
#define SWARMD_CORE_GIT_WORKTREE_OIDS_H

#include <stdbool.h>
#include <stddef.h>

struct git_oid;

struct oids {
    struct git_oid *slots; // a hole is all zero, which is no object's id
    size_t room, count;
};

bool oids_add(struct oids *oids, const struct git_oid *id); // false when it was in it
void oids_release(struct oids *oids);

#endif
