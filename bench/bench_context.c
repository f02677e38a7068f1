// SPDX-License-Identifier: MIT
// What a full context costs: reading a transcript of 2 MB back, seeing whether it fits, cutting it,
// a compaction's own part of the work, and preparing a large output for its summary. CPU time,
// medians of ROUNDS rounds.
#include "core/agent/transcript.h"
#include "core/base/mem.h"
#include "core/context/compaction.h"
#include "core/context/digest.h"
#include "core/context/window.h"
#include "core/model/tokens.h"
#include "core/tools/plain_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 21, BYTES = 2000000, RESULT_BYTES = 6000, OUTPUT_BYTES = 20000000 };
enum { WINDOW_FITTING = 1000000, WINDOW_SHORTER = 600000, WINDOW_SMALL = 128000 }; // tokens

struct bench {
    struct transcript transcript;
    struct buf stored;    // a line an item, as the store has them
    struct window window; // of the round
    struct window_limits limits;
    struct window_cut cut;
    struct buf output;
};

static struct bench bench;

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// --- a transcript ---

static struct item *add(enum item_kind kind, int64_t turn, int64_t step)
{
    struct item *item = item_new(kind);
    static int64_t seq;
    item->seq = ++seq;
    snprintf(item->id, sizeof(item->id), "i%lld", (long long)item->seq);
    item->status = ITEM_COMPLETED;
    item->turn = turn;
    item->step = step;
    transcript_add(&bench.transcript, item);
    return item;
}

static void fill(struct buf *text, size_t bytes)
{
    for (int line = 0; text->len < bytes; line++)
        buf_addf(text, "%5d  the %d-th line of a file that an agent has read\n", line, line * 7);
}

static void make_transcript(void)
{
    size_t bytes = 0;
    for (int64_t turn = 1; bytes < BYTES; turn++) {
        buf_add_str(&add(ITEM_USER, turn, 0)->text, STR("Look at the next file, and mend it."));
        for (int64_t step = 1; step <= 8 && bytes < BYTES; step++) {
            fill(&add(ITEM_ASSISTANT, turn, step)->text, 300);
            struct item *tool = add(ITEM_TOOL, turn, step);
            tool->name = mem_dup(STR("read"));
            tool->title = mem_dup(STR("read core/context/window.c"));
            tool->call_id = mem_format("call_%lld", (long long)tool->seq);
            tool->input = mem_dup(STR("{\"path\":\"core/context/window.c\"}"));
            fill(&tool->text, RESULT_BYTES);
            bytes += tool->text.len + 400;
        }
    }
}

static void store_transcript(void)
{
    list_for_each(node, &bench.transcript.items)
    {
        struct json_writer w;
        json_writer_init(&w, &bench.stored);
        item_write_json(&w, list_entry(node, struct item, node), STR("an-agent"));
        buf_add_char(&bench.stored, '\n');
    }
}

// --- what is measured ---

static void load(void)
{
    struct arena arena;
    struct json *json;
    struct err err;
    struct str rest = buf_str(&bench.stored);
    arena_init(&arena, 64 << 20);
    while (rest.len) {
        size_t len = (size_t)((const char *)memchr(rest.data, '\n', rest.len) - rest.data);
        arena_reset(&arena);
        struct item *item = NULL;
        if (json_parse(&json, &arena, str_from(rest.data, len), &err))
            item = item_read_json(json, &err);
        if (!item)
            abort();
        item_free(item);
        rest = str_skip(rest, len + 1);
    }
    arena_release(&arena);
}

static void set_window(int64_t size)
{
    struct err err;
    window_release(&bench.window);
    bench.window = (struct window){0};
    window_pin(&bench.window, 1, true, &err);
    window_limits(&bench.window, size, 0, 0, 3000, &bench.limits);
}

static void expect(enum window_fit wanted)
{
    struct err err;
    if (window_fit(&bench.window, &bench.transcript, &bench.limits, false, &bench.cut, &err) !=
        wanted)
        abort();
}

static void fits(void)
{
    set_window(WINDOW_FITTING);
    expect(WINDOW_FITS);
}

static void shorten(void)
{
    set_window(WINDOW_SHORTER);
    expect(WINDOW_CUT);
}

static void cut_all(void)
{
    set_window(WINDOW_SMALL);
    expect(WINDOW_COMPACT);
    bench.window.compacted =
        window_boundary(&bench.window, &bench.transcript, &bench.limits); // as window_compacted()
    expect(WINDOW_FITS);
}

static struct compaction compaction_of(void)
{
    set_window(WINDOW_SMALL);
    return (struct compaction){&bench.window, &bench.transcript,
                               window_boundary(&bench.window, &bench.transcript, &bench.limits)};
}

static void make_text(void)
{
    struct compaction compaction = compaction_of();
    struct buf text;
    buf_init(&text, 64 << 20);
    compaction_text(&compaction, tokens_to_bytes(bench.limits.limit), &text);
    if (text.len < BYTES / 20)
        abort();
    buf_release(&text);
}

static void summarise(void)
{
    struct compaction compaction = compaction_of();
    struct buf text;
    buf_init(&text, 64 << 20);
    compaction_mechanical(&compaction, &text);
    buf_release(&text);
}

// As condensing reads it from the disk.
static void digest_output(void)
{
    enum { PIECE = 64 << 10, READ = 1000000 };
    static struct plain_text plain;
    struct digest digest;
    struct buf lines, text;
    struct str rest = buf_str(&bench.output);
    plain_text_init(&plain);
    digest_init(&digest, (int64_t)rest.len, READ);
    buf_init(&lines, PLAIN_TEXT_GROWTH * PIECE + PLAIN_TEXT_SLACK);
    buf_init(&text, 4 * READ);
    while (rest.len) {
        size_t len = rest.len < PIECE ? rest.len : PIECE;
        plain_text_add(&plain, str_from(rest.data, len), &lines);
        digest_add(&digest, buf_str(&lines));
        buf_clear(&lines);
        rest = str_skip(rest, len);
    }
    digest_put(&digest, &text);
    for (rest = buf_str(&text); rest.len;)
        digest_piece(&rest, 100000);
    buf_release(&text);
    buf_release(&lines);
    digest_release(&digest);
}

// --- figures ---

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, void (*fn)(void))
{
    double rounds[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        double start = cpu_us();
        fn();
        rounds[r] = (cpu_us() - start) / 1000;
    }
    qsort(rounds, ROUNDS, sizeof(*rounds), by_value);
    printf("context_%-24s %10.3f ms\n", name, rounds[ROUNDS / 2]);
}

int main(void)
{
    transcript_init(&bench.transcript);
    buf_init(&bench.stored, 64 << 20);
    buf_init(&bench.output, 64 << 20);
    make_transcript();
    store_transcript();
    fill(&bench.output, OUTPUT_BYTES);
    measure("load_2mb", load);
    measure("fits_2mb", fits);
    measure("shorten_2mb", shorten);
    measure("cut_2mb", cut_all);
    measure("compaction_text_2mb", make_text);
    measure("compaction_by_hand_2mb", summarise);
    measure("digest_20mb", digest_output);
    buf_release(&bench.output);
    buf_release(&bench.stored);
    window_release(&bench.window);
    transcript_release(&bench.transcript);
    return 0;
}
