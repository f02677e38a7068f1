// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/files/walk.h"
#include "tests/unit/support/tool_place.h"

#include <sys/stat.h>
#include <unistd.h>

static void put_some(struct tool_bench *b)
{
    put_file(b, "README.md", "");
    put_file(b, "src/main.c", "");
    put_file(b, "src/main.h", "");
    put_file(b, "src/deep/down/x.c", "");
    put_file(b, "build/main.c", "");
    put_file(b, "src/deep/skip.c", "");
    put_file(b, ".gitignore", "/build/\n");
    put_file(b, "src/deep/.gitignore", "skip.*\n");
    put_file(b, ".git/x.c", "");
    put_file(b, "sub/.GIT/y.c", "");
    put_link(b, "src/link.c", "main.c");
    put_link(b, "loop", ".");
    put_link(b, "out", "/etc");
}

static void files_are_found_by_name(void **state)
{
    struct tool_bench *b = *state;
    put_some(b);
    expect_ok(b, "glob", "{'pattern': '*.c'}", "src/deep/down/x.c\nsrc/link.c\nsrc/main.c\n");
    expect_ok(b, "glob", "{'pattern': 'src/*.{c,h}'}", "src/link.c\nsrc/main.c\nsrc/main.h\n");
    expect_ok(b, "glob", "{'pattern': 'src/**/*.c'}",
              "src/deep/down/x.c\nsrc/link.c\nsrc/main.c\n");
    expect_ok(b, "glob", "{'pattern': 'READM?.[a-m]d'}", "README.md\n");
    expect_ok(b, "glob", "{'pattern': 'down/*', 'path': 'src/deep'}", "src/deep/down/x.c\n");
    expect_ok(b, "glob", "{'pattern': 'main.c', 'path': 'build'}", "build/main.c\n");
    expect_ok(b, "glob", "{'pattern': '*.c', 'path': 'src/deep'}", "src/deep/down/x.c\n");
    expect_ok(b, "glob", "{'pattern': '*.py'}", "no file matches\n");
    char *input = mem_format("{'pattern': '%s/src/*.h'}", b->folder);
    expect_ok(b, "glob", input, "src/main.h\n");
    mem_free(input);
}

static void links_are_not_followed(void **state)
{
    struct tool_bench *b = *state;
    put_some(b);
    expect_ok(b, "glob", "{'pattern': 'passwd'}", "no file matches\n");
    expect_ok(b, "glob", "{'pattern': '*o*'}", ".gitignore\nloop\nout\nsrc/deep/.gitignore\n");
    expect_failure(b, "glob", "{'pattern': '*', 'path': 'out'}", "out leads outside");
}

static void bad_calls_are_named(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "file", "");
    expect_failure(b, "glob", "{'pattern': '*', 'path': 'file'}", "file: Not a directory");
    expect_failure(b, "glob", "{'pattern': '*', 'path': '../outside'}", "outside the worktree");
    expect_failure(b, "glob", "{'pattern': '/etc/*'}", "only paths beneath");
    expect_failure(b, "glob", "{'pattern': '{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}'}",
                   "more than 64 patterns");
    assert_non_null(strstr(refused_input(b, "glob", "{'path': '.'}"), "`pattern` is missing"));
}

static void at_most_1000_files(void **state)
{
    struct tool_bench *b = *state;
    for (int i = 0; i < 1000; i++) {
        char *name = mem_format("many/%04d", i);
        put_file(b, name, "");
        mem_free(name);
    }
    assert_null(strstr(call_tool(b, "glob", "{'pattern': '*'}"), "stopped"));
    put_file(b, "many/one-more", "");
    const char *out = call_tool(b, "glob", "{'pattern': '*'}");
    assert_non_null(strstr(out, "many/0999\n[stopped after 1000 files: more match"));
    assert_null(strstr(out, "one-more"));
}

static void at_most_50_kB(void **state)
{
    struct tool_bench *b = *state;
    char name[260];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%0240d", i);
        put_file(b, name, "");
    }
    const char *out = call_tool(b, "glob", "{'pattern': '*'}");
    assert_true(strlen(out) <= TOOL_SHOWN_MAX);
    assert_non_null(strstr(out, "[stopped after "));
}

static void a_deep_tree_ends(void **state)
{
    struct tool_bench *b = *state;
    struct buf path;
    buf_init(&path, 4096);
    for (int i = 0; i < WALK_DEPTH_MAX; i++)
        buf_add_str(&path, STR("d/"));
    buf_add_str(&path, STR("deepest"));
    put_file(b, path.data, "");
    const char *out = call_tool(b, "glob", "{'pattern': 'deepest'}");
    assert_string_equal(out, "no file matches\n[some folders could not be read]\n");
    put_file(b, path.data + 2, "");
    out = call_tool(b, "glob", "{'pattern': 'deepest'}");
    assert_non_null(strstr(out, "d/deepest\n"));
    buf_release(&path);
}

static void an_oversized_gitignore_is_said(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, ".gitignore", "");
    char *path = mem_format("%s/.gitignore", b->folder);
    assert_int_equal(truncate(path, (1 << 20) + 1), 0);
    mem_free(path);
    expect_ok(b, "glob", "{'pattern': '*'}",
              ".gitignore\n[some rules of .gitignore files were left out: too many]\n");
}

static bool never_enough(void *arg, const struct walk_file *file)
{
    (void)file;
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < 20000000; i++)
        sum += i;
    ++*(int *)arg;
    return sum != 1;
}

static void a_walk_that_takes_too_long_ends(void **state)
{
    struct tool_bench *b = *state;
    int visits = 0;
    atomic_bool stop = true;
    struct err err = {0};
    struct walk walk = {.root = &b->root, .start = ".", .visit = never_enough, .arg = &visits};
    for (int i = 0; i < 50; i++) {
        char *name = mem_format("%d", i);
        put_file(b, name, "");
        mem_free(name);
    }
    walk.cpu_ms_max = 1;
    assert_true(walk_run(&walk, &err));
    assert_int_equal(walk.end, WALK_TOO_LONG);
    assert_true(visits < 50);
    struct buf notes;
    buf_init(&notes, 1000);
    walk_put_notes(&walk, &notes);
    assert_string_equal(notes.data, "[stopped: it took too long; give a smaller `path`]\n");
    buf_release(&notes);
    visits = 0;
    walk.stop = &stop;
    assert_true(walk_run(&walk, &err));
    assert_int_equal(walk.end, WALK_STOPPED);
    assert_int_equal(visits, 0);
}

static void titles(void **state)
{
    struct tool_bench *b = *state;
    expect_title(b, "glob", "{'pattern': '*.c', 'path': 'src'}", "glob *.c in src");
    expect_title(b, "glob", "{'pattern': '*.c'}", "glob *.c");
    expect_title(b, "grep", "{'pattern': 'a|b', 'path': 'src'}", "grep a|b in src");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_found_by_name),
        TEST(links_are_not_followed),
        TEST(bad_calls_are_named),
        TEST(at_most_1000_files),
        TEST(at_most_50_kB),
        TEST(a_deep_tree_ends),
        TEST(an_oversized_gitignore_is_said),
        TEST(a_walk_that_takes_too_long_ends),
        TEST(titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
