// SPDX-License-Identifier: MIT
// swarm/diff: what the agent changed, file by file, with a patch; and the numbers alone.
#include "core/base/mem.h"
#include "core/git/checkpoint_parts.h"
#include "core/git/repository.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t mono_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// --- numbers ---

bool diff_count_all(struct view *view, struct tree_diff *diff, struct changes *changes)
{
    int64_t start = mono_ms();
    *changes = (struct changes){.files = (int64_t)diff->count};
    for (size_t i = 0; i < diff->count; i++) {
        struct tree_file *file = &diff->files[i];
        if (mono_ms() - start > DIFF_COUNT_MS_MAX)
            break;
        if (!tree_file_compare(view->repository, file, NULL, view->err))
            return false;
        changes->added += file->added;
        changes->removed += file->removed;
    }
    return true;
}

static bool make_diff(struct view *view, const git_oid *from, const git_oid *to_tree,
                      struct tree_diff *diff)
{
    git_tree *before = NULL, *after = NULL;
    bool ok = commit_tree(view->repository, from, &before, view->err);
    if (ok && git_tree_lookup(&after, view->repository, to_tree) < 0)
        ok = git_fail(view->err, ERR_WORKTREE, "cannot read the agent's files");
    ok = ok && tree_diff_make(view->repository, before, after, diff, view->err);
    git_tree_free(before);
    git_tree_free(after);
    return ok;
}

bool checkpoint_count(struct view *view, struct checkpoint_result *result)
{
    struct tree_diff diff;
    result->left = view->snapshot.left_count;
    if (view->snapshot.left.len)
        snprintf(result->first_left, sizeof result->first_left, "%s", view->snapshot.left.data);
    if (!make_diff(view, &view->merge_base, &view->tree, &diff))
        return false;
    bool ok = diff_count_all(view, &diff, &result->changes);
    tree_diff_release(&diff);
    return ok;
}

// --- the answer ---

struct answer {
    struct view *view;
    struct json_writer w;
    struct buf patch; // of all files
    struct changes total;
    size_t shown;
    int64_t start;
    bool truncated;
};

static bool is_within(const char *path, struct str folder)
{
    struct str p = str_of(path);
    while (folder.len && folder.data[folder.len - 1] == '/')
        folder.len--;
    return str_starts(p, folder) &&
           (p.len == folder.len || folder.len == 0 || p.data[folder.len] == '/');
}

static bool is_wanted(const struct diff_query *query, const struct tree_file *file)
{
    for (size_t i = 0; i < query->path_count; i++) {
        if (is_within(file->path, query->paths[i]) ||
            (file->old_path && is_within(file->old_path, query->paths[i])))
            return true;
    }
    return query->path_count == 0;
}

static bool add_hunk(struct json_writer *w, git_patch *patch, size_t i)
{
    const git_diff_hunk *hunk;
    uint64_t hash;
    char text[20];
    if (git_patch_get_hunk(&hunk, NULL, patch, i) < 0 || !tree_hunk_hash(patch, i, &hash))
        return false;
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    json_begin_object(w);
    json_add_int(w, "oldStart", hunk->old_start);
    json_add_int(w, "oldLines", hunk->old_lines);
    json_add_int(w, "newStart", hunk->new_start);
    json_add_int(w, "newLines", hunk->new_lines);
    json_add_cstr(w, "hash", text);
    json_end_object(w);
    return true;
}

static bool add_hunks(struct answer *answer, struct tree_file *file, git_patch *patch)
{
    size_t count = patch && file->status != TREE_RETYPED ? git_patch_num_hunks(patch) : 0;
    bool ok = true;
    json_key(&answer->w, "hunks");
    json_begin_array(&answer->w);
    for (size_t i = 0; ok && i < count && i < DIFF_HUNKS_MAX; i++)
        ok = add_hunk(&answer->w, patch, i);
    json_end_array(&answer->w);
    answer->truncated = answer->truncated || count > DIFF_HUNKS_MAX;
    return ok ||
           git_fail(answer->view->err, ERR_WORKTREE, "cannot read the changes of %s", file->path);
}

// *why is left NULL when the patch has it all.
static bool add_patch(struct answer *answer, struct tree_file *file, git_patch *patch,
                      const char **why)
{
    struct buf part;
    buf_init(&part, DIFF_FILE_PATCH_MAX);
    bool ok =
        tree_file_write_patch(answer->view->repository, file, patch, &part, answer->view->err);
    if (part.overflow || part.len > DIFF_PATCH_MAX - answer->patch.len) {
        answer->truncated = true;
        *why = part.overflow ? "large" : "limit";
    } else {
        buf_add_str(&answer->patch, buf_str(&part));
    }
    buf_release(&part);
    return ok;
}

static void add_mode(struct json_writer *w, const char *key, uint16_t mode)
{
    char text[8];
    snprintf(text, sizeof text, "%06o", mode);
    json_add_cstr(w, key, text);
}

