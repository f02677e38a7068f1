// SPDX-License-Identifier: MIT
// Bringing an agent's work into a branch, and a branch into an agent's work.
//
// Everything here blocks and runs on LANE_GIT, after git_start(); nothing here knows of agents.
//
// A merge has two halves. merge_plan() computes it in memory: what it writes are objects of the
// repository and, unless it is a dry run, refs/swarmd/<agent>/merge, which keeps them. The caller
// puts the intent (merge_plan_write) on disk, and then merge_apply() does it: the agent's branch,
// the person's tree when it has the target checked out, and the target, as one. After a crash,
// merge_reconcile() with the stored intent completes it or takes it back.
#ifndef SWARMD_CORE_GIT_MERGE_H
#define SWARMD_CORE_GIT_MERGE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/git/tree_changes.h"
#include "core/git/worktree.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    MERGE_ID_MAX = 65,                  // of a commit, NUL included
    MERGE_FILES_MAX = 10000,            // that an answer lists
    MERGE_CONFLICT_TEXT_MAX = 64 << 10, // of one file, with markers
    MERGE_TEXTS_MAX = 1 << 20,          // of all of them
    MERGE_COMMITS_MAX = 10000,          // that a rebase takes along
    MERGE_MESSAGE_MAX = 64 << 10,
    MERGE_SIGN_MS_MAX = 120000, // a person may have to type a passphrase
};

enum merge_strategy { MERGE_COMMIT, MERGE_SQUASH, MERGE_REBASE, MERGE_FAST_FORWARD };

// Of an update: nothing is done, or the files get markers.
enum merge_conflicts { CONFLICTS_REFUSE, CONFLICTS_MARK };

struct merge_spec {
    struct worktree_spec agent; // base: not looked at
    const char *cache;          // file for core/git/snapshot_cache.h; or NULL
    const char *into;           // a branch, with or without refs/heads/; NULL: base_name
    const char *base_name;      // what the agent started from; a commit id when that was no branch
    enum merge_strategy strategy;
    const char *message;     // of the commits that are made; NULL: a proposal out of the next two
    const char *task;        // or NULL
    const char *answer;      // the last one; or NULL
    const char *author;      // "Name <address>"; NULL: whom git's configuration names
    const char *co_author;   // for a Co-authored-by line; or NULL
    const char *merged_work; // what an earlier squash or rebase took along,
    const char *merged_as;   // and the commit that it made; or NULL
    bool dry_run;
    enum merge_conflicts conflicts; // of an update
};

struct merge_file {
    char *path;
    const char *status; // "added", "modified", "deleted"
};

// Kinds: content (both changed the same lines), added (both added it, differently), deleted (one
// deleted what the other changed), renamed, folder (a file and a folder, or a folder that one side
// renamed), binary, mode, type, submodule, attribute (git merges it in a way of its own),
// unreadable.
struct merge_conflict {
    char *path;
    char *other; // what the other side calls it, or NULL
    const char *kind;
    char *text; // of a dry run: with markers; or NULL
    bool cut;   // text is longer than it may be
    struct {
        char id[MERGE_ID_MAX];
        unsigned mode; // 0: there is none
    } stages[3];       // in the common base, in ours, in theirs
};

// In the way in the person's tree: "staged", "changed", "missing" or "untracked".
struct merge_dirty {
    char *path;
    const char *why;
};

struct merge_plan {
    // the intent
    char *repository, *name;     // of the agent
    char *ref;                   // "refs/heads/main"
    char old_id[MERGE_ID_MAX];   // what it is
    char new_id[MERGE_ID_MAX];   // and is to become; "" in a dry run with commits to make
    char work_old[MERGE_ID_MAX]; // the agent's HEAD, as it is
    char work_id[MERGE_ID_MAX];  // and with what was not committed
    char *folder;                // of the tree that has the target checked out; or NULL
    bool update;                 // the other way: new_id is to become the agent's HEAD
    bool marked; // and has conflicts: its files alone, for HEAD to be merged with old_id
    // what to show
    char *into;         // "main"
    char *message;      // of the commit that comes first in the target
    bool nothing;       // the target has it all already
    size_t uncommitted; // files that the agent had not committed
    size_t left;        // of these, not taken along: too large, or not readable
    struct merge_file *files;
    size_t file_count;                // that change in the target; listed are MERGE_FILES_MAX
    struct merge_conflict *conflicts; // with ERR_CONFLICT
    size_t conflict_count;
    struct merge_dirty *dirty; // with ERR_DIRTY, and of a dry run
    size_t dirty_count;
    char *notice; // for the person; or NULL
};

// ERR_CONFLICT with plan->conflicts, ERR_DIRTY with plan->dirty; ERR_REFUSED, ERR_REPOSITORY, for
// people: what is in the way and what helps. plan is to be released in any case.
bool merge_plan(const struct merge_spec *spec, struct merge_plan *plan, struct err *err);
void merge_plan_release(struct merge_plan *plan);

// The other way: the branch into the agent's work and worktree. `into` is the branch; strategy is
// not looked at. Nothing of the person's changes. With CONFLICTS_MARK a plan may have conflicts:
// the worktree then is in the middle of a merge, as git has it, with markers in these files.
bool merge_plan_update(const struct merge_spec *spec, struct merge_plan *plan, struct err *err);

// Does what was planned, or nothing at all. ERR_DIRTY when something came in the way since.
bool merge_apply(const struct merge_spec *spec, struct merge_plan *plan, struct err *err);

// The files that differ between a commit of the agent's (a name below refs/swarmd/<agent>/) and
// what it has in common with the branch `target`, and their lines; up to `max`. To be released in
// any case.
bool merge_changed_paths(const struct worktree_spec *agent, const char *target, const char *name,
                         size_t max, struct tree_changes *changes, struct err *err);

// The intent as JSON, and back; false when it cannot be read.
void merge_write_intent(const struct merge_plan *plan, struct json_writer *w);
bool merge_read_intent(const struct json *json, struct merge_plan *plan);

// After a crash: was it done? What was begun is completed, or taken back.
bool merge_reconcile(const struct worktree_spec *agent, struct merge_plan *plan, bool *done,
                     struct err *err);

#endif
