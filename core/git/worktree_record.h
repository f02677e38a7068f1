// SPDX-License-Identifier: MIT
// What swarmd remembers of a worktree's git directory, in a file beside it (`<git>.record`), where
// nothing that runs in the worktree can reach it. Written first and removed last: who finds it
// unfinished knows that the making was cut off. For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_RECORD_H
#define SWARMD_CORE_GIT_WORKTREE_RECORD_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/git/worktree.h"

#include <stdbool.h>
#include <stdint.h>

enum { SMALL_FILE_MAX = 64 << 10 }; // bytes of a record, a HEAD, a loose ref

// The files of ours that must stay as they are.
enum guard {
    GUARD_LINK, // <worktree>/.git
    GUARD_CONFIG,
    GUARD_ALTERNATES,
    GUARD_EXCLUDE,
    GUARD_ATTRIBUTES,
    GUARD_PERSON_EXCLUDE, // copies of core.excludesFile and core.attributesFile
    GUARD_PERSON_ATTRIBUTES,
    GUARD_COUNT
};

struct guard_key { // all 0: no file
    uint64_t inode, size;
    int64_t modified, changed; // ns
};

struct record {
    bool made;                          // else being made, or removed
    char imported[WORKTREE_COMMIT_MAX]; // HEAD's commit as of the last import
    char branch[WORKTREE_COMMIT_MAX];   // where we put the branch last
    char *common;                       // the repository's own git directory
    struct guard_key guards[GUARD_COUNT];
};

enum record_state { RECORD_NONE, RECORD_READ, RECORD_BROKEN };

enum record_state record_read(const struct worktree_spec *spec, struct record *record,
                              struct err *err); // err when it is broken
bool record_write(const struct worktree_spec *spec, const struct record *record, struct err *err);
bool record_remove(const struct worktree_spec *spec, struct err *err);
void record_release(struct record *record);

struct guard_key guard_key_of(const char *path);
bool guard_key_equal(const struct guard_key *a, const struct guard_key *b);

// A regular file, no symlink; false when it is not there, is none, or is larger than out->max.
bool small_file_read(const char *path, struct buf *out);
// Replaces it at once, 0600.
bool small_file_write(const char *path, struct str text, struct err *err);

#endif
