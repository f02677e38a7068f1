// SPDX-License-Identifier: MIT
// Random transcripts, cut by the context window as a turn does it, written by each dialect's own
// writer, and read by the strict rules of its servers. SWARMD_LONG walks 10,000, else 500.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/context/window.h"
#include "core/model/tokens.h"
#include "tests/unit/support/history.h"
#include "tests/unit/support/request_rules.h"
#include "transports/anthropic_request.h"
#include "transports/gemini_request.h"
#include "transports/openai_request.h"
#include "transports/responses_request.h"

enum { SIZE = 12000, RESERVE = 1000, HEAD = 500, STEPS = 12, REQUEST_MAX = 64 << 20 };

// --- the dialects ---

struct dialect {
    const char *kind, *model;
    void (*write)(struct buf *out, const struct model_request *request, struct str provider);
    const char *(*fault)(const struct json *body);
};

static void write_chat(struct buf *out, const struct model_request *request, struct str provider)
{
    const struct model_target target = {provider, STR("https://api.openai.com/v1"), 0};
    openai_request_write(out, request, &target);
}

static const char *gemini_2_fault(const struct json *body)
{
    return gemini_fault(body, false);
}

static const char *gemini_3_fault(const struct json *body)
{
    return gemini_fault(body, true);
}

static const struct dialect dialects[] = {
    {"anthropic", "claude-sonnet-4-5", anthropic_request_write, anthropic_fault},
    {"openai-responses", "gpt-5.1", responses_request_write, openai_responses_fault},
    {"openai-chat", "gpt-5.1", write_chat, openai_chat_fault},
    {"gemini", "gemini-2.5-pro", gemini_request_write, gemini_2_fault},
    {"gemini", "gemini-3-pro", gemini_request_write, gemini_3_fault},
};

enum { DIALECTS = sizeof(dialects) / sizeof(*dialects) };

// The request before, as the world's own dialect wrote it; no parts: something was cut since.
struct sent {
    struct buf body;
    size_t parts;
    int64_t turn;
};

struct world {
    struct history history;
    struct window window;
    struct window_limits limits;
    const struct dialect *dialect; // its own
    int compactions, images, signatures, prefixes;
    int64_t restarted; // the turn, whose steps were counted anew
    struct sent sent;
};

// --- a turn before its request ---

static void compact(struct world *world)
{
    int64_t boundary = window_boundary(&world->window, &world->history.transcript, &world->limits);
    struct item *summary = history_add(&world->history, ITEM_COMPACTION);
    buf_add_str(&summary->text, STR("the summary of it all"));
    history_add_text(&world->history, &summary->text);
    window_compacted(&world->window, &world->limits, boundary, summary->seq);
    if (history_pick(&world->history, 2)) // as the turn does, or a restart
        transcript_forget(&world->history.transcript, &world->window);
    world->compactions++;
}

static bool make_fit(struct world *world)
{
    struct window_cut cut;
    struct err err;
    enum window_fit fit;
    for (int rounds = 0; rounds < 5; rounds++) {
        fit = window_fit(&world->window, &world->history.transcript, &world->limits, false, &cut,
                         &err);
        if (fit != WINDOW_FITS)
            world->sent.parts = 0;
        if (fit != WINDOW_COMPACT)
            break;
        compact(world);
    }
    assert_true(fit == WINDOW_FITS || fit == WINDOW_CUT || fit == WINDOW_TOO_BIG);
    return fit != WINDOW_TOO_BIG;
}

// As ask_to_continue() of a turn: a provider wants the last word to be the person's or a tool's.
static void end_with_a_question(struct world *world)
{
    for (struct list *node = world->history.transcript.items.prev;
         node != &world->history.transcript.items; node = node->prev) {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_USER || item->kind == ITEM_TOOL)
            return;
        if (item->kind == ITEM_ASSISTANT && item->text.len > 0)
            break;
    }
    history_add_message(&world->history);
}

// --- what must be there ---

static size_t count_of(struct str text, struct str what)
{
    size_t count = 0;
    for (long at; (at = str_find(text, what)) >= 0; count++)
        text = str_skip(text, (size_t)at + what.len);
    return count;
}

