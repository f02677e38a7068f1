// SPDX-License-Identifier: MIT
#include "core/base/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STOP_PASSES_MAX = 8 };

bool process_tree_add(struct process_tree *tree, pid_t pid)
{
    if (tree->count == PROCESS_TREE_MAX)
        return false;
    if (tree->count == tree->cap) {
        size_t cap = tree->cap ? tree->cap * 2 : 64;
        pid_t *pids = realloc(tree->pids, cap * sizeof *pids);
        if (!pids)
            return false;
        tree->pids = pids;
        tree->cap = cap;
    }
    tree->pids[tree->count++] = pid;
    return true;
}

static void add_children_of_thread(struct process_tree *tree, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return; // it has ended meanwhile
    char *word = NULL;
    size_t size = 0;
    while (getdelim(&word, &size, ' ', file) > 0) {
        long pid = strtol(word, NULL, 10);
        if (pid <= 0 || !process_tree_add(tree, (pid_t)pid))
            break;
    }
    free(word);
    fclose(file);
}

static void add_children(struct process_tree *tree, pid_t parent)
{
    char path[80];
    snprintf(path, sizeof path, "/proc/%ld/task", (long)parent);
    DIR *threads = opendir(path);
    if (!threads)
        return;
    const struct dirent *entry;
    while ((entry = readdir(threads))) {
        long thread = strtol(entry->d_name, NULL, 10);
        if (thread <= 0)
            continue;
        snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)parent, thread);
        add_children_of_thread(tree, path);
    }
    closedir(threads);
}

static bool kernel_lists_children(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    return access(path, R_OK) == 0;
}

void process_tree_find(struct process_tree *tree, pid_t root)
{
    if (!kernel_lists_children()) {
        process_tree_scan(tree, root);
        return;
    }
    tree->count = 0;
    add_children(tree, root);
    for (size_t i = 0; i < tree->count; i++)
        add_children(tree, tree->pids[i]);
}

// The name, which may hold anything, ends at the last ')'; then: state, parent.
static pid_t parent_of(const char *name)
{
    char path[300], line[512];
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    size_t len = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[len] = '\0';
    const char *end = strrchr(line, ')'); // ") S 123", with a letter for the state
    long parent = end && strlen(end) > 4 ? strtol(end + 4, NULL, 10) : -1;
    return parent >= 0 ? (pid_t)parent : -1;
}

static void read_all(struct process_tree *pids, struct process_tree *parents)
{
    DIR *processes = opendir("/proc");
    if (!processes)
        return;
    const struct dirent *entry;
    while ((entry = readdir(processes))) {
        long pid = strtol(entry->d_name, NULL, 10);
        pid_t parent = pid > 0 ? parent_of(entry->d_name) : -1;
        if (parent > 0 && process_tree_add(pids, (pid_t)pid) && !process_tree_add(parents, parent))
            pids->count--;
    }
    closedir(processes);
}

static void add_children_among(struct process_tree *tree, pid_t parent,
                               const struct process_tree *pids, const struct process_tree *parents)
{
    for (size_t i = 0; i < pids->count; i++)
        if (parents->pids[i] == parent)
            process_tree_add(tree, pids->pids[i]);
}

void process_tree_scan(struct process_tree *tree, pid_t root)
{
    struct process_tree pids = {NULL, 0, 0}, parents = {NULL, 0, 0};
    read_all(&pids, &parents);
    tree->count = 0;
    add_children_among(tree, root, &pids, &parents);
    for (size_t i = 0; i < tree->count; i++)
        add_children_among(tree, tree->pids[i], &pids, &parents);
    process_tree_release(&pids);
    process_tree_release(&parents);
}

void process_tree_signal(const struct process_tree *tree, int signal)
{
    for (size_t i = 0; i < tree->count; i++)
        kill(tree->pids[i], signal);
}

void process_tree_release(struct process_tree *tree)
{
    free(tree->pids);
    *tree = (struct process_tree){NULL, 0, 0};
}

bool process_tree_kill(struct process_tree *tree, pid_t root)
{
    size_t before = 0;
    process_tree_find(tree, root);
    for (int i = 0; i < STOP_PASSES_MAX && tree->count != before; i++) {
        process_tree_signal(tree, SIGSTOP);
        before = tree->count;
        process_tree_find(tree, root);
    }
    process_tree_signal(tree, SIGKILL);
    return tree->count > 0;
}
