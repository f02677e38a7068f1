// SPDX-License-Identifier: MIT
// What commands print, as a model reads it.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tools/plain_text.h"

static char *plain(struct str bytes, size_t step, bool *changed)
{
    struct plain_text text;
    struct buf out;
    plain_text_init(&text);
    buf_init(&out, PLAIN_TEXT_GROWTH * bytes.len + PLAIN_TEXT_SLACK);
    for (; bytes.len > step; bytes = str_skip(bytes, step))
        plain_text_add(&text, str_from(bytes.data, step), &out);
    plain_text_add(&text, bytes, &out);
    plain_text_end(&text, &out);
    assert_false(out.overflow);
    assert_true(utf8_is_valid(buf_str(&out)));
    *changed = text.changed;
    return buf_detach(&out, NULL);
}

static void expect(struct str bytes, const char *want)
{
    for (size_t step = 1; step < 9; step++) { // no piece makes a difference
        bool changed;
        char *out = plain(bytes, step, &changed);
        assert_string_equal(out, want);
        bool same = str_equal(bytes, str_of(want));
        if (!changed && !same)
            assert_true(str_starts(str_of(want), bytes)); // a newline at its end
        mem_free(out);
    }
}

static void text_stays(void **state)
{
    (void)state;
    expect(STR(""), "");
    expect(STR("a\n\n\tb  \nc"), "a\n\n\tb  \nc\n");
    expect(STR("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n"),
           "h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n");
    expect(STR("dos\r\nunix\n"), "dos\nunix\n");
}

static void colours_and_sequences_go(void **state)
{
    (void)state;
    expect(STR("\x1b[1;31merror\x1b[0m: x\n"), "error: x\n");
    expect(STR("\x1b]0;title\x07ok\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n"), "oklink\n");
    expect(STR("\x1b(B\x1b=a\x1b[?25lb\x07\n"), "ab\n");
    expect(STR("cut \x1b[3"), "cut \n");
    expect(STR("cut \x1b]0;title\nnext\n"), "cut \nnext\n");
    expect(STR("a\x1b[3Cb\n"), "a   b\n");
}

static void progress_shows_what_came_last(void **state)
{
    (void)state;
    expect(STR(" 1%\r 50%\r100%\ndone\n"), "100%\ndone\n");
    expect(STR("downloading\rok\x1b[K\n"), "ok\n");
    expect(STR("downloading\r\x1b[2Kok\n"), "ok\n");
    expect(STR("abcdef\rxy\n"), "xycdef\n");
    expect(STR("last\r"), "last\n");
    expect(STR("12\b\b34\n"), "34\n");
}

static void overstrikes_are_letters(void **state)
{
    (void)state;
    expect(STR("N\bNA\bAM\bME\bE\n"), "NAME\n");
    expect(STR("_\bo_\bp\n"), "op\n");
    expect(STR("o\b_p\b_\n"), "op\n");
}

static void bytes_that_are_no_text_are_counted(void **state)
{
    (void)state;
    expect(STR("caf\xE9 au lait\n"), "caf\xEF\xBF\xBD au lait\n");
    expect(STR("a\0b\n"), "a\xEF\xBF\xBD"
                          "b\n");
    expect(STR("text\n\x7f"
               "ELF\x02\x01\x01\0\0\0\n\0\0\x01\0\nmore\n"),
           "text\n[16 bytes of binary data]\nmore\n");
    expect(STR("\xFF\xFE\xFF\xFE\xFF"), "[5 bytes of binary data]\n");
    expect(STR("\xC3"), "\xEF\xBF\xBD\n");
}

static void random_bytes(struct buf *out, size_t len)
{
    unsigned seed = 7;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245u + 12345u;
        buf_add_char(out, (char)(seed >> 16));
    }
}

// Bytes that happen to look like lines of text are none, and all are counted.
static void binary_data_becomes_one_line(void **state)
{
    (void)state;
    struct buf bytes;
    bool changed;
    buf_init(&bytes, 1 << 20);
    random_bytes(&bytes, 300000);
    buf_add_str(&bytes, STR("\xFF\0\xFF\0\xFF\n"));
    buf_add_str(&bytes, STR("12 tests failed\n"));
    char *out = plain(buf_str(&bytes), 4096, &changed);
    assert_string_equal(out, "[300006 bytes of binary data]\n12 tests failed\n");
    mem_free(out);
    buf_release(&bytes);
}

