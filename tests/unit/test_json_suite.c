// SPDX-License-Identifier: MIT
// What any reader of RFC 8259 must take and must refuse, by the sections of its grammar, and
// what this one chooses where the RFC leaves the choice. Each text is tried alone, with white
// space around it, inside an array and as a member's value: a place shall make no difference.
#include "tests/unit/support/unit.h"

#include "core/base/json.h"

enum { MEMORY_MAX = 1 << 20, TEXT_MAX = 1024 };

static bool accepts(struct str text)
{
    struct arena arena;
    struct json *json = NULL;
    struct err err = {0};
    char *exact = text.len ? memcpy(malloc(text.len), text.data, text.len) : NULL;
    arena_init(&arena, MEMORY_MAX);
    bool accepted = json_parse(&json, &arena, str_from(exact, text.len), &err);
    assert_true(accepted ? json != NULL : err.kind != ERR_NONE && err.message[0]);
    arena_release(&arena);
    free(exact);
    return accepted;
}

static void check(struct str text, bool expected)
{
    static const struct {
        struct str before, after;
    } places[] = {
        {STR(""), STR("")},         {STR(" \t\r\n"), STR(" \t\r\n")},
        {STR("["), STR("]")},       {STR("[0,"), STR(",0]")},
        {STR("{\"k\":"), STR("}")}, {STR("{\"k\": "), STR(" ,\"l\":[]}")},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char whole[TEXT_MAX];
        struct str parts[] = {places[i].before, text, places[i].after};
        size_t len = 0;
        for (int p = 0; p < 3; p++) {
            assert_true(len + parts[p].len <= sizeof whole);
            if (parts[p].len)
                memcpy(whole + len, parts[p].data, parts[p].len);
            len += parts[p].len;
        }
        if (accepts(str_from(whole, len)) != expected)
            fail_msg("%s: %.*s", expected ? "refused" : "accepted", (int)len, whole);
    }
}

#define CHECK_ALL(table, expected)                                                                 \
    for (size_t n = 0; n < sizeof(table) / sizeof *(table); n++)                                   \
    check((table)[n], expected)

static void takes_numbers(void **state)
{
    (void)state;
    static const struct str yes[] = {
        STR("0"),
        STR("-0"),
        STR("1"),
        STR("-1"),
        STR("10"),
        STR("1234567890"),
        STR("0.0"),
        STR("-0.0"),
        STR("0.5"),
        STR("-1.25"),
        STR("1e5"),
        STR("1E5"),
        STR("1e+5"),
        STR("1e-5"),
        STR("0e0"),
        STR("0e+1"),
        STR("0E-00"),
        STR("1.5e007"),
        STR("-1.5E-3"),
        STR("1e00"),
        STR("123456789012345678901234567890"),
        STR("-123456789012345678901234567890"),
        STR("0.000000000000000000000000000000000000000000000000000000000000000000001"),
        STR("1e-400"),
        STR("100000000000000000000000e-30"),
    };
    CHECK_ALL(yes, true);
}

static void refuses_what_only_looks_like_a_number(void **state)
{
    (void)state;
    static const struct str no[] = {
        STR("+1"),
        STR("++1"),
        STR("--1"),
        STR("-"),
        STR("- 1"),
        STR("-a"),
        STR("01"),
        STR("-01"),
        STR("00"),
        STR("-00"),
        STR("00.5"),
        STR(".5"),
        STR("-.5"),
        STR("5."),
        STR("-5."),
        STR("5.e3"),
        STR("5..3"),
        STR("5.3.1"),
        STR("5e"),
        STR("5E"),
        STR("5e+"),
        STR("5e-"),
        STR("5e+-1"),
        STR("5ee1"),
        STR("5e1.5"),
        STR("5e1e1"),
        STR("0x1F"),
        STR("0b1"),
        STR("0o7"),
        STR("1_000"),
        STR("1 000"),
        STR("1f"),
        STR("1L"),
        STR("1a"),
        STR("0e"),
        STR("0.e1"),
        STR("0.5e"),
        STR("1/2"),
        STR("1+1"),
        STR("1-1"),
        STR("NaN"),
        STR("-NaN"),
        STR("nan"),
        STR("Infinity"),
        STR("-Infinity"),
        STR("inf"),
        STR("1,5x"),
        STR("1\0"),
        STR("1\xff"),
        STR("\xef\xbc\x91"),
        STR("1e\xef\xbc\x91"),
        STR("-\0"
            "1"),
        STR("1e999"),
        STR("-1e999"),
        STR("e1"),
    };
    CHECK_ALL(no, false);
}

