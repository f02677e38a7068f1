// SPDX-License-Identifier: MIT
// The administrative folder of a linked worktree, `.git/worktrees/<name>`, as git keeps it:
// `gitdir` (where the worktree's .git file is), `commondir`, `HEAD`, and `locked` while it must
// stay.
//
// While an older swarmd made one, `locked` held a mark: whoever finds it knows that the making was
// cut off and nobody has worked there yet. For core/git/worktree_linked.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_ENTRY_H
#define SWARMD_CORE_GIT_WORKTREE_ENTRY_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/git/worktree.h"

#include <stdbool.h>

enum entry_state {
    ENTRY_NONE,
    ENTRY_BEGUN,      // cut off before it named a folder: only the entry itself is ours
    ENTRY_UNFINISHED, // cut off while being made: folder and branch are ours too
    ENTRY_OURS,
    ENTRY_FOREIGN, // names another folder: moved by the person, or never ours
};

struct entry {
    char *worktrees; // .git/worktrees
    char *folder;    // .git/worktrees/<name>
    char *link;      // the worktree's .git file: real path of the folder, and "/.git"
};

void entry_init(struct entry *entry, const char *common_folder, const struct worktree_spec *spec);
void entry_release(struct entry *entry);

enum entry_state entry_look(const struct entry *entry);

// Appends the reason when a person has locked it (git worktree lock).
bool entry_is_locked(const struct entry *entry, struct buf *reason);

bool entry_remove(const struct entry *entry, struct err *err);

#endif
