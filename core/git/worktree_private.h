// SPDX-License-Identifier: MIT
// The git directory of a worktree: what is in it, and what of it must stay as we wrote it.
//
// `.git` of the worktree, `config`, `objects/info/alternates`, `info/exclude` and
// `info/attributes` are swarmd's; `commondir`, `config.worktree` and `hooks` would let whoever
// runs git in the worktree run a command of the agent's, and are never there. Everything else is
// the agent's to change. For core/git/worktree*.c only.
#ifndef SWARMD_CORE_GIT_WORKTREE_PRIVATE_H
#define SWARMD_CORE_GIT_WORKTREE_PRIVATE_H

#include "core/git/worktree_record.h"

struct git_repository;

enum {
    ALTERNATES_MAX = 32,               // object folders; git follows five levels
    PRIVATE_ENTRIES_MAX = 4 << 20,     // files of a git directory that are looked at
    PRIVATE_DEPTH_MAX = 32,            // its folders
    PRIVATE_REFS_BYTES_MAX = 64 << 20, // of packed-refs
};

// All of it but the index, and nothing of the worktree. `git` must not exist.
bool private_make(struct git_repository *repository, const struct worktree_spec *spec,
                  struct err *err);
// The worktree's .git file.
bool private_link(const struct worktree_spec *spec, struct err *err);

// Notes how the files of ours are now.
void private_note(const struct worktree_spec *spec, struct record *record);
// Puts back what is not as noted, and removes what must not be there; says what it was. record
// is changed when anything was.
bool private_put_back(const struct worktree_spec *spec, struct record *record, bool *changed,
                      char notice[WORKTREE_NOTICE_MAX], struct err *err);

// The file of the person's that core.excludesFile ("ignore") or core.attributesFile
// ("attributes") names, or the default of that name in git's own folder; mem_free(), may be NULL.
char *private_person_file(struct git_repository *repository, const char *key, const char *name);

// Where a folder goes that was in the place of one of these files; mem_free().
char *private_aside(const struct worktree_spec *spec);

// Nothing but files and folders below `folder`? A symlink or a pipe there would have us read, or
// wait, elsewhere.
bool private_is_plain(const char *folder, struct err *err);

// What HEAD names; *unborn when it is a branch without a commit. ref gets the branch's full name,
// "" when HEAD is detached. Reads a file or two.
bool private_head(const struct worktree_spec *spec, char commit[WORKTREE_COMMIT_MAX],
                  char ref[1024], bool *unborn, struct err *err);

// Has a reference of the repository changed since packed-refs was written? Looks at the time
// stamps of folders, which git changes with each reference in them; in doubt, yes.
bool private_refs_are_old(const struct worktree_spec *spec, const char *common);

// packed-refs as it should be now; written when it differs.
bool private_write_refs(struct git_repository *repository, const struct worktree_spec *spec,
                        struct err *err);

// The worktree as a repository, whatever its .git file says.
bool private_open(struct git_repository **out, const struct worktree_spec *spec, struct err *err);

// The repository by its path, else by what the record knows of it.
bool private_open_repository(struct git_repository **out, const struct worktree_spec *spec,
                             const struct record *record, struct err *err);

#endif
