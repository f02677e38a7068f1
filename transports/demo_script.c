// SPDX-License-Identifier: MIT
#include "transports/demo_script.h"

#include "core/base/json.h"
#include "core/base/utf8.h"

#include <stdio.h>

enum { QUOTE_MAX = 300, REASON_MAX = 200, NOTES_MAX = 9, PATH_SIZE = 32, TREE_MAX = 256 << 10 };

// The current turn: the task and the results that have come since.
struct tour {
    struct str task;
    const struct model_part *read, *list, *write, *bash; // newest result of each, or NULL
    struct str written;                                  // the arguments of the write call
};

static void take_part(struct tour *tour, const struct model_part *part)
{
    if (part->kind == MODEL_USER_TEXT)
        *tour = (struct tour){.task = part->text};
    else if (part->kind == MODEL_TOOL_CALL && str_is(part->name, "write"))
        tour->written = part->input;
    if (part->kind != MODEL_TOOL_RESULT)
        return;
    if (str_is(part->name, "read"))
        tour->read = part;
    else if (str_is(part->name, "list"))
        tour->list = part;
    else if (str_is(part->name, "write"))
        tour->write = part;
    else if (str_is(part->name, "bash"))
        tour->bash = part;
}

// On one line and cut, for a sentence.
static void add_line(struct buf *out, struct str s, size_t max)
{
    s = str_trim(s);
    struct str cut = utf8_cut(s, max);
    for (size_t i = 0; i < cut.len; i++)
        if ((unsigned char)cut.data[i] < ' ')
            buf_add_char(out, ' ');
        else
            buf_add_char(out, cut.data[i]);
    if (cut.len < s.len)
        buf_add_str(out, STR("..."));
}

static struct json_writer begin_call(struct demo_step *step, const char *tool)
{
    struct demo_step_call *call = &step->calls[step->call_count++];
    struct json_writer w;
    call->tool = tool;
    buf_init(&call->input, DEMO_TEXT_MAX);
    json_writer_init(&w, &call->input);
    json_begin_object(&w);
    return w;
}

static void say_hello(struct demo_step *step, const struct tour *tour)
{
    buf_add_str(&step->text,
                STR("I am swarmd's built-in demo: a script, not a language model, and I use no "
                    "network. I cannot really work on your task (\""));
    add_line(&step->text, tour->task, QUOTE_MAX);
    buf_add_str(&step->text, STR("\"), but the tools that I call are the real ones. I begin by "
                                 "looking around.\n"));
    struct json_writer w = begin_call(step, "read");
    json_add_cstr(&w, "path", "README.md");
    json_end_object(&w);
    w = begin_call(step, "list");
    json_end_object(&w);
}

static bool names_contributing(struct str task)
{
    struct str word = STR("contributing");
    for (size_t i = 0; i + word.len <= task.len; i++)
        if (strncasecmp(task.data + i, word.data, word.len) == 0)
            return true;
    return false;
}

// A name that the folder does not have yet: the demo overwrites nothing of the user's.
static void choose_path(const struct tour *tour, char path[PATH_SIZE])
{
    struct str listing = tour->list ? tour->list->text : STR("");
    snprintf(path, PATH_SIZE, "CONTRIBUTING.md");
    if (names_contributing(tour->task) && str_find(listing, str_of(path)) < 0)
        return;
    snprintf(path, PATH_SIZE, "DEMO-NOTES.md");
    for (int i = 2; i <= NOTES_MAX && str_find(listing, str_of(path)) >= 0; i++)
        snprintf(path, PATH_SIZE, "DEMO-NOTES-%d.md", i);
}

