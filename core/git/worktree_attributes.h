// SPDX-License-Identifier: MIT
// What .gitattributes files say of a path, as git reads them, for what matters to the content of
// files. A stack: a walk pushes each folder's file when it enters and pops it when it leaves.
// For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_ATTRIBUTES_H
#define SWARMD_CORE_GIT_WORKTREE_ATTRIBUTES_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ATTRIBUTE_LINE_MAX = 2048,      // longer ones do not count, as with git
    ATTRIBUTE_FILE_MAX = 100 << 20, // bytes; likewise
    ATTRIBUTE_RULES_MAX = 200000,   // on the stack; further ones do not count
    ATTRIBUTE_NAMES_MAX = 4096,     // different names; likewise
};

enum attribute {
    ATTRIBUTE_TEXT,
    ATTRIBUTE_CRLF,
    ATTRIBUTE_EOL,
    ATTRIBUTE_IDENT,
    ATTRIBUTE_FILTER,
    ATTRIBUTE_ENCODING,
    ATTRIBUTE_COUNT
};

struct attribute_value {
    enum {
        ATTRIBUTE_OPEN,
        ATTRIBUTE_UNSPECIFIED,
        ATTRIBUTE_TRUE,
        ATTRIBUTE_FALSE,
        ATTRIBUTE_STRING
    } kind;
    const char *string; // lives as long as the file that says it is pushed
};

struct attribute_file;

struct attributes {
    struct attribute_file *top, *last_word; // last_word: info/attributes, before all others
    char **names;                           // the first ATTRIBUTE_COUNT are those above
    size_t name_count, rules;
    struct attribute_value *values; // scratch, one a name
    bool relevant;                  // an attribute of those above, or a macro, was ever named
};

void attributes_init(struct attributes *attributes);
void attributes_release(struct attributes *attributes);

// `folder` is relative to the top, "" for the top itself. Macros count only where git lets them:
// the top, and the person's own files.
void attributes_push(struct attributes *attributes, struct str folder, struct str text,
                     bool macros);
void attributes_pop(struct attributes *attributes);
void attributes_set_last_word(struct attributes *attributes, struct str text);

void attributes_of(struct attributes *attributes, struct str path,
                   struct attribute_value values[ATTRIBUTE_COUNT]);

#endif
