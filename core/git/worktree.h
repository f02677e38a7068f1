// SPDX-License-Identifier: MIT
// Repositories and the agents' worktrees: all of libgit2 is behind this header.
//
// Everything here blocks and runs on LANE_GIT; nothing here knows of agents. The administrative
// part of making and removing worktrees of one repository takes turns (a lock inside). The
// person's own tree, index, stash and HEAD are never written.
//
// A worktree has a git directory of its own, outside of the repository, whose objects are the
// repository's (by objects/info/alternates) and what is made in the worktree. git works there
// without writing one byte of the repository. In the repository there are only objects that
// worktree_import() brought, the branch, and refs/swarmd/<name>/:
//   base   where the worktree began, so that no gc takes it away
//   tip    the newest commit that was imported, wherever the branch is
// and what others keep there; worktree_remove() deletes them all.
#ifndef SWARMD_CORE_GIT_WORKTREE_H
#define SWARMD_CORE_GIT_WORKTREE_H

#include "core/base/err.h"
#include "core/base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Loads libgit2 (core/git/git_module.h) and sets up its global state; called on a lane before first
// use, idempotent, thread-safe.
bool git_start(struct err *err);
void git_stop(void);

struct repository_info {
    char *root;      // of the repository that `cwd` is in: its working directory, absolute, real
    char *base;      // full commit id that `base` (or HEAD) names
    char *base_name; // branch name when the base is one ("main"), else the commit id
};

// What is at cwd, and can an agent work there? ERR_REPOSITORY, saying what and what to do, for:
// no repository, a bare one, one with no commit, an unknown base, and what libgit2 1.5 cannot
// open (SHA-256 objects, extensions that are not known).
// base NULL or "" is HEAD.
bool repository_probe(const char *cwd, const char *base, struct repository_info *out,
                      struct err *err);
void repository_info_release(struct repository_info *info);

struct worktree_progress { // of the files of a checkout, for another thread to look at
    atomic_size_t done, total;
    atomic_bool stop; // set by the other thread: give up, with an error
    char filter[64];  // a filter of the person's that files have, and that was not run; or ""
};

struct worktree_spec {
    const char *repository; // root from the probe
    const char *base;       // commit id
    const char *branch;     // "swarm/<id>", made here; must not exist
    const char *name;       // the agent's id: of refs/swarmd/<name>
    const char *path;       // absolute; parents are made 0700; must not exist
    const char *git;    // its git directory, absolute; as path. A file `git`.record is ours, too
    const char *pool;   // folder of worktrees made ahead, or NULL
    const char *sparse; // patterns of what is checked out, a line each; or NULL
    struct worktree_progress *progress; // or NULL
};

// Branch, git directory and checkout; all or nothing: a failure leaves nothing behind. The result
// is valid for the git command line.
bool worktree_add(const struct worktree_spec *spec, struct err *err);

enum { WORKTREE_COMMIT_MAX = 65, WORKTREE_NOTICE_MAX = 300 };

struct worktree_seeded {
    size_t files;
    int64_t bytes;
    bool cut; // WORKTREE_SEED_FILES_MAX or _BYTES_MAX was reached: the rest is left out
};

enum {
    WORKTREE_SEED_FILES_MAX = 20000,
    WORKTREE_SEED_BYTES_MAX = 1 << 30,
    WORKTREE_SEED_LOOKED_MAX = 1 << 20, // names in the person's tree
};

// The name that git gives a file with these bytes (git hash-object).
bool worktree_hash(struct str text, char hash[WORKTREE_COMMIT_MAX], struct err *err);

// Copies files of the person's tree that git ignores there and that a line of `patterns` (as in
// .gitignore) names. What is in the worktree stays as it is; symlinks are not followed and not
// copied.
bool worktree_seed(const struct worktree_spec *spec, const char *patterns,
                   struct worktree_seeded *out, struct err *err);

struct worktree_pool {
    const char *folder;
    int count;     // worktrees, of all repositories
    int64_t bytes; // of their files
};

// Makes one worktree ahead for spec->repository, spec->base and spec->sparse, which
// worktree_add() then only has to move; *made says whether there was room for one more. Those for
// another base, or that were not used for longest, make room.
bool worktree_prepare(const struct worktree_spec *spec, const struct worktree_pool *pool,
                      bool *made, struct err *err);

// Is all of it still there? ERR_REPOSITORY or ERR_WORKTREE says what is not, and what helps: the
// repository; it and the files; what git needs in the worktree. They look at a few names and read
// two small files.
bool worktree_check_repository(const struct worktree_spec *spec, struct err *err);
bool worktree_check_place(const struct worktree_spec *spec, struct err *err);
bool worktree_check(const struct worktree_spec *spec, struct err *err);

// Did worktree_add() make this very one, to its end? For one who was killed before it could note
// it.
bool worktree_is_made(const struct worktree_spec *spec);

struct worktree_import {
    bool moved;                       // commits came, or HEAD is another commit than before
    bool branch_left;                 // the branch in the repository is not ours to move (any more)
    char commit[WORKTREE_COMMIT_MAX]; // HEAD of the worktree, in the repository by now
    char notice[WORKTREE_NOTICE_MAX]; // what a person should be told; "" for nothing
};

// Brings what was committed in the worktree into the repository: copies the objects (each is
// hashed and looked at again; loose ones for few, one pack for many), sets refs/swarmd/<name>/tip
// to the commit of the worktree's HEAD, and moves the branch there from where it was put before.
// One that a person has moved, deleted or checked out is left alone. Also puts back files of the
// git directory that are ours and were changed. Costs microseconds when nothing was committed;
// one at a time in the process. A failure (what came is damaged, or no commit) changes no ref.
// For a worktree of an older swarmd, linked to its repository, there is nothing to do.
bool worktree_import(const struct worktree_spec *spec, struct worktree_import *out,
                     struct err *err);

// Gives the git directory the branches, tags and remote refs that the repository has now.
bool worktree_refresh(const struct worktree_spec *spec, struct err *err);

// Is there work that would be lost: uncommitted or untracked (not ignored) files in the
// worktree, or commits on the branch that no other branch or remote ref has? `what` gets a short
// description ("2 uncommitted files, 1 commit that is on no other branch"). Imports first.
bool worktree_has_work(const struct worktree_spec *spec, bool *has_work, char *what,
                       size_t what_size, struct err *err);

// Removes the folder, the git directory, the branch and refs/swarmd/<name>/. Missing parts are no
// error. Never follows a symlink out of the folder. ERR_WORKTREE when the repository itself is in
// the folder, or when a person has locked a linked worktree. A branch that is checked out
// elsewhere is the person's by now and stays.
bool worktree_remove(const struct worktree_spec *spec, struct err *err);

#endif
