// SPDX-License-Identifier: MIT
// The parts of a request: whatever a transcript holds, calls and results pair.
#include "tests/unit/support/unit.h"

#include "core/agent/transcript.h"
#include "core/base/mem.h"
#include "core/context/window.h"

static struct item *add(struct transcript *transcript, enum item_kind kind, int64_t step,
                        const char *text)
{
    static int64_t seq;
    struct item *item = item_new(kind);
    item->seq = ++seq;
    snprintf(item->id, sizeof(item->id), "i%lld", (long long)item->seq);
    item->status = ITEM_COMPLETED;
    item->turn = 1;
    item->step = step;
    buf_add_str(&item->text, str_of(text));
    transcript_add(transcript, item);
    return item;
}

static struct item *add_tool(struct transcript *transcript, int64_t step, const char *call_id,
                             const char *output)
{
    struct item *item = add(transcript, ITEM_TOOL, step, output);
    item->name = mem_dup(STR("read"));
    item->call_id = mem_dup(str_of(call_id));
    item->input = mem_dup(STR("{\"path\":\"a\"}"));
    return item;
}

static struct item *sign(struct item *item)
{
    item->opaque = mem_dup(STR("{\"kind\":\"x\"}"));
    return item;
}

static size_t parts_of(const struct transcript *transcript, struct arena *arena,
                       struct model_part **parts)
{
    const struct window window = {0};
    struct err err;
    size_t count = 0;
    arena_init(arena, 64 << 20);
    assert_true(window_parts(&window, transcript, arena, parts, &count, &err));
    return count;
}

// What model.h promises to every dialect.
static void check_pairs(const struct model_part *parts, size_t count)
{
    for (size_t i = 0; i < count;) {
        if (parts[i].kind != MODEL_TOOL_CALL) {
            assert_int_not_equal(parts[i].kind, MODEL_TOOL_RESULT);
            i++;
            continue;
        }
        size_t calls = 0;
        while (i + calls < count && parts[i + calls].kind == MODEL_TOOL_CALL)
            calls++;
        for (size_t k = 0; k < calls; k++) {
            assert_true(i + calls + k < count);
            const struct model_part *result = &parts[i + calls + k];
            assert_int_equal(result->kind, MODEL_TOOL_RESULT);
            assert_true(str_equal(result->call_id, parts[i + k].call_id));
            assert_true(result->text.len > 0);
        }
        i += 2 * calls;
    }
}

static void test_parallel_calls_stand_together(void **unused)
{
    (void)unused;
    struct transcript transcript;
    struct arena arena;
    struct model_part *parts;
    transcript_init(&transcript);
    add(&transcript, ITEM_USER, 0, "task");
    add(&transcript, ITEM_NOTICE, 0, "not for the model");
    add(&transcript, ITEM_ASSISTANT, 1, "I look.");
    add_tool(&transcript, 1, "a", "A");
    add(&transcript, ITEM_APPROVAL, 0, "");
    add_tool(&transcript, 1, "b", "B");
    add_tool(&transcript, 2, "c", "C");
    size_t count = parts_of(&transcript, &arena, &parts);
    assert_int_equal(count, 8);
    check_pairs(parts, count);
    assert_true(str_is(parts[2].call_id, "a") && str_is(parts[3].call_id, "b"));
    assert_true(str_is(parts[4].text, "A") && str_is(parts[5].text, "B"));
    assert_true(str_is(parts[6].call_id, "c") && str_is(parts[7].text, "C"));
    arena_release(&arena);
    transcript_release(&transcript);
}

static void test_what_a_provider_would_refuse(void **unused)
{
    (void)unused;
    struct transcript transcript;
    struct arena arena;
    struct model_part *parts;
    transcript_init(&transcript);
    add(&transcript, ITEM_USER, 0, "task");
    add(&transcript, ITEM_ASSISTANT, 1, ""); // an empty message is refused by providers
    struct item *open = add_tool(&transcript, 1, "a", "");
    open->status = ITEM_STARTED;
    struct item *malformed = add_tool(&transcript, 1, "b", "bad arguments");
    malformed->status = ITEM_FAILED;
    mem_free(malformed->input);
    malformed->input = mem_dup(STR("\"{\\\"path\\\": \""));
    size_t count = parts_of(&transcript, &arena, &parts);
    assert_int_equal(count, 5);
    check_pairs(parts, count);
    assert_true(parts[3].failed); // no result yet
    assert_true(str_is(parts[2].input, "{}"));
    assert_true(parts[4].failed);
    arena_release(&arena);
    transcript_release(&transcript);
}

