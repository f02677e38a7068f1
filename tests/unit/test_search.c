// SPDX-License-Identifier: MIT
// The search without its table: what is typed, what of an item is found, what is shown.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/store/search_query.h"
#include "core/store/search_text.h"

// --- queries ---

static void expect_query(const char *query, const char *expected)
{
    struct buf match;
    struct err err = {0};
    buf_init(&match, 1 << 20);
    if (!search_query_add(&match, str_of(query), &err))
        fail_msg("%s: %s", query, err.message);
    assert_string_equal(match.data, expected);
    buf_release(&match);
}

static void words_and_phrases_are_quoted(void **state)
{
    (void)state;
    expect_query("one", "text : (\"one\" )");
    expect_query("  one\ttwo\n", "text : (\"one\" \"two\" )");
    expect_query("\"one two\" three", "text : (\"one two\" \"three\" )");
    expect_query("\"one two", "text : (\"one two\" )");
    expect_query("a\"b c\"d", "text : (\"a\" \"b c\" \"d\" )");
    expect_query("AND NOT text:x (y) NEAR^2",
                 "text : (\"AND\" \"NOT\" \"text:x\" \"(y)\" \"NEAR^2\" )");
    expect_query("one -> \"\" ** two", "text : (\"one\" \"two\" )");
}

static void a_star_takes_any_ending(void **state)
{
    (void)state;
    expect_query("pars*", "text : (\"pars\"* )");
    expect_query("pars** x", "text : (\"pars\"* \"x\" )");
    expect_query("\"one tw\"* x", "text : (\"one tw\"* \"x\" )");
    expect_query("\"one tw*\" *x", "text : (\"one tw*\" \"*x\" )");
}

static void a_nul_is_white_space(void **state)
{
    (void)state;
    struct buf match;
    struct err err;
    buf_init(&match, 1 << 20);
    assert_true(search_query_add(&match, STR("\"a\0b\""), &err));
    assert_string_equal(match.data, "text : (\"a b\" )");
    buf_release(&match);
}

static void what_has_no_word_is_refused(void **state)
{
    (void)state;
    static const char *const queries[] = {"", " ", "\"", "\"\"", "*", "-> ()", "\" \" *"};
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct buf match;
        struct err err = {0};
        buf_init(&match, 1 << 20);
        assert_false(search_query_add(&match, str_of(queries[i]), &err));
        assert_int_equal(err.kind, ERR_PARAMS);
        assert_non_null(strstr(err.message, "query: expected words"));
        buf_release(&match);
    }
}

static void a_query_has_a_ceiling(void **state)
{
    (void)state;
    char query[SEARCH_QUERY_MAX + 2];
    struct buf match;
    struct err err = {0};
    memset(query, 'x', sizeof(query));
    buf_init(&match, 1 << 20);
    assert_true(search_query_add(&match, str_from(query, SEARCH_QUERY_MAX), &err));
    assert_false(search_query_add(&match, str_from(query, SEARCH_QUERY_MAX + 1), &err));
    assert_int_equal(err.kind, ERR_PARAMS);
    assert_non_null(strstr(err.message, "1025 bytes, at most 1024"));
    buf_release(&match);
}

static void a_search_is_narrowed_to_agents(void **state)
{
    (void)state;
    static const int64_t agents[] = {7, 12, INT64_MAX};
    struct buf match;
    buf_init(&match, 1 << 20);
    search_query_narrow(&match, agents, 1);
    assert_string_equal(match.data, "agent : (\"7\") AND ");
    buf_clear(&match);
    search_query_narrow(&match, agents, 3);
    assert_string_equal(match.data, "agent : (\"7\" OR \"12\" OR \"9223372036854775807\") AND ");
    buf_release(&match);
}

// --- texts ---

static char *text_of(const char *json)
{
    struct arena arena;
    struct json *item;
    struct err err = {0};
    struct buf out;
    arena_init(&arena, 64 << 20);
    buf_init(&out, SEARCH_TEXT_MAX + 1);
    if (!json_parse(&item, &arena, str_of(json), &err))
        fail_msg("%s: %s", json, err.message);
    search_text_add(&out, item);
    assert_false(out.overflow);
    arena_release(&arena);
    char *text = mem_dup(buf_str(&out));
    buf_release(&out);
    return text;
}

static void expect_text(const char *json, const char *expected)
{
    char *text = text_of(json);
    assert_string_equal(text, expected);
    mem_free(text);
}

