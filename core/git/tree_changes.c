// SPDX-License-Identifier: MIT
#include "core/git/tree_changes.h"

#include "core/git/tree_diff.h"

#include <git2.h>
#include <string.h>

_Static_assert(CHANGE_BLOB_BYTES == GIT_OID_RAWSZ, "ids are kept as libgit2 has them");

static bool is_file(struct tree_side side)
{
    return side.mode == GIT_FILEMODE_BLOB || side.mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

// By the header alone: a large file is not read for it.
static bool is_affordable(struct tree_changes *changes, git_repository *repository,
                          struct tree_side old, struct tree_side new)
{
    git_odb *odb = NULL;
    git_object_t type;
    size_t before = 0, after = 0;
    bool ok =
        changes->compared < CHANGES_COMPARED_MAX && git_repository_odb(&odb, repository) == 0 &&
        git_odb_read_header(&before, &type, odb, old.id) == 0 &&
        git_odb_read_header(&after, &type, odb, new.id) == 0 && before <= TREE_FILE_BYTES_MAX &&
        after <= TREE_FILE_BYTES_MAX && before + after <= CHANGES_BYTES_MAX - changes->bytes;
    git_odb_free(odb);
    if (ok) {
        changes->compared++;
        changes->bytes += before + after;
    }
    return ok;
}

static int take_binary(const git_diff_delta *delta, const git_diff_binary *binary, void *arg)
{
    struct tree_change *change = arg;
    (void)delta;
    (void)binary;
    change->lines_known = false;
    return 0;
}

static int take_hunk(const git_diff_delta *delta, const git_diff_hunk *hunk, void *arg)
{
    struct tree_change *change = arg;
    (void)delta;
    if (change->range_count == CHANGE_RANGES_MAX || hunk->old_start < 0 || hunk->old_lines < 0)
        return GIT_EUSER;
    // git names the line before what was put in.
    uint32_t start = (uint32_t)hunk->old_start + (hunk->old_lines == 0);
    change->ranges[change->range_count++] =
        (struct line_range){.start = start, .count = (uint32_t)hunk->old_lines};
    return 0;
}

static bool compare(git_repository *repository, struct tree_side old, struct tree_side new,
                    struct tree_change *change)
{
    git_diff_options options;
    git_blob *before = NULL, *after = NULL;
    git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
    options.context_lines = 0;
    // As buffers: for blobs libgit2 reads attributes from a folder in which anything may be, a pipe
    // that nobody writes into, too.
    bool ok = git_blob_lookup(&before, repository, old.id) == 0 &&
              git_blob_lookup(&after, repository, new.id) == 0 &&
              git_diff_buffers(git_blob_rawcontent(before), (size_t)git_blob_rawsize(before), NULL,
                               git_blob_rawcontent(after), (size_t)git_blob_rawsize(after), NULL,
                               &options, NULL, take_binary, take_hunk, NULL, change) == 0;
    git_blob_free(before);
    git_blob_free(after);
    return ok;
}

static void find_lines(struct tree_changes *changes, git_repository *repository,
                       struct tree_side old, struct tree_side new, struct tree_change *change)
{
    memcpy(change->old_blob, old.id->id, CHANGE_BLOB_BYTES);
    change->lines_known = true;
    if (git_oid_equal(old.id, new.id))
        return;
    change->ranges = mem_new_array(CHANGE_RANGES_MAX, sizeof *change->ranges);
    if (!is_affordable(changes, repository, old, new) || !compare(repository, old, new, change))
        change->lines_known = false;
    if (change->lines_known && change->range_count) {
        change->ranges = mem_resize(change->ranges, change->range_count, sizeof *change->ranges);
        return;
    }
    mem_free(change->ranges);
    change->ranges = NULL;
    change->range_count = 0;
}

void tree_changes_add(struct tree_changes *changes, git_repository *repository, const char *path,
                      struct tree_side old, struct tree_side new)
{
    if (changes->count == changes->capacity) {
        changes->capacity = changes->capacity ? 2 * changes->capacity : 64;
        changes->items = mem_resize(changes->items, changes->capacity, sizeof *changes->items);
    }
    struct tree_change *change = &changes->items[changes->count++];
    *change = (struct tree_change){.path = mem_dup(str_of(path))};
    if (is_file(old) && is_file(new))
        find_lines(changes, repository, old, new, change);
}