// What a provider wants back goes along with what it led to, and with nothing else.
static void test_opaque(void **unused)
{
    (void)unused;
    struct transcript transcript;
    struct arena arena;
    struct model_part *parts;
    transcript_init(&transcript);
    add(&transcript, ITEM_USER, 0, "task");
    sign(add(&transcript, ITEM_REASONING, 1, "first"));
    sign(add(&transcript, ITEM_REASONING, 1, "")); // encrypted: nothing to read
    sign(add(&transcript, ITEM_ASSISTANT, 1, "I look."));
    sign(add_tool(&transcript, 1, "a", "A"));
    sign(add(&transcript, ITEM_REASONING, 2, "of an answer that broke off"));
    struct item *failed = sign(add(&transcript, ITEM_ASSISTANT, 2, "half"));
    failed->status = ITEM_FAILED;
    sign(add(&transcript, ITEM_REASONING, 3, "cut by a limit"));
    sign(add(&transcript, ITEM_REASONING, 3, "")); // led to nothing: not sent
    add(&transcript, ITEM_USER, 0, "go on");
    size_t count = parts_of(&transcript, &arena, &parts);
    assert_int_equal(count, 10);
    check_pairs(parts, count);
    for (size_t i = 0; i < count; i++) {
        bool kept = i >= 1 && i <= 4;
        assert_string_equal(parts[i].opaque.len ? parts[i].opaque.data : "",
                            kept ? "{\"kind\":\"x\"}" : "");
    }
    assert_int_equal(parts[2].kind, MODEL_REASONING);
    assert_int_equal(parts[2].text.len, 0);
    assert_int_equal(parts[8].kind, MODEL_REASONING);
    arena_release(&arena);
    transcript_release(&transcript);
}

static void test_random_transcripts(void **unused)
{
    (void)unused;
    static const enum item_kind kinds[] = {ITEM_USER,   ITEM_ASSISTANT, ITEM_REASONING,
                                           ITEM_NOTICE, ITEM_APPROVAL,  ITEM_TOOL,
                                           ITEM_TOOL,   ITEM_TOOL,      ITEM_COMPACTION};
    unsigned random = 20261121;
    for (int round = 0; round < 500; round++) {
        struct transcript transcript;
        struct arena arena;
        struct model_part *parts;
        int64_t step = 0;
        size_t tools = 0, calls = 0;
        transcript_init(&transcript);
        add(&transcript, ITEM_USER, 0, "task");
        for (int i = 0; i < 40; i++) {
            random = random * 1103515245u + 12345u;
            enum item_kind kind = kinds[(random >> 16) % (sizeof(kinds) / sizeof(*kinds))];
            char name[16];
            snprintf(name, sizeof(name), "c%d", i);
            if (kind == ITEM_ASSISTANT || kind == ITEM_USER)
                step = random >> 22 & 3 ? step + 1 : 1; // a restart counts anew
            if (kind == ITEM_TOOL) {
                struct item *item = add_tool(&transcript, step, name, random & 1 << 20 ? "x" : "");
                item->status = (enum item_status)((random >> 24) % 3);
                tools++;
            } else {
                add(&transcript, kind, kind == ITEM_USER ? 0 : step, random & 1 << 21 ? "t" : "");
            }
        }
        size_t count = parts_of(&transcript, &arena, &parts);
        check_pairs(parts, count);
        for (size_t i = 0; i < count; i++)
            calls += parts[i].kind == MODEL_TOOL_CALL;
        assert_int_equal(calls, tools); // none lost, none twice
        assert_int_equal(parts[0].kind, MODEL_USER_TEXT);
        arena_release(&arena);
        transcript_release(&transcript);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parallel_calls_stand_together),
        cmocka_unit_test(test_what_a_provider_would_refuse),
        cmocka_unit_test(test_opaque),
        cmocka_unit_test(test_random_transcripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
