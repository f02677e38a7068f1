// SPDX-License-Identifier: MIT
// What the core does before a dialect writes a request (bench_dialects.c), with a transcript of 2
// MB: the view is measured against the window, and its parts are made. CPU time, medians of ROUNDS
// rounds.
#include "core/agent/transcript.h"
#include "core/base/mem.h"
#include "core/context/window.h"
#include "core/model/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 21, STEPS = 400, RESULT = 4000, ARENA_MAX = 256 << 20 };

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double rounds[ROUNDS])
{
    qsort(rounds, ROUNDS, sizeof(*rounds), compare);
    return rounds[ROUNDS / 2];
}

// --- the transcript

static struct item *add(struct transcript *transcript, enum item_kind kind, int64_t step,
                        struct str text)
{
    static int64_t seq;
    struct item *item = item_new(kind);
    item->status = ITEM_COMPLETED;
    item->seq = ++seq;
    item->turn = 1;
    item->step = step;
    buf_add_str(&item->text, text);
    transcript_add(transcript, item);
    return item;
}

static void fill(struct transcript *transcript)
{
    static char words[RESULT];
    char input[640];
    for (size_t i = 0; i < sizeof(words); i++)
        words[i] = i % 40 == 39 ? '\n' : i % 40 == 20 ? '"' : (char)('a' + i % 26);
    snprintf(input, sizeof(input), "{\"path\":\"src/main.c\",\"new_text\":\"%.*s\"}", 500,
             "a text without quotes that an edit puts in the place of another one, some hundred "
             "bytes long as most of them are, and then a little longer than that");
    add(transcript, ITEM_USER, 0, STR("do it"));
    for (int step = 1; step <= STEPS; step++) {
        add(transcript, ITEM_REASONING, step, str_from(words, 400));
        add(transcript, ITEM_ASSISTANT, step, str_from(words, 200));
        struct item *call = add(transcript, ITEM_TOOL, step, str_from(words, sizeof(words)));
        call->name = mem_dup(STR("edit"));
        call->call_id = mem_format("call_%016d", step);
        call->input = mem_dup(str_of(input));
    }
}

// --- the steps of a request

struct scene {
    struct transcript transcript;
    struct window window;
    struct window_limits limits;
    double fit[ROUNDS], parts[ROUNDS];
};

static void die(const char *what)
{
    fprintf(stderr, "bench_request: %s\n", what);
    exit(1);
}

static void run_once(struct scene *scene, int round)
{
    struct window_cut cut;
    struct err err;
    struct arena arena;
    struct model_part *parts;
    size_t count;
    double start = cpu_ms();
    if (window_fit(&scene->window, &scene->transcript, &scene->limits, false, &cut, &err) !=
        WINDOW_FITS)
        die("the transcript does not fit");
    double fitted = cpu_ms();
    arena_init(&arena, ARENA_MAX);
    if (!window_parts(&scene->window, &scene->transcript, &arena, &parts, &count, &err))
        die(err.message);
    if (tokens_of_parts(parts, count) != cut.after)
        die("parts and fit do not agree");
    double made = cpu_ms();
    arena_release(&arena);
    scene->fit[round] = fitted - start;
    scene->parts[round] = made - fitted;
}

int main(void)
{
    static struct scene scene;
    transcript_init(&scene.transcript);
    fill(&scene.transcript);
    window_limits(&scene.window, 10000000, 0, 0, 1000, &scene.limits);
    for (int round = 0; round < ROUNDS; round++)
        run_once(&scene, round);
    if (scene.transcript.bytes < 1800000)
        die("the transcript is not 2 MB");
    printf("%-32s %10.4f ms\n", "path_fits_the_window", median(scene.fit));
    printf("%-32s %10.4f ms\n", "path_its_parts", median(scene.parts));
    transcript_release(&scene.transcript);
    return 0;
}
