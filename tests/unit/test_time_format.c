// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/time_format.h"

#include <time.h>

static void assert_text(int64_t ms, const char *expected)
{
    char text[TIME_TEXT_MAX];
    time_format(ms, text);
    assert_string_equal(text, expected);
}

static void writes_utc_with_milliseconds(void **state)
{
    (void)state;
    assert_text(0, "1970-01-01T00:00:00.000Z");
    assert_text(-1, "1969-12-31T23:59:59.999Z");
    assert_text(951782400000, "2000-02-29T00:00:00.000Z");
    assert_text(1767323045678, "2026-01-02T03:04:05.678Z");
}

static void clamps_to_four_digit_years(void **state)
{
    (void)state;
    assert_text(INT64_MAX, "9999-12-31T23:59:59.999Z");
    assert_text(INT64_MIN, "0000-01-01T00:00:00.000Z");
}

static void agrees_with_the_c_library_on_every_day(void **state)
{
    (void)state;
    for (int64_t day = -150000; day < 150000; day++) {
        int64_t ms = day * 86400000 + 45296789;
        time_t seconds = (time_t)(day * 86400 + 45296);
        struct tm tm;
        char text[TIME_TEXT_MAX], expected[TIME_TEXT_MAX + 8];
        gmtime_r(&seconds, &tm);
        size_t len = strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
        memcpy(expected + len, ".789Z", 6);
        time_format(ms, text);
        assert_string_equal(text, expected);
        int64_t back = 0;
        assert_true(time_parse(str_of(text), &back));
        assert_int_equal(back, ms);
    }
}

static void reads_offsets_and_fractions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"2026-01-02T03:04:05Z", 1767323045000},
        {"2026-01-02t03:04:05.6z", 1767323045600},
        {"2026-01-02 03:04:05.678901234Z", 1767323045678},
        {"2026-01-02T05:34:05.678+02:30", 1767323045678},
        {"2026-01-01T19:04:05.678-08:00", 1767323045678},
        {"2016-12-31T23:59:60Z", 1483228800000},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t ms = 0;
        assert_true(time_parse(str_of(good[i].text), &ms));
        assert_int_equal(ms, good[i].ms);
    }
}

static void refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "now",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-13-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05ZZ",
        "+026-01-02T03:04:05Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ms = 42;
        assert_false(time_parse(str_of(bad[i]), &ms));
        assert_int_equal(ms, 42);
    }
    assert_false(time_parse(str_from("2026-01-02\0003:04:05Z", 20), &(int64_t){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_utc_with_milliseconds),
        cmocka_unit_test(clamps_to_four_digit_years),
        cmocka_unit_test(agrees_with_the_c_library_on_every_day),
        cmocka_unit_test(reads_offsets_and_fractions),
        cmocka_unit_test(refuses_what_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
