// SPDX-License-Identifier: MIT
// The processes beneath a process, read from /proc.
//
// Needs libc only: the exec helper is linked with nothing else. What it finds is a moment's view;
// whoever wants an end to all of them stops them first, and looks again until none is left.
#ifndef SWARMD_CORE_BASE_PROCESS_TREE_H
#define SWARMD_CORE_BASE_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROCESS_TREE_MAX = 16384 }; // found in one look; the rest is found in the next

struct process_tree {
    pid_t *pids;
    size_t count;
    size_t cap;
};

// Fills the tree with every descendant of root (not root itself), parents before children.
// Zombies count too. Starts anew each time; all zero before the first.
void process_tree_find(struct process_tree *tree, pid_t root);

// The same from every process's parent, for kernels without /proc/<pid>/task/<tid>/children;
// process_tree_find() falls back to it. Much slower where many processes run.
void process_tree_scan(struct process_tree *tree, pid_t root);

// False when there is no room.
bool process_tree_add(struct process_tree *tree, pid_t pid);

void process_tree_signal(const struct process_tree *tree, int signal);
void process_tree_release(struct process_tree *tree);

// SIGKILL for every descendant, stopped first so that none can fork away meanwhile. Returns
// whether there was any; they are dead only when their parents have reaped them.
bool process_tree_kill(struct process_tree *tree, pid_t root);

#endif