static size_t images_of(const struct model_part *parts, size_t count)
{
    size_t images = 0;
    for (size_t i = 0; i < count; i++)
        images += parts[i].kind == MODEL_USER_IMAGE;
    return images;
}

// Of the newest turn, reasoning goes back with its signature as it came, in front of its calls.
static void check_reasoning(struct world *world, const struct model_part *parts, size_t count,
                            struct str body)
{
    size_t from = count;
    while (from > 0 && parts[from - 1].kind != MODEL_USER_TEXT)
        from--;
    for (size_t i = from; i < count; i++) {
        bool led = i + 1 < count && parts[i + 1].kind == MODEL_TOOL_CALL;
        long at = str_find(parts[i].opaque, STR("\"signature\":\"sig"));
        if (parts[i].kind != MODEL_REASONING || !led || at < 0)
            continue;
        struct str signature = str_skip(parts[i].opaque, (size_t)at);
        signature.len = (size_t)str_find(signature, STR("}"));
        assert_int_equal(count_of(body, signature), 1);
        world->signatures++;
    }
}

static void check_dialect(struct world *world, const struct dialect *dialect,
                          const struct model_part *parts, size_t count)
{
    const struct model_request request = {
        .model = str_of(dialect->model),
        .system = STR("You work."),
        .parts = parts,
        .part_count = count,
    };
    struct buf body;
    struct arena arena;
    struct json *json;
    struct err err = {0};
    buf_init(&body, REQUEST_MAX);
    arena_init(&arena, REQUEST_MAX * 4L);
    dialect->write(&body, &request, STR("lab"));
    assert_false(body.overflow);
    if (!json_parse(&json, &arena, buf_str(&body), &err)) // invalid UTF-8, too
        fail_msg("%s: %s", dialect->model, err.message);
    const char *why = dialect->fault(json);
    if (why)
        fail_msg("%s: %s\n%.*s", dialect->model, why, (int)(body.len < 6000 ? body.len : 6000),
                 body.data);
    assert_int_equal(count_of(buf_str(&body), STR("iVBORw0KGgoAAQI=")), images_of(parts, count));
    if (strcmp(dialect->kind, "anthropic") == 0)
        check_reasoning(world, parts, count, buf_str(&body));
    arena_release(&arena);
    buf_release(&body);
}

// --- prompt caches ---

// An answer that says something, or calls: what a server is asked to go on from.
static bool is_answered(const struct model_part *parts, size_t from, size_t count)
{
    for (; from < count && parts[from].kind != MODEL_USER_TEXT; from++)
        if (parts[from].kind == MODEL_TOOL_CALL ||
            (parts[from].kind == MODEL_ASSISTANT_TEXT && str_trim(parts[from].text).len > 0))
            return true;
    return false;
}

// Anthropic's marks of what is to be cached are not of what is cached.
static void write_unmarked(const struct dialect *dialect, const struct model_part *parts,
                           size_t count, struct buf *out)
{
    const struct str mark = STR(",\"cache_control\":{\"type\":\"ephemeral\"}");
    const struct model_request request = {
        .model = str_of(dialect->model),
        .system = STR("You work."),
        .parts = parts,
        .part_count = count,
    };
    struct buf body;
    buf_init(&body, REQUEST_MAX);
    buf_init(out, REQUEST_MAX);
    dialect->write(&body, &request, STR("lab"));
    struct str rest = buf_str(&body);
    for (long at; (at = str_find(rest, mark)) >= 0;) {
        buf_add(out, rest.data, (size_t)at);
        rest = str_skip(rest, (size_t)at + mark.len);
    }
    buf_add_str(out, rest);
    buf_release(&body);
}

// What stands behind the last text of a request: ends of lists, and options.
static size_t length_of_end(const struct dialect *dialect)
{
    const struct model_part part = {.kind = MODEL_USER_TEXT, .text = STR("WORD")};
    struct buf body;
    write_unmarked(dialect, &part, 1, &body);
    size_t length = body.len - (size_t)str_find(buf_str(&body), STR("WORD")) - 4;
    buf_release(&body);
    return length;
}

