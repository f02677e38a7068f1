// SPDX-License-Identifier: MIT
// A bounded walk through the files beneath a folder of a root, in the order of their names,
// without those that .gitignore files ignore and without .git. Symbolic links are not followed.
// Blocks: call it on a work lane.
#ifndef SWARMD_CORE_FILES_WALK_H
#define SWARMD_CORE_FILES_WALK_H

#include "core/base/err.h"
#include "core/files/confine.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    WALK_ENTRIES_MAX = 500000, // names looked at
    WALK_DEPTH_MAX = 100,      // folders within folders; each holds a descriptor
    WALK_CPU_MS_MAX = 20000,   // of this thread, whatever is done to the files included
};

struct walk_file {
    struct str path; // relative to the root, NUL-terminated; valid during the call
    const char *name;
    int folder;   // open; holds name
    bool regular; // else a link, a pipe, ...
};

enum walk_end {
    WALK_COMPLETE,
    WALK_ENOUGH,   // visit() said so
    WALK_STOPPED,  // *stop is set
    WALK_TOO_MANY, // WALK_ENTRIES_MAX
    WALK_TOO_LONG, // the CPU time
};

struct walk {
    // set by the caller
    const struct root *root;
    const char *start; // a folder, relative to the root, "." for itself
    const atomic_bool *stop;
    int64_t cpu_ms_max;                                     // 0: WALK_CPU_MS_MAX
    bool (*visit)(void *arg, const struct walk_file *file); // false ends the walk
    void *arg;
    // filled
    enum walk_end end;
    size_t entries;
    bool unread;  // a folder could not be read, or is too deep
    bool ignored; // rules of .gitignore files were left out: too large, or too many
    // the walk's own
    int64_t cpu_start;
};

// Before walk_run(), or instead of it when only walk_may_go_on() is wanted.
void walk_begin(struct walk *walk);

// False, with `end` set, when it was stopped or has used up its time. For visitors that take long.
bool walk_may_go_on(struct walk *walk);

// err when start cannot be opened.
bool walk_run(struct walk *walk, struct err *err);

// One sentence in brackets for each thing that makes the result less than whole; for models.
struct buf;
void walk_put_notes(const struct walk *walk, struct buf *out);

#endif
