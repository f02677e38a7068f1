// SPDX-License-Identifier: MIT
// Diffs are what patch(1) takes, and applying one gives the new text.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/text_diff.h"

#include <unistd.h>

static void expect_diff(const char *before, const char *after, const char *want)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    text_diff(&out, "f", str_of(before), str_of(after), 50000);
    assert_string_equal(out.len ? out.data : "", want);
    buf_release(&out);
}

static void small_texts(void **state)
{
    (void)state;
    expect_diff("a\n", "a\n", "");
    expect_diff(NULL, "a\nb\n", "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    expect_diff(NULL, "", "--- /dev/null\n+++ b/f\n");
    expect_diff("a\n", "", "--- a/f\n+++ b/f\n@@ -1,1 +0,0 @@\n-a\n");
    expect_diff("a\nb\nc\n", "a\nB\nc\n", "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    expect_diff("a", "a\n",
                "--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n");
    expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n5\n6\n7\n8\n9\n",
                "--- a/f\n+++ b/f\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+X\n 5\n 6\n 7\n");
    expect_diff("x\xFFy\n", "x\n", "--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-x\xEF\xBF\xBDy\n+x\n");
}

static void far_changes_are_two_hunks(void **state)
{
    (void)state;
    expect_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
                "--- a/f\n+++ b/f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n "
                "7\n-b\n+B\n");
    expect_diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
                "--- a/f\n+++ b/f\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
}

static void large_diffs_are_cut(void **state)
{
    (void)state;
    struct buf text, out;
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    for (int i = 0; i < 10000; i++)
        buf_addf(&text, "line %d\n", i);
    text_diff(&out, "f", STR_NONE, buf_str(&text), 1000);
    assert_true(out.len < 1100);
    assert_non_null(strstr(out.data, "\n[the diff goes on; it is cut at 1000 bytes]\n"));
    buf_clear(&text);
    buf_clear(&out);
    for (int i = 0; i < 5000; i++)
        buf_add_char(&text, 'x');
    text_diff(&out, "f", STR_NONE, buf_str(&text), 50000);
    assert_non_null(strstr(out.data, "x [... 3000 more bytes]\n"));
    buf_release(&text);
    buf_release(&out);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void write_file(const char *path, struct str bytes)
{
    FILE *f = fopen(path, "w");
    fprintf(f, "%.*s", STR_ARG(bytes));
    fclose(f);
}

// patch(1) of the old text must give the new one.
static void expect_patches(const char *folder, struct str before, struct str after)
{
    struct buf diff;
    buf_init(&diff, 64 << 20);
    text_diff(&diff, "f", before, after, 32 << 20);
    char *old = mem_format("%s/f", folder), *new = mem_format("%s/new", folder);
    char *patch = mem_format("%s/patch", folder);
    write_file(old, before);
    write_file(new, after);
    write_file(patch, buf_str(&diff));
    char *command = mem_format("cd %s && git apply --unidiff-zero --whitespace=nowarn patch && "
                               "cmp f new",
                               folder);
    if (diff.len && system(command) != 0)
        fail_msg("git apply refuses, or makes another text of:\n%s", diff.data);
    assert_true(diff.len || str_equal(before, after));
    mem_free(command);
    mem_free(patch);
    mem_free(new);
    mem_free(old);
    buf_release(&diff);
}

static void random_line(struct buf *out, uint32_t *seed)
{
    buf_addf(out, "%u\n", next_random(seed) % 7);
}

static void random_diffs_apply(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    uint32_t seed = 1;
    for (int round = 0; round < 150; round++) {
        struct buf before, after;
        buf_init(&before, 1 << 20);
        buf_init(&after, 1 << 20);
        int lines = 1 + (int)(next_random(&seed) % 60);
        for (int i = 0; i < lines; i++) {
            uint32_t what = next_random(&seed) % 12;
            size_t start = before.len;
            if (what != 0)
                random_line(&before, &seed);
            if (what == 1)
                random_line(&after, &seed);
            else if (what > 2)
                buf_add(&after, before.data + start, before.len - start);
            if (what == 0)
                random_line(&after, &seed);
        }
        if (next_random(&seed) % 4 == 0)
            buf_add_str(&before, STR("no newline"));
        if (next_random(&seed) % 4 == 0)
            buf_add_str(&after, STR("no newline"));
        if (before.len && after.len)
            expect_patches(folder, buf_str(&before), buf_str(&after));
        buf_release(&before);
        buf_release(&after);
    }
}

static void too_many_edits_become_one_replacement(void **state)
{
    (void)state;
    struct buf before, after;
    buf_init(&before, 8 << 20);
    buf_init(&after, 8 << 20);
    for (int i = 0; i < 300000; i++) {
        buf_addf(&before, "%d\n", i);
        buf_addf(&after, "%d\n", i % 100 == 50 ? -i : i);
    }
    expect_patches(unit_temp_folder(), buf_str(&before), buf_str(&after));
    struct str short_before = str_from(before.data, 100000),
               short_after = str_from(after.data, 100000);
    expect_patches(unit_temp_folder(), short_before, short_after);
    buf_release(&before);
    buf_release(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_texts),
        cmocka_unit_test(far_changes_are_two_hunks),
        cmocka_unit_test(large_diffs_are_cut),
        cmocka_unit_test(random_diffs_apply),
        cmocka_unit_test(too_many_edits_become_one_replacement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
