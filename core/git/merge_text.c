// SPDX-License-Identifier: MIT
// Merging the contents of one file.
#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/git/merge_parts.h"
#include "core/git/tree_diff.h"

#include <string.h>

struct three {
    git_blob *base, *ours, *theirs;
};

static void three_release(struct three *three)
{
    git_blob_free(three->base);
    git_blob_free(three->ours);
    git_blob_free(three->theirs);
}

static bool three_load(struct three *three, git_repository *repository,
                       const struct merge_entry *base, const struct merge_entry *ours,
                       const struct merge_entry *theirs)
{
    *three = (struct three){0};
    return (!base->mode || git_blob_lookup(&three->base, repository, &base->id) == 0) &&
           git_blob_lookup(&three->ours, repository, &ours->id) == 0 &&
           git_blob_lookup(&three->theirs, repository, &theirs->id) == 0;
}

static bool is_text(git_blob *blob)
{
    if (!blob)
        return true;
    git_object_size_t size = git_blob_rawsize(blob);
    return size <= MERGE_TEXT_BYTES_MAX &&
           !file_is_binary(str_from(git_blob_rawcontent(blob), (size_t)size));
}

// Whatever is said of merging this file is git's to do: union, ours, a driver, or not at all.
static bool has_merge_attribute(git_repository *repository, const char *path)
{
    const char *value = NULL;
    struct err unsafe; // who cannot read what is said leaves it to the person, too
    if (!tree_attributes_are_safe(repository, path, &unsafe) ||
        git_attr_get(&value, repository, GIT_ATTR_CHECK_FILE_THEN_INDEX, path, "merge") < 0)
        return true;
    git_attr_value_t kind = git_attr_value(value);
    return kind == GIT_ATTR_VALUE_FALSE ||
           (kind == GIT_ATTR_VALUE_STRING && strcmp(value, "text") != 0);
}

static git_merge_file_input input_of(git_blob *blob, const char *path)
{
    git_merge_file_input input;
    git_merge_file_input_init(&input, GIT_MERGE_FILE_INPUT_VERSION);
    input.ptr = blob ? git_blob_rawcontent(blob) : "";
    input.size = blob ? (size_t)git_blob_rawsize(blob) : 0;
    input.path = path;
    input.mode = GIT_FILEMODE_BLOB;
    return input;
}

static bool merge_once(git_merge_file_result *out, const struct merge_result *result,
                       const struct three *three, const char *path, uint32_t flags)
{
    git_merge_file_input base = input_of(three->base, path), ours = input_of(three->ours, path),
                         theirs = input_of(three->theirs, path);
    git_merge_file_options options;
    git_merge_file_options_init(&options, GIT_MERGE_FILE_OPTIONS_VERSION);
    options.our_label = result->our_name;
    options.their_label = result->their_name;
    options.flags = flags;
    return git_merge_file(out, three->base ? &base : NULL, &ours, &theirs, &options) == 0;
}

static bool is_equal(const git_merge_file_result *a, const git_merge_file_result *b)
{
    return a->automergeable && b->automergeable && a->len == b->len &&
           (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

// Both whole files between markers: for results that differ although none has a conflict.
static bool put_both(const struct merge_result *result, const struct three *three, git_oid *id)
{
    struct buf text;
    buf_init(&text, 2 * MERGE_TEXT_BYTES_MAX + 4096);
    const char *const marks[] = {"<<<<<<<", "======="};
    git_blob *const sides[] = {three->ours, three->theirs};
    for (int i = 0; i < 2; i++) {
        buf_add_str(&text, str_of(marks[i]));
        if (i == 0)
            buf_addf(&text, " %s", result->our_name);
        buf_add_char(&text, '\n');
        buf_add(&text, git_blob_rawcontent(sides[i]), (size_t)git_blob_rawsize(sides[i]));
        if (text.len && text.data[text.len - 1] != '\n')
            buf_add_char(&text, '\n');
    }
    buf_addf(&text, ">>>>>>> %s\n", result->their_name);
    bool ok = !text.overflow &&
              git_blob_create_from_buffer(id, result->repository, text.data, text.len) == 0;
    buf_release(&text);
    return ok;
}

// git merges with another way to find what changed (histogram) than libgit2 has. Where the ways
// that there are agree, so does that one; where they do not, a person is to look.
static const char *merge_texts(const struct merge_result *result, const struct three *three,
                               const char *path, struct merge_entry *merged)
{
    static const uint32_t ways[] = {0, GIT_MERGE_FILE_DIFF_PATIENCE, GIT_MERGE_FILE_DIFF_MINIMAL};
    enum { WAYS = sizeof(ways) / sizeof(*ways) };
    git_merge_file_result results[WAYS] = {0};
    const git_merge_file_result *marked = NULL;
    bool ok = true, agree = true;
    for (int i = 0; i < WAYS && ok; i++) {
        ok = merge_once(&results[i], result, three, path, ways[i]);
        agree = agree && ok && is_equal(&results[0], &results[i]);
        if (ok && !marked && !results[i].automergeable)
            marked = &results[i];
    }
    if (agree)
        marked = &results[0];
    if (ok && marked)
        ok = git_blob_create_from_buffer(&merged->id, result->repository, marked->ptr,
                                         marked->len) == 0;
    else if (ok)
        ok = put_both(result, three, &merged->id);
    for (int i = 0; i < WAYS; i++)
        git_merge_file_result_free(&results[i]);
    if (!ok)
        return "unreadable";
    return agree ? NULL : "content";
}

static bool merge_modes(const struct merge_entry *base, const struct merge_entry *ours,
                        const struct merge_entry *theirs, uint32_t *mode)
{
    *mode = ours->mode == base->mode ? theirs->mode : ours->mode;
    return ours->mode == theirs->mode || ours->mode == base->mode || theirs->mode == base->mode;
}

const char *merge_files(struct merge_result *result, const char *path,
                        const struct merge_entry *base, const struct merge_entry *ours,
                        const struct merge_entry *theirs, struct merge_entry *merged)
{
    *merged = *ours;
    bool three_files =
        merge_is_file(ours) && merge_is_file(theirs) && (base->mode == 0 || merge_is_file(base));
    if (!three_files)
        return ours->mode == GIT_FILEMODE_COMMIT || theirs->mode == GIT_FILEMODE_COMMIT
                   ? "submodule"
                   : "type";
    if (!merge_modes(base, ours, theirs, &merged->mode))
        return "mode";
    if (git_oid_equal(&ours->id, &theirs->id))
        return NULL;
    if (base->mode && git_oid_equal(&base->id, &ours->id)) {
        merged->id = theirs->id;
        return NULL;
    }
    if (base->mode && git_oid_equal(&base->id, &theirs->id))
        return NULL;
    struct three three;
    const char *conflict = "unreadable";
    if (three_load(&three, result->repository, base, ours, theirs)) {
        if (!is_text(three.base) || !is_text(three.ours) || !is_text(three.theirs))
            conflict = "binary";
        else if (has_merge_attribute(result->repository, path))
            conflict = "attribute";
        else
            conflict = merge_texts(result, &three, path, merged);
        if (!base->mode && conflict && strcmp(conflict, "content") == 0)
            conflict = "added";
    }
    three_release(&three);
    return conflict;
}
