// SPDX-License-Identifier: MIT
// The rules of .gitignore files, as git applies them to untracked files.
//
// A stack: a walk pushes each folder's rules when it enters and pops them when it leaves. What is
// in an ignored folder is ignored; the walk sees to that by not entering it.
#ifndef SWARMD_CORE_FILES_IGNORE_H
#define SWARMD_CORE_FILES_IGNORE_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    IGNORE_FILE_MAX = 1 << 20, // bytes of one .gitignore
    IGNORE_RULES_MAX = 20000,  // on the whole stack; further ones do not count
};

struct ignore_rule {
    struct str pattern;
    bool negated, folder_only;
    bool anywhere; // compared with the last component
    size_t plain;  // bytes of the pattern before the first special one
};

struct ignore_folder {
    char *text; // what the patterns point into
    struct ignore_rule *rules;
    size_t count;
    size_t prefix; // bytes of a path that name the folder, its '/' included
    struct ignore_folder *above;
};

struct ignore {
    struct ignore_folder *top;
    size_t rules;
    bool cut; // IGNORE_RULES_MAX was reached
};

// `folder` is relative to the top, "" for the top itself; text is the file's (empty: no file).
void ignore_push(struct ignore *ignore, struct str folder, struct str text);
void ignore_pop(struct ignore *ignore);
void ignore_release(struct ignore *ignore); // pops all

// path is relative to the top and in a folder that has been pushed.
enum ignore_verdict { IGNORE_SILENT, IGNORE_NAMED, IGNORE_NEGATED };
enum ignore_verdict ignore_verdict(const struct ignore *ignore, struct str path, bool is_folder);
bool ignore_matches(const struct ignore *ignore, struct str path, bool is_folder);

#endif
