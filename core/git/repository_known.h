// SPDX-License-Identifier: MIT
// Repositories of format 1, those with extensions: partial clones, many sparse checkouts. At each
// opening of one, libgit2 1.5 holds all names of its configuration against a regular expression,
// and leaks 20 KB for each of them: of a busy swarm, a gigabyte a day. So what an opening has found
// is remembered, and spares the next ones the look at the extensions, for as long as the
// configuration of the repository is the same.
//
// Of the module swarmd-git.so; threads may call all of it at once.
#ifndef SWARMD_CORE_GIT_REPOSITORY_KNOWN_H
#define SWARMD_CORE_GIT_REPOSITORY_KNOWN_H

#include <stdbool.h>

enum { REPOSITORIES_KNOWN_MAX = 64 }; // the oldest makes room

struct git_repository;

// False: it is not known, or not the same any more. `path` and `exact` as in repository_open().
bool known_open(struct git_repository **out, const char *path, bool exact);
// It was opened by libgit2 with all that it looks at.
void known_note(struct git_repository *repository, const char *path, bool exact);
void known_forget(void); // all

#endif
