// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/str.h"

static void compares_by_length_and_bytes(void **state)
{
    (void)state;
    assert_true(str_equal(STR("a\0b"), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
    assert_false(str_equal(STR("a"), STR("ab")));
    assert_true(str_equal(STR_NONE, STR("")));
    assert_true(str_is(STR("abc"), "abc"));
    assert_false(str_is(STR("abc\0"), "abc"));
    assert_true(str_is(STR_NONE, NULL));
}

static void knows_both_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR_NONE));
    assert_false(str_starts(STR("abc"), STR("abcd")));
    assert_false(str_starts(STR("abc"), STR("b")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(STR_NONE, STR_NONE));
    assert_false(str_ends(STR("abc"), STR("ab")));
    assert_true(str_is(str_skip(STR("abc"), 3), ""));
}

static void trims_white_space(void **state)
{
    (void)state;
    assert_true(str_is(str_trim(STR(" \t\r\na b\n ")), "a b"));
    assert_true(str_is(str_trim(STR(" \n ")), ""));
    assert_true(str_is(str_trim(STR_NONE), ""));
    assert_true(str_is(str_trim(STR("\va")), "\va"));
}

static void finds_the_first_occurrence(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("abcabc"), STR("ca")), 2);
    assert_int_equal(str_find(STR("abcabc"), STR("c")), 2);
    assert_int_equal(str_find(STR("abc"), STR("d")), -1);
    assert_int_equal(str_find(STR("abc"), STR("abcd")), -1);
    assert_int_equal(str_find(STR("abc"), STR("")), 0);
    assert_int_equal(str_find(STR_NONE, STR("a")), -1);
    assert_int_equal(str_find(STR("a\0b"), STR("b")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_by_length_and_bytes),
        cmocka_unit_test(knows_both_ends),
        cmocka_unit_test(trims_white_space),
        cmocka_unit_test(finds_the_first_occurrence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