// Byte for byte, a request begins with the one before it, unless something was cut in between.
static void check_prefix(struct world *world)
{
    const struct dialect *dialect = world->dialect;
    struct sent *sent = &world->sent, now = {.turn = world->history.turn};
    struct arena arena;
    struct model_part *parts;
    struct err err;
    arena_init(&arena, 256 << 20);
    assert_true(
        window_parts(&world->window, &world->history.transcript, &arena, &parts, &now.parts, &err));
    write_unmarked(dialect, parts, now.parts, &now.body);
    if (sent->parts && now.parts > sent->parts && sent->turn != world->restarted &&
        is_answered(parts, sent->parts, now.parts)) {
        size_t length = sent->body.len - length_of_end(dialect), same = 0;
        while (same < length && sent->body.data[same] == now.body.data[same])
            same++;
        if (same < length)
            fail_msg("%s: another byte at %zu of %zu:\n%.200s\n%.200s", dialect->model, same,
                     length, sent->body.data + (same > 100 ? same - 100 : 0),
                     now.body.data + (same > 100 ? same - 100 : 0));
        world->prefixes++;
    }
    buf_release(&sent->body);
    *sent = now;
    arena_release(&arena);
}

static void check_requests(struct world *world)
{
    struct arena arena;
    struct model_part *parts;
    size_t count;
    struct err err;
    arena_init(&arena, 256 << 20);
    assert_true(
        window_parts(&world->window, &world->history.transcript, &arena, &parts, &count, &err));
    assert_true(tokens_of_parts(parts, count) <= world->limits.limit);
    for (size_t i = 0; i < DIALECTS; i++)
        if (!world->history.dialect || strcmp(dialects[i].kind, world->history.dialect) == 0 ||
            i % DIALECTS == world->history.random % DIALECTS) // another one, after a fallback
            check_dialect(world, &dialects[i], parts, count);
    world->images += (int)images_of(parts, count);
    arena_release(&arena);
}

// --- the walk ---

static void pin_some(struct world *world)
{
    struct err err;
    window_pin(&world->window, 1, true, &err);
    for (unsigned i = history_pick(&world->history, 4); i > 0; i--)
        window_pin(&world->window, 1 + history_pick(&world->history, 40), true, &err);
    if (history_pick(&world->history, 5) == 0)
        window_pin(&world->window, 1, false, &err);
}

static void walk(struct world *world)
{
    history_add_message(&world->history);
    pin_some(world);
    for (int step = 0; step < STEPS; step++) {
        history_add_step(&world->history);
        if (world->history.step == 0)
            world->restarted = world->history.turn;
        if (history_pick(&world->history, 4) == 0)
            history_add_message(&world->history);
        end_with_a_question(world);
        // What the provider reports of each request moves the limits a little.
        world->window.ratio = 950 + (int)history_pick(&world->history, 100);
        window_limits(&world->window, SIZE, RESERVE, 0, HEAD, &world->limits);
        if (!make_fit(world)) // the turn would fail
            continue;
        check_prefix(world);
        if (history_pick(&world->history, 3) == 0)
            check_requests(world);
    }
}

static int rounds(void)
{
    const char *text = getenv("SWARMD_LONG");
    return text && (strcmp(text, "1") == 0 || strcmp(text, "ON") == 0) ? 10000 : 500;
}

static void test_every_dialect_takes_what_is_left(void **unused)
{
    (void)unused;
    int compactions = 0, images = 0, signatures = 0, prefixes = 0;
    for (int round = 0; round < rounds(); round++) {
        struct world world = {.history = {.random = (uint64_t)round * 7919 + 17, .wild = true}};
        world.dialect = &dialects[round % DIALECTS];
        world.history.dialect = world.dialect->kind;
        transcript_init(&world.history.transcript);
        walk(&world);
        compactions += world.compactions;
        images += world.images;
        signatures += world.signatures;
        prefixes += world.prefixes;
        buf_release(&world.sent.body);
        transcript_release(&world.history.transcript);
        window_release(&world.window);
    }
    assert_true(compactions > rounds() && images > rounds() / 4 && signatures > rounds() / 40 &&
                prefixes > rounds()); // it was about something
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_dialect_takes_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
