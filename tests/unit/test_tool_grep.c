// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/tool_place.h"

#include <sys/stat.h>

static void lines_are_found(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "a.c", "int main(void)\n{\n    return 0;\n}\n");
    put_file(b, "sub/b.c", "return 1;\r\nlast return");
    put_file(b, "empty", "");
    expect_ok(b, "grep", "{'pattern': 'return'}",
              "a.c:3:    return 0;\nsub/b.c:1:return 1;\nsub/b.c:2:last return\n");
    expect_ok(b, "grep", "{'pattern': '^return \\\\d;$'}", "sub/b.c:1:return 1;\n");
    expect_ok(b, "grep", "{'pattern': '(?i)MAIN\\\\('}", "a.c:1:int main(void)\n");
    expect_ok(b, "grep", "{'pattern': 'return', 'path': 'sub'}",
              "sub/b.c:1:return 1;\nsub/b.c:2:last return\n");
    expect_ok(b, "grep", "{'pattern': 'return', 'path': 'a.c'}", "a.c:3:    return 0;\n");
    expect_ok(b, "grep", "{'pattern': 'nothing'}", "no match\n");
    expect_ok(b, "grep", "{'pattern': '\\\\{\\\\s+return'}", "no match\n");
    expect_ok(b, "grep", "{'pattern': '^$'}", "no match\n");
}

static void a_glob_narrows(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "src/a.c", "x\n");
    put_file(b, "src/a.h", "x\n");
    put_file(b, "src/a.txt", "x\n");
    expect_ok(b, "grep", "{'pattern': 'x', 'glob': '*.{c,h}'}", "src/a.c:1:x\nsrc/a.h:1:x\n");
    expect_ok(b, "grep", "{'pattern': 'x', 'glob': 'src/*.txt'}", "src/a.txt:1:x\n");
    expect_ok(b, "grep", "{'pattern': 'x', 'glob': 'src/*.txt', 'path': 'src'}", "no match\n");
    expect_ok(b, "grep", "{'pattern': 'x', 'glob': './*.txt', 'path': 'src'}", "src/a.txt:1:x\n");
}

static void lines_around_are_shown(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "1\n2\nx3\n4\n5\n6\n7\nx8\nx9\n10\n");
    expect_ok(b, "grep", "{'pattern': 'x', 'context': 1}",
              "f-2-2\nf:3:x3\nf-4-4\n--\nf-7-7\nf:8:x8\nf:9:x9\nf-10-10\n");
    expect_ok(b, "grep", "{'pattern': 'x', 'context': 2}",
              "f-1-1\nf-2-2\nf:3:x3\nf-4-4\nf-5-5\nf-6-6\nf-7-7\nf:8:x8\nf:9:x9\nf-10-10\n");
    put_file(b, "g", "x\n");
    expect_ok(b, "grep", "{'pattern': 'x', 'context': 1, 'glob': '{f,g}'}",
              "f-2-2\nf:3:x3\nf-4-4\n--\nf-7-7\nf:8:x8\nf:9:x9\nf-10-10\n--\ng:1:x\n");
    const char *out = call_tool(b, "grep", "{'pattern': '10', 'context': 99999}");
    assert_non_null(strstr(out, "f-1-1\n"));
    assert_non_null(strstr(refused_input(b, "grep", "{'pattern': 'x', 'context': -1}"),
                           "`context` is not from 0"));
}

static void what_is_not_searched(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, ".gitignore", "*.o\n/build/\n");
    put_file(b, "a.o", "word\n");
    put_file(b, "build/x", "word\n");
    put_file(b, ".git/config", "word\n");
    put_bytes(b, "binary", STR("word\0\n"));
    put_link(b, "link", "text");
    put_file(b, "text", "word\n");
    char *fifo = mem_format("%s/fifo", b->folder);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_ok(b, "grep", "{'pattern': 'word'}", "text:1:word\n");
    // asked for by name
    expect_ok(b, "grep", "{'pattern': 'word', 'path': 'a.o'}", "a.o:1:word\n");
    expect_ok(b, "grep", "{'pattern': 'word', 'path': 'build'}", "build/x:1:word\n");
    expect_failure(b, "grep", "{'pattern': 'word', 'path': 'fifo'}", "fifo is a named pipe");
    mem_free(fifo);
}

static void paths_outside_are_refused(void **state)
{
    struct tool_bench *b = *state;
    put_link(b, "out", "/etc");
    expect_failure(b, "grep", "{'pattern': 'root', 'path': '/etc/passwd'}",
                   "/etc/passwd is outside the worktree");
    expect_failure(b, "grep", "{'pattern': 'root', 'path': 'out/passwd'}", "leads outside");
    expect_failure(b, "grep", "{'pattern': 'root', 'path': 'none'}", "none: No such file");
}

