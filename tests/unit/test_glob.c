// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/glob.h"
#include "core/base/mem.h"

static void expect(const char *pattern, const char *text, unsigned flags, bool want)
{
    if (glob_match(str_of(pattern), str_of(text), flags) != want)
        fail_msg("%s %s %s", pattern, want ? "does not match" : "matches", text);
}

static void names_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool want;
    } cases[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"", "", true},
        {"", "a", false},
        {"?", "a", true},
        {"?", "", false},
        {"*", "", true},
        {"*", "abc", true},
        {"a*c", "abbc", true},
        {"a*c", "abbd", false},
        {"*.c", "x.c", true},
        {"*.c", ".c", true},
        {"*.c", "x.cc", false},
        {"a*b*c", "aXbYbZc", true},
        {"a**c", "abc", true},
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[!abc]", "d", true},
        {"[^abc]", "a", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[]]", "]", true},
        {"[]a]", "a", true},
        {"[!]]", "]", false},
        {"[a-]", "-", true},
        {"[\\]]", "]", true},
        {"[", "[", false},
        {"[a", "a", false},
        {"[[:digit:]]", "7", true},
        {"[[:digit:]]", "x", false},
        {"[[:alpha:]_]", "_", true},
        {"[[:nope:]]", "n", false},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"a\\", "a\\", false},
        {"\\a", "a", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect(cases[i].pattern, cases[i].text, 0, cases[i].want);
        expect(cases[i].pattern, cases[i].text, GLOB_PATH, cases[i].want);
        expect(cases[i].pattern, cases[i].text, GLOB_PATH | GLOB_CODE_POINT, cases[i].want);
    }
}