static void add_head(struct json_writer *w, const struct tree_file *file)
{
    json_add_cstr(w, "path", file->path);
    if (file->old_path)
        json_add_cstr(w, "oldPath", file->old_path);
    json_add_cstr(w, "status", tree_status_name(file->status));
    if (file->old_mode && file->new_mode && file->old_mode != file->new_mode) {
        add_mode(w, "oldMode", file->old_mode);
        add_mode(w, "newMode", file->new_mode);
    }
    json_add_int(w, "added", file->added);
    json_add_int(w, "removed", file->removed);
    json_add_bool(w, "binary", file->binary);
}

static bool add_file(struct answer *answer, struct tree_file *file)
{
    git_patch *patch = NULL;
    const char *why = file->large ? "large" : NULL;
    bool in_time = mono_ms() - answer->start <= DIFF_COUNT_MS_MAX;
    if (in_time && !tree_file_compare(answer->view->repository, file, &patch, answer->view->err))
        return false;
    if (!in_time) {
        answer->truncated = true;
        why = "limit";
    } else if (file->large) {
        why = "large";
    }
    json_begin_object(&answer->w);
    add_head(&answer->w, file);
    bool ok = add_hunks(answer, file, patch) && (!in_time || add_patch(answer, file, patch, &why));
    if (why)
        json_add_cstr(&answer->w, "omitted", why);
    json_end_object(&answer->w);
    git_patch_free(patch);
    answer->total.added += file->added;
    answer->total.removed += file->removed;
    return ok;
}

static bool add_files(struct answer *answer, struct tree_diff *diff, const struct diff_query *query)
{
    json_key(&answer->w, "files");
    json_begin_array(&answer->w);
    bool ok = true;
    for (size_t i = 0; ok && i < diff->count; i++) {
        if (!is_wanted(query, &diff->files[i]))
            continue;
        answer->total.files++;
        if (answer->total.files > DIFF_FILES_MAX)
            answer->truncated = true;
        else
            ok = add_file(answer, &diff->files[i]);
    }
    json_end_array(&answer->w);
    return ok;
}

static void add_left(struct json_writer *w, const struct snapshot *snapshot)
{
    size_t shown = 0;
    if (!snapshot->left_count)
        return;
    json_key(w, "left");
    json_begin_object(w);
    json_add_int(w, "count", (int64_t)snapshot->left_count);
    json_key(w, "paths");
    json_begin_array(w);
    for (size_t at = 0; at < snapshot->left.len && shown < DIFF_LEFT_SHOWN_MAX; shown++) {
        struct str path = str_of(snapshot->left.data + at);
        json_put_str(w, path);
        at += path.len + 1;
    }
    json_end_array(w);
    json_end_object(w);
}

static bool write_answer(struct view *view, const git_oid *from, const git_oid *to,
                         struct tree_diff *diff, const struct diff_query *query, struct buf *json)
{
    struct answer answer = {.view = view, .start = mono_ms()};
    struct json_writer *w = &answer.w;
    buf_init(&answer.patch, DIFF_PATCH_MAX);
    json_writer_init(w, json);
    json_begin_object(w);
    json_add_cstr(w, "base", git_oid_tostr_s(from));
    if (to)
        json_add_cstr(w, "to", git_oid_tostr_s(to));
    bool ok = add_files(&answer, diff, query);
    json_key(w, "changes");
    json_begin_object(w);
    json_add_int(w, "files", answer.total.files);
    json_add_int(w, "added", answer.total.added);
    json_add_int(w, "removed", answer.total.removed);
    json_end_object(w);
    json_add_bool(w, "truncated", answer.truncated);
    if (!to)
        add_left(w, &view->snapshot);
    json_add_str(w, "patch", answer.patch.len ? buf_str(&answer.patch) : STR(""));
    json_end_object(w);
    buf_release(&answer.patch);
    if (ok && json->overflow)
        ok = err_set(view->err, ERR_LIMIT, "the diff is over %d bytes; ask for some paths of it",
                     DIFF_JSON_MAX);
    return ok;
}

static bool find_sides(struct view *view, const struct diff_query *query, git_oid *from,
                       git_oid *to, git_oid *to_tree)
{
    *from = view->merge_base;
    *to_tree = view->tree;
    if (query->from.len && !checkpoint_find(view, query->from, from, view->err))
        return false;
    if (!query->to.len)
        return true;
    git_tree *tree = NULL;
    bool ok = checkpoint_find(view, query->to, to, view->err) &&
              commit_tree(view->repository, to, &tree, view->err);
    if (ok)
        *to_tree = *git_tree_id(tree);
    git_tree_free(tree);
    return ok;
}

bool checkpoint_diff(const struct checkpoint_place *place, const struct diff_query *query,
                     struct buf *json, struct err *err)
{
    struct view view;
    struct tree_diff diff = {0};
    git_oid from, to, to_tree;
    bool ok = view_open(&view, place, err) && find_sides(&view, query, &from, &to, &to_tree) &&
              make_diff(&view, &from, &to_tree, &diff) &&
              write_answer(&view, &from, query->to.len ? &to : NULL, &diff, query, json);
    tree_diff_release(&diff);
    view_close(&view);
    return ok;
}
