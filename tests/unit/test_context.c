// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "lsp/context.h"

static bool render(const char *params, struct buf *out, struct err *err)
{
    struct arena arena;
    struct json *json;
    arena_init(&arena, 1 << 20);
    if (!json_parse(&json, &arena, str_of(params), err))
        fail_msg("%s", err->message);
    struct buf images;
    context_init(&images);
    bool ok = context_read(json, out, &images, err);
    buf_release(&images);
    arena_release(&arena);
    return ok;
}

static void check(const char *params, const char *expected)
{
    struct buf out;
    struct err err;
    context_init(&out);
    if (!render(params, &out, &err))
        fail_msg("%s", err.message);
    assert_string_equal(out.data ? out.data : "", expected);
    buf_release(&out);
}

static void names_file_and_lines(void **state)
{
    (void)state;
    check("{}", "");
    check("{\"context\":[{\"uri\":\"file:///a%20b.c\"}]}", "/a b.c");
    check(
        "{\"context\":[{\"uri\":\"file:///a.c\",\"range\":{\"start\":{\"line\":0,\"character\":0},"
        "\"end\":{\"line\":2,\"character\":0}},\"text\":\"x\\ny\\n\"},{\"uri\":\"https://e/x\"}]}",
        "/a.c, lines 1-2:\n```\nx\ny\n```\n\nhttps://e/x");
    check(
        "{\"context\":[{\"uri\":\"file:///a.c\",\"range\":{\"start\":{\"line\":4,\"character\":1},"
        "\"end\":{\"line\":4,\"character\":3}},\"text\":\"ab\"}]}",
        "/a.c, line 5:\n```\nab\n```");
}

static void a_fence_is_longer_than_what_it_holds(void **state)
{
    (void)state;
    check("{\"context\":[{\"uri\":\"file:///a.md\",\"text\":\"````\\nx\\n````\"}]}",
          "/a.md:\n`````\n````\nx\n````\n`````");
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    const char *wrong[][2] = {
        {"{\"context\":{}}", "context: expected an array"},
        {"{\"context\":[{\"uri\":\"file:///a\"},5]}", "context[1]: expected {uri, range?, text?}"},
        {"{\"context\":[{\"text\":\"x\"}]}", "context[0]: uri: expected"},
        {"{\"context\":[{\"uri\":\"file:///a\",\"text\":1}]}",
         "context[0]: text: expected a string"},
        {"{\"context\":[{\"uri\":\"file:///a\",\"range\":{}}]}", "context[0]: range: expected"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct buf out;
        struct err err;
        context_init(&out);
        assert_false(render(wrong[i][0], &out, &err));
        assert_int_equal(err.kind, ERR_PARAMS);
        if (strncmp(err.message, wrong[i][1], strlen(wrong[i][1])) != 0)
            fail_msg("%s, not %s", err.message, wrong[i][1]);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_file_and_lines),
        cmocka_unit_test(a_fence_is_longer_than_what_it_holds),
        cmocka_unit_test(says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
