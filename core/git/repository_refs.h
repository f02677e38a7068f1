// SPDX-License-Identifier: MIT
// Writing and removing references, also when somebody holds their locks: another git, for a
// moment; or nobody any more, since a server was killed with it. For the files of swarmd-git.so.
//
// One lock is waited for REF_LOCK_TRIES times REF_LOCK_WAIT_MS. All calls may block for that long:
// they belong on a lane's thread.
#ifndef SWARMD_CORE_GIT_REPOSITORY_REFS_H
#define SWARMD_CORE_GIT_REPOSITORY_REFS_H

#include <git2.h>
#include <stdbool.h>

enum {
    REF_LOCK_TRIES = 40,
    REF_LOCK_WAIT_MS = 25,
    REF_LOCK_DEAD_S = 2, // git holds such a lock for milliseconds
};

// Whose lock one that stays is. REFS_OURS: only swarmd writes the reference, so that it is a dead
// server's, and is broken. REFS_SHARED: it may be a person's, and the answer is GIT_ELOCKED.
enum refs_owner { REFS_OURS, REFS_SHARED };

// From `old` (NULL: whatever it is, or nothing) to `id`; `log` may be NULL. GIT_EMODIFIED when it
// is another one than `old`.
int refs_set(git_repository *repository, const char *name, const git_oid *id, const git_oid *old,
             enum refs_owner owner, const char *log);
// One of ours that must not be there: else GIT_EEXISTS.
int refs_make(git_repository *repository, const char *name, const git_oid *id, const char *log);
// 0 also when it is not there.
int refs_remove(git_repository *repository, const char *name, enum refs_owner owner);

// Removes the lock of a reference that is not ours alone when a dead server of ours held it to set
// it to `id`, or when nothing was written to it for REF_LOCK_DEAD_S.
void refs_unlock(git_repository *repository, const char *name, const char *id);

#endif
