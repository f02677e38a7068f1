// SPDX-License-Identifier: MIT
// What of a command's output the model sees.
#include "tests/unit/support/unit.h"

#include "core/capture.h"
#include "core/mem.h"
#include "core/utf8.h"

// Puts it in by pieces of `step` bytes, which must make no difference.
static char *captured(struct str bytes, size_t step)
{
    struct capture capture;
    struct buf out;
    capture_init(&capture);
    buf_init(&out, 1 << 20);
    int64_t all = (int64_t)bytes.len;
    while (bytes.len) {
        size_t len = bytes.len < step ? bytes.len : step;
        capture_add(&capture, str_from(bytes.data, len));
        bytes = str_skip(bytes, len);
    }
    assert_int_equal(capture.bytes, all);
    capture_put(&capture, &out, "/out/i1.txt");
    assert_true(utf8_is_valid(buf_str(&out)));
    assert_true(out.len <= CAPTURE_MAX + 200);
    assert_true((strstr(out.len ? out.data : "", "are left out here") != NULL) ==
                capture_is_cut(&capture));
    capture_release(&capture);
    return buf_detach(&out, NULL);
}

static void expect_captured(struct str bytes, const char *want)
{
    static const size_t steps[] = {1, 7, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char *out = captured(bytes, steps[i]);
        assert_string_equal(out, want);
        mem_free(out);
    }
}

static void small_outputs_are_whole(void **state)
{
    (void)state;
    expect_captured(STR(""), "");
    expect_captured(STR("a\n"), "a\n");
    expect_captured(STR("a"), "a\n");
    expect_captured(STR("a\0\xFF\n"), "a\xEF\xBF\xBD\xEF\xBF\xBD\n");
}

static void fill(struct buf *out, int lines)
{
    buf_init(out, 64 << 20);
    for (int i = 0; i < lines; i++)
        buf_addf(out, "line %05d\n", i); // 11 bytes
}

static void large_outputs_show_both_ends(void **state)
{
    (void)state;
    struct buf bytes, want;
    fill(&bytes, 100000);
    fill(&want, 2272); // 24992 bytes
    buf_addf(&want,
             "[... %d bytes are left out here; read the whole output (1100000 bytes) in "
             "/out/i1.txt ...]\n",
             (100000 - 2 * 2272) * 11);
    for (int i = 100000 - 2272; i < 100000; i++)
        buf_addf(&want, "line %05d\n", i);
    expect_captured(buf_str(&bytes), want.data);
    buf_release(&bytes);
    buf_release(&want);
}

static void the_border_is_exact(void **state)
{
    (void)state;
    struct buf bytes;
    fill(&bytes, 4545); // 49995
    buf_add_str(&bytes, STR("1234\n"));
    assert_int_equal(bytes.len, CAPTURE_MAX);
    expect_captured(buf_str(&bytes), bytes.data);
    buf_add_char(&bytes, '!');
    char *out = captured(buf_str(&bytes), 4096);
    assert_non_null(strstr(out, " are left out here"));
    assert_true(str_ends(str_of(out), STR("1234\n!\n")));
    mem_free(out);
    buf_release(&bytes);
}

static void a_line_without_end_is_cut_between_characters(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    buf_add_char(&bytes, 'x');
    for (int i = 0; i < 50000; i++)
        buf_add_str(&bytes, STR("\xC3\xA4"));
    char *out = captured(buf_str(&bytes), 333);
    assert_null(strstr(out, "\xEF\xBF\xBD"));
    assert_non_null(strstr(out, "\n[... 50002 bytes are left out here; read the whole output "
                                "(100001 bytes)"));
    mem_free(out);
    buf_release(&bytes);
}

static void bytes_that_are_no_text_stay_in_bounds(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    for (int i = 0; i < 17000; i++)
        buf_add_char(&bytes, '\xFF');
    char *out = captured(buf_str(&bytes), 1000); // 51000 when repaired
    assert_non_null(strstr(out, "are left out here"));
    mem_free(out);
    for (int i = 0; i < 100000; i++)
        buf_add_char(&bytes, '\xFF');
    out = captured(buf_str(&bytes), 1000);
    assert_non_null(strstr(out, "(117000 bytes)"));
    mem_free(out);
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_outputs_are_whole),
        cmocka_unit_test(large_outputs_show_both_ends),
        cmocka_unit_test(the_border_is_exact),
        cmocka_unit_test(a_line_without_end_is_cut_between_characters),
        cmocka_unit_test(bytes_that_are_no_text_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
