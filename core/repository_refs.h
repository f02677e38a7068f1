// SPDX-License-Identifier: MIT
// Setting references, also when somebody holds their locks: another git for a moment, or nobody
// any more, since a server was killed.
#ifndef SWARMD_CORE_MERGE_REFS_H
#define SWARMD_CORE_MERGE_REFS_H

#include "core/merge_parts.h"

// From `old` (NULL: whatever it is) to `id`. GIT_EMODIFIED when it is another. `ours`: nobody but
// swarmd sets it, so that a lock which stays is a dead server's.
int refs_set(git_repository *repository, const char *name, const git_oid *id, const git_oid *old,
             bool ours, const char *log);

// Removes the lock of a reference when a dead server of ours held it to set it to `id`.
void refs_unlock(git_repository *repository, const char *name, const char *id);

#endif