static void write_contributing(struct buf *out, const struct tour *tour)
{
    buf_add_str(out, STR("# Contributing\n\n"
                         "Thank you for helping.\n\n"
                         "1. Open an issue first when the change is large.\n"
                         "2. Make a branch, and keep each commit to one idea.\n"
                         "3. Run the tests before you ask for a review.\n"
                         "4. Say in the commit message what changes and why.\n\n"
                         "<!-- Written by swarmd's scripted demo for the task: "));
    struct buf line;
    buf_init(&line, DEMO_TEXT_MAX);
    add_line(&line, tour->task, QUOTE_MAX);
    for (size_t i = 0; i < line.len; i++) // "-->" in the task would end the comment
        if (line.data[i] != '>')
            buf_add_char(out, line.data[i]);
    buf_release(&line);
    buf_add_str(out, STR(" -->\n"));
}

static void write_notes(struct buf *out, const struct tour *tour)
{
    buf_add_str(out, STR("# Demo notes\n\n"
                         "This file was written by swarmd's scripted demo model, to show an "
                         "agent's change in its own worktree.\nThe task was:\n\n> "));
    add_line(out, tour->task, QUOTE_MAX);
    buf_add_str(out, STR("\n\nFor real work configure a model: see docs/configuration.md.\n"));
}

static void write_file(struct demo_step *step, const struct tour *tour)
{
    char path[PATH_SIZE];
    struct buf content;
    choose_path(tour, path);
    if (!tour->read->failed)
        buf_add_str(&step->text, STR("I have read the README. "));
    else
        buf_add_str(&step->text, STR("There is no README that I could read, so I go by the list "
                                     "of files. "));
    buf_addf(&step->text, "Now I write %s.\n", path);
    buf_init(&content, DEMO_TEXT_MAX);
    if (strcmp(path, "CONTRIBUTING.md") == 0)
        write_contributing(&content, tour);
    else
        write_notes(&content, tour);
    struct json_writer w = begin_call(step, "write");
    json_add_cstr(&w, "path", path);
    json_add_str(&w, "content", buf_str(&content));
    json_end_object(&w);
    buf_release(&content);
}

static void run_status(struct demo_step *step)
{
    buf_add_str(&step->text, STR("The file is written. I ask git what has changed.\n"));
    struct json_writer w = begin_call(step, "bash");
    json_add_cstr(&w, "command", "git status --short");
    json_end_object(&w);
}

static void add_written_path(struct buf *out, const struct tour *tour)
{
    struct arena arena;
    struct json *input = NULL;
    struct err ignored;
    arena_init(&arena, TREE_MAX);
    if (json_parse(&input, &arena, tour->written, &ignored))
        add_line(out, json_str(input, "path"), QUOTE_MAX);
    arena_release(&arena);
}

static void give_up(struct demo_step *step, const char *what, const struct model_part *result)
{
    buf_addf(&step->text, "%s did not go through (", what);
    add_line(&step->text, result->text, REASON_MAX);
    buf_add_str(&step->text, STR("), so the demo ends here. "));
}

static void sum_up(struct demo_step *step, const struct tour *tour)
{
    if (tour->bash->failed)
        give_up(step, "The command", tour->bash);
    buf_add_str(&step->text, STR("Done. I wrote "));
    add_written_path(&step->text, tour);
    buf_add_str(&step->text, STR(". This was the scripted demo; configure a model "
                                 "(docs/configuration.md) for real work."));
}

void demo_step_init(struct demo_step *step, const struct model_request *request)
{
    struct tour tour = {0};
    *step = (struct demo_step){0};
    buf_init(&step->text, DEMO_TEXT_MAX);
    for (size_t i = 0; i < request->part_count; i++)
        take_part(&tour, &request->parts[i]);
    if (!tour.read) {
        say_hello(step, &tour);
    } else if (!tour.write) {
        write_file(step, &tour);
    } else if (tour.write->failed) {
        give_up(step, "The write", tour.write);
        buf_add_str(&step->text, STR("Nothing was changed."));
    } else if (!tour.bash) {
        run_status(step);
    } else {
        sum_up(step, &tour);
    }
}

void demo_step_release(struct demo_step *step)
{
    buf_release(&step->text);
    for (size_t i = 0; i < step->call_count; i++)
        buf_release(&step->calls[i].input);
}
