// SPDX-License-Identifier: MIT
// write: a whole file, at once.
#include "core/base/mem.h"
#include "core/base/text_diff.h"
#include "core/files/file.h"
#include "core/tools/tool_parts.h"

enum { PREVIEW_OLD_MAX = 16 << 20 }; // bytes of a file that is compared for a preview

static const struct tool_arg args[] = {
    {.name = "path", .type = JSON_STRING, .required = true},
    {.name = "content", .type = JSON_STRING, .required = true, .may_be_empty = true},
};

static const struct tool_takes takes = {"write", "{path: string, content: string}", args,
                                        sizeof args / sizeof args[0]};

static bool check(const struct json *input, struct err *err)
{
    return tool_args_check(&takes, input, err);
}

static void title(const struct json *input, struct buf *out)
{
    tool_title(out, "write", tool_arg_path(input));
}

static bool preview(const struct tool_place *place, const struct json *input, struct buf *out,
                    struct err *err)
{
    char *rel = tool_writable_path(place, input, err);
    if (!rel)
        return false;
    struct buf old;
    struct err missing = {0};
    buf_init(&old, PREVIEW_OLD_MAX);
    bool exists = !file_is_missing(place->root, rel);
    bool ok = true;
    if (exists && !file_load(place->root, rel, &old, &missing)) {
        *err = missing;
        ok = false;
    } else if (exists && file_is_binary(buf_str(&old))) {
        buf_addf(out, "--- a/%s\n+++ b/%s\n[the file that is replaced is binary]\n", rel, rel);
    } else {
        struct str before = old.len ? buf_str(&old) : STR("");
        text_diff(out, rel, exists ? before : STR_NONE, json_str(input, "content"), TOOL_SHOWN_MAX);
    }
    buf_release(&old);
    mem_free(rel);
    return ok;
}

static size_t count_lines(struct str text)
{
    size_t lines = 0;
    for (; text.len; lines++) {
        const char *end = memchr(text.data, '\n', text.len);
        text = str_skip(text, end ? (size_t)(end - text.data) + 1 : text.len);
    }
    return lines;
}

static void work(struct tool_run *run, const atomic_bool *stop)
{
    (void)stop; // it was looked at just before, and a file is written in one go
    struct err err = {0};
    struct file_replaced replaced;
    struct str content = json_str(run->input, "content");
    char *rel = tool_writable_path(run->place, run->input, &err);
    if (rel && file_replace(run->place->root, rel, content, &replaced, &err)) {
        size_t lines = count_lines(content);
        buf_addf(&run->result.output, "%s %s (%zu byte%s, %zu line%s)\n",
                 replaced.created ? "created" : "replaced", replaced.rel, content.len,
                 content.len == 1 ? "" : "s", lines, lines == 1 ? "" : "s");
        tool_note_links(run, replaced.links);
        tool_set_paths(run, replaced.rel);
        mem_free(replaced.rel);
    } else {
        tool_fail(run, &err);
    }
    mem_free(rel);
}

static void start(struct tool_run *run)
{
    tool_job_start(run, work);
}

const struct tool tool_write = {
    .schema =
        {
            .name = "write",
            .description = "Create or replace a whole file. Missing folders are made. To change "
                           "part of a file use edit.",
            .schema = "{\"type\":\"object\",\"properties\":{"
                      "\"path\":{\"type\":\"string\",\"description\":\"relative to the worktree\"},"
                      "\"content\":{\"type\":\"string\"}},"
                      "\"required\":[\"path\",\"content\"],\"additionalProperties\":false}",
        },
    .effect = TOOL_WRITES_FILES,
    .title = title,
    .check = check,
    .preview = preview,
    .start = start,
    .cancel = tool_job_cancel,
};
