// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/uri.h"
#include "tests/unit/support/tool_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_file_has_line_numbers(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "a/b.txt", "one\ntwo\n\nfour");
    expect_ok(b, "read", "{'path': 'a/b.txt'}",
              "     1\tone\n     2\ttwo\n     3\t\n     4\tfour\n");
    char *input = mem_format("{'path': '%s/a/../a/b.txt', 'offset': 4}", b->folder);
    expect_ok(b, "read", input, "     4\tfour\n");
    mem_free(input);
    assert_int_equal(b->run.result.bytes, strlen("     4\tfour\n"));
    put_file(b, "empty", "");
    expect_ok(b, "read", "{'path': 'empty'}", "(the file is empty)\n");
    put_file(b, "newline", "\n");
    expect_ok(b, "read", "{'path': 'newline'}", "     1\t\n");
}

static void a_piece_says_what_is_left(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "1\n2\n3\n4\n5\n");
    expect_ok(b, "read", "{'path': 'f', 'offset': 2, 'limit': 2}",
              "     2\t2\n     3\t3\n[lines 2 to 3 of 5; 2 are left: go on with offset 4]\n");
    expect_ok(b, "read", "{'path': 'f', 'offset': 4, 'limit': 2}", "     4\t4\n     5\t5\n");
    expect_failure(b, "read", "{'path': 'f', 'offset': 6}",
                   "f has only 5 lines; offset 6 is beyond its end");
}

static void at_most_2000_lines(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 1; i <= 2001; i++)
        buf_addf(&text, "%d\n", i);
    put_bytes(b, "f", buf_str(&text));
    const char *out = call_tool(b, "read", "{'path': 'f', 'limit': 99999}");
    assert_non_null(strstr(out, "\n  2000\t2000\n[lines 1 to 2000 of 2001; 1 are left"));
    buf_release(&text);
}

static void at_most_50_kB(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 1; i <= 1000; i++)
        buf_addf(&text, "%0100d\n", i);
    put_bytes(b, "f", buf_str(&text));
    buf_release(&text);
    int next = 1, calls = 0;
    while (next <= 1000) {
        char *input = mem_format("{'path': 'f', 'offset': %d}", next);
        const char *out = call_tool(b, "read", input);
        mem_free(input);
        assert_true(strlen(out) <= TOOL_SHOWN_MAX);
        assert_int_equal(atoi(out), next);
        const char *note = strstr(out, "go on with offset ");
        next = note ? atoi(note + strlen("go on with offset ")) : 1001;
        calls++;
    }
    assert_int_equal(calls, 3);
}

static void a_long_line_is_cut(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 4 << 20);
    for (int i = 0; i < 1999; i++)
        buf_add_char(&text, 'x');
    buf_add_str(&text, STR("\xC3\xA4yz\nnext\n"));
    put_bytes(b, "f", buf_str(&text));
    const char *out = call_tool(b, "read", "{'path': 'f'}");
    assert_non_null(strstr(out, "xxx [... 4 more bytes of this line]\n     2\tnext\n"));
    // invalid bytes grow threefold when they are repaired; one line always fits
    buf_clear(&text);
    for (int i = 0; i < 3000000; i++)
        buf_add_char(&text, '\xFF');
    put_bytes(b, "g", buf_str(&text));
    out = call_tool(b, "read", "{'path': 'g'}");
    assert_non_null(strstr(out, "[... 2998000 more bytes of this line]"));
    buf_release(&text);
}

static void line_ends_and_marks_are_not_shown(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "\xEF\xBB\xBFone\r\ntwo\r\n");
    expect_ok(b, "read", "{'path': 'f'}", "     1\tone\n     2\ttwo\n[lines end in CRLF]\n");
    put_file(b, "g", "bad \xFF byte\n");
    expect_ok(b, "read", "{'path': 'g'}", "     1\tbad \xEF\xBF\xBD byte\n");
}

