// SPDX-License-Identifier: MIT
// The store at size: events of many agents in group commits, one page of a transcript, replays.
//
//   bench_store [events [agents]]      default 1000000 1000
//
// Prints one figure a line: name, value, unit. Batches have 50 to 250 events; each event tells of
// an item of about 300 bytes, as a completed assistant message or tool call does. Its words are of
// a vocabulary of 32,000, the n-th as common as 1/n. The index of the search is built
// after them all, and then, for some more events, a slice after each commit.
#include "core/agent/item.h"
#include "core/base/mem.h"
#include "core/store/search_query.h"
#include "core/store/store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_MIN = 50, BATCH_MAX = 250, READS = 200, EVENT_BYTES_MAX = 512, TEXT_MAX = 140 };
enum { WORDS_LOG2 = 15, SEARCH_LIMIT = 20 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// Bytes that this process has handed to the file system for writing.
static int64_t written_bytes(void)
{
    char line[128];
    long long bytes = 0;
    FILE *io = fopen("/proc/self/io", "r");
    while (io && fgets(line, sizeof(line), io))
        sscanf(line, "wchar: %lld", &bytes);
    if (io)
        fclose(io);
    return bytes;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static _Noreturn void die(const char *what, const struct err *err)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, err->message);
    exit(1);
}

struct writer {
    struct store *store;
    int64_t seq;
    int agents;
    int64_t bytes;
    double commit_us, commit_cpu_us, longest_us;
    struct store_event events[BATCH_MAX];
    char text[BATCH_MAX][EVENT_BYTES_MAX];
};

static int put_word(char *at, size_t room, int n)
{
    return snprintf(at, room, "w%c%c%d ", 'a' + n % 26, 'a' + n / 26 % 26, n);
}

static int random_word(void)
{
    int half = 1 << rand() % WORDS_LOG2;
    return half + rand() % half;
}

static void fill_text(char *text, size_t len)
{
    size_t at = 0;
    while (at < len)
        at += (size_t)put_word(text + at, TEXT_MAX + 32 - at, random_word());
    text[len] = 0;
}

static void fill_batch(struct writer *w, struct store_batch *batch)
{
    size_t count = BATCH_MIN + (size_t)rand() % (BATCH_MAX - BATCH_MIN + 1);
    for (size_t i = 0; i < count; i++) {
        int64_t agent = 1 + rand() % w->agents;
        long long seq = ++w->seq;
        char text[TEXT_MAX + 32];
        fill_text(text, 20 + (size_t)rand() % 120);
        int len = snprintf(w->text[i], EVENT_BYTES_MAX,
                           "{\"seq\":%lld,\"agentId\":\"fix-the-parser-%lld\","
                           "\"time\":\"2026-01-02T03:04:05.678Z\",\"type\":\"item\",\"item\":{"
                           "\"id\":\"i%lld\",\"agentId\":\"fix-the-parser-%lld\",\"turn\":3,"
                           "\"step\":7,\"seq\":%lld,\"time\":\"2026-01-02T03:04:05.678Z\","
                           "\"kind\":\"assistant\",\"status\":\"completed\",\"text\":\"%s\"}}",
                           seq, (long long)agent, seq, (long long)agent, seq, text);
        w->events[i] = (struct store_event){seq, agent, str_from(w->text[i], (size_t)len)};
        w->bytes += len;
    }
    *batch = (struct store_batch){.events = w->events, .event_count = count};
}

static void write_events(struct writer *w, int64_t until)
{
    struct store_batch batch;
    struct err err;
    while (w->seq < until) {
        fill_batch(w, &batch);
        double start = now_us(), start_cpu = cpu_us();
        if (!store_commit(w->store, &batch, &err))
            die("commit", &err);
        double took = now_us() - start;
        w->commit_cpu_us += cpu_us() - start_cpu;
        w->commit_us += took;
        if (took > w->longest_us)
            w->longest_us = took;
    }
}