static void what_can_be_found_of_each_kind(void **state)
{
    (void)state;
    expect_text("{\"kind\":\"assistant\",\"status\":\"completed\",\"text\":\"hello\"}", "hello");
    expect_text("{\"kind\":\"tool\",\"status\":\"failed\",\"name\":\"bash\",\"title\":\"make\","
                "\"input\":{\"command\":\"secret\"},\"output\":\"no rule\"}",
                "make\nno rule");
    expect_text("{\"kind\":\"user\",\"status\":\"completed\",\"content\":[{\"type\":\"text\","
                "\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}",
                "a\nb");
    expect_text("{\"kind\":\"compaction\",\"status\":\"completed\",\"summary\":\"short\"}",
                "short");
    expect_text("{\"kind\":\"tool\",\"status\":\"started\",\"title\":\"make\"}", "");
    expect_text("{\"kind\":\"approval\",\"status\":\"completed\",\"approval\":{\"title\":\"x\"}}",
                "");
    expect_text("{\"kind\":\"assistant\",\"status\":\"completed\",\"text\":7}", "");
}

static void a_long_text_is_cut_between_code_points(void **state)
{
    (void)state;
    size_t size = SEARCH_TEXT_MAX + 10;
    char *long_text = mem_new(size + 1);
    for (size_t i = 0; i + 1 < size; i += 2)
        memcpy(long_text + i, "é", 2);
    char *json = mem_format("{\"title\":\"x\",\"output\":\"%s\"}", long_text);
    char *text = text_of(json);
    assert_int_equal(strlen(text), SEARCH_TEXT_MAX);
    assert_true(utf8_is_valid(str_of(text)));
    mem_free(text);
    mem_free(json);
    json = mem_format("{\"title\":\"%s\",\"output\":\"beyond\"}", long_text);
    text = text_of(json);
    assert_null(strstr(text, "beyond"));
    mem_free(text);
    mem_free(json);
    mem_free(long_text);
}

// --- snippets ---

static char *snippet(struct str text, const char *found)
{
    struct buf out;
    long at = str_find(text, str_of(found));
    assert_true(at >= 0);
    buf_init(&out, 1 << 20);
    search_snippet_add(&out, text, (size_t)at, (size_t)at + strlen(found));
    assert_true(utf8_is_valid(buf_str(&out)));
    char *copy = mem_dup(buf_str(&out));
    buf_release(&out);
    return copy;
}

static void expect_snippet(const char *text, const char *found, const char *expected)
{
    char *got = snippet(str_of(text), found);
    assert_string_equal(got, expected);
    mem_free(got);
}

static void a_snippet_is_one_line_around_what_was_found(void **state)
{
    (void)state;
    expect_snippet("short", "short", "short");
    expect_snippet("  two\n\n\tlines \r\n", "lines", "two lines");
    expect_snippet("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 found it",
                   "found", "…0123456789 0123456789 0123456789 0123456789 0123456789 found it");
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    memcpy(text + 500, " found ", 7);
    char *got = snippet(str_of(text), "found");
    assert_true(strlen(got) <= SEARCH_SNIPPET_MAX + 2 * strlen("…"));
    assert_non_null(strstr(got, "xx found xx"));
    mem_free(got);
}

static void a_snippet_cuts_no_code_point(void **state)
{
    (void)state;
    char text[1201];
    for (size_t i = 0; i < 400; i++)
        memcpy(text + 3 * i, "語", 3);
    text[1200] = 0;
    for (size_t at = 600; at < 603; at++) {
        memcpy(text + 600, "abc", 3);
        char *got = snippet(str_of(text), "abc");
        assert_non_null(strstr(got, "語abc語"));
        mem_free(got);
    }
    struct buf out; // what was found is longer than a snippet, or was not found at all
    buf_init(&out, 1 << 20);
    search_snippet_add(&out, str_of(text), 300, 900);
    assert_true(utf8_is_valid(buf_str(&out)));
    buf_clear(&out);
    search_snippet_add(&out, str_of(text), 99999, 100000);
    assert_true(str_starts(buf_str(&out), STR("語")));
    buf_clear(&out);
    search_snippet_add(&out, STR(""), 0, 0);
    assert_int_equal(out.len, 0);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_phrases_are_quoted),
        cmocka_unit_test(a_star_takes_any_ending),
        cmocka_unit_test(a_nul_is_white_space),
        cmocka_unit_test(what_has_no_word_is_refused),
        cmocka_unit_test(a_query_has_a_ceiling),
        cmocka_unit_test(a_search_is_narrowed_to_agents),
        cmocka_unit_test(what_can_be_found_of_each_kind),
        cmocka_unit_test(a_long_text_is_cut_between_code_points),
        cmocka_unit_test(a_snippet_is_one_line_around_what_was_found),
        cmocka_unit_test(a_snippet_cuts_no_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
