// SPDX-License-Identifier: MIT
// Going back: all files to a checkpoint, or one change of one file.
#include "core/base/mem.h"
#include "core/git/checkpoint_parts.h"
#include "core/git/repository.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

// --- to a checkpoint ---

static bool check_way(struct view *view, git_diff *diff)
{
    for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
        const git_diff_delta *delta = git_diff_get_delta(diff, i);
        bool removed = delta->status == GIT_DELTA_DELETED;
        const char *path = removed ? delta->old_file.path : delta->new_file.path;
        if (delta->old_file.mode == GIT_FILEMODE_COMMIT ||
            delta->new_file.mode == GIT_FILEMODE_COMMIT)
            continue;
        bool other =
            removed ? snapshot_leaves(&view->snapshot, path) : worktree_has_other(view, path);
        if (other)
            return err_set(view->err, ERR_DIRTY,
                           "%s stands in the way and is in no checkpoint (it is ignored, too large "
                           "or cannot be read): move it away first",
                           path);
    }
    return true;
}

// Removals first: a folder may stand where a file is to be.
static bool apply(struct view *view, git_diff *diff, const git_oid *commit, size_t *applied)
{
    size_t count = git_diff_num_deltas(diff);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const git_diff_delta *delta = git_diff_get_delta(diff, i);
        if (delta->status != GIT_DELTA_DELETED || delta->old_file.mode == GIT_FILEMODE_COMMIT)
            continue;
        ok = worktree_take(view, delta->old_file.path);
        ++*applied;
    }
    for (size_t i = 0; ok && i < count; i++) {
        const git_diff_delta *delta = git_diff_get_delta(diff, i);
        if (delta->status == GIT_DELTA_DELETED)
            continue;
        ok = worktree_put(view, delta->new_file.path, &delta->new_file.id, delta->new_file.mode,
                          commit);
        ++*applied;
    }
    return ok;
}

static bool diff_to(struct view *view, const git_oid *commit, git_diff **diff)
{
    git_diff_options options;
    git_tree *now = NULL, *then = NULL;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.flags = GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_SKIP_BINARY_CHECK;
    bool ok = commit_tree(view->repository, commit, &then, view->err);
    if (ok && (git_tree_lookup(&now, view->repository, &view->tree) < 0 ||
               git_diff_tree_to_tree(diff, view->repository, now, then, &options) < 0))
        ok = git_fail(view->err, ERR_WORKTREE, "cannot compare the agent's files");
    git_tree_free(now);
    git_tree_free(then);
    return ok;
}

// Where the present state is that of a checkpoint already, its name is kept.
static bool go_back(struct view *view, int64_t turn, const char *parent, struct str name,
                    struct checkpoint_result *result)
{
    git_oid commit;
    git_diff *diff = NULL;
    bool ok = checkpoint_find(view, name, &commit, view->err) && diff_to(view, &commit, &diff) &&
              check_way(view, diff) && checkpoint_keep(view, turn, parent, "rewind", result) &&
              apply(view, diff, &commit, &result->applied);
    git_diff_free(diff);
    return ok;
}

// The commit that ends a merge has both parents: with the files of before it, it would take the
// other side's changes back without anybody seeing a conflict.
static bool check_no_merge(const struct checkpoint_place *place, struct err *err)
{
    char *path = mem_format("%s/MERGE_HEAD", place->spec.git);
    bool merging = access(path, F_OK) == 0;
    mem_free(path);
    return !merging || err_set(err, ERR_WRONG_STATE,
                               "%s is in the middle of a merge: commit it, or give it up (git -C "
                               "'%s' merge --abort), and rewind then",
                               place->spec.name, place->spec.path);
}

bool checkpoint_rewind(const struct checkpoint_place *place, int64_t turn, const char *parent,
                       struct str name, struct checkpoint_result *result, struct err *err)
{
    struct view view;
    bool ok = view_open(&view, place, err) && check_no_merge(place, err) &&
              go_back(&view, turn, parent, name, result) && checkpoint_look_again(&view, result);
    view_close(&view);
    return ok;
}

// --- one change ---

static struct tree_file *find_file(struct tree_diff *diff, struct str path)
{
    for (size_t i = 0; i < diff->count; i++) {
        if (str_is(path, diff->files[i].path))
            return &diff->files[i];
    }
    return NULL;
}

static bool revert_file(struct view *view, const struct tree_file *file)
{
    const char *old_path = file->old_path ? file->old_path : file->path;
    if (snapshot_leaves(&view->snapshot, file->path) ||
        (file->old_mode && worktree_has_other(view, old_path)))
        return err_set(view->err, ERR_DIRTY,
                       "%s stands in the way and is in no checkpoint (it is ignored, too large or "
                       "cannot be read): move it away first",
                       old_path);
    if ((file->status == TREE_ADDED || file->status == TREE_RENAMED) &&
        !worktree_take(view, file->path))
        return false;
    return !file->old_mode || worktree_put(view, old_path, &file->old_id, file->old_mode, NULL);
}