static void measure_writes(struct writer *w, int64_t events)
{
    int64_t tenth = events - events / 10;
    write_events(w, tenth);
    double before = w->commit_us;
    int64_t seq = w->seq;
    write_events(w, events);
    printf("event_write_us %.2f us\n", w->commit_us / (double)w->seq);
    printf("event_write_cpu_us %.2f us\n", w->commit_cpu_us / (double)w->seq);
    printf("event_write_last_tenth_us %.2f us\n", (w->commit_us - before) / (double)(w->seq - seq));
    printf("events_per_second %.0f 1/s\n", (double)w->seq / w->commit_us * 1e6);
    printf("commit_longest_ms %.1f ms\n", w->longest_us / 1e3);
    printf("event_bytes %.0f B\n", (double)w->bytes / (double)w->seq);
    printf("write_amplification %.1f x\n", (double)written_bytes() / (double)w->bytes);
}

static void add_agents(struct writer *w)
{
    struct err err;
    struct store_agent *agents = mem_new_array((size_t)w->agents, sizeof(*agents));
    struct store_batch batch = {.agents = agents, .agent_count = (size_t)w->agents};
    for (int i = 0; i < w->agents; i++)
        agents[i] = (struct store_agent){.num = i + 1,
                                         .id = str_of(mem_format("fix-the-parser-%d", i + 1)),
                                         .record = STR("{}")};
    if (!store_commit(w->store, &batch, &err))
        die("agents", &err);
    for (int i = 0; i < w->agents; i++)
        mem_free((char *)agents[i].id.data);
    mem_free(agents);
}

static void measure_index(struct writer *w)
{
    struct err err;
    int64_t indexed = 0;
    double start = now_us(), start_cpu = cpu_us(), longest = 0;
    while (indexed < w->seq) {
        double begun = now_us();
        if (!store_index(w->store, &indexed, &err))
            die("index", &err);
        if (now_us() - begun > longest)
            longest = now_us() - begun;
    }
    printf("index_us %.2f us\n", (now_us() - start) / (double)w->seq);
    printf("index_cpu_us %.2f us\n", (cpu_us() - start_cpu) / (double)w->seq);
    printf("index_longest_slice_ms %.1f ms\n", longest / 1e3);
}

