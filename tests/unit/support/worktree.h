// SPDX-License-Identifier: MIT
// Worktrees of test repositories. Include after tests/unit/support/git.h.
#ifndef SWARMD_TESTS_WORKTREE_H
#define SWARMD_TESTS_WORKTREE_H

#include "core/git/worktree.h"

// Branch "swarm/<name>" from HEAD, in a state folder of its own; valid until the teardown.
struct worktree_spec worktree_test_spec(const char *repository, const char *name);
// The test fails with the error when these do.
void worktree_test_add(const struct worktree_spec *spec);
void worktree_test_remove(const struct worktree_spec *spec);
// Fails, with a message that says so.
void worktree_test_add_refused(const struct worktree_spec *spec, const char *says);
// What would be lost ("" for nothing); kept until the teardown.
const char *worktree_test_work(const struct worktree_spec *spec);
// The refs, and everything below .git but objects, logs, hooks and empty folders, with sums.
const char *worktree_test_git_folder(const char *repository);
// What the person has: files, index, HEAD, status, stash, configuration; as text.
const char *worktree_test_tree(const char *repository);

#endif
