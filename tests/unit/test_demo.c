// SPDX-License-Identifier: MIT
// The demo's tour, step by step, against results that the test makes up.
#include "tests/unit/support/unit.h"

#include "tests/unit/support/fake_ports.h"

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "transports/demo.h"

enum { PARTS_MAX = 64 };

struct talk {
    struct fake_ports *fake;
    struct provider *demo;
    struct model_call *call;
    struct model_part parts[PARTS_MAX];
    char *owned[PARTS_MAX * 3];
    size_t part_count, owned_count;
    // of the newest answer
    struct buf text, names, inputs[4];
    char *ids[4];
    unsigned calls;
    int pieces, ends, cancel_after;
    enum model_finish finish;
    struct model_usage usage;
};

static struct str keep(struct talk *talk, struct str s)
{
    char *copy = mem_dup(s);
    talk->owned[talk->owned_count++] = copy;
    return str_from(copy, s.len);
}

static void maybe_cancel(struct talk *talk)
{
    assert_non_null(talk->call); // nothing after a cancel
    if (++talk->pieces == talk->cancel_after) {
        talk->demo->ops->cancel(talk->call);
        talk->call = NULL;
    }
}

static void on_text(void *arg, struct str piece)
{
    struct talk *talk = arg;
    assert_true(utf8_is_valid(piece));
    buf_add_str(&talk->text, piece);
    maybe_cancel(talk);
}

static void on_begin(void *arg, unsigned index, struct str id, struct str name)
{
    struct talk *talk = arg;
    assert_int_equal(index, talk->calls++);
    talk->ids[index] = (char *)keep(talk, id).data;
    buf_addf(&talk->names, "%.*s ", STR_ARG(name));
    maybe_cancel(talk);
}

static void on_input(void *arg, unsigned index, struct str piece)
{
    struct talk *talk = arg;
    assert_true(utf8_is_valid(piece));
    buf_add_str(&talk->inputs[index], piece);
    maybe_cancel(talk);
}

static void on_usage(void *arg, const struct model_usage *usage)
{
    struct talk *talk = arg;
    talk->usage = *usage;
    maybe_cancel(talk);
}

static void on_end(void *arg, const struct model_end *end)
{
    struct talk *talk = arg;
    assert_non_null(talk->call);
    talk->ends++;
    talk->finish = end->finish;
    talk->call = NULL;
}

static const struct model_sink sink = {.text = on_text,
                                       .tool_begin = on_begin,
                                       .tool_input = on_input,
                                       .usage = on_usage,
                                       .end = on_end};

static void talk_init(struct talk *talk, const char *task, int64_t delay_ms)
{
    *talk = (struct talk){.fake = fake_ports_create()};
    talk->demo = demo_create(fake_ports_get(talk->fake), STR("demo"), delay_ms);
    buf_init(&talk->text, 1 << 20);
    buf_init(&talk->names, 1 << 20);
    for (int i = 0; i < 4; i++)
        buf_init(&talk->inputs[i], 1 << 20);
    talk->parts[talk->part_count++] =
        (struct model_part){.kind = MODEL_USER_TEXT, .text = str_of(task)};
}

static void talk_release(struct talk *talk)
{
    demo_destroy(talk->demo);
    fake_ports_destroy(talk->fake);
    for (size_t i = 0; i < talk->owned_count; i++)
        mem_free(talk->owned[i]);
    buf_release(&talk->text);
    buf_release(&talk->names);
    for (int i = 0; i < 4; i++)
        buf_release(&talk->inputs[i]);
}

static void ask(struct talk *talk)
{
    struct model_request request = {
        .model = STR("tour"), .parts = talk->parts, .part_count = talk->part_count};
    buf_clear(&talk->text);
    buf_clear(&talk->names);
    for (int i = 0; i < 4; i++)
        buf_clear(&talk->inputs[i]);
    talk->calls = 0;
    talk->pieces = 0;
    talk->call = talk->demo->ops->start(talk->demo, &request, &sink, talk);
    assert_int_equal(talk->pieces, 0); // nothing from within start
    fake_ports_advance(talk->fake, 60000);
}

// Appends the calls of the newest answer and one result for each.
static void answer_calls(struct talk *talk, const char *const *results, int failed)
{
    for (unsigned i = 0; i < talk->calls; i++)
        talk->parts[talk->part_count++] = (struct model_part){
            .kind = MODEL_TOOL_CALL,
            .call_id = str_of(talk->ids[i]),
            .name = keep(talk, i ? STR("list") : str_trim(buf_str(&talk->names))),
            .input = keep(talk, buf_str(&talk->inputs[i]))};
    size_t first = talk->part_count - talk->calls;
    for (unsigned i = 0; i < talk->calls; i++) {
        struct model_part *call = &talk->parts[first + i];
        if (talk->calls == 2 && i == 0)
            call->name = STR("read");
        talk->parts[talk->part_count++] = (struct model_part){.kind = MODEL_TOOL_RESULT,
                                                              .call_id = call->call_id,
                                                              .name = call->name,
                                                              .text = str_of(results[i]),
                                                              .failed = failed == (int)i};
    }
}

static char *input_member(struct talk *talk, unsigned index, const char *key)
{
    struct arena arena;
    struct json *input;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    bool ok = json_parse(&input, &arena, buf_str(&talk->inputs[index]), &err);
    assert_string_equal(err.message, "");
    assert_true(ok);
    char *value = (char *)keep(talk, json_str(input, key)).data;
    arena_release(&arena);
    return value;
}