// The content with the lines of one hunk as they were.
static bool without_hunk(git_patch *patch, size_t index, struct str now, struct buf *out)
{
    const git_diff_hunk *hunk;
    size_t lines, line = 1, skip;
    if (git_patch_get_hunk(&hunk, &lines, patch, index) < 0)
        return false;
    // A hunk of no new lines stands behind the line that it names.
    size_t start = (size_t)hunk->new_start + (hunk->new_lines == 0);
    for (; line < start && now.len; line++) {
        const char *end = memchr(now.data, '\n', now.len);
        skip = end ? (size_t)(end - now.data) + 1 : now.len;
        buf_add(out, now.data, skip);
        now = str_skip(now, skip);
    }
    for (int i = 0; i < hunk->new_lines && now.len; i++) {
        const char *end = memchr(now.data, '\n', now.len);
        now = str_skip(now, end ? (size_t)(end - now.data) + 1 : now.len);
    }
    for (size_t i = 0; i < lines; i++) {
        const git_diff_line *part;
        if (git_patch_get_line_in_hunk(&part, patch, index, i) < 0)
            return false;
        if (part->origin == GIT_DIFF_LINE_CONTEXT || part->origin == GIT_DIFF_LINE_DELETION)
            buf_add(out, part->content, part->content_len);
    }
    buf_add_str(out, now);
    return line == start && !out->overflow;
}

static bool check_hunk(struct view *view, const struct tree_file *file, git_patch *patch,
                       const struct hunk_name *hunk)
{
    uint64_t hash = 0;
    size_t count = patch && file->status != TREE_RETYPED ? git_patch_num_hunks(patch) : 0;
    if (hunk->index >= 0 && (size_t)hunk->index < count &&
        tree_hunk_hash(patch, (size_t)hunk->index, &hash) && hash == hunk->hash)
        return true;
    return err_set(view->err, ERR_CONFLICT,
                   "hunk %" PRId64 " of %s is not what it was (it has %zu now); ask for the diff "
                   "again",
                   hunk->index, file->path, count);
}

static bool put_without(struct view *view, const struct tree_file *file, git_patch *patch,
                        size_t index)
{
    git_blob *now = NULL;
    git_oid id;
    struct buf content;
    buf_init(&content, 2 * TREE_FILE_BYTES_MAX);
    bool ok = file->new_mode == 0 || git_blob_lookup(&now, view->repository, &file->new_id) == 0;
    struct str text =
        now ? str_from(git_blob_rawcontent(now), (size_t)git_blob_rawsize(now)) : STR_NONE;
    ok = ok && without_hunk(patch, index, text, &content) &&
         git_blob_create_from_buffer(&id, view->repository, content.data ? content.data : "",
                                     content.len) == 0;
    if (!ok)
        git_fail(view->err, ERR_WORKTREE, "cannot take hunk %zu of %s back", index, file->path);
    git_blob_free(now);
    buf_release(&content);
    return ok && worktree_put(view, file->path, &id,
                              file->new_mode ? file->new_mode : file->old_mode, NULL);
}

static bool revert_hunk(struct view *view, struct tree_file *file, const struct hunk_name *hunk)
{
    git_patch *patch = NULL;
    if (!tree_file_compare(view->repository, file, &patch, view->err))
        return false;
    // All that there is: then the file itself comes or goes, too.
    bool all = patch && git_patch_num_hunks(patch) == 1 &&
               (file->status == TREE_ADDED || file->status == TREE_REMOVED);
    bool ok = check_hunk(view, file, patch, hunk) &&
              (all ? revert_file(view, file) : put_without(view, file, patch, (size_t)hunk->index));
    git_patch_free(patch);
    return ok;
}

static bool take_back(struct view *view, struct tree_diff *diff, struct str path,
                      const struct hunk_name *hunk)
{
    struct tree_file *file = find_file(diff, path);
    if (!file)
        return err_set(view->err, ERR_PARAMS,
                       "path: '%.*s' has no change; swarm/diff lists those "
                       "there are",
                       STR_ARG(path));
    if (file->old_mode == GIT_FILEMODE_COMMIT || file->new_mode == GIT_FILEMODE_COMMIT)
        return err_set(view->err, ERR_PARAMS, "path: %s is a submodule", file->path);
    return hunk->given ? revert_hunk(view, file, hunk) : revert_file(view, file);
}

bool checkpoint_revert(const struct checkpoint_place *place, int64_t turn, const char *parent,
                       struct str path, const struct hunk_name *hunk,
                       struct checkpoint_result *result, struct err *err)
{
    struct view view;
    struct tree_diff diff = {0};
    git_tree *before = NULL, *now = NULL;
    bool ok = view_open(&view, place, err) &&
              commit_tree(view.repository, &view.merge_base, &before, err);
    if (ok && git_tree_lookup(&now, view.repository, &view.tree) < 0)
        ok = git_fail(err, ERR_WORKTREE, "cannot read the agent's files");
    ok = ok && tree_diff_make(view.repository, before, now, &diff, err) &&
         checkpoint_keep(&view, turn, parent, "revert", result) &&
         take_back(&view, &diff, path, hunk);
    result->applied = ok;
    git_tree_free(before);
    git_tree_free(now);
    tree_diff_release(&diff);
    ok = ok && checkpoint_look_again(&view, result);
    view_close(&view);
    return ok;
}