static void what_is_no_text_file_is_refused(void **state)
{
    struct tool_bench *b = *state;
    put_bytes(b, "binary", STR("PNG\0\1\2"));
    expect_failure(b, "read", "{'path': 'binary'}", "binary is binary");
    put_file(b, "folder/x", "");
    expect_failure(b, "read", "{'path': 'folder'}", "folder is a folder; use list");
    expect_failure(b, "read", "{'path': 'none'}", "none: No such file");
    char *fifo = mem_format("%s/fifo", b->folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_failure(b, "read", "{'path': 'fifo'}", "fifo is a named pipe, not a file");
    mem_free(fifo);
}

static void paths_outside_are_refused(void **state)
{
    struct tool_bench *b = *state;
    expect_failure(b, "read", "{'path': '../outside/x'}",
                   "../outside/x is outside the worktree; only paths beneath ");
    expect_failure(b, "read", "{'path': '/etc/passwd'}", "/etc/passwd is outside the worktree");
    expect_failure(b, "read", "{'path': 'file:///etc/passwd'}", "outside the worktree");
    put_link(b, "link", "/etc/passwd");
    expect_failure(b, "read", "{'path': 'link'}", "link leads outside the worktree");
    // another agent's output
    char *input = mem_format("{'path': '%s/state/output/agent2/i1.txt'}", b->top);
    expect_failure(b, "read", input, "outside the worktree");
    mem_free(input);
}

static void own_outputs_can_be_read(void **state)
{
    struct tool_bench *b = *state;
    char *input = mem_format("{'path': '%s/i1.txt'}", b->outputs);
    expect_failure(b, "read", input, "no output of this agent is kept");
    for (char *slash = b->outputs; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        assert_true(mkdir(b->outputs, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    assert_int_equal(mkdir(b->outputs, 0700), 0);
    char *path = mem_format("%s/i1.txt", b->outputs);
    FILE *f = fopen(path, "w");
    fwrite("a\0b\n", 1, 4, f);
    fclose(f);
    expect_failure(b, "read", "{'path': 'output:i2'}", "there is no output output:i2 of yours");
    expect_failure(b, "read", "{'path': 'output:../x'}", "is no output");
    expect_failure(b, "grep", "{'path': 'output:i2', 'pattern': 'x'}", "there is no output");
    expect_ok(b, "read", "{'path': 'output:i1'}",
              "     1\ta\xEF\xBF\xBD"
              "b\n");
    expect_ok(b, "read", input,
              "     1\ta\xEF\xBF\xBD"
              "b\n");
    struct buf uri;
    buf_init(&uri, 10000);
    buf_add_str(&uri, STR("{'path': '"));
    uri_add_path(&uri, str_of(path));
    buf_add_str(&uri, STR("'}"));
    expect_ok(b, "read", uri.data,
              "     1\ta\xEF\xBF\xBD"
              "b\n");
    buf_release(&uri);
    char *climb = mem_format("{'path': '%s/../../../outside/x'}", b->outputs);
    expect_failure(b, "read", climb, "outside");
    mem_free(climb);
    mem_free(path);
    mem_free(input);
}

static void a_huge_file_is_read_by_pieces(void **state)
{
    struct tool_bench *b = *state;
    char *path = mem_format("%s/huge", b->folder);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 2000; i++)
        fputs("a line\n", f);
    assert_int_equal(ftruncate(fileno(f), (off_t)64 << 30), 0); // sparse
    fclose(f);
    const char *out = call_tool(b, "read", "{'path': 'huge', 'limit': 1}");
    assert_string_equal(out, "     1\ta line\n[lines 1 to 1 of at least 2001; 2000 are left: go "
                             "on with offset 2]\n");
    mem_free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_has_line_numbers),
        TEST(a_piece_says_what_is_left),
        TEST(at_most_2000_lines),
        TEST(at_most_50_kB),
        TEST(a_long_line_is_cut),
        TEST(line_ends_and_marks_are_not_shown),
        TEST(what_is_no_text_file_is_refused),
        TEST(paths_outside_are_refused),
        TEST(own_outputs_can_be_read),
        TEST(a_huge_file_is_read_by_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
