// SPDX-License-Identifier: MIT
// What comes from outside is shown harmlessly; paths become file: URIs and come back.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/uri.h"

static void expect_repair(struct str in, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    text_repair(&out, in);
    assert_string_equal(out.len ? out.data : "", want);
    buf_release(&out);
}

static void bytes_become_text(void **state)
{
    (void)state;
    expect_repair(STR(""), "");
    expect_repair(STR("plain \xC3\xA4\n"), "plain \xC3\xA4\n");
    expect_repair(STR("a\0b"), "a\xEF\xBF\xBD"
                               "b");
    expect_repair(STR("\0"), "\xEF\xBF\xBD");
    expect_repair(STR("x\xFFy"), "x\xEF\xBF\xBDy");
}

static void expect_line(struct str in, size_t max, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    text_one_line(&out, in, max);
    assert_string_equal(out.len ? out.data : "", want);
    assert_true(out.len <= max);
    buf_release(&out);
}

static void anything_becomes_one_line(void **state)
{
    (void)state;
    expect_line(STR(""), 20, "");
    expect_line(STR("  make\n\ttest \n"), 20, "make test");
    expect_line(STR("a\x1b[31mb\x7f"), 20, "a\xEF\xBF\xBD[31mb\xEF\xBF\xBD");
    expect_line(STR("a\xE2\x80\xAE"
                    "b"),
                20,
                "a\xEF\xBF\xBD"
                "b");
    expect_line(STR("12345678901234567890"), 20, "12345678901234567890");
    expect_line(STR("123456789012345678901"), 20, "12345678901234567...");
    expect_line(STR("1234567890123456\xC3\xA4xyzv"), 20, "1234567890123456...");
    char *huge = mem_new(100001);
    memset(huge, ' ', 100000);
    huge[0] = 'a';
    huge[99999] = 'b';
    struct buf out;
    buf_init(&out, 1000);
    text_one_line(&out, str_of(huge), 20);
    assert_true(out.len <= 20);
    buf_release(&out);
    mem_free(huge);
}

static void names_keep_their_spaces(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    text_name(&out, STR("two  spaces\nand \xFF"));
    assert_string_equal(out.data, "two  spaces\xEF\xBF\xBD"
                                  "and \xEF\xBF\xBD");
    buf_release(&out);
}

static void lines_keep_their_layout_and_nothing_that_drives_a_terminal(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    text_lines(&out, STR("a\tb\r\nc\rd\x1B[2J\x9B\xC2\x9B\xE2\x80\xAE\xC3\xA4\n"));
    assert_string_equal(out.data, "a\tb\r\nc\xEF\xBF\xBD"
                                  "d\xEF\xBF\xBD[2J\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA4\n");
    buf_release(&out);
}

static void expect_uri(const char *path, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    uri_add_path(&out, str_of(path));
    assert_string_equal(out.data, want);
    char *back = uri_to_path(buf_str(&out));
    assert_string_equal(back, path);
    mem_free(back);
    buf_release(&out);
}

static void paths_become_uris(void **state)
{
    (void)state;
    expect_uri("/", "file:///");
    expect_uri("/home/a b/\xC3\xA4#?%", "file:///home/a%20b/%C3%A4%23%3F%25");
}

static void expect_path(const char *uri, const char *want)
{
    char *path = uri_to_path(str_of(uri));
    if (want)
        assert_string_equal(path, want);
    else
        assert_null(path);
    mem_free(path);
}

static void uris_become_paths(void **state)
{
    (void)state;
    expect_path("file:/etc/x", "/etc/x");
    expect_path("FILE://localhost/etc/x", "/etc/x");
    expect_path("file:///a%2fb%2F", "/a/b/");
    expect_path("file://elsewhere/etc", NULL);
    expect_path("file:////etc", NULL);
    expect_path("file:etc", NULL);
    expect_path("file:", NULL);
    expect_path("http:///x", NULL);
    expect_path("file:///x%", NULL);
    expect_path("file:///x%2", NULL);
    expect_path("file:///x%zz", NULL);
    expect_path("file:///x%00", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_text),
        cmocka_unit_test(anything_becomes_one_line),
        cmocka_unit_test(names_keep_their_spaces),
        cmocka_unit_test(paths_become_uris),
        cmocka_unit_test(lines_keep_their_layout_and_nothing_that_drives_a_terminal),
        cmocka_unit_test(uris_become_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