static void expect_first_step(struct talk *talk)
{
    ask(talk);
    assert_int_equal(talk->finish, MODEL_TOOL_CALLS);
    assert_non_null(strstr(talk->text.data, "demo"));
    assert_string_equal(talk->names.data, "read list ");
    assert_string_equal(input_member(talk, 0, "path"), "README.md");
    assert_string_not_equal(talk->ids[0], talk->ids[1]);
}

static void expect_write(struct talk *talk, const char *path, const char *content)
{
    ask(talk);
    assert_int_equal(talk->finish, MODEL_TOOL_CALLS);
    assert_string_equal(talk->names.data, "write ");
    assert_string_equal(input_member(talk, 0, "path"), path);
    assert_non_null(strstr(input_member(talk, 0, "content"), content));
}

static void test_tour(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, "add a CONTRIBUTING file \xe2\x82\xac", 0);
    assert_true(talk.demo->scripted);
    expect_first_step(&talk);
    assert_true(talk.usage.input > 0 && talk.usage.output > 0);
    answer_calls(&talk, (const char *const[]){"# a project", "README.md\nsrc/\n"}, -1);
    expect_write(&talk, "CONTRIBUTING.md", "add a CONTRIBUTING file \xe2\x82\xac");
    answer_calls(&talk, (const char *const[]){"written"}, -1);
    ask(&talk);
    assert_string_equal(talk.names.data, "bash ");
    assert_string_equal(input_member(&talk, 0, "command"), "git status --short");
    answer_calls(&talk, (const char *const[]){"?? CONTRIBUTING.md"}, -1);
    ask(&talk);
    assert_int_equal(talk.finish, MODEL_END_TURN);
    assert_int_equal(talk.calls, 0);
    assert_non_null(strstr(talk.text.data, "CONTRIBUTING.md"));
    assert_int_equal(talk.ends, 4);
    // a follow-up begins a tour of its own
    talk.parts[talk.part_count++] =
        (struct model_part){.kind = MODEL_USER_TEXT, .text = STR("more")};
    expect_first_step(&talk);
    talk_release(&talk);
}

static void test_no_readme(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, "fix it", 0);
    expect_first_step(&talk);
    answer_calls(&talk, (const char *const[]){"there is no README.md", "src/\n"}, 0);
    expect_write(&talk, "DEMO-NOTES.md", "fix it");
    assert_non_null(strstr(talk.text.data, "no README"));
    talk_release(&talk);
}

static void test_nothing_is_overwritten(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, "rewrite CONTRIBUTING", 0);
    expect_first_step(&talk);
    answer_calls(&talk, (const char *const[]){"x", "CONTRIBUTING.md\nDEMO-NOTES.md\n"}, -1);
    expect_write(&talk, "DEMO-NOTES-2.md", "rewrite");
    talk_release(&talk);
}

static void test_rejected(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, "x", 0);
    expect_first_step(&talk);
    answer_calls(&talk, (const char *const[]){"x", ""}, -1);
    expect_write(&talk, "DEMO-NOTES.md", "x");
    answer_calls(&talk, (const char *const[]){"the person rejected it"}, 0);
    ask(&talk);
    assert_int_equal(talk.finish, MODEL_END_TURN);
    assert_non_null(strstr(talk.text.data, "the person rejected it"));
    assert_non_null(strstr(talk.text.data, "Nothing was changed"));
    talk_release(&talk);
}

static void test_odd_tasks(void **state)
{
    (void)state;
    struct buf task;
    buf_init(&task, 1 << 20);
    buf_add_str(&task, STR("contributing \"quoted\"\n\t--> "));
    for (int i = 0; i < 400; i++)
        buf_add_str(&task, STR("\xf0\x9f\x98\x80"));
    struct talk talk;
    talk_init(&talk, task.data, 0);
    expect_first_step(&talk);
    answer_calls(&talk, (const char *const[]){"x", ""}, -1);
    expect_write(&talk, "CONTRIBUTING.md", "\"quoted\"");
    talk_release(&talk);
    buf_release(&task);
}

static void test_pace(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk, "x", 30);
    struct model_request request = {
        .model = STR("tour"), .parts = talk.parts, .part_count = talk.part_count};
    talk.call = talk.demo->ops->start(talk.demo, &request, &sink, &talk);
    for (int word = 1; word <= 5; word++) {
        fake_ports_advance(talk.fake, 29);
        assert_int_equal(talk.pieces, word - 1);
        fake_ports_advance(talk.fake, 1);
        assert_int_equal(talk.pieces, word);
    }
    talk.demo->ops->cancel(talk.call);
    talk.call = NULL;
    fake_ports_advance(talk.fake, 60000);
    assert_int_equal(talk.pieces, 5);
    talk_release(&talk);
}

// In both ways of pacing, at every piece: nothing comes after, nothing leaks.
static void test_cancel_inside(void **state)
{
    (void)state;
    for (int at = 1; at < 70; at++) {
        struct talk talk;
        talk_init(&talk, "x", at % 2);
        talk.cancel_after = at;
        ask(&talk);
        assert_true(talk.ends || talk.pieces == at);
        talk_release(&talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tour),
        cmocka_unit_test(test_no_readme),
        cmocka_unit_test(test_nothing_is_overwritten),
        cmocka_unit_test(test_rejected),
        cmocka_unit_test(test_odd_tasks),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_cancel_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
