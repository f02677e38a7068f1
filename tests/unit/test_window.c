// SPDX-License-Identifier: MIT
// The context window over random transcripts: whatever is cut, it fits, a provider accepts it,
// and what was promised to stay is there. SWARMD_LONG walks more of them.
#include "tests/unit/support/unit.h"

#include "core/agent/transcript.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/context/shorten.h"
#include "core/context/window.h"
#include "core/model/tokens.h"
#include "tests/unit/support/history.h"

enum { SIZE = 8000, RESERVE = 1000, HEAD = 500, STEPS = 18 };

struct world {
    struct history history;
    struct window window;
    struct window_limits limits;
    int cuts, compactions;
};

// --- what every provider is strict about ---

static void check_text(struct str text)
{
    assert_true(utf8_is_valid(text));
}

static void check_input(struct str input)
{
    struct arena arena;
    struct json *json;
    struct err err;
    arena_init(&arena, 64 << 20);
    assert_true(json_parse(&json, &arena, input, &err));
    assert_int_equal(json->type, JSON_OBJECT);
    arena_release(&arena);
}

static size_t check_step(const struct model_part *parts, size_t count, size_t at)
{
    size_t calls = 0;
    while (at + calls < count && parts[at + calls].kind == MODEL_TOOL_CALL)
        calls++;
    for (size_t k = 0; k < calls; k++) {
        assert_true(at + calls + k < count);
        const struct model_part *result = &parts[at + calls + k];
        assert_int_equal(result->kind, MODEL_TOOL_RESULT);
        assert_true(str_equal(result->call_id, parts[at + k].call_id));
        assert_true(result->text.len > 0);
        check_input(parts[at + k].input);
    }
    return 2 * calls;
}

static void check_parts(const struct model_part *parts, size_t count)
{
    assert_true(count > 0);
    assert_int_equal(parts[0].kind, MODEL_USER_TEXT);
    for (size_t i = 0; i < count;) {
        check_text(parts[i].text);
        assert_int_not_equal(parts[i].kind, MODEL_TOOL_RESULT);
        if (parts[i].kind == MODEL_TOOL_CALL) {
            i += check_step(parts, count, i);
        } else {
            if (parts[i].kind != MODEL_REASONING)
                assert_true(parts[i].text.len > 0);
            i++;
        }
    }
}

static bool has_text(const struct model_part *parts, size_t count, const struct item *item)
{
    for (size_t i = 0; i < count; i++)
        if (str_equal(parts[i].text, buf_str(&item->text)))
            return true;
    return false;
}

static bool is_small(const struct item *item)
{
    return item->text.len > 0 && item->text.len < 500;
}

// What is pinned is there word for word, and so is the newest message; both unless huge.
static void check_promises(const struct world *world, const struct model_part *parts, size_t count)
{
    const struct item *newest = NULL;
    list_for_each(node, &world->history.transcript.items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_USER)
            newest = item;
        if (item->kind == ITEM_USER && window_is_pinned(&world->window, item->seq) &&
            is_small(item) && world->window.part_max == 0)
            assert_true(has_text(parts, count, item));
    }
    if (is_small(newest) && newest->seq >= world->window.compacted && world->window.part_max == 0)
        assert_true(has_text(parts, count, newest));
}

// A call stays with what led to it: no answer is cut in two.
static void check_boundary(const struct world *world, int64_t boundary)
{
    const struct item *first = NULL, *before = NULL;
    list_for_each(node, &world->history.transcript.items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind != ITEM_NOTICE && item->kind != ITEM_COMPACTION && item->seq < boundary)
            before = item;
        if (item->seq == boundary)
            first = item;
    }
    assert_true(first && before);
    if (first->kind != ITEM_USER)
        assert_true(before->turn != first->turn || before->step != first->step);
}

static void compact(struct world *world)
{
    int64_t boundary = window_boundary(&world->window, &world->history.transcript, &world->limits);
    assert_true(boundary > world->window.compacted);
    check_boundary(world, boundary);
    struct item *summary = history_add(&world->history, ITEM_COMPACTION);
    buf_add_str(&summary->text, STR("the summary of it all"));
    history_add_text(&world->history, &summary->text);
    window_compacted(&world->window, &world->limits, boundary, summary->seq);
    world->compactions++;
}

// As the turn does it: compactions until it fits.
static void make_fit(struct world *world)
{
    struct window_cut cut;
    struct err err;
    enum window_fit fit;
    for (int rounds = 0;; rounds++) {
        assert_true(rounds < 4);
        fit = window_fit(&world->window, &world->history.transcript, &world->limits, false, &cut,
                         &err);
        if (fit != WINDOW_COMPACT)
            break;
        compact(world);
    }
    assert_true(fit == WINDOW_FITS || fit == WINDOW_CUT);
    assert_true(cut.after <= world->limits.limit);
    world->cuts += fit == WINDOW_CUT;
}

static void view(struct world *world, struct arena *arena, struct model_part **parts, size_t *count)
{
    struct err err;
    arena_init(arena, 256 << 20);
    assert_true(
        window_parts(&world->window, &world->history.transcript, arena, parts, count, &err));
}

