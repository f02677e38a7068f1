// SPDX-License-Identifier: MIT
// What in the person's tree stands in the way: whatever a checkout would change that is not, in
// the index and in the folder, as the commit has it.
#include "core/base/mem.h"
#include "core/git/merge_filter.h"
#include "core/git/merge_place.h"
#include "core/git/repository.h"
#include "core/git/tree_diff.h"

#include <errno.h>
#include <string.h>

enum { DIRTY_MAX = 1000 }; // that are listed; one is enough to refuse

void merge_add_dirty(struct merge_plan *plan, const char *path, const char *why)
{
    if (plan->dirty_count == DIRTY_MAX)
        return;
    plan->dirty = mem_resize(plan->dirty, plan->dirty_count + 1, sizeof(*plan->dirty));
    plan->dirty[plan->dirty_count++] = (struct merge_dirty){mem_dup(str_of(path)), why};
}

// By the time and size that git noted; what is as new as the index itself is looked at.
static bool is_noted(const struct checkout *checkout, const git_index_entry *entry,
                     const struct stat *st)
{
    return entry->mtime.seconds == (int32_t)st->st_mtim.tv_sec &&
           entry->mtime.nanoseconds == (uint32_t)st->st_mtim.tv_nsec &&
           entry->file_size == (uint32_t)st->st_size && entry->ino == (uint32_t)st->st_ino &&
           st->st_mtim.tv_sec < checkout->index_time.tv_sec - 1;
}

static bool is_same_kind(const struct stat *st, const struct merge_entry *entry)
{
    bool executable = st->st_mode & 0100;
    return entry->mode == GIT_FILEMODE_LINK
               ? S_ISLNK(st->st_mode)
               : S_ISREG(st->st_mode) &&
                     executable == (entry->mode == GIT_FILEMODE_BLOB_EXECUTABLE);
}

// Why the file that the commit has is not as the commit has it, or NULL.
static const char *look_at_old(struct checkout *checkout, size_t i)
{
    const struct merge_path *change = &checkout->changes.paths[i];
    const git_index_entry *entry = git_index_get_bypath(checkout->index, change->path, 0);
    struct stat *st = &checkout->stats[i];
    if (!entry || entry->mode != change->base.mode || !git_oid_equal(&entry->id, &change->base.id))
        return "staged";
    if (change->base.mode == GIT_FILEMODE_COMMIT)
        return NULL;
    if (!place_stat(checkout, change->path, st))
        return "missing";
    if (!is_same_kind(st, &change->base))
        return "changed";
    return is_noted(checkout, entry, st) || place_has(checkout, change->path, &change->base)
               ? NULL
               : "changed";
}

// Is what stands at `path`, a file or a folder, wholly taken away by the same checkout?
static bool makes_room(struct checkout *checkout, const char *path, const struct stat *st)
{
    const struct merge_path *change = merge_find(&checkout->changes, path);
    if (!S_ISDIR(st->st_mode))
        return change && change->base.mode && !change->ours.mode;
    size_t len = strlen(path);
    bool room = false;
    for (size_t i = 0; i < checkout->changes.count; i++) {
        const struct merge_path *below = &checkout->changes.paths[i];
        if (strncmp(below->path, path, len) == 0 && below->path[len] == '/')
            room = room || (below->base.mode && !below->ours.mode);
    }
    return room; // what else is in it is met when the folder does not go
}

static const char *look_at_new(struct checkout *checkout, const char *path)
{
    struct stat st;
    if (git_index_get_bypath(checkout->index, path, 0))
        return "staged";
    char *above = mem_dup(str_of(path));
    const char *why = NULL;
    if (place_stat(checkout, path, &st)) {
        why = makes_room(checkout, path, &st) ? NULL : "untracked";
    } else if (errno != ENOENT) { // something above it is no folder
        why = "untracked";
        for (char *slash; why && (slash = strrchr(above, '/'));) {
            *slash = '\0';
            if (place_stat(checkout, above, &st) && makes_room(checkout, above, &st))
                why = NULL;
        }
    }
    mem_free(above);
    return why;
}

static bool is_rules(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, ".gitattributes") == 0;
}

// git runs a filter by the attributes that are there now, and not by those that are to be.
static bool can_write(struct checkout *checkout, const struct merge_path *change, struct err *err)
{
    if (!merge_is_file(&change->ours) && !merge_is_file(&change->base))
        return true;
    if (!tree_attributes_are_safe(checkout->repository, change->path, err))
        return false;
    if (!filter_runs(checkout, change->path))
        return true;
    for (size_t i = 0; i < checkout->changes.count; i++)
        if (is_rules(checkout->changes.paths[i].path))
            return err_set(err, ERR_REFUSED,
                           "%s goes through a filter, and %s changes with it: merge the agent's "
                           "branch with git itself, or into a branch that is not checked out",
                           change->path, checkout->changes.paths[i].path);
    return true;
}

static bool check_state(struct checkout *checkout, struct err *err)
{
    const char *folder = git_repository_workdir(checkout->repository);
    if (git_index_has_conflicts(checkout->index))
        return err_set(err, ERR_REFUSED,
                       "%s has files with conflicts of another merge: resolve them first", folder);
    char *path = mem_format("%sindex", git_repository_path(checkout->repository));
    struct stat st;
    if (stat(path, &st) == 0)
        checkout->index_time = st.st_mtim;
    mem_free(path);
    return true;
}

bool checkout_check(struct checkout *checkout, struct err *err)
{
    if (!check_state(checkout, err))
        return false;
    for (size_t i = 0; i < checkout->changes.count; i++) {
        const struct merge_path *change = &checkout->changes.paths[i];
        const git_index_entry *entry = git_index_get_bypath(checkout->index, change->path, 0);
        if (entry && entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE)
            return err_set(err, ERR_REFUSED,
                           "%s is not in the sparse checkout of %s: merge with git itself, or into "
                           "a branch that is not checked out",
                           change->path, git_repository_workdir(checkout->repository));
        if (!can_write(checkout, change, err))
            return false;
        const char *why =
            change->base.mode ? look_at_old(checkout, i) : look_at_new(checkout, change->path);
        if (why)
            merge_add_dirty(checkout->plan, change->path, why);
    }
    size_t count = checkout->plan->dirty_count;
    if (!count)
        return true;
    return err_set(err, ERR_DIRTY,
                   "%zu file%s in %s would be changed by this and %s not as committed (%s is %s): "
                   "commit or stash, or merge into another branch; nothing was changed",
                   count, count == 1 ? "" : "s", git_repository_workdir(checkout->repository),
                   count == 1 ? "is" : "are", checkout->plan->dirty[0].path,
                   checkout->plan->dirty[0].why);
}
