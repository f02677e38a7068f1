// SPDX-License-Identifier: MIT
// The reader: what it takes and makes of it, what it refuses and how it says so, its ceilings.
#include "tests/unit/support/unit.h"

#include "core/base/json.h"

#include <math.h>

enum { MEMORY_MAX = 1 << 20 };

struct fixture {
    struct arena arena;
    struct err err;
    struct json *json;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, MEMORY_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

static const struct json *parse(struct fixture *f, struct str text)
{
    f->err.kind = ERR_NONE;
    if (!json_parse(&f->json, &f->arena, text, &f->err))
        fail_msg("%.*s: %s", STR_ARG(text), f->err.message);
    assert_int_equal(f->err.kind, ERR_NONE);
    return f->json;
}

static void assert_refused(struct fixture *f, struct str text, enum err_kind kind,
                           const char *message)
{
    f->json = NULL;
    assert_false(json_parse(&f->json, &f->arena, text, &f->err));
    assert_null(f->json);
    assert_int_equal(f->err.kind, kind);
    assert_string_equal(f->err.message, message);
}

static void assert_string(struct fixture *f, struct str text, struct str expected)
{
    const struct json *json = parse(f, text);
    assert_int_equal(json->type, JSON_STRING);
    assert_true(str_equal(json->string, expected));
}

static void assert_integer(struct fixture *f, struct str text, int64_t expected)
{
    const struct json *json = parse(f, text);
    assert_int_equal(json->type, JSON_INT);
    assert_true(json->integer == expected);
}

static void assert_real(struct fixture *f, struct str text, double expected)
{
    const struct json *json = parse(f, text);
    assert_int_equal(json->type, JSON_REAL);
    assert_true(json->real == expected && signbit(json->real) == signbit(expected));
}

static void reads_words(void **state)
{
    assert_int_equal(parse(*state, STR("null"))->type, JSON_NULL);
    assert_int_equal(parse(*state, STR(" true "))->type, JSON_BOOL);
    assert_true(parse(*state, STR("true"))->boolean);
    assert_int_equal(parse(*state, STR("false"))->type, JSON_BOOL);
    assert_false(parse(*state, STR("\t\r\nfalse\n"))->boolean);
}

static void reads_exact_integers(void **state)
{
    assert_integer(*state, STR("0"), 0);
    assert_integer(*state, STR("-0"), 0);
    assert_integer(*state, STR("-1"), -1);
    assert_integer(*state, STR("9007199254740993"), 9007199254740993);
    assert_integer(*state, STR("9223372036854775807"), INT64_MAX);
    assert_integer(*state, STR("-9223372036854775808"), INT64_MIN);
}

static void larger_integers_become_real(void **state)
{
    assert_real(*state, STR("9223372036854775808"), 9223372036854775808.0);
    assert_real(*state, STR("-9223372036854775809"), -9223372036854775808.0);
    assert_real(*state, STR("18446744073709551617"), 18446744073709551616.0); // wraps to 1
    assert_real(*state, STR("100000000000000000000000000000000000000001"), 1e41);
}

static void reads_reals(void **state)
{
    assert_real(*state, STR("1.0"), 1);
    assert_real(*state, STR("-0.0"), -0.0);
    assert_real(*state, STR("1e3"), 1000);
    assert_real(*state, STR("1E+3"), 1000);
    assert_real(*state, STR("25e-1"), 2.5);
    assert_real(*state, STR("0.1"), 0.1);
    assert_real(*state, STR("2.2250738585072014e-308"), 2.2250738585072014e-308);
    assert_real(*state, STR("4.9e-324"), 4.9e-324);
    assert_real(*state, STR("1e-999"), 0);
    assert_real(*state, STR("1.7976931348623157e308"), 1.7976931348623157e308);
}

// What follows the text in memory is none of it, even when it would go on with the number.
static void reads_numbers_at_the_very_end(void **state)
{
    assert_real(*state, str_from("1.55", 3), 1.5);
    assert_real(*state, str_from("15e-11", 5), 1.5);
    assert_real(*state, str_from("1.5e1", 3), 1.5);
    assert_real(*state, str_from("99999999999999999999.5", 20), 1e20);
    assert_integer(*state, str_from("123", 2), 12);
    assert_refused(*state, str_from("[0,1.5]", 6), ERR_PARAMS,
                   "JSON: expected ',' or ']' at byte 6");
}

static void strings_without_escapes_point_into_the_text(void **state)
{
    struct str text = STR("[\"h\xc3\xa9llo \x7f/\", \"\"]");
    const struct json *json = parse(*state, text);
    assert_ptr_equal(json->first->string.data, text.data + 2);
    assert_true(str_is(json->first->string, "h\xc3\xa9llo \x7f/"));
    assert_int_equal(json->first->next->string.len, 0);
}

static void unescapes_strings(void **state)
{
    assert_string(*state, STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR("\"\\/\b\f\n\r\t"));
    assert_string(*state, STR("\"a\\u0000b\""), STR("a\0b"));
    assert_string(*state, STR("\"\\u00e9\\u20AC\\uFFFF\""),
                  STR("\xc3\xa9\xe2\x82\xac\xef\xbf\xbf"));
    assert_string(*state, STR("\"x\\uD83D\\uDe00y\""), STR("x\xf0\x9f\x98\x80y"));
    assert_string(*state, STR("\"\\uDBFF\\uDFFF\""), STR("\xf4\x8f\xbf\xbf"));
    assert_string(*state, STR("\"\\\\u0041\""), STR("\\u0041"));
}

// The fast path looks at many bytes at a time: each kind of end is found at each place of them.
static void finds_the_end_of_a_string_anywhere(void **state)
{
    char text[80], expected[80];
    for (size_t len = 0; len < 60; len++) {
        text[0] = '"';
        memset(text + 1, 'a', sizeof text - 1);
        memset(expected, 'a', sizeof expected);
        text[len + 1] = '"';
        assert_string(*state, str_from(text, len + 2), str_from(expected, len));
        memcpy(text + len + 1, "\\n\"", 3);
        expected[len] = '\n';
        assert_string(*state, str_from(text, len + 4), str_from(expected, len + 1));
        memcpy(text + len + 1, "\xc3\xa9\"", 3);
        memcpy(expected + len, "\xc3\xa9", 2);
        assert_string(*state, str_from(text, len + 4), str_from(expected, len + 2));
        char message[100];
        text[len + 1] = '\x1f';
        snprintf(message, sizeof message,
                 "JSON: control character in a string (it must be escaped) at byte %zu", len + 1);
        assert_refused(*state, str_from(text, sizeof text), ERR_PARAMS, message);
        text[len + 1] = '\xff';
        snprintf(message, sizeof message, "JSON: invalid UTF-8 in a string at byte %zu", len + 1);
        assert_refused(*state, str_from(text, sizeof text), ERR_PARAMS, message);
    }
}

static void reads_arrays_and_objects(void **state)
{
    const struct json *json =
        parse(*state, STR(" { \"a\" : [ 1 , [ ] , { } ] , \"\" : null , \"\\u0062\" : \"c\" } "));
    assert_int_equal(json->type, JSON_OBJECT);
    assert_int_equal(json->count, 3);
    const struct json *a = json->first, *empty = a->next, *b = empty->next;
    assert_true(str_is(a->key, "a") && str_is(empty->key, "") && str_is(b->key, "b"));
    assert_null(b->next);
    assert_int_equal(a->type, JSON_ARRAY);
    assert_int_equal(a->count, 3);
    assert_int_equal(a->first->integer, 1);
    assert_int_equal(a->first->next->type, JSON_ARRAY);
    assert_int_equal(a->first->next->count, 0);
    assert_null(a->first->next->first);
    assert_int_equal(a->first->next->next->type, JSON_OBJECT);
    assert_null(a->first->next->next->next);
}

static void refuses_and_says_where(void **state)
{
    static const struct {
        struct str text;
        const char *message;
    } cases[] = {
        {STR(""), "JSON: expected a value at byte 0"},
        {STR(" \n"), "JSON: expected a value at byte 2"},
        {STR("nul"), "JSON: expected a value at byte 0"},
        {STR("[tru]"), "JSON: expected a value at byte 1"},
        {STR("[1,]"), "JSON: expected a value at byte 3"},
        {STR("[1 2]"), "JSON: expected ',' or ']' at byte 3"},
        {STR("[1"), "JSON: expected ',' or ']' at byte 2"},
        {STR("[1}"), "JSON: expected ',' or ']' at byte 2"},
        {STR("{"), "JSON: expected '\"', the start of a key, at byte 1"},
        {STR("{a:1}"), "JSON: expected '\"', the start of a key, at byte 1"},
        {STR("{\"a\":1,}"), "JSON: expected '\"', the start of a key, at byte 7"},
        {STR("{\"a\" 1}"), "JSON: expected ':' at byte 5"},
        {STR("{\"a\":}"), "JSON: expected a value at byte 5"},
        {STR("{\"a\":1 \"b\":2}"), "JSON: expected ',' or '}' at byte 7"},
        {STR("{\"a\":1]"), "JSON: expected ',' or '}' at byte 6"},
        {STR("1 2"), "JSON: expected nothing after the value at byte 2"},
        {STR("1\0"), "JSON: expected nothing after the value at byte 1"},
        {STR("\0"), "JSON: expected a value at byte 0"},
        {STR("1//"), "JSON: expected nothing after the value at byte 1"},
        {STR("/**/1"), "JSON: expected a value at byte 0"},
        {STR("\xef\xbb\xbf{}"), "JSON: expected a value at byte 0"},
        {STR("NaN"), "JSON: expected a value at byte 0"},
        {STR("Infinity"), "JSON: expected a value at byte 0"},
        {STR("-"), "JSON: expected a digit at byte 1"},
        {STR("-Infinity"), "JSON: expected a digit at byte 1"},
        {STR("+1"), "JSON: expected a value at byte 0"},
        {STR(".5"), "JSON: expected a value at byte 0"},
        {STR("5."), "JSON: expected a digit at byte 2"},
        {STR("5.e1"), "JSON: expected a digit at byte 2"},
        {STR("5e"), "JSON: expected a digit at byte 2"},
        {STR("5e+"), "JSON: expected a digit at byte 3"},
        {STR("[01]"), "JSON: expected no zero in front of a number at byte 1"},
        {STR("-012"), "JSON: expected no zero in front of a number at byte 1"},
        {STR("0x10"), "JSON: expected nothing after the value at byte 1"},
        {STR("[1e309]"), "JSON: number too large for a double at byte 1"},
        {STR("-1e309"), "JSON: number too large for a double at byte 0"},
        {STR("\"abc"), "JSON: expected '\"', the end of a string, at byte 4"},
        {STR("\"abc\\"), "JSON: expected '\"', the end of a string, at byte 5"},
        {STR("\"abc\\\""), "JSON: expected '\"', the end of a string, at byte 6"},
        {STR("'a'"), "JSON: expected a value at byte 0"},
        {STR("\"a\nb\""), "JSON: control character in a string (it must be escaped) at byte 2"},
        {STR("\"a\0b\""), "JSON: control character in a string (it must be escaped) at byte 2"},
        {STR("\"ab\\x\""), "JSON: expected one of \"\\/bfnrtu after a backslash at byte 3"},
        {STR("\"\\\xc3\xa9\""), "JSON: expected one of \"\\/bfnrtu after a backslash at byte 1"},
        {STR("\"\\u12g4\""), "JSON: expected four hexadecimal digits after \\u at byte 1"},
        {STR("\"a\\u123\""), "JSON: expected four hexadecimal digits after \\u at byte 2"},
        {STR("\"\\uD83D\""), "JSON: expected a surrogate pair, found half of one at byte 1"},
        {STR("\"\\uD83Dx\""), "JSON: expected a surrogate pair, found half of one at byte 1"},
        {STR("\"\\uD83D\\n\""), "JSON: expected a surrogate pair, found half of one at byte 1"},
        {STR("\"\\uD83D\\u0041\""), "JSON: expected a surrogate pair, found half of one at byte 1"},
        {STR("\"\\uD83D\\uD83D\""), "JSON: expected a surrogate pair, found half of one at byte 1"},
        {STR("\"\\uD83D\\uDE0\""), "JSON: expected a surrogate pair, found half of one at byte 1"},
        {STR("\"ab\\uDE00\""), "JSON: expected a surrogate pair, found half of one at byte 3"},
        {STR("\"\xed\xa0\x80\""), "JSON: invalid UTF-8 in a string at byte 1"},
        {STR("{\"\xff\":1}"), "JSON: invalid UTF-8 in a string at byte 2"},
        {STR("\"\xe2\x82\""), "JSON: invalid UTF-8 in a string at byte 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, cases[i].text, ERR_PARAMS, cases[i].message);
    assert_refused(*state, STR_NONE, ERR_PARAMS, "JSON: expected a value at byte 0");
}

static const char whole[] = "{\"id\": 17, \"method\": \"swarm/send\", \"params\": {\"text\": "
                            "\"a\\n\\ud83d\\ude00\\\"b\\u0000\","
                            " \"list\": [true, false, null, -1.5e-3, 0, "
                            "\"h\xc3\xa9\xf0\x9f\x98\x80\", [], {}, [[{\"x\": \"\"}]]]}}";

// No part of a document is one, none reads past its end, and the error lies within it.
static void refuses_every_beginning_of_a_document(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *exact = memcpy(malloc(len + !len), whole, len);
        arena_reset(&f->arena);
        assert_false(json_parse(&f->json, &f->arena, str_from(exact, len), &f->err));
        assert_int_equal(f->err.kind, ERR_PARAMS);
        const char *at = strstr(f->err.message, "at byte ");
        assert_non_null(at);
        assert_true(strtoul(at + strlen("at byte "), NULL, 10) <= len);
        free(exact);
    }
    char *exact = memcpy(malloc(sizeof whole - 1), whole, sizeof whole - 1);
    assert_int_equal(parse(f, str_from(exact, sizeof whole - 1))->count, 3);
    free(exact);
}

// With every ceiling from nothing up the answer is either ERR_LIMIT or the document.
static void respects_the_ceiling_of_the_arena(void **state)
{
    (void)state;
    bool accepted = false;
    for (size_t max = 0; max < 4096; max++) {
        struct fixture f = {0};
        char message[100];
        snprintf(message, sizeof message, "JSON: the document needs more than %zu bytes of memory",
                 max);
        arena_init(&f.arena, max);
        if (json_parse(&f.json, &f.arena, str_of(whole), &f.err)) {
            accepted = true;
        } else {
            assert_false(accepted);
            assert_int_equal(f.err.kind, ERR_LIMIT);
            assert_string_equal(f.err.message, message);
        }
        arena_release(&f.arena);
    }
    assert_true(accepted);
}

static struct str nested(char *text, int depth, const char *open, const char *close)
{
    char *at = text;
    for (int i = 0; i < depth; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, "1");
    for (int i = 0; i < depth; i++)
        at = stpcpy(at, close);
    return str_from(text, (size_t)(at - text));
}

static void caps_the_depth(void **state)
{
    char text[10 * JSON_DEPTH_MAX];
    parse(*state, nested(text, JSON_DEPTH_MAX, "[", "]"));
    parse(*state, nested(text, JSON_DEPTH_MAX, "{\"a\":", "}"));
    parse(*state, nested(text, JSON_DEPTH_MAX / 2, "[{\"a\":", "}]"));
    assert_refused(*state, nested(text, JSON_DEPTH_MAX + 1, "[", "]"), ERR_LIMIT,
                   "JSON: more than 128 arrays and objects inside each other at byte 128");
    assert_refused(*state, nested(text, JSON_DEPTH_MAX + 1, "{\"a\":", "}"), ERR_LIMIT,
                   "JSON: more than 128 arrays and objects inside each other at byte 640");
}

// Width is no depth.
static void takes_many_containers_beside_each_other(void **state)
{
    char text[3 * 1000 + 2] = "[";
    for (int i = 0; i < 1000; i++)
        strcpy(text + 1 + 3 * i, "[],");
    strcpy(text + 3 * 1000, "]");
    assert_int_equal(parse(*state, str_of(text))->count, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_exact_integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(larger_integers_become_real, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_reals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_numbers_at_the_very_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings_without_escapes_point_into_the_text, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(unescapes_strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_the_end_of_a_string_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_arrays_and_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_and_says_where, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_every_beginning_of_a_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(respects_the_ceiling_of_the_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(caps_the_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_many_containers_beside_each_other, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
