// SPDX-License-Identifier: MIT
// Paths that cannot leave a folder: everything is opened beneath a directory descriptor with
// openat2(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS), or a component walk with O_NOFOLLOW where the
// kernel has no openat2 (symlinks that stay inside are then refused too).
#ifndef SWARMD_CORE_FILES_CONFINE_H
#define SWARMD_CORE_FILES_CONFINE_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <sys/types.h>

struct root {
    int fd;     // O_PATH | O_DIRECTORY of the folder
    char *path; // absolute and real
    // The person's own checkout of the same files, or NULL: a path in it is refused like any other,
    // and the message says which one is meant. The caller's.
    const char *checkout;
};

bool root_open(struct root *root, const char *path, struct err *err); // ERR_WORKTREE
void root_close(struct root *root);                                   // harmless twice

// Makes `path` relative to the root: "." for the root itself; an absolute path under root->path
// loses that prefix; one that is elsewhere is ERR_REFUSED and names it. Removes "." and empty
// components and resolves ".." lexically; one that climbs out is refused. Rejects NUL and paths
// over PATH_MAX. The caller frees with mem_free.
char *root_relative(const struct root *root, struct str path, struct err *err);

// open(2) beneath the root. rel comes from root_relative(). -1 and err (ERR_REFUSED for what
// would leave, ERR_WORKTREE with strerror otherwise). Adds O_CLOEXEC. Never creates folders.
int root_openat(const struct root *root, const char *rel, int flags, mode_t mode, struct err *err);

// Makes the missing folders above rel (0777 & ~umask), each beneath the root.
bool root_make_parents(const struct root *root, const char *rel, struct err *err);

// Opens the folder that holds rel, beneath the root, and points *name at its last component
// (within rel). For renameat/unlinkat. -1 and err otherwise.
int root_open_parent(const struct root *root, const char *rel, const char **name, struct err *err);

// Where an open descriptor really is, relative to the root, symbolic links resolved (through
// /proc). NULL and err when that cannot be told, ERR_REFUSED when it is not beneath the root. The
// caller frees with mem_free.
char *root_locate(const struct root *root, int fd, struct err *err);

// Tests: use the walk even where openat2 works.
void root_force_walk(bool on);

#endif