static void takes_strings(void **state)
{
    (void)state;
    static const struct str yes[] = {
        STR("\"\""),
        STR("\" \""),
        STR("\"plain\""),
        STR("\"'\""),
        STR("\"/\""),
        STR("\"\x7f\""),
        STR("\"// no comment /* either */\""),
        STR("\"[{,:}]\""),
        STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        STR("\"\\\\n\""),
        STR("\"\\\\\\\"\""),
        STR("\"\\u0000\\u001f\\u0020\\u007f\\u0080\""),
        STR("\"\\uabcd\\uABCD\\uef01\""),
        STR("\"\\ud7ff\\ue000\\ufffe\\uffff\""),
        STR("\"\\ud800\\udc00\\uDBFF\\uDFFF\""),
        STR("\"\\\\ud800\""),
        STR("\"\\u005C\\u0022\""),
        STR("\"\xc2\x80\xdf\xbf\""),
        STR("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
        STR("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
        STR("\"\xef\xbb\xbf inside\""),
        STR("\"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\""),
    };
    CHECK_ALL(yes, true);
}

static void refuses_what_only_looks_like_a_string(void **state)
{
    (void)state;
    static const struct str no[] = {
        STR("\""),
        STR("'a'"),
        STR("`a`"),
        STR("a"),
        STR("\xe2\x80\x9c"
            "a\xe2\x80\x9d"),
        STR("\"a"),
        STR("a\""),
        STR("\"a\"b"),
        STR("\"a\"\"b\""),
        STR("\"\\\""),
        STR("\"\\\\\\\""),
        STR("\"\\a\""),
        STR("\"\\v\""),
        STR("\"\\0\""),
        STR("\"\\'\""),
        STR("\"\\x41\""),
        STR("\"\\U0041\""),
        STR("\"\\ \""),
        STR("\"\\\n\""),
        STR("\"\\\0\""),
        STR("\"\\\xc3\xa9\""),
        STR("\"\\u\""),
        STR("\"\\u1\""),
        STR("\"\\u12\""),
        STR("\"\\u123\""),
        STR("\"\\u 123\""),
        STR("\"\\u-123\""),
        STR("\"\\u+123\""),
        STR("\"\\u0x12\""),
        STR("\"\\u12g4\""),
        STR("\"\\u{41}\""),
        STR("\"\\ud800\""),
        STR("\"\\udc00\""),
        STR("\"\\ud800x\""),
        STR("\"\\ud800\\n\""),
        STR("\"\\ud800\\u\""),
        STR("\"\\ud800\\u1\""),
        STR("\"\\ud800\\ud800\""),
        STR("\"\\ud800\\ue000\""),
        STR("\"\\udc00\\ud800\""),
        STR("\"\\udc00\\udc00\""),
        STR("\"\\ud800\\\\udc00\""),
        STR("\"\0\""),
        STR("\"\x01\""),
        STR("\"\t\""),
        STR("\"\n\""),
        STR("\"\r\""),
        STR("\"\x1f\""),
    };
    CHECK_ALL(no, false);
}

static void refuses_text_that_is_not_utf8(void **state)
{
    (void)state;
    static const struct str no[] = {
        STR("\"\x80\""),
        STR("\"\xbf\""),
        STR("\"\xff\""),
        STR("\"\xfe\""),
        STR("\"\xc3\""),
        STR("\"\xe2\x82\""),
        STR("\"\xf0\x9f\x98\""),
        STR("\"caf\xe9\""),
        STR("\"\xc0\x80\""),
        STR("\"\xc1\xbf\""),
        STR("\"\xe0\x80\x80\""),
        STR("\"\xe0\x9f\xbf\""),
        STR("\"\xf0\x80\x80\x80\""),
        STR("\"\xf0\x8f\xbf\xbf\""),
        STR("\"\xed\xa0\x80\""),
        STR("\"\xed\xa0\x80\xed\xb0\x80\""),
        STR("\"\xf4\x90\x80\x80\""),
        STR("\"\xf5\x80\x80\x80\""),
        STR("\"\xf8\x88\x80\x80\x80\""),
        STR("\"\xfc\x84\x80\x80\x80\x80\""),
        STR("\xff"),
        STR("\xc3\xa9"),
        STR("\xef\xbb\xbf"
            "1"), // a byte-order mark
        STR("\xff\xfe\"\0a\0\"\0"),
        STR("\xfe\xff\0\"\0a\0\""),
        STR("\"\0a\0\"\0"),
        STR("\0\"\0a\0\""),
        STR("\xc2\xa0"
            "1"), // white space elsewhere, not in JSON
        STR("\xe2\x81\xa0"
            "1"),
        STR("\xe3\x80\x80"
            "1"),
    };
    CHECK_ALL(no, false);
}

static void takes_words(void **state)
{
    (void)state;
    static const struct str yes[] = {STR("true"), STR("false"), STR("null")};
    CHECK_ALL(yes, true);
}

static void refuses_what_only_looks_like_a_word(void **state)
{
    (void)state;
    static const struct str no[] = {
        STR("t"),      STR("tru"),   STR("True"),   STR("TRUE"),       STR("truex"),
        STR("true1"),  STR("truee"), STR("t rue"),  STR("true false"), STR("f"),
        STR("fals"),   STR("False"), STR("n"),      STR("nul"),        STR("Null"),
        STR("nulll"),  STR("nil"),   STR("None"),   STR("undefined"),  STR("yes"),
        STR("true\0"), STR("nu\0l"), STR("void 0"),
    };
    CHECK_ALL(no, false);
}

static void takes_structures(void **state)
{
    (void)state;
    static const struct str yes[] = {
        STR("[]"),
        STR("[ ]"),
        STR("[\n]"),
        STR("[[]]"),
        STR("[[],[[]]]"),
        STR("[1,null,true,\"\",[],{}]"),
        STR("[ 1 , 2 ]"),
        STR("{}"),
        STR("{ }"),
        STR("{\"\":0}"),
        STR("{\"a\":{}}"),
        STR("{\"a\":[],\"b\":{\"c\":[{}]}}"),
        STR("{\"a\":1,\"a\":2}"),
        STR("{\"a\":1,\"a\":1}"),
        STR("{ \"a\" : 1 , \"b\" : 2 }"),
        STR("{\"a\\u0000b\":1}"),
        STR("{\"\xc3\xa9\":1}"),
        STR("{\"\\ud83d\\ude00\":1}"),
        STR("{\"long key with spaces, \\\"quotes\\\" and more than sixteen bytes\":1}"),
    };
    CHECK_ALL(yes, true);
}

static void refuses_what_only_looks_like_an_array(void **state)
{
    (void)state;
    static const struct str no[] = {
        STR("["),          STR("]"),
        STR("[["),         STR("[]]"),
        STR("[[]"),        STR("[1"),
        STR("[1,"),        STR("[,"),
        STR("[,]"),        STR("[,1]"),
        STR("[1,]"),       STR("[1,,]"),
        STR("[1,,2]"),     STR("[1 2]"),
        STR("[1:2]"),      STR("[1;2]"),
        STR("[1}"),        STR("[\"a\":1]"),
        STR("[\"a\""),     STR("[\"a\","),
        STR("[\"a"),       STR("[a]"),
        STR("[*]"),        STR("[][]"),
        STR("[]1"),        STR("[1]x"),
        STR("[1],"),       STR("[1],[2]]"),
        STR("[\v]"),       STR("[\f]"),
        STR("[\0]"),       STR("[1\0]"),
        STR("[\xc2\xa0]"), STR("[-]"),
        STR("[<null>]"),   STR("[ true, fals"),
        STR("[\\n]"),      STR("[\\u000A\"\"]"),
        STR("[#\n]"),      STR("(1)"),
        STR("[1//x\n]"),   STR("[/**/]"),
        STR("[..., 1]"),   STR("[{]}"),
        STR("[{}"),
    };
    CHECK_ALL(no, false);
}

static void refuses_what_only_looks_like_an_object(void **state)
{
    (void)state;
    static const struct str no[] = {
        STR("{"),
        STR("}"),
        STR("{{}}"),
        STR("{[]}"),
        STR("{\"a\""),
        STR("{\"a\":"),
        STR("{\"a\":1"),
        STR("{\"a\":1,"),
        STR("{\"a\":1,}"),
        STR("{\"a\":1,,\"b\":2}"),
        STR("{,}"),
        STR("{,\"a\":1}"),
        STR("{\"a\"}"),
        STR("{\"a\",1}"),
        STR("{\"a\" 1}"),
        STR("{\"a\"=1}"),
        STR("{\"a\"=>1}"),
        STR("{\"a\"::1}"),
        STR("{\"a\":}"),
        STR("{:1}"),
        STR("{a:1}"),
        STR("{'a':1}"),
        STR("{1:1}"),
        STR("{null:1}"),
        STR("{[]:1}"),
        STR("{\"a\":1 \"b\":2}"),
        STR("{\"a\":1;\"b\":2}"),
        STR("{\"a\":1 2}"),
        STR("{\"a\":1]"),
        STR("{\"a\":1}}"),
        STR("{\"a\":1}x"),
        STR("{\"a\":1}#"),
        STR("{\"a\":1}//"),
        STR("{\"a\":1/**/}"),
        STR("{\"a\":1}{}"),
        STR("{\"a\":1},"),
        STR("{\"a\\\":1}"),
        STR("{\"a\n\":1}"),
        STR("{\"\\ud800\":1}"),
        STR("{\"\xff\":1}"),
        STR("{\"a\0\":1}"),
        STR("{\"a\":\0"
            "1}"),
        STR("{\"a\"\xc2\xa0:1}"),
        STR("{\"a\":\"b\":1}"),
        STR("{\"a\":1,\"b\"}"),
        STR("{\"a\":1,2}"),
    };
    CHECK_ALL(no, false);
}

// Only white space is no document either.
static void refuses_nothing_at_all(void **state)
{
    (void)state;
    static const struct str no[] = {STR(""),   STR(" "), STR("\n\t\r "),
                                    STR("\v"), STR(","), STR(":")};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(accepts(no[i]));
}

static void takes_and_refuses_by_depth(void **state)
{
    (void)state;
    char text[20 * JSON_DEPTH_MAX];
    for (int depth = 1; depth <= 2 * JSON_DEPTH_MAX; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(accepts(str_from(text, 2 * (size_t)depth)), depth <= JSON_DEPTH_MAX);
        assert_false(accepts(str_from(text, (size_t)depth))); // opened only
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_numbers),
        cmocka_unit_test(refuses_what_only_looks_like_a_number),
        cmocka_unit_test(takes_strings),
        cmocka_unit_test(refuses_what_only_looks_like_a_string),
        cmocka_unit_test(refuses_text_that_is_not_utf8),
        cmocka_unit_test(takes_words),
        cmocka_unit_test(refuses_what_only_looks_like_a_word),
        cmocka_unit_test(takes_structures),
        cmocka_unit_test(refuses_what_only_looks_like_an_array),
        cmocka_unit_test(refuses_what_only_looks_like_an_object),
        cmocka_unit_test(refuses_nothing_at_all),
        cmocka_unit_test(takes_and_refuses_by_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
