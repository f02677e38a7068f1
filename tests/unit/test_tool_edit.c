// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/tool_place.h"

#include <sys/stat.h>
#include <unistd.h>

// Edits file f, whose text is `before`, and expects `after`.
static void expect_edit(struct tool_bench *b, const char *before, const char *edits,
                        const char *after)
{
    char *input = mem_format("{'path': 'f', 'edits': [%s]}", edits);
    put_file(b, "f", before);
    const char *output = call_tool(b, "edit", input);
    if (b->run.result.failed)
        fail_msg("%s", output);
    expect_file(b, "f", after);
    mem_free(input);
}

static void expect_no_edit(struct tool_bench *b, const char *before, const char *edits,
                           const char *why)
{
    char *input = mem_format("{'path': 'f', 'edits': [%s]}", edits);
    put_file(b, "f", before);
    expect_failure(b, "edit", input, why);
    expect_file(b, "f", before);
    mem_free(input);
}

static void pieces_are_replaced(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "one\ntwo\nthree\n");
    expect_ok(b, "edit", "{'path': 'f', 'edits': [{'old_text': 'two', 'new_text': 'TWO'}]}",
              "edited f (1 replacement)\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n "
              "three\n");
    assert_string_equal(b->run.result.paths, "[\"f\"]");
    expect_edit(b, "abc", "{'old_text': 'abc', 'new_text': ''}", "");
    expect_edit(b, "a b c",
                "{'old_text': 'c', 'new_text': 'C'}, {'old_text': 'a', 'new_text': 'AA'}",
                "AA b C");
    expect_edit(b, "ab", "{'old_text': 'a', 'new_text': 'b'}, {'old_text': 'b', 'new_text': 'a'}",
                "ba");
    expect_edit(b, "x x x", "{'old_text': 'x', 'new_text': 'yy', 'all': true}", "yy yy yy");
    expect_edit(b, "aaaa", "{'old_text': 'aa', 'new_text': 'b', 'all': true}", "bb");
}

static void what_does_not_fit_is_named(void **state)
{
    struct tool_bench *b = *state;
    expect_no_edit(b, "a\nb\n", "{'old_text': 'c', 'new_text': 'd'}",
                   "f is unchanged: edit 1: old_text is not found; read the file again");
    expect_no_edit(b, "x\n  a b\ny\n", "{'old_text': 'a b\\nz', 'new_text': 'd'}",
                   "its first line is at line 2, but white space or what follows differs");
    expect_no_edit(b, "x\na\nx\nx x\n",
                   "{'old_text': 'a', 'new_text': 'b'}, {'old_text': 'x', 'new_text': 'y'}",
                   "edit 2: old_text is found 4 times, at line 1, 3, 4; make it unique");
    expect_no_edit(b, "aaa", "{'old_text': 'aa', 'new_text': 'b'}", "found 2 times");
    expect_no_edit(b, "1\n2\n3\n",
                   "{'old_text': '3', 'new_text': 'x'}, {'old_text': '1\\n2', 'new_text': 'y'}, "
                   "{'old_text': '2\\n3', 'new_text': 'z'}",
                   "overlap at line");
    expect_no_edit(b, "a", "{'old_text': 'a', 'new_text': 'a'}", "are the same");
}

static void empty_old_text_is_refused(void **state)
{
    struct tool_bench *b = *state;
    assert_non_null(strstr(
        refused_input(b, "edit", "{'path': 'f', 'edits': [{'old_text': '', 'new_text': 'a'}]}"),
        "edit 1: `old_text` is empty"));
}

static void edits_do_not_see_each_other(void **state)
{
    struct tool_bench *b = *state;
    expect_no_edit(b, "a", "{'old_text': 'a', 'new_text': 'b'}, {'old_text': 'b', 'new_text': 'c'}",
                   "edit 2: old_text is not found");
    expect_edit(b, "abc", "{'old_text': 'a', 'new_text': '1'}, {'old_text': 'b', 'new_text': '2'}",
                "12c");
}

static void line_ends_are_kept(void **state)
{
    struct tool_bench *b = *state;
    expect_edit(b, "a\r\nb\r\nc\r\n", "{'old_text': 'a\\nb', 'new_text': 'x\\ny\\nz'}",
                "x\r\ny\r\nz\r\nc\r\n");
    expect_edit(b, "a\r\nb\r\n", "{'old_text': 'b', 'new_text': 'x\\ny'}", "a\r\nx\r\ny\r\n");
    expect_edit(b, "a\r\nb\r\n", "{'old_text': 'a\\r\\nb', 'new_text': 'x\\r\\ny'}", "x\r\ny\r\n");
    expect_edit(b, "a\nb\n", "{'old_text': 'a\\r\\nb', 'new_text': 'x\\r\\ny'}", "x\ny\n");
    expect_edit(b, "a\nb\n", "{'old_text': 'b', 'new_text': 'x\\r\\ny'}", "a\nx\r\ny\n");
    expect_edit(b, "a\nb\r\nc\n", "{'old_text': 'b\\n', 'new_text': 'x\\ny\\n'}",
                "a\nx\r\ny\r\nc\n");
    expect_edit(b, "a\r\nb\r\n", "{'old_text': '\\nb', 'new_text': ''}", "a\r\n");
    expect_edit(b, "a\r\nb", "{'old_text': 'a\\n', 'new_text': ''}", "b");
    expect_edit(b, "a\rb\r\n", "{'old_text': 'a\\r', 'new_text': 'c\\r'}", "c\rb\r\n");
    expect_edit(b, "\r\n\r\n", "{'old_text': '\\n\\n', 'new_text': '\\n'}", "\r\n");
}

