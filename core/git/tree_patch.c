// SPDX-License-Identifier: MIT
// One file's part of a patch, in git's format.
#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/tree_diff.h"

#include <string.h>

enum { ID_SHOWN = 12 };

// Names with characters that a patch cannot hold are quoted as in C.
static void add_name(struct buf *out, const char *prefix, const char *path)
{
    bool quote = strpbrk(path, "\"\\") != NULL;
    for (const char *p = path; *p; p++)
        quote = quote || (unsigned char)*p < ' ' || *p == 0x7f;
    if (quote)
        buf_add_char(out, '"');
    buf_add_str(out, str_of(prefix));
    for (const char *p = path; *p; p++) {
        const char *known = strchr("\aa\bb\tt\nn\vv\ff\rr\"\"\\\\", *p);
        unsigned char c = (unsigned char)*p;
        if (quote && known && (c < ' ' || c == '"' || c == '\\'))
            buf_addf(out, "\\%c", known[1]);
        else if (c < ' ' || c == 0x7f)
            buf_addf(out, "\\%03o", c);
        else
            buf_add_char(out, *p);
    }
    if (quote)
        buf_add_char(out, '"');
}

static void add_line(struct buf *out, const char *before, const char *prefix, const char *path)
{
    buf_add_str(out, str_of(before));
    add_name(out, prefix, path);
    buf_add_char(out, '\n');
}

static void add_modes(struct buf *out, const struct tree_file *file)
{
    if (!file->old_mode)
        buf_addf(out, "new file mode %06o\n", file->new_mode);
    else if (!file->new_mode)
        buf_addf(out, "deleted file mode %06o\n", file->old_mode);
    else if (file->old_mode != file->new_mode)
        buf_addf(out, "old mode %06o\nnew mode %06o\n", file->old_mode, file->new_mode);
}

static void add_index(struct buf *out, const struct tree_file *file)
{
    char before[ID_SHOWN + 1], after[ID_SHOWN + 1];
    git_oid_tostr(before, sizeof before, &file->old_id);
    git_oid_tostr(after, sizeof after, &file->new_id);
    buf_addf(out, "index %s..%s", before, after);
    if (file->old_mode == file->new_mode)
        buf_addf(out, " %06o", file->new_mode);
    buf_add_char(out, '\n');
}

static void add_head(struct buf *out, const struct tree_file *file)
{
    const char *old_path = file->old_path ? file->old_path : file->path;
    buf_add_str(out, STR("diff --git "));
    add_name(out, "a/", old_path);
    add_line(out, " ", "b/", file->path);
    add_modes(out, file);
    if (file->old_path) {
        buf_addf(out, "similarity index %d%%\n", file->score * 100 / TREE_SCORE_MAX);
        add_line(out, "rename from ", "", old_path);
        add_line(out, "rename to ", "", file->path);
    }
    if (!git_oid_equal(&file->old_id, &file->new_id))
        add_index(out, file);
}

// A tab behind a name with a space tells its end to patch programs.
static void add_side(struct buf *out, const char *sign, const char *prefix, const char *path,
                     bool there)
{
    buf_add_str(out, str_of(sign));
    if (!there) {
        buf_add_str(out, STR("/dev/null\n"));
        return;
    }
    add_name(out, prefix, path);
    buf_add_str(out, strchr(path, ' ') ? STR("\t\n") : STR("\n"));
}

static void add_sides(struct buf *out, const struct tree_file *file)
{
    const char *old_path = file->old_path ? file->old_path : file->path;
    add_side(out, "--- ", "a/", old_path, file->old_mode);
    add_side(out, "+++ ", "b/", file->path, file->new_mode);
}

static bool add_hunk(struct buf *out, git_patch *patch, size_t i)
{
    const git_diff_hunk *hunk;
    size_t lines;
    if (git_patch_get_hunk(&hunk, &lines, patch, i) < 0)
        return false;
    buf_add(out, hunk->header, hunk->header_len);
    for (size_t j = 0; j < lines; j++) {
        const git_diff_line *line;
        if (git_patch_get_line_in_hunk(&line, patch, i, j) < 0)
            return false;
        if (strchr("+- ", line->origin))
            buf_add_char(out, line->origin);
        buf_add(out, line->content, line->content_len);
    }
    return true;
}

static bool write_part(struct tree_file *file, git_patch *patch, struct buf *out, struct err *err)
{
    size_t start = out->len;
    add_head(out, file);
    if (file->binary || file->large) {
        buf_add_str(out, STR("Binary files "));
        add_name(out, "a/", file->old_path ? file->old_path : file->path);
        buf_add_str(out, STR(" and "));
        add_name(out, "b/", file->path);
        buf_add_str(out, STR(" differ\n"));
    }
    if (patch)
        add_sides(out, file);
    for (size_t i = 0; patch && i < git_patch_num_hunks(patch); i++) {
        if (!add_hunk(out, patch, i)) {
            buf_truncate(out, start);
            return git_fail(err, ERR_WORKTREE, "cannot write the changes of %s", file->path);
        }
    }
    return true;
}

// A file that became a link, or the other way round: no patch can hold that but as two parts.
static bool write_retyped(git_repository *repository, struct tree_file *file, struct buf *out,
                          struct err *err)
{
    struct tree_file halves[2] = {*file, *file};
    bool ok = true;
    halves[0].new_mode = halves[1].old_mode = 0;
    memset(&halves[0].new_id, 0, sizeof(git_oid));
    memset(&halves[1].old_id, 0, sizeof(git_oid));
    for (int i = 0; ok && i < 2; i++) {
        git_patch *patch = NULL;
        halves[i].added = halves[i].removed = 0;
        ok = tree_file_compare(repository, &halves[i], &patch, err) &&
             write_part(&halves[i], patch, out, err);
        git_patch_free(patch);
    }
    return ok;
}

bool tree_file_write_patch(git_repository *repository, struct tree_file *file, git_patch *patch,
                           struct buf *out, struct err *err)
{
    if (file->status == TREE_RETYPED)
        return write_retyped(repository, file, out, err);
    return write_part(file, patch, out, err);
}
