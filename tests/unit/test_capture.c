// SPDX-License-Identifier: MIT
// What of an output the model sees.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tools/capture.h"
#include "core/tools/first_error.h"

enum { WHOLE = 6000 };

static void add_lines(struct capture *capture, struct str lines)
{
    while (lines.len) { // whole lines, some at a time
        size_t len = lines.len < 4000 ? lines.len : 4000;
        const char *end = memrchr(lines.data, '\n', len);
        if (end)
            len = (size_t)(end - lines.data) + 1;
        capture_add(capture, str_from(lines.data, len));
        lines = str_skip(lines, len);
    }
}

static char *captured(struct str lines, bool kept)
{
    struct capture capture;
    struct buf out;
    capture_init(&capture);
    buf_init(&out, 1 << 20);
    add_lines(&capture, lines);
    assert_int_equal(capture.bytes, lines.len);
    if (kept)
        capture_put_kept(&capture, &out);
    else
        capture_put(&capture, WHOLE, "HOW", &out);
    assert_true(utf8_is_valid(buf_str(&out)));
    assert_true(out.len <= WHOLE + CAPTURE_END_MAX + CAPTURE_ERROR_MAX + 400);
    assert_true(capture.first.len + capture.last.len + capture.error.len <=
                CAPTURE_MAX + CAPTURE_LAST_MAX + CAPTURE_ERROR_MAX);
    capture_release(&capture);
    return buf_detach(&out, NULL);
}

static void fill(struct buf *out, int lines, int error)
{
    buf_init(out, 64 << 20);
    for (int i = 1; i <= lines; i++)
        buf_addf(out, i == error ? "x.c:%05d: error: no such thing\n" : "line %05d\n", i);
}

static void expect_whole(const char *text)
{
    char *out = captured(str_of(text), false);
    assert_string_equal(out, text);
    mem_free(out);
}

static void small_outputs_are_whole(void **state)
{
    (void)state;
    expect_whole("");
    expect_whole("a\n");
    char text[WHOLE + 1];
    memset(text, 'x', WHOLE);
    text[WHOLE - 1] = '\n';
    text[WHOLE] = '\0';
    expect_whole(text);
}

static void a_byte_more_is_cut(void **state)
{
    (void)state;
    struct buf bytes;
    fill(&bytes, 546, 0); // 6006
    char *out = captured(buf_str(&bytes), false);
    assert_non_null(strstr(out, "[... 22 bytes are left out here; HOW]\n"));
    mem_free(out);
    buf_release(&bytes);
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < WHOLE / 10; i++)
        buf_add_str(&text, STR("\xE6\xBC\xA2\xE6\xBC\xA2\xE6\xBC\xA2\xC3\xA9-----\n"));
    expect_whole(text.data); // 6,000 characters, more than twice the bytes
    buf_add_str(&text, STR("\xE6\xBC\xA2\n"));
    char *out = captured(buf_str(&text), false);
    assert_non_null(strstr(out, "bytes are left out here; HOW]\n"));
    size_t shown = utf8_count(str_of(out));
    assert_true(shown > WHOLE - 50 && shown < WHOLE + 100);
    mem_free(out);
    buf_release(&text);
}

// What is held in memory is a ceiling, however many bytes characters have.
static void many_bytes_are_cut_though_characters_are_few(void **state)
{
    (void)state;
    struct capture capture;
    struct buf line, out;
    buf_init(&line, 1 << 20);
    buf_init(&out, 1 << 20);
    capture_init(&capture);
    for (int i = 0; i < 10; i++)
        buf_add_str(&line, STR("\xF0\x9F\x98\x80"));
    buf_add_char(&line, '\n');
    for (int i = 0; i < 2 * CAPTURE_MAX / 41; i++)
        capture_add(&capture, buf_str(&line));
    assert_true(capture.chars < CAPTURE_MAX);
    capture_put(&capture, CAPTURE_MAX, NULL, &out);
    assert_non_null(strstr(out.data, "bytes are left out here]\n"));
    assert_true(utf8_is_valid(buf_str(&out)) && out.len <= CAPTURE_MAX + CAPTURE_END_MAX + 400);
    capture_release(&capture);
    buf_release(&line);
    buf_release(&out);
}

