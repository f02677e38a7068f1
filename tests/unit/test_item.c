// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/agent/item.h"
#include "core/base/mem.h"

struct fixture {
    struct arena arena;
    struct buf out;
};

static int make(void **state)
{
    struct fixture *f = mem_new(sizeof(*f));
    arena_init(&f->arena, 64 << 20);
    buf_init(&f->out, 64 << 20);
    *state = f;
    return 0;
}

static int unmake(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    buf_release(&f->out);
    mem_free(f);
    return 0;
}

static const char *written(struct fixture *f, const struct item *item)
{
    struct json_writer w;
    buf_clear(&f->out);
    json_writer_init(&w, &f->out);
    item_write_json(&w, item, STR("fix-it-1"));
    assert_false(f->out.overflow);
    assert_null(memchr(f->out.data, '\n', f->out.len));
    return f->out.data;
}

static struct item *read_text(struct fixture *f, const char *text, struct err *err)
{
    struct json *json = NULL;
    assert_true(json_parse(&json, &f->arena, str_of(text), err));
    return item_read_json(json, err);
}

static struct item *sample(enum item_kind kind)
{
    struct item *item = item_new(kind);
    strcpy(item->id, "i7");
    item->seq = 42;
    item->time = 1767323045678;
    item->turn = 3;
    item->step = 2;
    item->status = ITEM_COMPLETED;
    return item;
}

static void keeps_what_a_provider_wants_back(void **state)
{
    static const enum item_kind kinds[] = {ITEM_ASSISTANT, ITEM_REASONING, ITEM_TOOL};
    struct err err = {0};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct item *item = sample(kinds[i]);
        item->name = mem_dup(STR("bash"));
        item->opaque = mem_dup(STR("{\"kind\":\"anthropic\",\"signature\":\"EqQB+/=\"}"));
        const char *json = written(*state, item);
        assert_non_null(strstr(json, ",\"opaque\":{\"kind\":\"anthropic\","));
        struct item *again = read_text(*state, json, &err);
        assert_string_equal(again->opaque, item->opaque);
        item_free(again);
        item_free(item);
    }
    struct item *bad = read_text(
        *state, "{\"id\":\"i1\",\"kind\":\"reasoning\",\"text\":\"\",\"opaque\":7}", &err);
    assert_null(bad->opaque);
    item_free(bad);
}

static void writes_a_tool_call(void **state)
{
    struct item *item = sample(ITEM_TOOL);
    item->name = mem_dup(STR("bash"));
    item->title = mem_dup(STR("make test"));
    item->call_id = mem_dup(STR("call_1"));
    item->input = mem_dup(STR("{\n  \"command\": \"make\\ntest\"\r\n}\n"));
    buf_add_str(&item->text, STR("ok\n"));
    item->bytes = 3;
    item->exit_code = 0;
    item->full = mem_dup(STR("file:///o/i7"));
    item->paths = mem_dup(STR("[\"a.c\"]"));
    assert_string_equal(
        written(*state, item),
        "{\"id\":\"i7\",\"agentId\":\"fix-it-1\",\"turn\":3,\"step\":2,\"seq\":42,"
        "\"time\":\"2026-01-02T03:04:05.678Z\",\"kind\":\"tool\",\"status\":\"completed\","
        "\"name\":\"bash\",\"title\":\"make test\",\"callId\":\"call_1\","
        "\"input\":{   \"command\": \"make\\ntest\"  },\"output\":\"ok\\n\",\"bytes\":3,"
        "\"full\":\"file:///o/i7\",\"exitCode\":0,\"paths\":[\"a.c\"]}");
    item_free(item);
}

static void leaves_out_what_a_tool_call_does_not_have(void **state)
{
    struct item *item = sample(ITEM_TOOL);
    item->name = mem_dup(STR("read"));
    item->status = ITEM_STARTED;
    const char *text = written(*state, item);
    assert_null(strstr(text, "full"));
    assert_null(strstr(text, "exitCode"));
    assert_non_null(strstr(text, "\"input\":{}"));
    assert_non_null(strstr(text, "\"paths\":[]"));
    assert_non_null(strstr(text, "\"status\":\"started\""));
    item_free(item);
}

static void writes_user_content_as_blocks(void **state)
{
    struct item *item = sample(ITEM_USER);
    buf_add_str(&item->text, STR("say \"hi\""));
    const char *text = written(*state, item);
    assert_non_null(strstr(text, "\"content\":[{\"type\":\"text\",\"text\":\"say \\\"hi\\\"\"}],"
                                 "\"from\":\"user\"}"));
    item_free(item);
}

