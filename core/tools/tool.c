// SPDX-License-Identifier: MIT
#include "core/tools/tool.h"

#include "core/agent/item.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/tools/tool_parts.h"

enum { ARENA_MAX = 8 * ITEM_TEXT_MAX }; // the arguments' text, and the tree of them

static const struct tool *const tools[] = {&tool_read, &tool_write, &tool_edit, &tool_list,
                                           &tool_glob, &tool_grep,  &tool_bash};

enum { TOOL_COUNT = sizeof tools / sizeof tools[0] };

const struct tool *const *tool_all(size_t *count)
{
    *count = TOOL_COUNT;
    return tools;
}

const struct tool *tool_find(struct str name)
{
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (str_is(name, tools[i]->schema.name))
            return tools[i];
    }
    return NULL;
}

void tool_run_init(struct tool_run *run, const struct tool *tool, const struct tool_place *place)
{
    *run = (struct tool_run){.tool = tool, .place = place};
    arena_init(&run->arena, ARENA_MAX);
    buf_init(&run->result.output, TOOL_SHOWN_MAX + TOOL_SENTENCE_MAX);
    buf_init(&run->result.kept, TOOL_SHOWN_MAX + TOOL_SENTENCE_MAX);
    run->sizes = output_sizes_of(NULL, NULL, str_of(tool->schema.name));
    run->result.exit_code = -1;
}

bool tool_run_parse(struct tool_run *run, struct str input, struct err *err)
{
    struct json *json;
    const char *name = run->tool->schema.name;
    if (input.len > ITEM_TEXT_MAX)
        return err_set(err, ERR_PARAMS, "%s: the arguments are larger than %d bytes", name,
                       ITEM_TEXT_MAX);
    struct str copy = arena_copy(&run->arena, input); // the tree points into it
    if (!copy.data)
        return err_set(err, ERR_LIMIT, "%s: no memory for the arguments", name);
    if (!json_parse(&json, &run->arena, copy, err)) {
        err_wrap(err, "%s: the arguments are not valid JSON", name);
        err->kind = ERR_PARAMS;
        return false;
    }
    if (!run->tool->check(json, err))
        return false;
    run->input = json;
    return true;
}

void tool_run_start(struct tool_run *run)
{
    run->tool->start(run);
}

void tool_run_cancel(struct tool_run *run)
{
    run->tool->cancel(run);
}

void tool_run_release(struct tool_run *run)
{
    arena_release(&run->arena);
    run->input = NULL;
    buf_release(&run->result.output);
    buf_release(&run->result.kept);
    mem_free(run->result.full);
    mem_free(run->result.paths);
    mem_free(run->result.blocked);
    mem_free(run->result.weak);
    run->result.full = run->result.paths = run->result.blocked = run->result.weak = NULL;
}

void tool_fail(struct tool_run *run, const struct err *err)
{
    buf_clear(&run->result.output);
    text_repair(&run->result.output, str_of(err->message));
    run->result.failed = true;
}

void tool_note_links(struct tool_run *run, unsigned links)
{
    if (links > 1)
        buf_addf(&run->result.output,
                 "(the file had %u hard links: the other names keep the old content)\n", links);
}

void tool_set_paths(struct tool_run *run, const char *rel)
{
    struct buf json;
    struct json_writer w;
    buf_init(&json, 16 << 10);
    json_writer_init(&w, &json);
    json_begin_array(&w);
    json_put_str(&w, str_of(rel));
    json_end_array(&w);
    run->result.paths = buf_detach(&json, NULL);
}

void tool_title(struct buf *out, const char *verb, struct str what)
{
    size_t before = out->len;
    buf_addf(out, "%s ", verb);
    text_one_line(out, what, TOOL_TITLE_MAX - (out->len - before));
}

void tool_title_search(struct buf *out, const char *verb, const struct json *input)
{
    struct buf what;
    struct str path = json_str(input, "path"), pattern = json_str(input, "pattern");
    buf_init(&what, pattern.len + path.len + 10);
    buf_add_str(&what, pattern);
    if (path.len) {
        buf_add_str(&what, STR(" in "));
        buf_add_str(&what, path);
    }
    tool_title(out, verb, buf_str(&what));
    buf_release(&what);
}