static void the_byte_order_mark_is_kept(void **state)
{
    struct tool_bench *b = *state;
    expect_edit(b,
                "\xEF\xBB\xBF"
                "a\nb\n",
                "{'old_text': 'a\\n', 'new_text': 'x\\n'}", "\xEF\xBB\xBFx\nb\n");
}

static void other_bytes_are_kept(void **state)
{
    struct tool_bench *b = *state;
    expect_edit(b, "\xFF a \xC3\n", "{'old_text': 'a', 'new_text': 'b'}", "\xFF b \xC3\n");
}

static void files_that_cannot_be_edited(void **state)
{
    struct tool_bench *b = *state;
    static const char edit[] = "{'path': '%s', 'edits': [{'old_text': 'a', 'new_text': 'b'}]}";
    static const struct {
        const char *path, *why;
    } cases[] = {
        {"none", "none: No such file"},
        {"folder", "folder is a folder, not a file"},
        {"binary", "binary is binary and cannot be edited"},
        {"../outside/x", "../outside/x is outside the worktree"},
        {".git/config", "belongs to git"},
        {"innocent/config", "belongs to git"},
        {"big", "big is larger than 16777216 bytes"},
    };
    put_file(b, "folder/x", "");
    put_bytes(b, "binary", STR("a\0"));
    put_file(b, ".git/config", "a");
    put_link(b, "innocent", ".git");
    put_file(b, "big", "a");
    char *big = mem_format("%s/big", b->folder);
    assert_int_equal(truncate(big, (16 << 20) + 1), 0);
    mem_free(big);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *input = mem_format(edit, cases[i].path);
        expect_failure(b, "edit", input, cases[i].why);
        mem_free(input);
    }
    expect_file(b, ".git/config", "a");
}

static void ceilings_are_named(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 32 << 20);
    for (int i = 0; i < 100001; i++)
        buf_add_char(&text, 'a');
    put_bytes(b, "f", buf_str(&text));
    expect_failure(b, "edit",
                   "{'path': 'f', 'edits': [{'old_text': 'a', 'new_text': 'b', 'all': true}]}",
                   "edit 1: more than 100000 replacements");
    expect_failure(b, "edit", "{'path': 'f', 'edits': [{'old_text': 'a', 'new_text': 'b'}]}",
                   "found 1000 times");
    put_bytes(b, "f", str_from(text.data, 100000));
    char *input = mem_format(
        "{'path': 'f', 'edits': [{'old_text': 'a', 'new_text': '%0400d', 'all': true}]}", 1);
    expect_failure(b, "edit", input, "the edited text is larger than 33554432 bytes");
    mem_free(input);
    buf_clear(&text);
    buf_add_str(&text, STR("{'path': 'f', 'edits': [{'old_text': 'a', 'new_text': 'b'}"));
    for (int i = 0; i < 256; i++)
        buf_add_str(&text, STR(", {'old_text': 'a', 'new_text': 'b'}"));
    buf_add_str(&text, STR("]}"));
    assert_non_null(strstr(refused_input(b, "edit", text.data), "`edits` has 257 members"));
    buf_release(&text);
}

static void the_diff_in_the_result_is_small(void **state)
{
    struct tool_bench *b = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 2000; i++)
        buf_add_str(&text, STR("a\n"));
    put_bytes(b, "f", buf_str(&text));
    const char *out = call_tool(
        b, "edit", "{'path': 'f', 'edits': [{'old_text': 'a', 'new_text': 'b', 'all': true}]}");
    assert_true(strlen(out) < 4200);
    assert_non_null(strstr(out, "edited f (2000 replacements)"));
    assert_non_null(strstr(out, "[the diff goes on"));
    buf_release(&text);
}

static void the_mode_is_kept(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "a");
    char *full = mem_format("%s/f", b->folder);
    chmod(full, 0755);
    call_tool(b, "edit", "{'path': 'f', 'edits': [{'old_text': 'a', 'new_text': 'b'}]}");
    struct stat st;
    assert_int_equal(stat(full, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    mem_free(full);
}

static void a_preview_is_a_diff_and_writes_nothing(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "f", "a\n");
    expect_preview(b, "edit", "{'path': 'f', 'edits': [{'old_text': 'a', 'new_text': 'b'}]}",
                   "--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n+b\n");
    expect_preview(b, "edit", "{'path': 'f', 'edits': [{'old_text': 'x', 'new_text': 'b'}]}",
                   "error: f is unchanged: edit 1: old_text is not found; read the file again");
    expect_file(b, "f", "a\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_are_replaced),       TEST(what_does_not_fit_is_named),
        TEST(empty_old_text_is_refused), TEST(edits_do_not_see_each_other),
        TEST(line_ends_are_kept),        TEST(the_byte_order_mark_is_kept),
        TEST(other_bytes_are_kept),      TEST(files_that_cannot_be_edited),
        TEST(ceilings_are_named),        TEST(the_diff_in_the_result_is_small),
        TEST(the_mode_is_kept),          TEST(a_preview_is_a_diff_and_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