// Whatever was written reads back to an item that is written the same way.
static void every_kind_survives_a_round_trip(void **state)
{
    struct fixture *f = *state;
    for (enum item_kind kind = 0; kind < ITEM_KIND_COUNT; kind++) {
        struct item *item = sample(kind);
        item->status = ITEM_FAILED;
        item->name = mem_dup(STR("name"));
        item->title = mem_dup(STR("title"));
        item->call_id = mem_dup(STR("call"));
        item->input = mem_dup(kind == ITEM_PLAN ? STR("[{\"a\":1}]") : STR("{\"a\":[1,2.5,null]}"));
        item->paths = mem_dup(STR("[\"x\",\"y\"]"));
        item->exit_code = 137;
        item->bytes = 1 << 20;
        buf_add_str(&item->text, STR("Grüße\n\ttext"));
        char *first = mem_dup(str_of(written(f, item)));
        struct err err;
        struct item *again = read_text(f, first, &err);
        assert_non_null(again);
        assert_int_equal(again->kind, kind);
        assert_string_equal(written(f, again), first);
        item_free(again);
        item_free(item);
        mem_free(first);
    }
}

static void joins_the_blocks_of_content(void **state)
{
    struct err err;
    struct item *item =
        read_text(*state,
                  "{\"id\":\"i1\",\"kind\":\"user\",\"from\":\"lead\",\"content\":["
                  "{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"image\",\"data\":\"..\"},"
                  "7,{\"type\":\"text\",\"text\":\"two\"}]}",
                  &err);
    assert_non_null(item);
    assert_string_equal(item->text.data, "one\ntwo");
    assert_string_equal(item->name, "lead");
    item_free(item);
}

static void keeps_items_of_a_later_version(void **state)
{
    struct err err;
    struct item *item = read_text(*state,
                                  "{\"id\":\"i1\",\"kind\":\"hologram\",\"status\":\"paused\","
                                  "\"seq\":9,\"text\":\"x\",\"depth\":[1]}",
                                  &err);
    assert_non_null(item);
    assert_int_equal(item->kind, ITEM_KIND_COUNT);
    assert_int_equal(item->status, ITEM_COMPLETED);
    assert_int_equal(item->seq, 9);
    item_free(item);
}

static void members_of_another_type_count_as_absent(void **state)
{
    struct err err;
    struct item *item =
        read_text(*state,
                  "{\"id\":\"i1\",\"kind\":\"tool\",\"name\":7,\"input\":\"rm\",\"paths\":{},"
                  "\"output\":[],\"exitCode\":99999999999,\"time\":\"soon\"}",
                  &err);
    assert_non_null(item);
    assert_null(item->name);
    assert_null(item->paths);
    assert_string_equal(item->input, "{}");
    assert_int_equal(item->text.len, 0);
    assert_int_equal(item->exit_code, -1);
    item_free(item);
}

static void says_what_is_no_item(void **state)
{
    static const char *const bad[] = {
        "[]",
        "7",
        "{\"id\":\"i1\"}",
        "{\"kind\":\"user\"}",
        "{\"id\":7,\"kind\":\"user\"}",
        "{\"id\":\"\",\"kind\":\"user\"}",
        "{\"id\":\"i12345678901234567890123\",\"kind\":\"user\"}",
        "{\"id\":\"i\\u0000\",\"kind\":\"user\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};
        assert_null(read_text(*state, bad[i], &err));
        assert_int_equal(err.kind, ERR_STORAGE);
        assert_non_null(strstr(err.message, "no item"));
    }
    struct err err = {0};
    assert_null(item_read_json(NULL, &err));
    assert_int_equal(err.kind, ERR_STORAGE);
}

static void takes_the_longest_id(void **state)
{
    struct err err;
    struct item *item =
        read_text(*state, "{\"id\":\"i1234567890123456789012\",\"kind\":\"user\"}", &err);
    assert_non_null(item);
    assert_int_equal(strlen(item->id), ITEM_ID_MAX - 1);
    item_free(item);
}

static void cuts_text_at_its_ceiling_between_code_points(void **state)
{
    struct fixture *f = *state;
    struct buf json;
    buf_init(&json, 16 << 20);
    buf_add_str(&json, STR("{\"id\":\"i1\",\"kind\":\"assistant\",\"text\":\"x"));
    for (int i = 0; i < ITEM_TEXT_MAX / 2; i++)
        buf_add_str(&json, STR("ü"));
    buf_add_str(&json, STR("\"}"));
    struct err err;
    struct item *item = read_text(f, json.data, &err);
    assert_non_null(item);
    assert_int_equal(item->text.len, ITEM_TEXT_MAX - 1);
    assert_false(item->text.overflow);
    item_free(item);
    buf_release(&json);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)
    const struct CMUnitTest tests[] = {
        TEST(keeps_what_a_provider_wants_back),
        TEST(writes_a_tool_call),
        TEST(leaves_out_what_a_tool_call_does_not_have),
        TEST(writes_user_content_as_blocks),
        TEST(every_kind_survives_a_round_trip),
        TEST(joins_the_blocks_of_content),
        TEST(keeps_items_of_a_later_version),
        TEST(members_of_another_type_count_as_absent),
        TEST(says_what_is_no_item),
        TEST(takes_the_longest_id),
        TEST(cuts_text_at_its_ceiling_between_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
