// SPDX-License-Identifier: MIT
// What core/git/repository.c and core/git/worktree*.c share: opening repositories, and libgit2's
// errors as ours. Nobody else includes this; the door to all of it is core/git/worktree.h.
#ifndef SWARMD_CORE_GIT_REPOSITORY_H
#define SWARMD_CORE_GIT_REPOSITORY_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct git_repository;

// Fills err with the formatted text, and after a colon with what libgit2 said last on this
// thread. Always false.
bool git_fail(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Opens the repository that path is in, or exactly at when `exact`. ERR_REPOSITORY, for people:
// what is wrong and what to do. The caller frees with git_repository_free().
bool repository_open(struct git_repository **out, const char *path, bool exact, struct err *err);

// What libgit2 1.5 cannot do, by configuration (core/git/repository_limits.c): false fills err with
// what it is and what helps. The first looks at the configuration file alone, for the repository
// may not open at all.
bool repository_check_files(const char *path, struct err *err);
bool repository_check_config(const char *path, struct git_repository *repository, struct err *err);

// After libgit2 failed to read an index: is that because it is split or sparse?
bool repository_index_is_foreign(void);

// How many commits of the local branch (and of `head`, when not NULL) are on no other local
// branch and under no remote ref; stops counting at COMMITS_COUNTED_MAX. A branch that is not
// there has none.
enum { COMMITS_COUNTED_MAX = 1000 };
struct git_oid;
bool repository_own_commits(struct git_repository *repository, const char *branch,
                            const struct git_oid *head, size_t *count, struct err *err);

#endif