static void paths_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool want;
    } cases[] = {
        {"*", "a/b", false},
        {"?", "/", false},
        {"[/]", "/", false},
        {"a/*", "a/b", true},
        {"a/*", "a/b/c", false},
        {"**", "a/b/c", true},
        {"**/c", "c", true},
        {"**/c", "a/b/c", true},
        {"**/c", "a/bc", false},
        {"a/**", "a/b", true},
        {"a/**", "a", false},
        {"a/**/c", "a/c", true},
        {"a/**/c", "a/x/y/c", true},
        {"a/**/c", "ac", false},
        {"a/**/b/*.c", "a/x/b/y.c", true},
        {"**/a/**/b", "x/a/y/b", true},
        {"**/a*/b", "a/x/ab/b", true},
        {"a**/b", "a/b", true},
        {"a**/b", "a/x/b", false},
        {"***/c", "a/b/c", true},
        {"**/*.c", "x/y.c", true},
        {"*/*", "a/b", true},
        {"*a/b", "xxa/b", true},
        {"**/**/b", "b", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(cases[i].pattern, cases[i].text, GLOB_PATH, cases[i].want);
    expect("*", "a/b", 0, true);
    expect("a?b", "a/b", 0, true);
}

static void code_points_count_as_one(void **state)
{
    (void)state;
    expect("?", "\xC3\xA4", GLOB_CODE_POINT, true);
    expect("?", "\xC3\xA4", 0, false);
    expect("??", "\xC3\xA4", 0, true);
    expect("[\xC3\xA4\xC3\xB6]x", "\xC3\xB6x", GLOB_CODE_POINT, true);
    expect("[\xC3\xA0-\xC3\xBF]", "\xC3\xA4", GLOB_CODE_POINT, true);
    expect("[\xC3\xA0-\xC3\xBF]", "z", GLOB_CODE_POINT, false);
    expect("?", "\xFF", GLOB_CODE_POINT, true);
    expect("*?", "\xF0\x9F\x98\x80", GLOB_CODE_POINT, true);
    expect("a*??", "a\xF0\x9F\x98\x80", GLOB_CODE_POINT, false);
}

static void no_pattern_takes_long(void **state)
{
    (void)state;
    struct buf pattern, text;
    buf_init(&pattern, GLOB_PATTERN_MAX + 10);
    buf_init(&text, 5000);
    for (int i = 0; i < 4000; i++)
        buf_add_char(&text, i % 2 ? '/' : 'a');
    buf_add_char(&text, 'b');
    for (int i = 0; i < 500; i++)
        buf_add_str(&pattern, STR("**/*a"));
    buf_add_str(&pattern, STR("**/c"));
    for (unsigned flags = 0; flags < 4; flags++)
        assert_false(glob_match(buf_str(&pattern), buf_str(&text), flags));
    buf_clear(&pattern);
    for (int i = 0; i < 2000; i++)
        buf_add_str(&pattern, STR("[!"));
    assert_false(glob_match(buf_str(&pattern), buf_str(&text), GLOB_PATH));
    buf_clear(&pattern);
    for (int i = 0; i < GLOB_PATTERN_MAX; i++)
        buf_add_char(&pattern, '*');
    assert_true(glob_match(buf_str(&pattern), buf_str(&text), GLOB_PATH));
    buf_add_char(&pattern, '*');
    assert_false(glob_match(buf_str(&pattern), buf_str(&text), GLOB_PATH));
    buf_release(&pattern);
    buf_release(&text);
}

static void expect_glob(const char *pattern, const char *path, bool want)
{
    struct glob glob;
    struct err err = {0};
    if (!glob_init(&glob, str_of(pattern), &err))
        fail_msg("%s", err.message);
    if (glob_matches(&glob, str_of(path)) != want)
        fail_msg("%s %s %s", pattern, want ? "does not match" : "matches", path);
    glob_release(&glob);
}

static void braces_are_choices(void **state)
{
    (void)state;
    expect_glob("*.{c,h}", "a/b.h", true);
    expect_glob("*.{c,h}", "a/b.x", false);
    expect_glob("{a,b}/{c,d}", "b/c", true);
    expect_glob("{a,b}/{c,d}", "c/b", false);
    expect_glob("x{,y}", "x", true);
    expect_glob("x{,y}", "xy", true);
    expect_glob("{a,{b,c}d}", "cd", true);
    expect_glob("{a{b,c}}", "{ac}", true);
    expect_glob("{a}", "{a}", true);
    expect_glob("a{b", "a{b", true);
    expect_glob("a,b}", "a,b}", true);
    expect_glob("\\{a,b}", "{a,b}", true);
    expect_glob("./src/*.c", "src/a.c", true);
    expect_glob("*.c", "deep/down/a.c", true);
    expect_glob("/*.c", "a.c", false);
}

static void bad_patterns_are_refused(void **state)
{
    (void)state;
    struct glob glob;
    struct err err = {0};
    char *long_pattern = mem_new(GLOB_PATTERN_MAX + 2);
    memset(long_pattern, 'a', GLOB_PATTERN_MAX + 1);
    assert_false(glob_init(&glob, STR(""), &err));
    assert_false(glob_init(&glob, STR("./"), &err));
    assert_false(glob_init(&glob, STR("a\0b"), &err));
    assert_false(glob_init(&glob, str_of(long_pattern), &err));
    assert_non_null(strstr(err.message, "longer than 4096"));
    assert_true(glob_init(&glob, STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), &err));
    assert_int_equal(glob.count, 64);
    glob_release(&glob);
    assert_false(glob_init(&glob, STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"), &err));
    assert_non_null(strstr(err.message, "more than 64 patterns"));
    memset(long_pattern, ',', 1000);
    long_pattern[0] = '{';
    long_pattern[1000] = '}';
    long_pattern[1001] = '\0';
    assert_false(glob_init(&glob, str_of(long_pattern), &err));
    for (int i = 0; i < 800; i++)
        memcpy(long_pattern + i * 5, "{a,b}", 5);
    long_pattern[4000] = '\0';
    assert_false(glob_init(&glob, str_of(long_pattern), &err));
    memset(long_pattern, '{', 2000);
    memset(long_pattern + 2000, '}', 2000);
    assert_true(glob_init(&glob, str_of(long_pattern), &err));
    glob_release(&glob);
    mem_free(long_pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match),
        cmocka_unit_test(paths_match),
        cmocka_unit_test(code_points_count_as_one),
        cmocka_unit_test(no_pattern_takes_long),
        cmocka_unit_test(braces_are_choices),
        cmocka_unit_test(bad_patterns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
