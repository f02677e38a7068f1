// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tests/unit/support/tool_place.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                                          NULL};

int tool_bench_setup(void **state)
{
    struct tool_bench *bench = mem_new(sizeof *bench);
    struct err err = {0};
    bench->top = realpath(unit_temp_folder(), NULL);
    bench->folder = mem_format("%s/worktree", bench->top);
    bench->outside = mem_format("%s/outside", bench->top);
    bench->outputs = mem_format("%s/state/output/agent", bench->top);
    if (mkdir(bench->folder, 0755) != 0 || mkdir(bench->outside, 0755) != 0)
        return -1;
    if (!root_open(&bench->root, bench->folder, &err))
        return -1;
    bench->fake = fake_ports_create();
    bench->place = (struct tool_place){
        .ports = fake_ports_get(bench->fake),
        .root = &bench->root,
        .output_folder = bench->outputs,
        .envp = environment,
    };
    *state = bench;
    return 0;
}

static void release_run(struct tool_bench *bench)
{
    if (bench->started)
        tool_run_release(&bench->run);
    bench->started = false;
}

int tool_bench_teardown(void **state)
{
    struct tool_bench *bench = *state;
    release_run(bench);
    fake_ports_destroy(bench->fake);
    root_close(&bench->root);
    free(bench->top);
    mem_free(bench->folder);
    mem_free(bench->outside);
    mem_free(bench->outputs);
    mem_free(bench);
    return 0;
}

static char *in_folder(struct tool_bench *bench, const char *path)
{
    char *full = mem_format("%s/%s", bench->folder, path);
    for (char *slash = full + strlen(bench->folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    return full;
}

void put_bytes(struct tool_bench *bench, const char *path, struct str bytes)
{
    char *full = in_folder(bench, path);
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
    fclose(f);
    mem_free(full);
}

void put_file(struct tool_bench *bench, const char *path, const char *text)
{
    put_bytes(bench, path, str_of(text));
}

void put_link(struct tool_bench *bench, const char *path, const char *target)
{
    char *full = in_folder(bench, path);
    assert_int_equal(symlink(target, full), 0);
    mem_free(full);
}

char *get_file(struct tool_bench *bench, const char *path)
{
    char *full = mem_format("%s/%s", bench->folder, path);
    FILE *f = fopen(full, "r");
    mem_free(full);
    if (!f)
        return NULL;
    struct buf text;
    char piece[4096];
    buf_init(&text, 64 << 20);
    for (size_t got; (got = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&text, piece, got);
    fclose(f);
    return buf_detach(&text, NULL);
}

static void on_done(void *arg)
{
    ((struct tool_bench *)arg)->done++;
}

static bool parse(struct tool_bench *bench, const char *name, struct str input, struct err *err)
{
    const struct tool *tool = tool_find(str_of(name));
    assert_non_null(tool);
    release_run(bench);
    tool_run_init(&bench->run, tool, &bench->place);
    bench->started = true;
    bench->done = 0;
    bench->run.item_id = "i7";
    bench->run.done = on_done;
    bench->run.output = bench->output;
    bench->run.arg = bench;
    return tool_run_parse(&bench->run, input, err);
}

static char *double_quoted(const char *input)
{
    char *json = mem_dup(str_of(input));
    for (char *quote = json; (quote = strchr(quote, '\''));)
        *quote = '"';
    return json;
}

void begin_tool(struct tool_bench *bench, const char *tool, struct str input)
{
    struct err err = {0};
    if (!parse(bench, tool, input, &err))
        fail_msg("%s", err.message);
    tool_run_start(&bench->run);
    assert_int_equal(bench->done, 0);
}

const char *call_tool_str(struct tool_bench *bench, const char *tool, struct str input)
{
    begin_tool(bench, tool, input);
    fake_ports_run(bench->fake);
    assert_int_equal(bench->done, 1);
    const struct buf *output = &bench->run.result.output;
    assert_true(utf8_is_valid(buf_str(output)));
    assert_false(output->overflow);
    return output->len ? output->data : "";
}

const char *call_tool(struct tool_bench *bench, const char *tool, const char *input)
{
    char *json = double_quoted(input);
    const char *output = call_tool_str(bench, tool, str_of(json));
    mem_free(json);
    return output;
}

const char *refused_input(struct tool_bench *bench, const char *tool, const char *input)
{
    static struct err err;
    char *json = double_quoted(input);
    err = (struct err){0};
    if (parse(bench, tool, str_of(json), &err))
        fail_msg("%s took %s", tool, input);
    mem_free(json);
    assert_int_equal(err.kind, ERR_PARAMS);
    return err.message;
}

void expect_ok(struct tool_bench *bench, const char *tool, const char *input, const char *output)
{
    assert_string_equal(call_tool(bench, tool, input), output);
    assert_false(bench->run.result.failed);
}

void expect_failure(struct tool_bench *bench, const char *tool, const char *input,
                    const char *holds)
{
    const char *output = call_tool(bench, tool, input);
    assert_true(bench->run.result.failed);
    if (!strstr(output, holds))
        fail_msg("`%s` is not in: %s", holds, output);
}

void expect_title(struct tool_bench *bench, const char *tool, const char *input, const char *title)
{
    char *json = double_quoted(input);
    struct err err = {0};
    struct buf out;
    buf_init(&out, 1000);
    parse(bench, tool, str_of("{}"), &err);
    struct arena *arena = &bench->run.arena;
    struct json *tree;
    assert_true(json_parse(&tree, arena, str_of(json), &err));
    bench->run.tool->title(tree, &out);
    assert_string_equal(out.data, title);
    assert_true(out.len <= 200);
    buf_release(&out);
    mem_free(json);
}

void expect_preview(struct tool_bench *bench, const char *tool, const char *input, const char *diff)
{
    char *json = double_quoted(input);
    struct err err = {0};
    struct buf out;
    buf_init(&out, 1 << 20);
    if (!parse(bench, tool, str_of(json), &err))
        fail_msg("%s", err.message);
    if (!bench->run.tool->preview(&bench->place, bench->run.input, &out, &err))
        buf_addf(&out, "error: %s", err.message);
    assert_string_equal(out.len ? out.data : "", diff);
    buf_release(&out);
    mem_free(json);
}

void expect_file(struct tool_bench *bench, const char *path, const char *text)
{
    char *found = get_file(bench, path);
    if (!found)
        fail_msg("%s is not there", path);
    assert_string_equal(found, text);
    mem_free(found);
}

void expect_nothing_outside(struct tool_bench *bench)
{
    DIR *dir = opendir(bench->outside);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.')
            fail_msg("%s appeared outside", entry->d_name);
    }
    closedir(dir);
}
