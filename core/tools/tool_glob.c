// SPDX-License-Identifier: MIT
// glob: files by name.
#include "core/base/glob.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/files/walk.h"
#include "core/tools/tool_parts.h"

enum { GLOB_FILES_MAX = 1000, NOTES_MAX = 500 };

static const struct tool_arg args[] = {
    {.name = "pattern", .type = JSON_STRING, .required = true},
    {.name = "path", .type = JSON_STRING},
};

static const struct tool_takes takes = {"glob", "{pattern: string, path?: string}", args,
                                        sizeof args / sizeof args[0]};

static bool check(const struct json *input, struct err *err)
{
    return tool_args_check(&takes, input, err);
}

static void title(const struct json *input, struct buf *out)
{
    tool_title_search(out, "glob", input);
}

struct search {
    struct glob glob;
    struct buf *out;
    size_t prefix, found;
    bool more;
};

static bool visit(void *arg, const struct walk_file *file)
{
    struct search *s = arg;
    if (!glob_matches(&s->glob, str_skip(file->path, s->prefix)))
        return true;
    s->more =
        s->found == GLOB_FILES_MAX || s->out->len + 3 * file->path.len > TOOL_SHOWN_MAX - NOTES_MAX;
    if (s->more)
        return false;
    text_name(s->out, file->path);
    buf_add_char(s->out, '\n');
    s->found++;
    return true;
}

static bool search(struct search *s, struct walk *walk, struct err *err)
{
    if (!walk_run(walk, err))
        return false;
    if (s->found == 0)
        buf_add_str(s->out, STR("no file matches\n"));
    if (s->more)
        buf_addf(s->out, "[stopped after %zu files: more match; narrow `pattern` or `path`]\n",
                 s->found);
    walk_put_notes(walk, s->out);
    return true;
}

// A pattern that begins with the worktree's own path means what is in it.
static struct str without_root(const struct root *root, struct str pattern)
{
    struct str prefix = str_of(root->path);
    if (str_starts(pattern, prefix) && pattern.len > prefix.len + 1 &&
        pattern.data[prefix.len] == '/')
        return str_skip(pattern, prefix.len + 1);
    return pattern;
}

static void work(struct tool_run *run, const atomic_bool *stop)
{
    struct err err = {0};
    struct search s = {.out = &run->result.output};
    const struct root *root = run->place->root;
    struct str pattern = without_root(root, json_str(run->input, "pattern"));
    char *rel = root_relative(root, tool_arg_path(run->input), &err);
    struct walk walk = {.root = root, .start = rel, .stop = stop, .visit = visit, .arg = &s};
    s.prefix = rel && strcmp(rel, ".") != 0 ? strlen(rel) + 1 : 0;
    bool ok = rel != NULL;
    if (ok && str_starts(pattern, STR("/")))
        ok = err_set(&err, ERR_REFUSED,
                     "the pattern is outside the worktree; only paths beneath "
                     "%s can be reached",
                     root->path);
    ok = ok && glob_init(&s.glob, pattern, &err);
    if (!ok || !search(&s, &walk, &err))
        tool_fail(run, &err);
    glob_release(&s.glob);
    mem_free(rel);
}

static void start(struct tool_run *run)
{
    tool_job_start(run, work);
}

const struct tool tool_glob = {
    .schema =
        {
            .name = "glob",
            .description =
                "Find files by name: *, **, ?, [a-z], {a,b}. A pattern without / matches at any "
                "depth. Skips what .gitignore names. At most 1000 paths, sorted.",
            .schema = "{\"type\":\"object\",\"properties\":{"
                      "\"pattern\":{\"type\":\"string\",\"description\":\"as src/**/*.c\"},"
                      "\"path\":{\"type\":\"string\",\"description\":\"folder that the pattern is "
                      "relative to; default: the worktree\"}},"
                      "\"required\":[\"pattern\"],\"additionalProperties\":false}",
        },
    .effect = TOOL_READS,
    .title = title,
    .check = check,
    .start = start,
    .cancel = tool_job_cancel,
};
