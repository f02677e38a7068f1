// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/utf8.h"

#define FFFD "\xef\xbf\xbd"

static void assert_repairs(struct str in, const char *expected)
{
    struct buf out;
    buf_init(&out, 1000);
    utf8_repair(&out, in);
    assert_true(str_is(buf_str(&out), expected));
    buf_release(&out);
}

// Every code point is written, found valid, and found incomplete in each of its prefixes.
static void takes_every_code_point(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 16);
    for (unsigned code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        buf_clear(&out);
        utf8_append(&out, code);
        struct str whole = buf_str(&out);
        assert_int_equal(whole.len, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        assert_true(utf8_is_valid(whole));
        assert_int_equal(utf8_incomplete_tail(whole), 0);
        for (size_t len = 1; len < whole.len; len++) {
            assert_int_equal(utf8_valid_prefix(str_from(whole.data, len)), 0);
            assert_int_equal(utf8_incomplete_tail(str_from(whole.data, len)), len);
            assert_int_equal(utf8_cut(whole, len).len, 0);
        }
    }
    buf_release(&out);
}

static unsigned decode(const unsigned char *p, size_t len)
{
    unsigned code = len == 1 ? p[0] : len == 2 ? p[0] & 0x1f : len == 3 ? p[0] & 0xf : p[0] & 7;
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (p[i] & 0x3f);
    return code;
}

// The definition of RFC 3629, written the other way round: take the bits apart, put them
// together again and see the same bytes.
static bool is_one_code_point(const unsigned char *p, size_t len)
{
    static const unsigned char marks[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    static const unsigned char masks[] = {0, 0x80, 0xe0, 0xf0, 0xf8};
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if ((p[0] & masks[len]) != marks[len])
        return false;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return false;
    unsigned code = decode(p, len);
    return code >= least[len] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

static void refuses_every_other_pair_and_triple(void **state)
{
    (void)state;
    for (unsigned bits = 0x7f0000; bits < 1u << 24; bits++) {
        unsigned char p[4] = {(unsigned char)(bits >> 16), (unsigned char)(bits >> 8),
                              (unsigned char)bits, 0x80};
        if (p[2] > 0x02 && p[2] < 0x7e) // all of ASCII behaves alike
            continue;
        size_t expected = 0;
        while (expected < 3) {
            size_t len = 1;
            while (len <= 3 - expected && !is_one_code_point(p + expected, len))
                len++;
            if (len > 3 - expected)
                break;
            expected += len;
        }
        if (utf8_valid_prefix(str_from((char *)p, 3)) != expected)
            fail_msg("%02x %02x %02x: expected %zu", p[0], p[1], p[2], expected);
    }
}

static void refuses_what_is_out_of_range(void **state)
{
    (void)state;
    assert_int_equal(utf8_valid_prefix(STR("ok\xc0\x80")), 2);
    assert_int_equal(utf8_valid_prefix(STR("\xe0\x9f\xbf")), 0);
    assert_int_equal(utf8_valid_prefix(STR("\xed\xa0\x80")), 0);
    assert_int_equal(utf8_valid_prefix(STR("\xf0\x8f\xbf\xbf")), 0);
    assert_int_equal(utf8_valid_prefix(STR("\xf4\x90\x80\x80")), 0);
    assert_int_equal(utf8_valid_prefix(STR("\xf5\x80\x80\x80")), 0);
    assert_true(utf8_is_valid(STR("\xf4\x8f\xbf\xbf\xee\x80\x80\xed\x9f\xbf")));
    assert_true(utf8_is_valid(STR_NONE));
    assert_true(utf8_is_valid(STR("a\0b")));
}

// The fast path looks at eight bytes at a time: a bad byte is found at each place of them.
static void finds_a_bad_byte_anywhere(void **state)
{
    (void)state;
    for (size_t len = 1; len < 40; len++)
        for (size_t bad = 0; bad < len; bad++) {
            char *text = malloc(len);
            memset(text, 'a', len);
            text[bad] = '\xff';
            assert_int_equal(utf8_valid_prefix(str_from(text, len)), bad);
            assert_int_equal(utf8_valid_prefix(str_from(text, bad)), bad);
            free(text);
        }
}

// The examples are those of the Unicode standard, tables 3-8 to 3-11.
static void repairs_maximal_subparts(void **state)
{
    (void)state;
    assert_repairs(STR("plain \xc3\xa9"), "plain \xc3\xa9");
    assert_repairs(STR("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"),
                   FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
    assert_repairs(STR("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"),
                   FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
    assert_repairs(STR("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"),
                   FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B");
    assert_repairs(STR("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), FFFD FFFD FFFD FFFD "A");
    assert_repairs(STR("end \xf0\x9f\x98"), "end " FFFD);
    assert_repairs(STR_NONE, "");
}

static void cuts_between_code_points(void **state)
{
    (void)state;
    struct str text = STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t max = 0; max < sizeof expected / sizeof *expected; max++)
        assert_int_equal(utf8_cut(text, max).len, expected[max]);
    assert_int_equal(utf8_cut(STR_NONE, 3).len, 0);
    // not UTF-8 at all: cut anywhere, but never to nothing
    assert_int_equal(utf8_cut(STR("\x80\x80\x80\x80\x80\x80\x80\x80"), 6).len, 6);
}

// However a stream is cut, holding the tail back gives only whole code points.
static void holds_back_only_what_may_become_valid(void **state)
{
    (void)state;
    struct str text = STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    for (size_t len = 0; len <= text.len; len++) {
        struct str part = str_from(text.data, len);
        assert_int_equal(utf8_valid_prefix(part), len - utf8_incomplete_tail(part));
    }
    assert_int_equal(utf8_incomplete_tail(STR("a\xff")), 0);
    assert_int_equal(utf8_incomplete_tail(STR("a\x80")), 0);
    assert_int_equal(utf8_incomplete_tail(STR("\xe2\xc3")), 1);
    assert_int_equal(utf8_incomplete_tail(STR("\xed\xa0")), 0);
    assert_int_equal(utf8_incomplete_tail(STR("\xf4\x90")), 0);
    assert_int_equal(utf8_incomplete_tail(STR_NONE), 0);
}

static void appends_replacements_for_what_is_no_code_point(void **state)
{
    (void)state;
    static const unsigned bad[] = {0xd800, 0xdfff, 0x110000, 0xffffffff};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out;
        buf_init(&out, 10);
        utf8_append(&out, bad[i]);
        assert_true(str_is(buf_str(&out), FFFD));
        buf_release(&out);
    }
}

static void repair_respects_the_ceiling(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4);
    utf8_repair(&out, STR("ab\xff"));
    assert_true(out.overflow);
    assert_true(str_is(buf_str(&out), "ab"));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_code_point),
        cmocka_unit_test(refuses_every_other_pair_and_triple),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(finds_a_bad_byte_anywhere),
        cmocka_unit_test(repairs_maximal_subparts),
        cmocka_unit_test(cuts_between_code_points),
        cmocka_unit_test(holds_back_only_what_may_become_valid),
        cmocka_unit_test(appends_replacements_for_what_is_no_code_point),
        cmocka_unit_test(repair_respects_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
