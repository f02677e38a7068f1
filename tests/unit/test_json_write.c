// SPDX-License-Identifier: MIT
// The writer: commas, escapes, numbers, trees, and what happens at the ceiling.
#include "tests/unit/support/unit.h"

#include "core/base/json.h"

#include <float.h>
#include <math.h>

struct fixture {
    struct buf out;
    struct json_writer w;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    buf_init(&f->out, 1 << 20);
    json_writer_init(&f->w, &f->out);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    buf_release(&f->out);
    free(f);
    return 0;
}

// What is written so far; the next assertion begins anew.
static void assert_written(struct fixture *f, const char *expected)
{
    assert_false(f->out.overflow);
    assert_string_equal(f->out.data, expected);
    assert_int_equal(f->out.len, strlen(expected));
    buf_clear(&f->out);
    json_writer_init(&f->w, &f->out);
}

static void write_all_kinds(struct json_writer *w)
{
    json_begin_object(w);
    json_add_str(w, "s", STR("x\"y"));
    json_add_cstr(w, "c", "z");
    json_add_cstr(w, "none", NULL);
    json_add_int(w, "i", -1);
    json_add_real(w, "r", 0.5);
    json_add_bool(w, "t", true);
    json_add_bool(w, "f", false);
    json_add_null(w, "n");
    json_add_raw(w, "raw", STR("[ 1 ]"));
    json_key(w, "a");
    json_begin_array(w);
    json_put_int(w, 1);
    json_put_str(w, STR(""));
    json_begin_object(w);
    json_end_object(w);
    json_begin_array(w);
    json_end_array(w);
    json_put_null(w);
    json_put_bool(w, true);
    json_put_real(w, 1);
    json_put_raw(w, STR("{}"));
    json_end_array(w);
    json_add_int(w, "last", 2);
    json_end_object(w);
}

static const char all_kinds[] =
    "{\"s\":\"x\\\"y\",\"c\":\"z\",\"none\":null,\"i\":-1,\"r\":0.5,\"t\":true,\"f\":false,"
    "\"n\":null,\"raw\":[ 1 ],\"a\":[1,\"\",{},[],null,true,1.0,{}],\"last\":2}";

static void puts_the_commas(void **state)
{
    struct fixture *f = *state;
    write_all_kinds(&f->w);
    assert_written(f, all_kinds);
}

static void escapes_only_what_must_be(void **state)
{
    struct fixture *f = *state;
    json_put_str(&f->w, STR("\"\\/\b\f\n\r\t\x7f"));
    assert_written(f, "\"\\\"\\\\/\\b\\f\\n\\r\\t\x7f\"");
    json_put_str(&f->w, STR("\0\x01\x1f h\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"));
    assert_written(f, "\"\\u0000\\u0001\\u001f h\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"");
    json_put_str(&f->w, STR_NONE);
    assert_written(f, "\"\"");
}

// Runs are copied many bytes at a time: an escape is seen at each place of them.
static void escapes_anywhere(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 1; len < 50; len++)
        for (size_t at = 0; at < len; at++) {
            char *text = memset(malloc(len), 'a', len), expected[64] = "\"";
            text[at] = '\n';
            memset(expected + 1, 'a', len + 1);
            memcpy(expected + 1 + at, "\\n", 2);
            memcpy(expected + len + 2, "\"", 2);
            json_put_str(&f->w, str_from(text, len));
            assert_written(f, expected);
            free(text);
        }
}

static void repairs_what_is_not_utf8(void **state)
{
    struct fixture *f = *state;
    json_put_str(&f->w, STR("a\xff\n\xe2\x82z\xed\xa0\x80"));
    assert_written(f, "\"a\xef\xbf\xbd\\n\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void writes_the_shortest_number_that_reads_back(void **state)
{
    struct fixture *f = *state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e15, "1e+15"},
        {123456789012345, "123456789012345.0"},
        {1e300, "1e+300"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {4.9406564584124654e-324, "4.94065645841247e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_put_real(&f->w, cases[i].value);
        assert_written(f, cases[i].text);
    }
    json_put_int(&f->w, INT64_MIN);
    assert_written(f, "-9223372036854775808");
    json_put_int(&f->w, INT64_MAX);
    assert_written(f, "9223372036854775807");
}

static void writes_trees_as_they_were_read(void **state)
{
    struct fixture *f = *state;
    struct arena arena;
    struct json *json = NULL;
    struct err err;
    arena_init(&arena, 1 << 16);
    static const char text[] = "{\"k\\\"\\n\":[1,1.0,\"\\u0000\",{\"\":null}],\"b\":true,\"b\":[]}";
    assert_true(json_parse(&json, &arena, str_of(text), &err));
    json_begin_array(&f->w);
    json_put_tree(&f->w, json);
    json_put_tree(&f->w, NULL);
    json_put_tree(&f->w, json_get(json, "b"));
    json_end_array(&f->w);
    char expected[200];
    snprintf(expected, sizeof expected, "[%s,null,[]]", text);
    assert_written(f, expected);
    arena_release(&arena);
}

static void caps_the_depth_of_trees(void **state)
{
    struct fixture *f = *state;
    struct json nodes[JSON_DEPTH_MAX + 1] = {0};
    for (int i = 0; i <= JSON_DEPTH_MAX; i++) {
        nodes[i].type = JSON_ARRAY;
        nodes[i].first = i < JSON_DEPTH_MAX ? &nodes[i + 1] : NULL;
    }
    json_put_tree(&f->w, &nodes[1]);
    assert_false(f->out.overflow);
    assert_int_equal(f->out.len, 2 * JSON_DEPTH_MAX);
    json_put_tree(&f->w, &nodes[0]);
    assert_true(f->out.overflow);
}

// With every ceiling: all of it, or the flag and a beginning of it.
static void overflow_shows_at_every_length(void **state)
{
    (void)state;
    for (size_t max = 0; max < sizeof all_kinds + 2; max++) {
        struct buf out;
        struct json_writer w;
        buf_init(&out, max);
        json_writer_init(&w, &out);
        write_all_kinds(&w);
        assert_int_equal(out.overflow, max < sizeof all_kinds - 1);
        if (out.overflow)
            assert_true(out.len == 0 || memcmp(out.data, all_kinds, out.len) == 0);
        else
            assert_string_equal(out.data, all_kinds);
        buf_release(&out);
    }
}

static void overflow_shows_while_repairing(void **state)
{
    (void)state;
    struct buf out;
    struct json_writer w;
    buf_init(&out, 8); // two replacements would fit, three do not
    json_writer_init(&w, &out);
    json_put_str(&w, STR("\xff\xff\xff"));
    assert_true(out.overflow);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(puts_the_commas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(escapes_only_what_must_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(escapes_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repairs_what_is_not_utf8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_the_shortest_number_that_reads_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(writes_trees_as_they_were_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(caps_the_depth_of_trees, set_up, tear_down),
        cmocka_unit_test(overflow_shows_at_every_length),
        cmocka_unit_test(overflow_shows_while_repairing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
