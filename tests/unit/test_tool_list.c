// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/tool_place.h"

#include <sys/stat.h>

static void a_folder_is_listed_sorted(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "b.txt", "12345");
    put_file(b, "a/x", "");
    put_file(b, ".hidden", "");
    put_file(b, ".git/config", "");
    put_link(b, "link", "b.txt");
    put_link(b, "out", "/etc");
    char *fifo = mem_format("%s/fifo", b->folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    mem_free(fifo);
    expect_ok(b, "list", "{}",
              ".hidden  0\na/\nb.txt  5\nfifo  (a named pipe)\nlink -> b.txt\nout -> /etc\n");
    expect_ok(b, "list", "{'path': './a/'}", "x  0\n");
    expect_ok(b, "list", "{'path': ''}",
              ".hidden  0\na/\nb.txt  5\nfifo  (a named pipe)\nlink -> b.txt\nout -> /etc\n");
    put_file(b, "empty/x/y", "");
    expect_ok(b, "list", "{'path': 'empty'}", "x/\n");
    char *folder = mem_format("%s/none", b->folder);
    mkdir(folder, 0755);
    expect_ok(b, "list", "{'path': 'none'}", "(the folder is empty)\n");
    mem_free(folder);
}

static void names_are_harmless(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "a\nb\x1b[31m", "");
    put_file(b, "\xFF", "");
    expect_ok(b, "list", "{}",
              "a\xEF\xBF\xBD"
              "b\xEF\xBF\xBD[31m  0\n\xEF\xBF\xBD  0\n");
}

static void a_large_folder_is_cut(void **state)
{
    struct tool_bench *b = *state;
    for (int i = 0; i < 1003; i++) {
        char *name = mem_format("many/%04d", i);
        put_file(b, name, "");
        mem_free(name);
    }
    const char *out = call_tool(b, "list", "{'path': 'many'}");
    assert_int_equal(strncmp(out, "0000  0\n", 8), 0);
    assert_non_null(strstr(out, "0999  0\n[3 more entries; use glob to find one]\n"));
    char name[200];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "long/%0190d", i);
        put_file(b, name, "");
    }
    out = call_tool(b, "list", "{'path': 'long'}");
    assert_true(strlen(out) <= TOOL_SHOWN_MAX);
    assert_non_null(strstr(out, " more entries"));
}

static void what_is_no_folder_is_refused(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "file", "");
    put_link(b, "out", "../outside");
    expect_failure(b, "list", "{'path': 'file'}", "file: Not a directory");
    expect_failure(b, "list", "{'path': 'none'}", "none: No such file");
    expect_failure(b, "list", "{'path': '..'}", ".. is outside the worktree");
    expect_failure(b, "list", "{'path': '/'}", "/ is outside the worktree");
    expect_failure(b, "list", "{'path': 'out'}", "out leads outside the worktree");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_is_listed_sorted),
        TEST(names_are_harmless),
        TEST(a_large_folder_is_cut),
        TEST(what_is_no_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
