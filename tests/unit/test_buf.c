// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"

static void assert_holds(const struct buf *buf, const char *text)
{
    assert_true(str_is(buf_str(buf), text));
    assert_int_equal(buf->data[buf->len], '\0');
}

static void starts_empty_without_memory(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    buf_add(&buf, "", 0);
    buf_add_str(&buf, STR_NONE);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_false(buf.overflow);
    buf_remove_front(&buf, 0);
    buf_truncate(&buf, 0);
    buf_clear(&buf);
    buf_release(&buf);
}

static void appends_each_kind(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    buf_add_str(&buf, STR("a"));
    buf_add_char(&buf, '\0');
    buf_add(&buf, "bc", 2);
    assert_true(str_equal(buf_str(&buf), STR("a\0bc")));
    buf_clear(&buf);
    assert_holds(&buf, "");
    buf_add_int(&buf, 0);
    buf_add_char(&buf, ' ');
    buf_add_int(&buf, -7);
    buf_addf(&buf, " %s %d", "x", 12);
    buf_addf(&buf, "%s", "");
    assert_holds(&buf, "0 -7 x 12");
    buf_release(&buf);
}

static void writes_the_extreme_integers(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_add_int(&buf, INT64_MAX);
    buf_add_char(&buf, ' ');
    buf_add_int(&buf, INT64_MIN);
    assert_holds(&buf, "9223372036854775807 -9223372036854775808");
    buf_release(&buf);
}

static void takes_exactly_its_ceiling(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max++) {
        struct buf buf;
        buf_init(&buf, max);
        for (size_t i = 0; i < max; i++)
            buf_add_char(&buf, (char)('a' + i % 26));
        assert_false(buf.overflow);
        assert_int_equal(buf.len, max);
        buf_add_char(&buf, 'x');
        assert_true(buf.overflow);
        assert_int_equal(buf.len, max);
        buf_release(&buf);
        assert_int_equal(buf.max, max);
        assert_false(buf.overflow);
    }
}

static void overflow_appends_nothing_until_cleared(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    buf_add_str(&buf, STR("abc"));
    buf_add_str(&buf, STR("def"));
    assert_true(buf.overflow);
    buf_add_char(&buf, 'd'); // would fit, but then the text would have a hole
    buf_addf(&buf, "%d", 1);
    buf_add_int(&buf, 1);
    assert_false(buf_reserve(&buf, 0));
    assert_holds(&buf, "abc");
    buf_clear(&buf);
    buf_addf(&buf, "%s", "fghij");
    assert_false(buf.overflow);
    assert_holds(&buf, "fghij");
    buf_clear(&buf);
    buf_addf(&buf, "%s", "fghijk");
    assert_true(buf.overflow);
    assert_holds(&buf, "");
    buf_release(&buf);
}

static void refuses_lengths_that_wrap(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, SIZE_MAX);
    buf_add_str(&buf, STR("abc"));
    assert_false(buf_reserve(&buf, SIZE_MAX));
    buf_clear(&buf);
    buf_add_str(&buf, STR("abc"));
    assert_false(buf_reserve(&buf, SIZE_MAX - 3));
    assert_holds(&buf, "abc");
    buf_release(&buf);
}

static void removes_from_both_ends(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_add_str(&buf, STR("one two three"));
    buf_remove_front(&buf, 4);
    assert_holds(&buf, "two three");
    buf_truncate(&buf, 3);
    assert_holds(&buf, "two");
    buf_remove_front(&buf, 3);
    assert_holds(&buf, "");
    buf_release(&buf);
}

static void gives_its_bytes_away(void **state)
{
    (void)state;
    struct buf buf;
    size_t len = 99;
    buf_init(&buf, 100);
    char *nothing = buf_detach(&buf, &len);
    assert_string_equal(nothing, "");
    assert_int_equal(len, 0);
    buf_add_str(&buf, STR("text"));
    char *text = buf_detach(&buf, NULL);
    assert_null(buf.data);
    buf_add_str(&buf, STR("other"));
    assert_string_equal(text, "text");
    assert_holds(&buf, "other");
    mem_free(nothing);
    mem_free(text);
    buf_release(&buf);
}

// What is read with the sanitizer on: the last reference frees, no other one does.
static void shared_bytes_live_until_the_last_reference(void **state)
{
    (void)state;
    char original[] = "a\0b";
    struct shared *shared = shared_new(str_from(original, 3));
    memset(original, 'x', sizeof original);
    struct shared *second = shared_ref(shared);
    shared_unref(shared);
    assert_true(str_equal(shared_str(second), STR("a\0b")));
    assert_int_equal(second->data[3], '\0');
    shared_unref(second);
    shared_unref(NULL);
    struct shared *empty = shared_new(STR_NONE);
    assert_int_equal(shared_str(empty).len, 0);
    shared_unref(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty_without_memory),
        cmocka_unit_test(appends_each_kind),
        cmocka_unit_test(writes_the_extreme_integers),
        cmocka_unit_test(takes_exactly_its_ceiling),
        cmocka_unit_test(overflow_appends_nothing_until_cleared),
        cmocka_unit_test(refuses_lengths_that_wrap),
        cmocka_unit_test(removes_from_both_ends),
        cmocka_unit_test(gives_its_bytes_away),
        cmocka_unit_test(shared_bytes_live_until_the_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
