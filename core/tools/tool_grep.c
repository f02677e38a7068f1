// SPDX-License-Identifier: MIT
// grep: a regular expression in the files of a folder, or in one file.
#include "core/base/glob.h"
#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/tools/grep.h"
#include "core/tools/tool_output.h"
#include "core/tools/tool_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

enum { GREP_LIMIT_DEFAULT = 200, GREP_LIMIT_MAX = 2000, NOTES_MAX = 500 };

static const struct tool_arg args[] = {
    {.name = "pattern", .type = JSON_STRING, .required = true},
    {.name = "path", .type = JSON_STRING},
    {.name = "glob", .type = JSON_STRING},
    {.name = "context", .type = JSON_INT, .max = INT_MAX},
    {.name = "limit", .type = JSON_INT, .min = 1, .max = INT_MAX},
};

static const struct tool_takes takes = {
    "grep",
    "{pattern: string, path?: string, glob?: string, context?: integer, limit?: integer from 1}",
    args, sizeof args / sizeof args[0]};

static bool check(const struct json *input, struct err *err)
{
    return tool_args_check(&takes, input, err);
}

static void title(const struct json *input, struct buf *out)
{
    tool_title_search(out, "grep", input);
}

struct search {
    struct grep grep;
    struct walk walk;
    struct glob glob;
    bool has_glob;
    size_t prefix; // of paths: what the glob does not look at
};

static bool visit(void *arg, const struct walk_file *file)
{
    struct search *s = arg;
    if (!file->regular)
        return true;
    if (s->has_glob && !glob_matches(&s->glob, str_skip(file->path, s->prefix)))
        return true;
    int fd =
        openat(file->folder, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    bool go_on = true;
    if (fd < 0)
        s->walk.unread |= errno == EACCES;
    else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        go_on = grep_file(&s->grep, fd, file->path);
    if (fd >= 0)
        close(fd);
    return go_on;
}

// A path that names a file is searched whatever .gitignore says.
static bool search_path(struct search *s, const struct root *root, const char *rel, struct err *err)
{
    struct stat st = {0};
    struct err is_folder;
    int fd = file_open(root, rel, &st, &is_folder);
    if (fd >= 0) {
        walk_begin(&s->walk);
        grep_file(&s->grep, fd, str_of(rel));
        close(fd);
    } else if (S_ISDIR(st.st_mode)) {
        if (!walk_run(&s->walk, err))
            return false;
    } else {
        *err = is_folder;
        return false;
    }
    if (s->grep.err.kind == ERR_NONE)
        return true;
    *err = s->grep.err;
    return false;
}

static void put_notes(struct search *s)
{
    struct buf *out = s->grep.out;
    if (s->grep.matches == 0)
        buf_add_str(out, STR("no match\n"));
    if (s->grep.more)
        buf_addf(out,
                 "[stopped after %" PRId64 " matches: there are more; narrow `pattern`, `path` or "
                 "`glob`, or raise `limit`]\n",
                 s->grep.matches);
    walk_put_notes(&s->walk, out);
}

static bool search_output(struct search *s, struct tool_run *run, struct str path, struct err *err)
{
    int fd = tool_output_open(run->place, path, s->walk.stop, err);
    if (fd < 0)
        return false;
    walk_begin(&s->walk);
    grep_file(&s->grep, fd, path);
    close(fd);
    *err = s->grep.err;
    return err->kind == ERR_NONE;
}

static bool search_all(struct search *s, struct tool_run *run, const char *rel, struct err *err)
{
    const struct json *input = run->input;
    struct str glob = json_str(input, "glob");
    s->has_glob = glob.len > 0;
    if (s->has_glob && !glob_init(&s->glob, glob, err))
        return err_wrap(err, "grep: `glob`");
    s->grep.pattern = pattern_create(json_str(input, "pattern"), err);
    if (!s->grep.pattern)
        return err_wrap(err, "grep");
    return rel ? search_path(s, run->place->root, rel, err)
               : search_output(s, run, tool_arg_path(input), err);
}

static int64_t at_most(int64_t value, int64_t max)
{
    return value < max ? value : max;
}

static void work(struct tool_run *run, const atomic_bool *stop)
{
    struct err err = {0};
    struct search s = {0};
    bool output = tool_output_is(run->place, tool_arg_path(run->input));
    char *rel = output ? NULL : root_relative(run->place->root, tool_arg_path(run->input), &err);
    s.walk = (struct walk){.root = run->place->root, .start = rel, .stop = stop, .visit = visit};
    s.walk.arg = &s;
    s.grep.walk = &s.walk;
    s.grep.out = &run->result.output;
    s.grep.out_max = TOOL_SHOWN_MAX - NOTES_MAX;
    s.grep.limit = at_most(tool_arg_int(run->input, "limit", GREP_LIMIT_DEFAULT), GREP_LIMIT_MAX);
    s.grep.context = at_most(tool_arg_int(run->input, "context", 0), GREP_CONTEXT_MAX);
    s.prefix = rel && strcmp(rel, ".") != 0 ? strlen(rel) + 1 : 0;
    if ((rel || output) && search_all(&s, run, rel, &err))
        put_notes(&s);
    else
        tool_fail(run, &err);
    pattern_free(s.grep.pattern);
    glob_release(&s.glob);
    mem_free(rel);
}

static void start(struct tool_run *run)
{
    tool_job_start(run, work);
}

const struct tool tool_grep = {
    .schema =
        {
            .name = "grep",
            .description = "Search file contents with a Perl-compatible regular expression, line "
                           "by line. Skips binary files and what .gitignore names. Gives "
                           "path:line:text.",
            .schema =
                "{\"type\":\"object\",\"properties\":{"
                "\"pattern\":{\"type\":\"string\"},"
                "\"path\":{\"type\":\"string\",\"description\":\"folder or file, or "
                "output:<id> for the whole output of a call; default: all\"},"
                "\"glob\":{\"type\":\"string\",\"description\":\"only these files, as *.{c,h}\"},"
                "\"context\":{\"type\":\"integer\",\"description\":\"lines around a match\"},"
                "\"limit\":{\"type\":\"integer\",\"description\":\"matches; default 200\"}},"
                "\"required\":[\"pattern\"],\"additionalProperties\":false}",
        },
    .effect = TOOL_READS,
    .title = title,
    .check = check,
    .start = start,
    .cancel = tool_job_cancel,
};