static bool same_part(const struct model_part *a, const struct model_part *b)
{
    return a->kind == b->kind && str_equal(a->text, b->text) && str_equal(a->input, b->input) &&
           str_equal(a->call_id, b->call_id) && str_equal(a->opaque, b->opaque);
}

// Without a cut in between, a request begins with all of the one before.
static void check_prefix(struct world *world)
{
    struct arena before_arena, arena;
    struct model_part *before, *parts;
    size_t before_count, count;
    struct window window = world->window;
    view(world, &before_arena, &before, &before_count);
    history_add_step(&world->history);
    if (history_pick(&world->history, 8) == 0)
        history_add_message(&world->history);
    make_fit(world);
    view(world, &arena, &parts, &count);
    bool moved =
        window.results != world->window.results || window.reasoning != world->window.reasoning ||
        window.images != world->window.images || window.compacted != world->window.compacted ||
        window.part_max != world->window.part_max;
    if (!moved) {
        assert_true(count >= before_count);
        for (size_t i = 0; i < before_count; i++)
            assert_true(same_part(&before[i], &parts[i]));
    }
    check_parts(parts, count);
    check_promises(world, parts, count);
    assert_true(tokens_of_parts(parts, count) <= world->limits.limit);
    arena_release(&before_arena);
    arena_release(&arena);
}

static int rounds(void)
{
    const char *text = getenv("SWARMD_LONG");
    return text && (strcmp(text, "1") == 0 || strcmp(text, "ON") == 0) ? 10000 : 500;
}

static void test_random_transcripts(void **unused)
{
    (void)unused;
    int cuts = 0, compactions = 0;
    for (int round = 0; round < rounds(); round++) {
        struct world world = {.history.random = (uint64_t)round * 7919 + 1};
        struct err err;
        transcript_init(&world.history.transcript);
        window_limits(&world.window, SIZE, RESERVE, 0, HEAD, &world.limits);
        history_add_message(&world.history);
        window_pin(&world.window, 1, true, &err);
        if (round % 3 == 0)
            window_pin(&world.window, 2 + history_pick(&world.history, 40), true, &err);
        make_fit(&world);
        for (int step = 0; step < STEPS; step++)
            check_prefix(&world);
        cuts += world.cuts;
        compactions += world.compactions;
        transcript_release(&world.history.transcript);
        window_release(&world.window);
    }
    assert_true(cuts > rounds() && compactions > rounds()); // it was about something
}

static void test_shortened_results_say_how_to_read_them(void **unused)
{
    (void)unused;
    struct world world = {.history.random = 1};
    struct arena arena;
    struct model_part *parts;
    size_t count;
    transcript_init(&world.history.transcript);
    window_limits(&world.window, SIZE, RESERVE, 0, HEAD, &world.limits);
    history_add_message(&world.history);
    world.history.step = 1;
    struct item *item = history_add(&world.history, ITEM_TOOL);
    item->name = mem_dup(STR("bash"));
    item->call_id = mem_dup(STR("a"));
    item->full = mem_dup(STR("file:///state/output/a/i2"));
    for (int i = 0; i < 1000; i++)
        buf_addf(&item->text, "line %d\n", i);
    world.window.results = item->seq + 1;
    view(&world, &arena, &parts, &count);
    struct str text = parts[2].text;
    assert_int_equal(parts[2].kind, MODEL_TOOL_RESULT);
    assert_true(text.len < 2000);
    assert_true(str_starts(text, STR("line 0\n")) && str_ends(text, STR("line 999\n")));
    assert_true(str_find(text, STR(" bytes are left out here. ")) > 0);
    assert_true(str_find(text, STR("output:i2")) > 0);
    arena_release(&arena);
    transcript_release(&world.history.transcript);
}

