// SPDX-License-Identifier: MIT
// Checkpoints of an agent's files, what changed between them, and the way back.
//
// A checkpoint is a commit of everything in the worktree (core/git/snapshot.h says of what exactly)
// under refs/swarmd/<agent id>/<name>, in the person's repository; its parent is the checkpoint
// that the work went on from, or the base. Names: "3" is the state after turn 3; "3.1", "3.2" are
// states that were kept before something was taken back after it; "0" is the base and has no ref.
// The branch, the worktree's index and hooks are never touched. A checkpoint is there as a whole
// or not at all: its objects are on the disk before its ref is. worktree_remove() removes them.
//
// Everything here blocks and runs on LANE_GIT; nothing here knows of agents. Calls for one agent
// must take turns (core/swarm/review.h sees to it).
#ifndef SWARMD_CORE_GIT_CHECKPOINT_H
#define SWARMD_CORE_GIT_CHECKPOINT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/git/tree_changes.h"
#include "core/git/worktree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHECKPOINT_LEFT_SHOWN = 200,
    CHECKPOINT_NAME_MAX = 32,      // NUL included
    CHECKPOINT_PARTS_MAX = 1000,   // "3.1" up to "3.1000"
    CHECKPOINTS_MAX = 10000,       // of an agent; more are no error, but not listed
    DIFF_FILES_MAX = 3000,         // listed; of what is beyond, only the numbers of files count
    DIFF_FILE_PATCH_MAX = 1 << 20, // bytes of one file's patch; a longer one is left out
    DIFF_PATCH_MAX = 8 << 20,      // of all; further ones are left out
    DIFF_COUNT_MS_MAX = 5000,      // after that, lines are not counted any more
    DIFF_LEFT_SHOWN_MAX = 20,      // paths that no snapshot holds
    DIFF_HUNKS_MAX = 1000,         // of a file, that are listed
    DIFF_JSON_MAX = 48 << 20,
};

// Where an agent works. Strings are the caller's. Commits of the worktree are imported first; a
// failure of that is the turn's to tell, and the last ones that came are looked at then.
struct checkpoint_place {
    struct worktree_spec spec; // branch NULL: the agent works in the repository itself
    const char *target;        // branch (or commit) that its work is for
    const char *cache;         // file for snapshot_cache.h
};

struct changes { // against the merge base with the target
    int64_t files, added, removed;
};

struct checkpoint_result {
    char name[CHECKPOINT_NAME_MAX]; // of the newest state that is kept: made now, or from before
    bool made;                      // false: nothing had changed
    struct changes changes;
    size_t left;                            // files that are in no snapshot
    char first_left[CHECKPOINT_LEFT_SHOWN]; // the path of one of them, or its beginning
    size_t applied;                         // files that were written or removed in the worktree
};

// Learns a fresh worktree's stat data from its index, so that the first snapshot need not read all
// files: before anybody else could write there. Failing costs time, no more.
bool checkpoint_seed(const struct checkpoint_place *place, struct err *err);

// The present files that differ from the merge base with the target, and their lines; at most
// `max`. To be released in any case.
bool checkpoint_present_paths(const struct checkpoint_place *place, size_t max,
                              struct tree_changes *changes, struct err *err);

// Keeps the present state, unless it is that of `parent` (a name; "" means the newest).
bool checkpoint_make(const struct checkpoint_place *place, int64_t turn, const char *parent,
                     struct checkpoint_result *result, struct err *err);

// Appends a JSON array, oldest first: see docs/protocol.md, swarm/checkpoints.
bool checkpoint_list(const struct checkpoint_place *place, struct buf *json, struct err *err);

struct diff_query {
    struct str from, to;     // names of checkpoints; empty: the merge base, and the present files
    const struct str *paths; // files or folders; none: all
    size_t path_count;
};
// Appends one JSON object: see docs/protocol.md, swarm/diff. ERR_PARAMS for a checkpoint that is
// not there.
bool checkpoint_diff(const struct checkpoint_place *place, const struct diff_query *query,
                     struct buf *json, struct err *err);

// Makes the files what they were at the checkpoint `name`, after the present ones were kept. What
// is ignored and what no snapshot holds stays; where it stands in the way, nothing is done
// (ERR_DIRTY, naming it). A failure in the middle leaves some files in their old state; both
// states are kept then, and doing it again goes on.
bool checkpoint_rewind(const struct checkpoint_place *place, int64_t turn, const char *parent,
                       struct str name, struct checkpoint_result *result, struct err *err);

struct hunk_name {
    bool given;
    int64_t index; // from 0, within the file's
    uint64_t hash; // as checkpoint_diff() told it
};
// Takes the change of one file (against the merge base), or one hunk of it, back in the worktree.
// ERR_CONFLICT when the hunk is not what it was, ERR_PARAMS when the file has no change.
bool checkpoint_revert(const struct checkpoint_place *place, int64_t turn, const char *parent,
                       struct str path, const struct hunk_name *hunk,
                       struct checkpoint_result *result, struct err *err);

// --- of agents that are removed ---

enum { REMOVED_DAYS = 30, REMOVED_REF_MAX = 160 };

struct removed_work {
    char ref[REMOVED_REF_MAX];              // "": there was nothing to keep
    char commit[WORKTREE_COMMIT_MAX];       // what the ref names, for git branch NAME <ref>
    int64_t until_ms;                       // since 1970: it is cleared after that
    size_t left;                            // files that are too large, or of other repositories
    char first_left[CHECKPOINT_LEFT_SHOWN]; // one of them
};

// Before worktree_remove(): keeps commits and files that are nowhere else under
// refs/swarmd/removed/<id>. again: a removal that was cut off goes on, and what it has kept
// stays as it is. A failure means that nothing may be removed.
bool checkpoint_keep_removed(const struct checkpoint_place *place, bool again,
                             struct removed_work *out, struct err *err);

// Clears those that are older than REMOVED_DAYS; with `found` it only names them.
bool checkpoint_clear_removed(const char *repository, int64_t now_ms,
                              void (*found)(void *arg, const char *ref), void *arg,
                              struct err *err);

#endif
