// SPDX-License-Identifier: MIT
// What JSON costs: reading one delta of a model's stream, writing one delta event, and reading
// and writing a document of 2 MB. CPU time, medians of ROUNDS rounds.
#include "core/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUNDS = 21,
    SMALL_REPEATS = 200000, // in a round
    LARGE_REPEATS = 10,
    MEMORY_MAX = 256 << 20,
    DOCUMENT_SIZE = 2000000,
};

// 260 bytes, as OpenAI-compatible servers send them.
static const char delta[] =
    "{\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx\",\"object\":\"chat.completion.chunk\","
    "\"created\":1721038123,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\","
    "\"system_fingerprint\":\"fp_0123456789a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
    "\" text\"},\"finish_reason\":null}]}";

struct bench {
    struct arena arena;
    struct buf out;
    struct str document;
    struct json *tree;
};

// Of this process alone: what else runs on the machine shall not show.
static double cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, const char *unit, double scale, int repeats,
                    void (*once)(struct bench *), struct bench *bench)
{
    double rounds[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        double start = cpu_time();
        for (int i = 0; i < repeats; i++)
            once(bench);
        rounds[r] = (cpu_time() - start) / repeats / scale;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    printf("%-34s %10.3f %s\n", name, rounds[ROUNDS / 2], unit);
}

static void read_text(struct bench *bench, struct str text)
{
    struct err err;
    arena_reset(&bench->arena);
    if (!json_parse(&bench->tree, &bench->arena, text, &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

static void read_delta(struct bench *bench)
{
    read_text(bench, str_from(delta, sizeof delta - 1));
}

static void read_document(struct bench *bench)
{
    read_text(bench, bench->document);
}

static void write_delta(struct bench *bench)
{
    struct json_writer w;
    buf_clear(&bench->out);
    json_writer_init(&w, &bench->out);
    json_begin_object(&w);
    json_add_cstr(&w, "type", "delta");
    json_add_cstr(&w, "agentId", "fix-the-parser-3k9");
    json_add_cstr(&w, "time", "2024-07-15T08:42:03.123Z");
    json_add_cstr(&w, "itemId", "01J2V8Q0W3");
    json_add_cstr(&w, "kind", "assistant");
    json_add_cstr(&w, "text", " text that the model wrote,\nwith a line end");
    json_add_int(&w, "offset", 18432);
    json_end_object(&w);
}

static void write_document(struct bench *bench)
{
    struct json_writer w;
    buf_clear(&bench->out);
    json_writer_init(&w, &bench->out);
    json_put_tree(&w, bench->tree);
}

// A transcript: prose, source text with its escapes, numbers, some letters beyond ASCII.
static void make_document(struct buf *text)
{
    static const char prose[] = "The parser keeps a pointer into the text, so nothing is copied "
                                "unless a string has escapes; na\xc3\xafve readers copy all.";
    static const char source[] = "static int f(char *p)\n{\n\treturn *p == '\"' ? 1 : 0;\n}\n";
    struct json_writer w;
    json_writer_init(&w, text);
    json_begin_array(&w);
    for (int i = 0; text->len < DOCUMENT_SIZE; i++) {
        json_begin_object(&w);
        json_add_int(&w, "seq", 1000000 + i);
        json_add_cstr(&w, "kind", i % 3 ? "assistant" : "tool");
        json_add_cstr(&w, i % 3 ? "text" : "output", i % 3 ? prose : source);
        if (i % 10 == 0)
            json_add_real(&w, "costUsd", i / 1000.0);
        json_add_bool(&w, "final", i % 2);
        json_key(&w, "paths");
        json_begin_array(&w);
        json_put_str(&w, STR("core/base/json_read.c"));
        json_put_null(&w);
        json_end_array(&w);
        json_end_object(&w);
    }
    json_end_array(&w);
}

int main(void)
{
    struct bench bench = {0};
    struct buf text;
    arena_init(&bench.arena, MEMORY_MAX);
    buf_init(&bench.out, MEMORY_MAX);
    buf_init(&text, MEMORY_MAX);
    make_document(&text);
    bench.document = buf_str(&text);
    measure("json: read a 260-byte delta", "ns", 1, SMALL_REPEATS, read_delta, &bench);
    measure("json: write a delta event", "ns", 1, SMALL_REPEATS, write_delta, &bench);
    measure("json: read 2 MB", "ms", 1e6, LARGE_REPEATS, read_document, &bench);
    measure("json: write 2 MB", "ms", 1e6, LARGE_REPEATS, write_document, &bench);
    arena_release(&bench.arena);
    buf_release(&bench.out);
    buf_release(&text);
    return 0;
}
