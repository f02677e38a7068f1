// SPDX-License-Identifier: MIT
// An index of the person's tree that libgit2 1.5 cannot read, split (core.splitIndex) or sparse
// (index.sparse): the git command line writes it out in full to another file, and that is what is
// read and, with what a merge changes, put in its place. git splits or thins it again when it next
// writes.
#ifndef SWARMD_CORE_GIT_MERGE_INDEX_H
#define SWARMD_CORE_GIT_MERGE_INDEX_H

#include "core/git/merge_parts.h"

// Makes git_repository_index() of this repository, and what needs it (attributes), work. `name` as
// for checkout_open(). Costs nothing more when the index can be read.
bool index_prepare(git_repository *repository, const char *name, struct err *err);

// Does the repository's handle have another index than its file?
bool index_is_written_out(git_repository *repository);

// Writes the index, as it is now, in full to `to`.
bool index_write_out(git_repository *repository, const char *to, struct err *err);

// Bytes and mode; `to` is made, or emptied.
bool index_copy(const char *from, const char *to, struct err *err);

#endif
