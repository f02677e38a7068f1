// SPDX-License-Identifier: MIT
// Bringing a checked-out tree from one commit to another, whole or not at all, beside a person who
// works there: exactly the files that differ are exchanged, and their entries of the index.
//
// In the tree's git directory, folder swarmd-<name>: `lock`, which is index.lock while that is
// ours (the same inode), and a file <n> for each path: what it is to become, and once exchanged
// what it was. So what was begun can be told, and taken back, by whoever comes later.
#ifndef SWARMD_CORE_GIT_MERGE_CHECKOUT_H
#define SWARMD_CORE_GIT_MERGE_CHECKOUT_H

#include "core/git/merge_parts.h"

#include <sys/stat.h>

struct checkout {
    git_repository *repository;  // whose working directory it is
    struct merge_plan *plan;     // gets what is in the way
    struct merge_result changes; // base: as it is; ours: as it is to be
    struct stat *stats;          // of the files, when they were looked at
    bool *exchanged;
    git_oid to;
    git_index *index;
    struct timespec index_time;
    char *stage;
    int root, stage_fd; // -1
    bool locked;
};

// `name` must be one that nobody else uses at the time.
bool checkout_open(struct checkout *checkout, git_repository *repository, const char *name,
                   const git_oid *from, const git_oid *to, struct merge_plan *plan,
                   struct err *err);
void checkout_close(struct checkout *checkout); // gives the lock back

// Is anything in the way? ERR_DIRTY with plan->dirty; ERR_REFUSED for what swarmd cannot write.
bool checkout_check(struct checkout *checkout, struct err *err);
// Takes the index's lock, looks again, and exchanges the files. A failure leaves all as it was.
bool checkout_begin(struct checkout *checkout, struct err *err);
bool checkout_finish(struct checkout *checkout, struct err *err); // the index
bool checkout_undo(struct checkout *checkout, struct err *err);

// After a crash, instead of check and begin: finds what was exchanged. *begun: anything at all.
bool checkout_resume(struct checkout *checkout, bool *begun, struct err *err);

#endif