// As when the swarm runs: what a commit costs while the index follows it.
static void measure_both(struct writer *w, int64_t events)
{
    struct err err;
    int64_t indexed = 0, from = w->seq, until = w->seq + events;
    double commits = w->commit_us, start_cpu = cpu_us();
    while (w->seq < until) {
        write_events(w, w->seq + 1);
        if (!store_index(w->store, &indexed, &err))
            die("index", &err);
    }
    double count = (double)(w->seq - from);
    printf("event_write_while_indexed_us %.2f us\n", (w->commit_us - commits) / count);
    printf("event_write_and_index_cpu_us %.2f us\n", (cpu_us() - start_cpu) / count);
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_median(const char *name, double *times, int count)
{
    qsort(times, (size_t)count, sizeof(times[0]), compare_times);
    printf("%s %.3f ms\n", name, times[count / 2] / 1e3);
}

static void measure_reads(struct store *reader, const struct writer *w)
{
    double events[READS], items[READS], anywhere[READS], all[READS];
    struct buf out;
    struct err err;
    int64_t last;
    bool more;
    buf_init(&out, 64 << 20);
    int64_t span = 500 * (int64_t)w->agents; // holds about 500 events of each agent
    for (int i = 0; i < READS; i++) {
        int64_t agent = 1 + rand() % w->agents;
        int64_t after = w->seq > span ? w->seq - span : 0;
        double start = now_us();
        buf_clear(&out);
        if (!store_read_events(reader, agent, after, w->seq, &out, &last, &err))
            die("read", &err);
        double middle = now_us();
        buf_clear(&out);
        if (!store_read_items(reader, agent, 0, 0, 500, &out, &more, &err))
            die("read", &err);
        double end = now_us();
        events[i] = middle - start;
        items[i] = end - middle;
        start = now_us();
        buf_clear(&out);
        if (!store_read_events(reader, 0, rand() % w->seq, w->seq, &out, &last, &err))
            die("read", &err);
        all[i] = now_us() - start;
        start = now_us();
        buf_clear(&out);
        if (!store_read_items(reader, agent, 2 + rand() % w->seq, 0, 500, &out, &more, &err))
            die("read", &err);
        anywhere[i] = now_us() - start;
    }
    buf_release(&out);
    print_median("read_last_500_events_ms", events, READS);
    print_median("read_last_500_items_ms", items, READS);
    print_median("read_500_items_anywhere_ms", anywhere, READS);
    print_median("read_page_of_all_agents_ms", all, READS);
}

static void put_query(char *query, size_t size, const char *kind)
{
    if (!strcmp(kind, "rare")) // about one event in 50,000
        put_word(query, size, (1 << (WORDS_LOG2 - 1)) + rand() % (1 << (WORDS_LOG2 - 1)));
    else if (!strcmp(kind, "common")) // most events
        put_word(query, size, 1);
    else if (!strcmp(kind, "two"))
        put_word(query + put_word(query, size, 2 + rand() % 6), size / 2, 100 + rand() % 100);
    else // a beginning that about a twentieth of the words have
        snprintf(query, size, "w%c*", 'a' + rand() % 26);
}

static void measure_search(struct store *reader, const char *kind, const struct writer *w,
                           bool narrowed)
{
    double times[READS];
    struct err err;
    struct buf out;
    int64_t next, hits = 0;
    buf_init(&out, 64 << 20);
    for (int i = 0; i < READS; i++) {
        char query[128];
        int64_t agent = 1 + rand() % w->agents;
        struct store_search search = {.limit = SEARCH_LIMIT};
        put_query(query, sizeof(query), kind);
        buf_init(&search.match, 1 << 20);
        if (narrowed)
            search_query_narrow(&search.match, &agent, 1);
        buf_clear(&out);
        double start = now_us();
        if (!search_query_add(&search.match, str_of(query), &err) ||
            !store_search(reader, &search, &out, &next, &err))
            die(query, &err);
        times[i] = now_us() - start;
        for (size_t at = 0; at < out.len; at++)
            hits += out.data[at] == '\n';
        buf_release(&search.match);
    }
    buf_release(&out);
    char name[80];
    snprintf(name, sizeof(name), "search_%s%s_ms", kind, narrowed ? "_of_an_agent" : "");
    print_median(name, times, READS);
    printf("%s_p99 %.3f ms (%.1f hits)\n", name, times[READS * 99 / 100] / 1e3,
           (double)hits / READS);
}

static int64_t file_size(const char *folder)
{
    struct stat st;
    char *path = mem_format("%s/swarmd.db", folder);
    int64_t size = stat(path, &st) == 0 ? st.st_size : 0;
    mem_free(path);
    return size;
}

int main(int argc, char **argv)
{
    int64_t events = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
    struct writer *w = mem_new(sizeof(*w));
    struct store *reader;
    struct err err;
    char *aside;
    const char *base = getenv("TMPDIR");
    char *folder = mem_format("%s/swarmd-bench-XXXXXX", base && *base ? base : "/tmp");
    w->agents = argc > 2 ? atoi(argv[2]) : 1000;
    if (events < 1 || w->agents < 1 || !mkdtemp(folder)) {
        fprintf(stderr, "usage: bench_store [events [agents]]; and %s must be writable\n", folder);
        return 2;
    }
    if (!store_open(&w->store, folder, &aside, &err) || !store_open_reader(&reader, folder, &err))
        die("open", &err);
    measure_writes(w, events);
    measure_reads(reader, w);
    int64_t plain = file_size(folder);
    add_agents(w);
    measure_index(w);
    printf("index_bytes_per_event %.0f B\n", (double)(file_size(folder) - plain) / (double)w->seq);
    measure_search(reader, "rare", w, false);
    measure_search(reader, "common", w, false);
    measure_search(reader, "two", w, false);
    measure_search(reader, "beginning", w, false);
    measure_search(reader, "common", w, true);
    measure_both(w, events / 10);
    store_close(reader);
    double start = now_us();
    store_close(w->store);
    printf("close_ms %.1f ms\n", (now_us() - start) / 1e3);
    printf("file_bytes_per_event %.0f B\n", (double)file_size(folder) / (double)w->seq);
    start = now_us();
    if (!store_open(&w->store, folder, &aside, &err))
        die("open", &err);
    printf("open_ms %.2f ms\n", (now_us() - start) / 1e3);
    store_close(w->store);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(folder);
    mem_free(w);
    return 0;
}