static void fragments_between_binary_lines_are_part_of_them(void **state)
{
    (void)state;
    expect(STR("\xFF\xFE\xFF\0\xFF\nabc\n\n\x01 def\nx\n\xFF\xFE\xFF\0\xFF\n"),
           "[25 bytes of binary data]\n");
    expect(STR("\xFF\xFE\xFF\0done\n"), "[5 bytes of binary data]\ndone\n");
    expect(STR("\xFF\xFE\xFF\0\xFF\na\tb\n\n"), "[6 bytes of binary data]\na\tb\n\n");
}

// Twelve lines are no chance, even with a stray NUL, or letters of Latin-1.
static void text_between_binary_lines_stays(void **state)
{
    (void)state;
    struct buf bytes, want;
    buf_init(&bytes, 1 << 20);
    buf_init(&want, 1 << 20);
    for (int run = 0; run < 3; run++) {
        buf_add_str(&bytes, STR("\xFF\xFE\xFF\0\xFF\n"));
        buf_add_str(&want, STR("[6 bytes of binary data]\n"));
        for (int i = 0; i < 12; i++) {
            buf_addf(&bytes, "test %d of the parser: pass\xE9, %d checks held\n", i, i * i);
            buf_addf(&want, "test %d of the parser: pass\xEF\xBF\xBD, %d checks held\n", i, i * i);
        }
        buf_add_str(&bytes, STR("and a name with a NUL behind it\0 is text\n"));
        buf_add_str(&want, STR("and a name with a NUL behind it\xEF\xBF\xBD is text\n"));
    }
    bool changed;
    char *out = plain(buf_str(&bytes), 100, &changed);
    assert_string_equal(out, want.data);
    mem_free(out);
    buf_release(&bytes);
    buf_release(&want);
}

// What is held is bounded, and what does not fit comes out.
static void many_empty_lines_after_binary_data_stay(void **state)
{
    (void)state;
    struct buf bytes;
    bool changed;
    buf_init(&bytes, 1 << 20);
    buf_add_str(&bytes, STR("\xFF\xFE\xFF\0\xFF\n"));
    for (int i = 0; i <= BINARY_RUN_HELD_MAX; i++)
        buf_add_char(&bytes, '\n');
    buf_add_str(&bytes, STR("\xFF\xFE\xFF\0\xFF\n"));
    char *out = plain(buf_str(&bytes), 1000, &changed);
    assert_int_equal(strlen(out),
                     2 * strlen("[6 bytes of binary data]\n") + BINARY_RUN_HELD_MAX + 1);
    mem_free(out);
    buf_release(&bytes);
}

static void lines_without_end_are_broken(void **state)
{
    (void)state;
    struct buf line;
    bool changed;
    buf_init(&line, 1 << 20);
    for (int i = 0; i < 5000; i++)
        buf_addf(&line, "%d,", i);
    char *out = plain(buf_str(&line), 777, &changed);
    assert_true(changed);
    size_t lines = 0;
    for (const char *at = out; *at; lines++) {
        const char *end = strchr(at, '\n');
        assert_true(end - at <= PLAIN_TEXT_LINE_MAX);
        if (lines)
            assert_true(str_starts(str_of(at), STR("[same line] ")));
        at = end + 1;
    }
    assert_true(lines > 10);
    assert_non_null(strstr(out, ",4999,\n"));
    mem_free(out);
    buf_release(&line);
}

static void what_comes_out_is_bounded(void **state)
{
    static const char alphabet[] = "a_\b\r\n\x1b[]0;92KGCD\x07\xC3\xA4\xFF\0\x01 ";
    (void)state;
    unsigned seed = 1;
    for (int run = 0; run < 2000; run++) {
        char bytes[3000];
        bool changed;
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1103515245u + 12345u;
            bytes[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        mem_free(plain(str_from(bytes, sizeof bytes), 500, &changed));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays),
        cmocka_unit_test(colours_and_sequences_go),
        cmocka_unit_test(progress_shows_what_came_last),
        cmocka_unit_test(overstrikes_are_letters),
        cmocka_unit_test(bytes_that_are_no_text_are_counted),
        cmocka_unit_test(binary_data_becomes_one_line),
        cmocka_unit_test(fragments_between_binary_lines_are_part_of_them),
        cmocka_unit_test(text_between_binary_lines_stays),
        cmocka_unit_test(many_empty_lines_after_binary_data_stay),
        cmocka_unit_test(lines_without_end_are_broken),
        cmocka_unit_test(what_comes_out_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
