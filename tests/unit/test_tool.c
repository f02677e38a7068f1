// SPDX-License-Identifier: MIT
// What all tools share: their names, their schemas, and how arguments are refused.
#include "tests/unit/support/unit.h"

#include "core/agent/item.h"
#include "core/base/mem.h"
#include "tests/unit/support/tool_place.h"

static void tools_are_found_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum tool_effect effect;
    } want[] = {
        {"read", TOOL_READS},         {"write", TOOL_WRITES_FILES}, {"edit", TOOL_WRITES_FILES},
        {"list", TOOL_READS},         {"glob", TOOL_READS},         {"grep", TOOL_READS},
        {"bash", TOOL_RUNS_COMMANDS},
    };
    size_t count;
    const struct tool *const *tools = tool_all(&count);
    assert_int_equal(count, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(tools[i]->schema.name, want[i].name);
        assert_int_equal(tools[i]->effect, want[i].effect);
        assert_ptr_equal(tool_find(str_of(want[i].name)), tools[i]);
        assert_true((tools[i]->preview != NULL) == (want[i].effect == TOOL_WRITES_FILES));
    }
    assert_null(tool_find(STR("remove")));
    assert_null(tool_find(STR("")));
}

static void schemas_are_objects_that_name_every_argument(void **state)
{
    (void)state;
    size_t count;
    const struct tool *const *tools = tool_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        struct json *schema;
        struct err err = {0};
        arena_init(&arena, 1 << 20);
        if (!json_parse(&schema, &arena, str_of(tools[i]->schema.schema), &err))
            fail_msg("%s: %s", tools[i]->schema.name, err.message);
        assert_true(str_is(json_str(schema, "type"), "object"));
        const struct json *properties = json_get(schema, "properties");
        assert_int_equal(properties->type, JSON_OBJECT);
        json_for_each(name, json_get(schema, "required"))
        {
            char *key = mem_dup(name->string);
            assert_non_null(json_get(properties, key));
            mem_free(key);
        }
        arena_release(&arena);
    }
}

static void bad_arguments_are_explained(void **state)
{
    struct tool_bench *b = *state;
    assert_string_equal(refused_input(b, "read", "{}"),
                        "read: `path` is missing; takes {path: string, offset?: integer from 1, "
                        "limit?: integer from 1}");
    assert_non_null(strstr(refused_input(b, "read", "{'path': null}"), "`path` is missing"));
    assert_non_null(strstr(refused_input(b, "read", "{'path': ''}"), "`path` is empty"));
    assert_non_null(strstr(refused_input(b, "read", "{'path': 3}"), "`path` is not a string"));
    assert_non_null(strstr(refused_input(b, "read", "{'path': 'a', 'offset': '3'}"),
                           "`offset` is not an integer"));
    assert_non_null(strstr(refused_input(b, "read", "{'path': 'a', 'offset': 1.5}"),
                           "`offset` is not an integer"));
    assert_non_null(strstr(refused_input(b, "read", "{'path': 'a', 'offset': 0}"),
                           "`offset` is not from 1 to"));
    assert_non_null(strstr(refused_input(b, "read", "{'path': 'a', 'line': 4}"),
                           "there is no argument `line`; takes {path"));
    assert_non_null(strstr(refused_input(b, "write", "{'path': 'a'}"), "`content` is missing"));
    assert_non_null(
        strstr(refused_input(b, "edit", "{'path': 'a', 'edits': {}}"), "`edits` is not an array"));
    assert_non_null(strstr(refused_input(b, "edit", "{'path': 'a', 'edits': []}"),
                           "`edits` has 0 members, not 1 to 256"));
    assert_non_null(strstr(refused_input(b, "edit",
                                         "{'path': 'a', 'edits': [{'old_text': 'x', 'new_text': "
                                         "'y'}, {'old_text': 'x'}]}"),
                           "edit: edit 2: `new_text` is missing; takes {path"));
    assert_non_null(strstr(refused_input(b, "edit", "{'path': 'a', 'edits': ['x']}"),
                           "edit: edit 1: the arguments are not a JSON object"));
}

static void what_is_no_object_never_runs(void **state)
{
    struct tool_bench *b = *state;
    static const char *const inputs[] = {"",  "null",         "[]",          "'x'",
                                         "{", "{'path': 'a'", "{'path' 'a'}"};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        const char *message = refused_input(b, "read", inputs[i]);
        assert_true(strncmp(message, "read: the arguments are not", 27) == 0);
    }
}

static void oversized_arguments_are_refused(void **state)
{
    struct tool_bench *b = *state;
    char *input = mem_new(ITEM_TEXT_MAX + 2);
    memset(input, ' ', ITEM_TEXT_MAX + 1);
    assert_non_null(strstr(refused_input(b, "read", input), "larger than"));
    mem_free(input);
}

static void a_whole_number_may_have_a_fraction(void **state)
{
    struct tool_bench *b = *state;
    put_file(b, "a", "1\n2\n3\n");
    expect_ok(b, "read", "{'path': 'a', 'offset': 3.0, 'limit': null}", "     3\t3\n");
}

static void titles_are_one_harmless_line(void **state)
{
    struct tool_bench *b = *state;
    expect_title(b, "read", "{'path': 'README.md'}", "read README.md");
    expect_title(b, "read", "{}", "read .");
    expect_title(b, "read", "{'path': 7}", "read .");
    expect_title(b, "write", "{'path': 'a\\nb\\u001b', 'content': ''}", "write a b\xEF\xBF\xBD");
    expect_title(b, "edit", "{'path': 'core/json.c', 'edits': [{}, {}]}",
                 "edit core/json.c (2 edits)");
    expect_title(b, "edit", "{'path': 'core/json.c', 'edits': [{}]}", "edit core/json.c (1 edit)");
    char *input = mem_format("{'path': '%0300d', 'edits': [1]}", 7);
    char *want = mem_format("edit %0176d... (1 edit)", 0);
    expect_title(b, "edit", input, want);
    mem_free(want);
    mem_free(input);
}

static void a_cancelled_job_changes_nothing(void **state)
{
    struct tool_bench *b = *state;
    begin_tool(b, "write", STR("{\"path\": \"a\", \"content\": \"x\"}"));
    tool_run_cancel(&b->run);
    assert_int_equal(b->done, 0);
    fake_ports_run(b->fake);
    assert_int_equal(b->done, 1);
    assert_true(b->run.result.failed);
    assert_string_equal(b->run.result.output.data, "write: cancelled");
    assert_null(get_file(b, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tools_are_found_by_name),         TEST(schemas_are_objects_that_name_every_argument),
        TEST(bad_arguments_are_explained),     TEST(what_is_no_object_never_runs),
        TEST(oversized_arguments_are_refused), TEST(a_whole_number_may_have_a_fraction),
        TEST(titles_are_one_harmless_line),    TEST(a_cancelled_job_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
