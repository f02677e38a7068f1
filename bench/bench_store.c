// SPDX-License-Identifier: MIT
// The store at size: events of many agents in group commits, one page of a transcript, replays.
//
//   bench_store [events [agents]]      default 1000000 1000
//
// Prints one figure a line: name, value, unit. Batches have 50 to 250 events; each event tells of
// an item of about 300 bytes, as a completed assistant message or tool call does.
#include "core/item.h"
#include "core/mem.h"
#include "core/store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BATCH_MIN = 50, BATCH_MAX = 250, READS = 200, EVENT_BYTES_MAX = 512 };

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

static void fill_batch(struct writer *w, struct store_batch *batch)
{
    size_t count = BATCH_MIN + (size_t)rand() % (BATCH_MAX - BATCH_MIN + 1);
    for (size_t i = 0; i < count; i++) {
        int64_t agent = 1 + rand() % w->agents;
        long long seq = ++w->seq;
        int len = snprintf(w->text[i], EVENT_BYTES_MAX,
                           "{\"seq\":%lld,\"agentId\":\"fix-the-parser-%lld\","
                           "\"time\":\"2026-01-02T03:04:05.678Z\",\"type\":\"item\",\"item\":{"
                           "\"id\":\"i%lld\",\"agentId\":\"fix-the-parser-%lld\",\"turn\":3,"
                           "\"step\":7,\"seq\":%lld,\"time\":\"2026-01-02T03:04:05.678Z\","
                           "\"kind\":\"assistant\",\"status\":\"completed\",\"text\":\"%.*s\"}}",
                           seq, (long long)agent, seq, (long long)agent, seq, 20 + rand() % 120,
                           "I have read the file and found the place where the last line is "
                           "dropped; I will change the loop so that it also takes a line without "
                           "its end, and add a test for it.");
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
    double events[READS], items[READS], all[READS];
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
    }
    buf_release(&out);
    print_median("read_last_500_events_ms", events, READS);
    print_median("read_last_500_items_ms", items, READS);
    print_median("read_page_of_all_agents_ms", all, READS);
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
