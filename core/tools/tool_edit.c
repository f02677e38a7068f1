// SPDX-License-Identifier: MIT
// edit: exact replacements in one file; nothing is written unless all of them fit.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/text_diff.h"
#include "core/files/file.h"
#include "core/tools/edit.h"
#include "core/tools/tool_parts.h"

#include <stdio.h>

enum {
    EDIT_FILE_MAX = 16 << 20,   // bytes
    EDIT_RESULT_MAX = 32 << 20, // bytes
    EDIT_DIFF_SHOWN = 4000,     // bytes of the diff that the model gets back
    EDITS_NOTE_MAX = 16,        // " (256 edits)"
};

#define TAKES "{path: string, edits: [{old_text: string, new_text: string, all?: boolean}]}"

static const struct tool_arg args[] = {
    {.name = "path", .type = JSON_STRING, .required = true},
    {.name = "edits", .type = JSON_ARRAY, .required = true},
};

static const struct tool_arg edit_args[] = {
    {.name = "old_text", .type = JSON_STRING, .required = true},
    {.name = "new_text", .type = JSON_STRING, .required = true, .may_be_empty = true},
    {.name = "all", .type = JSON_BOOL},
};

static const struct tool_takes takes = {"edit", TAKES, args, sizeof args / sizeof args[0]};

static bool check(const struct json *input, struct err *err)
{
    if (!tool_args_check(&takes, input, err))
        return false;
    const struct json *edits = json_get(input, "edits");
    if (edits->count == 0 || edits->count > EDIT_COUNT_MAX)
        return tool_args_error(&takes, err, "`edits` has %u members, not 1 to %d", edits->count,
                               EDIT_COUNT_MAX);
    size_t number = 1;
    json_for_each(edit, edits)
    {
        char name[40];
        snprintf(name, sizeof name, "edit: edit %zu", number++);
        struct tool_takes one = {name, TAKES, edit_args, sizeof edit_args / sizeof edit_args[0]};
        if (!tool_args_check(&one, edit, err))
            return false;
    }
    return true;
}

static void title(const struct json *input, struct buf *out)
{
    const struct json *edits = json_get(input, "edits");
    unsigned count = edits && edits->type == JSON_ARRAY ? edits->count : 0;
    buf_add_str(out, STR("edit "));
    text_one_line(out, tool_arg_path(input), TOOL_TITLE_MAX - EDITS_NOTE_MAX - 5);
    buf_addf(out, " (%u edit%s)", count, count == 1 ? "" : "s");
}

// A file and what the edits make of it.
struct change {
    char *rel;
    struct buf before, after;
    size_t replaced; // places
};

static void release_change(struct change *change)
{
    mem_free(change->rel);
    buf_release(&change->before);
    buf_release(&change->after);
}

static bool apply(struct change *change, const struct json *edits, struct err *err)
{
    struct edit list[EDIT_COUNT_MAX];
    size_t count = 0;
    json_for_each(edit, edits)
    {
        list[count++] = (struct edit){
            .old_text = json_str(edit, "old_text"),
            .new_text = json_str(edit, "new_text"),
            .all = json_bool(edit, "all", false),
        };
    }
    if (edit_apply(buf_str(&change->before), list, count, &change->after, &change->replaced, err))
        return true;
    return err_wrap(err, "%s is unchanged", change->rel);
}

// Release the change in any case.
static bool make_change(struct change *change, const struct tool_place *place,
                        const struct json *input, struct err *err)
{
    *change = (struct change){0};
    buf_init(&change->before, EDIT_FILE_MAX);
    buf_init(&change->after, EDIT_RESULT_MAX);
    change->rel = tool_writable_path(place, input, err);
    if (!change->rel || !file_load(place->root, change->rel, &change->before, err))
        return false;
    if (file_is_binary(buf_str(&change->before)))
        return err_set(err, ERR_REFUSED, "%s is binary and cannot be edited", change->rel);
    return apply(change, json_get(input, "edits"), err);
}

static void put_diff(struct buf *out, const struct change *change, size_t max)
{
    struct str before = change->before.len ? buf_str(&change->before) : STR("");
    text_diff(out, change->rel, before, buf_str(&change->after), max);
}

static bool preview(const struct tool_place *place, const struct json *input, struct buf *out,
                    struct err *err)
{
    struct change change;
    bool ok = make_change(&change, place, input, err);
    if (ok)
        put_diff(out, &change, TOOL_SHOWN_MAX);
    release_change(&change);
    return ok;
}

static void work(struct tool_run *run, const atomic_bool *stop)
{
    struct err err = {0};
    struct change change;
    struct file_replaced replaced;
    bool ok = make_change(&change, run->place, run->input, &err);
    if (ok && atomic_load(stop)) {
        release_change(&change);
        return;
    }
    if (ok && file_replace(run->place->root, change.rel, buf_str(&change.after), &replaced, &err)) {
        buf_addf(&run->result.output, "edited %s (%zu replacement%s)\n", replaced.rel,
                 change.replaced, change.replaced == 1 ? "" : "s");
        put_diff(&run->result.output, &change, EDIT_DIFF_SHOWN);
        tool_note_links(run, replaced.links);
        tool_set_paths(run, replaced.rel);
        mem_free(replaced.rel);
    } else {
        tool_fail(run, &err);
    }
    release_change(&change);
}

static void start(struct tool_run *run)
{
    tool_job_start(run, work);
}

const struct tool tool_edit = {
    .schema =
        {
            .name = "edit",
            .description =
                "Replace exact pieces of one file. Each old_text must occur exactly once, unless "
                "all is set. All edits are matched against the file as it is now and must not "
                "overlap; nothing is written unless every one fits.",
            .schema =
                "{\"type\":\"object\",\"properties\":{"
                "\"path\":{\"type\":\"string\",\"description\":\"relative to the worktree\"},"
                "\"edits\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\","
                "\"properties\":{\"old_text\":{\"type\":\"string\"},"
                "\"new_text\":{\"type\":\"string\"},"
                "\"all\":{\"type\":\"boolean\",\"description\":\"replace every occurrence\"}},"
                "\"required\":[\"old_text\",\"new_text\"],\"additionalProperties\":false}}},"
                "\"required\":[\"path\",\"edits\"],\"additionalProperties\":false}",
        },
    .effect = TOOL_WRITES_FILES,
    .title = title,
    .check = check,
    .preview = preview,
    .start = start,
    .cancel = tool_job_cancel,
};