static void test_pins(void **unused)
{
    (void)unused;
    struct window window = {0};
    struct err err;
    for (int64_t seq = WINDOW_PINS_MAX; seq > 0; seq--)
        assert_true(window_pin(&window, seq * 2, true, &err));
    assert_true(window_pin(&window, 4, true, &err)); // is pinned
    assert_false(window_pin(&window, 3, true, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_true(window_pin(&window, 4, false, &err));
    assert_false(window_is_pinned(&window, 4));
    assert_true(window_pin(&window, 3, true, &err));
    assert_true(window_is_pinned(&window, 3) && window_is_pinned(&window, 2) &&
                window_is_pinned(&window, 128));
    window_release(&window);
}

static void test_record(void **unused)
{
    (void)unused;
    struct window window = {.results = 5,
                            .reasoning = 4,
                            .images = 6,
                            .compacted = 3,
                            .summary = 9,
                            .part_max = 1000,
                            .pinned_max = 500,
                            .summary_max = 600,
                            .ratio = 1200,
                            .warned = true};
    struct window read = {0};
    struct err err;
    struct buf text;
    struct json_writer w;
    struct arena arena;
    struct json *json;
    window_pin(&window, 7, true, &err);
    buf_init(&text, 1 << 20);
    arena_init(&arena, 1 << 20);
    json_writer_init(&w, &text);
    window_write_json(&w, &window);
    assert_true(json_parse(&json, &arena, buf_str(&text), &err));
    window_read_json(&read, json);
    assert_true(window_is_pinned(&read, 7));
    window_release(&window);
    window_release(&read);
    assert_memory_equal(&window, &read, sizeof(window));
    window_read_json(&read, NULL); // a record of before there were windows
    assert_int_equal(read.results, 0);
    buf_release(&text);
    arena_release(&arena);
}

static struct item *add_long(struct world *world, enum item_kind kind, int64_t turn)
{
    world->history.turn = turn;
    struct item *item = history_add(&world->history, kind);
    while (item->text.len < 8000)
        buf_add_str(&item->text, STR("a thought that is not short "));
    return item;
}

static void test_what_is_said_in_its_course_begins_no_turn(void **unused)
{
    (void)unused;
    struct world world = {.history.random = 1};
    struct window_cut cut;
    struct err err;
    transcript_init(&world.history.transcript);
    window_limits(&world.window, SIZE, RESERVE, 0, HEAD, &world.limits);
    history_add_message(&world.history);
    add_long(&world, ITEM_REASONING, 1);
    history_add_message(&world.history);
    int64_t begins = world.history.seq;
    add_long(&world, ITEM_REASONING, 2);
    add_long(&world, ITEM_REASONING, 2);
    history_add(&world.history, ITEM_USER);
    buf_add_str(&history_add(&world.history, ITEM_USER)->text, STR("mind this, too"));
    window_fit(&world.window, &world.history.transcript, &world.limits, false, &cut, &err);
    assert_int_equal(cut.reasonings, 1);
    assert_int_equal(world.window.reasoning, begins);
    transcript_release(&world.history.transcript);
}

// Else the request would end with what is pinned: an answer, which providers refuse.
static void test_the_newest_question_stays_where_nothing_was_answered(void **unused)
{
    (void)unused;
    struct world world = {.history.random = 1};
    transcript_init(&world.history.transcript);
    window_limits(&world.window, SIZE, RESERVE, 0, HEAD, &world.limits);
    history_add_message(&world.history);
    add_long(&world, ITEM_ASSISTANT, 1);
    world.history.step = 2;
    int64_t asked = add_long(&world, ITEM_TOOL, 1)->seq;
    world.history.step = 3;
    history_add(&world.history, ITEM_REASONING);
    history_add(&world.history, ITEM_ASSISTANT);
    assert_int_equal(window_boundary(&world.window, &world.history.transcript, &world.limits),
                     asked);
    transcript_release(&world.history.transcript);
}

static void test_head_alone_too_large(void **unused)
{
    (void)unused;
    struct world world = {.history.random = 3};
    struct window_cut cut;
    struct err err;
    transcript_init(&world.history.transcript);
    window_limits(&world.window, 4000, 0, 0, 5000, &world.limits);
    assert_true(world.limits.limit <= 0);
    history_add_message(&world.history);
    assert_int_equal(
        window_fit(&world.window, &world.history.transcript, &world.limits, false, &cut, &err),
        WINDOW_TOO_BIG);
    transcript_release(&world.history.transcript);
}

static void test_ratio(void **unused)
{
    (void)unused;
    int ratio = tokens_learn(0, 1000, 1500);
    assert_int_equal(ratio, 1500);
    assert_int_equal(tokens_learn(ratio, 1000, 1100), 1400);
    assert_int_equal(tokens_learn(ratio, 1000, 0), ratio); // not reported
    assert_int_equal(tokens_learn(0, 1000, 3), TOKENS_RATIO_MIN);
    assert_int_equal(tokens_corrected(1000, 1500), 1500);
    assert_int_equal(tokens_uncorrected(1500, 1500), 1000);
    assert_int_equal(tokens_of_bytes(0), 0);
    assert_int_equal(tokens_of_bytes(7), 2);
    assert_int_equal(tokens_of_bytes(8), 3);
}

static void test_shorten(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct str same = STR("short");
    assert_ptr_equal(shorten_text(&arena, same, 10, NULL).data, same.data);
    char text[4001];
    for (size_t cut = 0; cut < 3; cut++) { // "€" has three bytes: every place in it
        for (size_t i = 0; i + 3 <= 3999; i += 3)
            memcpy(text + i, "€", 3);
        struct str out = shorten_text(&arena, str_from(text, 3999), 500 + cut, "Ask again");
        assert_true(utf8_is_valid(out));
        assert_true(out.len < 700 && str_find(out, STR("Ask again]")) > 0);
    }
    struct str broken = shorten_input(&arena, str_from(text, 3999), 500);
    assert_true(str_starts(broken, STR("{\"note\":\"3999 bytes")));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_transcripts),
        cmocka_unit_test(test_shortened_results_say_how_to_read_them),
        cmocka_unit_test(test_pins),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_what_is_said_in_its_course_begins_no_turn),
        cmocka_unit_test(test_the_newest_question_stays_where_nothing_was_answered),
        cmocka_unit_test(test_head_alone_too_large),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_shorten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