static void bad_patterns_are_explained(void **state)
{
    struct tool_bench *b = *state;
    expect_failure(b, "grep", "{'pattern': 'a(b'}",
                   "grep: the regular expression is wrong at byte 3: missing closing parenthesis");
    expect_failure(b, "grep", "{'pattern': '\\\\C'}", "wrong at byte 2");
    expect_failure(b, "grep", "{'pattern': 'x', 'glob': './'}",
                   "grep: `glob`: the pattern is empty");
    char *input = mem_format("{'pattern': '%04097d'}", 1);
    expect_failure(b, "grep", input, "longer than 4096 bytes");
    mem_free(input);
}

static void a_pattern_that_backtracks_for_ever_is_stopped(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "ok\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n");
    expect_failure(b, "grep", "{'pattern': '^(a+)+$'}",
                   "the regular expression takes too many steps at f:2");
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 400000; i++)
        buf_add_char(&text, 'a');
    put_bytes(b, "f", buf_str(&text));
    buf_release(&text);
    // deep recursion: ends in a result or in that error, not in a crash
    call_tool(b, "grep", "{'pattern': '^((a|b)*)*c'}");
    call_tool(b, "grep", "{'pattern': '(?:(.)|x)*\\\\1y(?R)?'}");
}

static void matches_have_a_limit(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 1; i <= 201; i++)
        buf_addf(&text, "line %d\n", i);
    put_bytes(b, "f", buf_str(&text));
    const char *out = call_tool(b, "grep", "{'pattern': 'line'}");
    assert_non_null(strstr(out, "f:200:line 200\n[stopped after 200 matches: there are more;"));
    out = call_tool(b, "grep", "{'pattern': 'line', 'limit': 201}");
    assert_non_null(strstr(out, "f:201:line 201\n"));
    assert_null(strstr(out, "stopped"));
    expect_ok(b, "grep", "{'pattern': 'line 1', 'limit': 1}",
              "f:1:line 1\n[stopped after 1 matches: there are more; narrow `pattern`, `path` or "
              "`glob`, or raise `limit`]\n");
    buf_clear(&text);
    for (int i = 1; i <= 1000; i++)
        buf_addf(&text, "%0300d\n", i);
    put_bytes(b, "f", buf_str(&text));
    out = call_tool(b, "grep", "{'pattern': '0', 'limit': 1000, 'context': 3}");
    assert_true(strlen(out) <= TOOL_SHOWN_MAX);
    assert_non_null(strstr(out, "there are more"));
    buf_release(&text);
}

static void long_lines_are_cut_around_the_match(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 4 << 20);
    buf_add_str(&text, STR("needle"));
    for (int i = 0; i < 3000000; i++)
        buf_add_char(&text, i == 700000 ? '!' : 'x');
    buf_add_str(&text, STR("needle\nneedle\n"));
    put_bytes(b, "f", buf_str(&text));
    const char *out = call_tool(b, "grep", "{'pattern': 'needle'}");
    assert_int_equal(strncmp(out, "f:1:needlexxx", 13), 0);
    assert_non_null(strstr(out, "xx [...]\nf:2:needle\n"));
    assert_true(strlen(out) < 700);
    out = call_tool(b, "grep", "{'pattern': '!'}");
    assert_int_equal(strncmp(out, "f:1:[...] xxx", 13), 0);
    assert_non_null(strstr(out, "xxx!xxx"));
    assert_true(strlen(out) < 700);
    buf_release(&text);
}

static void invalid_text_is_searched_and_repaired(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "\xFFword\xC3\n\xC3\xA4word\n");
    expect_ok(b, "grep", "{'pattern': 'word'}",
              "f:1:\xEF\xBF\xBDword\xEF\xBF\xBD\nf:2:\xC3\xA4word\n");
    expect_ok(b, "grep", "{'pattern': '^.word$'}", "f:2:\xC3\xA4word\n");
}

static void lines_across_pieces_are_whole(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 8 << 20);
    for (int i = 1; i <= 100000; i++)
        buf_addf(&text, "%d is a line of some length\n", i * 7);
    put_bytes(b, "f", buf_str(&text));
    for (int i = 9000; i <= 100000; i += 4567) {
        char *input = mem_format("{'pattern': '^%d is a line of some length$'}", i * 7);
        char *want = mem_format("f:%d:%d is a line of some length\n", i, i * 7);
        expect_ok(b, "grep", input, want);
        mem_free(want);
        mem_free(input);
    }
    buf_release(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_found),
        TEST(a_glob_narrows),
        TEST(lines_around_are_shown),
        TEST(what_is_not_searched),
        TEST(paths_outside_are_refused),
        TEST(bad_patterns_are_explained),
        TEST(a_pattern_that_backtracks_for_ever_is_stopped),
        TEST(matches_have_a_limit),
        TEST(long_lines_are_cut_around_the_match),
        TEST(invalid_text_is_searched_and_repaired),
        TEST(lines_across_pieces_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
