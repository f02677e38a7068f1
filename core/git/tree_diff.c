// SPDX-License-Identifier: MIT
#include "core/git/tree_diff.h"

#include "core/base/mem.h"
#include "core/git/repository.h"

#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {"added", "modified", "removed", "renamed",
                                           "typeChanged"};

const char *tree_status_name(enum tree_status status)
{
    return status_names[status];
}

static enum tree_status status_of(const git_diff_delta *delta)
{
    switch (delta->status) {
    case GIT_DELTA_ADDED:
        return TREE_ADDED;
    case GIT_DELTA_DELETED:
        return TREE_REMOVED;
    case GIT_DELTA_TYPECHANGE:
        return TREE_RETYPED;
    default:
        return TREE_MODIFIED;
    }
}

static void take(struct tree_file *file, const git_diff_delta *delta)
{
    file->status = status_of(delta);
    file->path =
        mem_dup(str_of(file->status == TREE_REMOVED ? delta->old_file.path : delta->new_file.path));
    if (file->status != TREE_ADDED) {
        file->old_id = delta->old_file.id;
        file->old_mode = delta->old_file.mode;
    }
    if (file->status != TREE_REMOVED) {
        file->new_id = delta->new_file.id;
        file->new_mode = delta->new_file.mode;
    }
}

bool tree_diff_make(git_repository *repository, git_tree *old_tree, git_tree *new_tree,
                    struct tree_diff *diff, struct err *err)
{
    git_diff_options options;
    git_diff *deltas = NULL;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.flags = GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_SKIP_BINARY_CHECK;
    *diff = (struct tree_diff){0};
    if (git_diff_tree_to_tree(&deltas, repository, old_tree, new_tree, &options) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot compare the agent's files");
    diff->count = git_diff_num_deltas(deltas);
    diff->files = mem_new_array(diff->count + 1, sizeof *diff->files);
    for (size_t i = 0; i < diff->count; i++)
        take(&diff->files[i], git_diff_get_delta(deltas, i));
    git_diff_free(deltas);
    if (tree_find_renames(repository, diff, err))
        return true;
    tree_diff_release(diff);
    return false;
}

void tree_diff_release(struct tree_diff *diff)
{
    for (size_t i = 0; i < diff->count; i++) {
        mem_free(diff->files[i].path);
        mem_free(diff->files[i].old_path);
    }
    mem_free(diff->files);
    *diff = (struct tree_diff){0};
}

// --- lines ---

static bool is_blob(uint16_t mode)
{
    return mode != 0 && mode != GIT_FILEMODE_COMMIT;
}

static bool is_link(uint16_t mode)
{
    return mode == 0 || mode == GIT_FILEMODE_LINK;
}

static bool size_of(git_odb *odb, const git_oid *id, uint16_t mode, size_t *size)
{
    git_object_t type;
    *size = 0;
    return !is_blob(mode) || git_odb_read_header(size, &type, odb, id) == 0;
}

static bool look_at_size(git_repository *repository, struct tree_file *file)
{
    git_odb *odb = NULL;
    size_t old_size = 0, new_size = 0;
    bool ok = git_repository_odb(&odb, repository) == 0 &&
              size_of(odb, &file->old_id, file->old_mode, &old_size) &&
              size_of(odb, &file->new_id, file->new_mode, &new_size);
    git_odb_free(odb);
    file->large = old_size > TREE_FILE_BYTES_MAX || new_size > TREE_FILE_BYTES_MAX;
    return ok;
}

static bool look_up(git_repository *repository, const git_oid *id, uint16_t mode, git_blob **blob)
{
    *blob = NULL;
    return !is_blob(mode) || git_blob_lookup(blob, repository, id) == 0;
}

static bool make_patch(git_repository *repository, const struct tree_file *file, git_patch **patch)
{
    git_diff_options options;
    git_blob *before = NULL, *after = NULL;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.context_lines = 3;
    // The path tells the attributes, and those are none of a link's.
    const char *old_path = file->old_path ? file->old_path : file->path, *path = file->path;
    if (is_link(file->old_mode) && is_link(file->new_mode))
        old_path = path = NULL;
    bool ok = look_up(repository, &file->old_id, file->old_mode, &before) &&
              look_up(repository, &file->new_id, file->new_mode, &after) &&
              git_patch_from_blobs(patch, before, old_path, after, path, &options) == 0;
    git_blob_free(before);
    git_blob_free(after);
    return ok;
}

static bool take_numbers(struct tree_file *file, git_patch **patch)
{
    size_t context, added, removed;
    const git_diff_delta *delta = git_patch_get_delta(*patch);
    file->binary = (delta->flags & GIT_DIFF_FLAG_BINARY) != 0;
    if (!file->binary) {
        if (git_patch_line_stats(&context, &added, &removed, *patch) < 0)
            return false;
        file->added = (int64_t)added;
        file->removed = (int64_t)removed;
    }
    if (file->binary || git_patch_num_hunks(*patch) == 0) {
        git_patch_free(*patch);
        *patch = NULL;
    }
    return true;
}

bool tree_file_compare(git_repository *repository, struct tree_file *file, git_patch **out,
                       struct err *err)
{
    git_patch *patch = NULL;
    bool ok = true;
    file->compared = true;
    if (!tree_attributes_are_safe(repository, file->path, err) ||
        (file->old_path && !tree_attributes_are_safe(repository, file->old_path, err)))
        return false;
    if (file->old_mode == GIT_FILEMODE_COMMIT || file->new_mode == GIT_FILEMODE_COMMIT) {
        file->removed = file->old_mode == GIT_FILEMODE_COMMIT;
        file->added = file->new_mode == GIT_FILEMODE_COMMIT;
    } else if (!git_oid_equal(&file->old_id, &file->new_id)) {
        ok = look_at_size(repository, file);
        if (ok && !file->large)
            ok = make_patch(repository, file, &patch) && take_numbers(file, &patch);
    }
    if (!ok)
        git_fail(err, ERR_WORKTREE, "cannot compare %s", file->path);
    if (ok && out)
        *out = patch;
    else
        git_patch_free(patch);
    return ok;
}

bool tree_hunk_hash(git_patch *patch, size_t hunk, uint64_t *hash)
{
    int lines = git_patch_num_lines_in_hunk(patch, hunk);
    uint64_t sum = 0xcbf29ce484222325u; // FNV-1a
    for (int i = 0; i < lines; i++) {
        const git_diff_line *line;
        if (git_patch_get_line_in_hunk(&line, patch, hunk, (size_t)i) < 0)
            return false;
        sum = (sum ^ (unsigned char)line->origin) * 0x100000001b3u;
        for (size_t j = 0; j < line->content_len; j++)
            sum = (sum ^ (unsigned char)line->content[j]) * 0x100000001b3u;
    }
    *hash = sum;
    return lines >= 0;
}
