// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/err.h"
#include "core/base/utf8.h"

#include <errno.h>

static void says_what_failed(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(err_set(&err, ERR_DIRTY, "%s: %d files", "main", 3));
    assert_int_equal(err.kind, ERR_DIRTY);
    assert_string_equal(err.message, "main: 3 files");
    assert_false(err_wrap(&err, "cannot merge %s", "a-1"));
    assert_int_equal(err.kind, ERR_DIRTY);
    assert_string_equal(err.message, "cannot merge a-1: main: 3 files");
    assert_false(err_set_errno(&err, ERR_STORAGE, ENOENT, "%s", "/x/y"));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_string_equal(err.message, "/x/y: No such file or directory");
}

static void may_format_its_own_message(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_DIRTY, "inner");
    err_set(&err, ERR_CONFLICT, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
    err_wrap(&err, "again %s", err.message);
    assert_string_equal(err.message, "again outer (inner): outer (inner)");
}

static void marks_messages_that_are_cut(void **state)
{
    (void)state;
    char text[2 * ERR_MESSAGE_MAX];
    for (size_t len = ERR_MESSAGE_MAX - 10; len < sizeof text; len++) {
        struct err err = {0};
        memset(text, 'a', len);
        text[len] = '\0';
        err_set(&err, ERR_LIMIT, "%s", text);
        if (len < ERR_MESSAGE_MAX) {
            assert_string_equal(err.message, text);
        } else {
            assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
            assert_string_equal(err.message + ERR_MESSAGE_MAX - 5, "a...");
        }
        err_wrap(&err, "%s", text);
        assert_int_equal(strlen(err.message), ERR_MESSAGE_MAX - 1);
        assert_string_equal(err.message + ERR_MESSAGE_MAX - 4, "...");
        err_set_errno(&err, ERR_LIMIT, ENOENT, "%s", text);
        assert_string_equal(err.message + ERR_MESSAGE_MAX - 4, "...");
    }
}

static void does_not_cut_letters(void **state)
{
    (void)state;
    struct err err = {0};
    for (int shift = 0; shift < 4; shift++) {
        char text[1000] = "xxx";
        for (size_t at = (size_t)shift; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "\xf0\x9f\x98\x80", 5);
        err_set(&err, ERR_LIMIT, "%s", text);
        assert_true(utf8_is_valid(str_of(err.message)));
        assert_true(strlen(err.message) > ERR_MESSAGE_MAX - 8);
    }
}

static void names_and_kinds_agree(void **state)
{
    (void)state;
    for (int kind = ERR_PARAMS; kind < ERR_KIND_COUNT; kind++) {
        const char *name = err_kind_name((enum err_kind)kind);
        assert_true(strlen(name) > 0);
        assert_int_equal(err_kind_from_name(name), kind);
    }
    assert_string_equal(err_kind_name(ERR_NONE), "");
    assert_string_equal(err_kind_name(ERR_UNKNOWN_AGENT), "unknownAgent");
    assert_string_equal(err_kind_name(ERR_RATE_LIMITED), "rateLimited");
    assert_string_equal(err_kind_name(ERR_KIND_COUNT), "");
    assert_string_equal(err_kind_name((enum err_kind)1000), "");
    assert_int_equal(err_kind_from_name("tomorrow's kind"), ERR_PROVIDER);
    assert_int_equal(err_kind_from_name(""), ERR_PROVIDER);
    assert_int_equal(err_kind_from_name(NULL), ERR_PROVIDER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_failed),
        cmocka_unit_test(may_format_its_own_message),
        cmocka_unit_test(marks_messages_that_are_cut),
        cmocka_unit_test(does_not_cut_letters),
        cmocka_unit_test(names_and_kinds_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