static void large_outputs_show_both_ends_and_the_first_error(void **state)
{
    static const int errors[] = {2000, 50000, 99000};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct buf bytes;
        char want[200];
        fill(&bytes, 100000, errors[i]);
        char *out = captured(buf_str(&bytes), false);
        assert_true(str_starts(str_of(out), STR("line 00001\n")));
        snprintf(want, sizeof want,
                 "[the first error, at line %d:]\nx.c:%05d: error: no such "
                 "thing\nline %05d\n",
                 errors[i], errors[i], errors[i] + 1);
        assert_non_null(strstr(out, want));
        assert_true(str_ends(str_of(out), STR("line 99999\nline 100000\n")));
        mem_free(out);
        out = captured(buf_str(&bytes), true);
        assert_non_null(strstr(out, want));
        assert_non_null(strstr(out, "[the last lines:]\nline 99961\n"));
        mem_free(out);
        buf_release(&bytes);
    }
}

static void an_error_that_is_seen_is_not_repeated(void **state)
{
    (void)state;
    struct buf bytes;
    fill(&bytes, 100000, 3);
    char *out = captured(buf_str(&bytes), false);
    assert_null(strstr(out, "the first error"));
    assert_non_null(strstr(out, "x.c:00003: error"));
    mem_free(out);
    buf_release(&bytes);
}

static void forty_lines_of_any_length_survive(void **state)
{
    (void)state;
    struct buf bytes, want;
    buf_init(&bytes, 1 << 20);
    buf_init(&want, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        struct buf line;
        buf_init(&line, 1000);
        buf_addf(&line, "%05d %0500d\n", i, 7);
        buf_add_str(&bytes, buf_str(&line));
        if (i >= 960)
            buf_add_str(&want, buf_str(&line));
        buf_release(&line);
    }
    char *out = captured(buf_str(&bytes), false);
    assert_true(str_ends(str_of(out), buf_str(&want)));
    mem_free(out);
    buf_release(&bytes);
    buf_release(&want);
}

static void a_line_without_end_is_cut_between_characters(void **state)
{
    (void)state;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    buf_add_char(&bytes, 'x');
    for (int i = 0; i < 30000; i++)
        buf_add_str(&bytes, STR("\xC3\xA4"));
    char *out = captured(buf_str(&bytes), false);
    assert_non_null(strstr(out, "bytes are left out here"));
    mem_free(out);
    buf_release(&bytes);
}

static void errors_are_told_from_talk(void **state)
{
    static const char *const yes[] = {"x.c:1: error: bad",
                                      "ERROR something",
                                      "ValueError: bad",
                                      "error[E0382]: moved",
                                      "FAILED tests/test_a.py::b",
                                      "make: *** [all] Error 2",
                                      "2 failed, 3 passed",
                                      "panic: runtime",
                                      "10 errors generated.",
                                      "Segmentation fault (core dumped)",
                                      "Traceback (most recent call last):"};
    static const char *const no[] = {"gcc -Werror -c x.c",
                                     "0 errors, 2 warnings",
                                     "cc -c error.c",
                                     "no errors found",
                                     "errors: 0",
                                     "terrors",
                                     "compiling fatal-x.rs",
                                     "0 failed, 3 passed",
                                     "",
                                     "lib/error/x.o"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!line_is_error(str_of(yes[i])))
            fail_msg("no error: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (line_is_error(str_of(no[i])))
            fail_msg("an error: %s", no[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_outputs_are_whole),
        cmocka_unit_test(a_byte_more_is_cut),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(many_bytes_are_cut_though_characters_are_few),
        cmocka_unit_test(large_outputs_show_both_ends_and_the_first_error),
        cmocka_unit_test(an_error_that_is_seen_is_not_repeated),
        cmocka_unit_test(forty_lines_of_any_length_survive),
        cmocka_unit_test(a_line_without_end_is_cut_between_characters),
        cmocka_unit_test(errors_are_told_from_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
