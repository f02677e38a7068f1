// SPDX-License-Identifier: MIT
// Runs a fuzz target without libFuzzer: RUNS inputs, each an entry of its corpus after a few
// mutations, the same ones on every machine. When one fails, it prints the command that makes
// a file of that input.
//
//   fuzz_x                       the fixed runs
//   fuzz_x --runs N --seed S     others
//   fuzz_x --corpus FOLDER       write the corpus as files, for libFuzzer
//   fuzz_x FILE...               these inputs
#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <stdbool.h>

enum { RUNS = 20000, INPUT_MAX = 4096, FILE_MAX = 1 << 20, MUTATIONS_MAX = 8, PIECE_MAX = 64 };

struct input {
    uint8_t bytes[INPUT_MAX];
    size_t len;
};

// xorshift64*: small, and the same everywhere.
static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(uint64_t *seed, size_t limit)
{
    return (size_t)((random_next(seed) >> 32) % limit);
}

static size_t corpus_count(void)
{
    size_t count = 0;
    while (fuzz_corpus && fuzz_corpus[count].data)
        count++;
    return count;
}

static struct str corpus_pick(uint64_t *seed)
{
    size_t count = corpus_count();
    if (count == 0)
        return STR("");
    struct str entry = fuzz_corpus[random_below(seed, count)];
    if (entry.len > INPUT_MAX)
        entry.len = INPUT_MAX;
    return entry;
}

static void erase(struct input *input, size_t at, size_t len)
{
    memmove(input->bytes + at, input->bytes + at + len, input->len - at - len);
    input->len -= len;
}

static void insert(struct input *input, size_t at, struct str piece)
{
    uint8_t copy[PIECE_MAX]; // the piece may lie in the input itself
    if (piece.len == 0 || piece.len > PIECE_MAX || piece.len > INPUT_MAX - input->len)
        return;
    memcpy(copy, piece.data, piece.len);
    memmove(input->bytes + at + piece.len, input->bytes + at, input->len - at);
    memcpy(input->bytes + at, copy, piece.len);
    input->len += piece.len;
}

static struct str piece_of(struct str whole, uint64_t *seed)
{
    if (whole.len == 0)
        return whole;
    size_t at = random_below(seed, whole.len);
    size_t most = whole.len - at < PIECE_MAX ? whole.len - at : PIECE_MAX;
    return str_from(whole.data + at, 1 + random_below(seed, most));
}

static void mutate(struct input *input, uint64_t *seed)
{
    static const char telling[] = "\0\xff\x80\x7f\xc3\"\\{}[],:0-9.eE+\r\n\t ";
    size_t at = random_below(seed, input->len + 1);
    char byte = telling[random_below(seed, sizeof telling - 1)];
    switch (random_below(seed, 8)) {
    case 0: // flip a bit
        if (at < input->len)
            input->bytes[at] ^= (uint8_t)(1u << random_below(seed, 8));
        break;
    case 1: // another byte
        if (at < input->len)
            input->bytes[at] = (uint8_t)random_next(seed);
        break;
    case 2:
        if (at < input->len)
            input->bytes[at] = (uint8_t)byte;
        break;
    case 3:
        insert(input, at, str_from(&byte, 1));
        break;
    case 4: // leave something out
        if (at < input->len)
            erase(input, at, 1 + random_below(seed, input->len - at < 16 ? input->len - at : 16));
        break;
    case 5: // cut the end off
        input->len = at;
        break;
    case 6: // repeat something
        insert(input, at, piece_of(str_from((char *)input->bytes, input->len), seed));
        break;
    default: // take something from elsewhere
        insert(input, at, piece_of(corpus_pick(seed), seed));
        break;
    }
}

// What runs now: a signal and the sanitizers' last call bring no argument along.
static struct str running;

static void print_running(void)
{
    fputs("input: printf '", stderr);
    for (size_t i = 0; i < running.len; i++) {
        unsigned char c = (unsigned char)running.data[i];
        if (c < 0x20 || c >= 0x7f || c == '\'' || c == '\\' || c == '%')
            fprintf(stderr, "\\%03o", c);
        else
            fputc(c, stderr);
    }
    fputs("' > input\n", stderr);
}

static void on_abort(int number)
{
    print_running();
    signal(number, SIG_DFL);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch_for_failure(void)
{
    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(print_running);
}

// The input lies in memory of its exact size, so that the sanitizer sees a step past its end.
static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    memcpy(exact, bytes, len);
    running = str_from((char *)exact, len);
    LLVMFuzzerTestOneInput(exact, len);
    running = STR_NONE;
    free(exact);
}

static void run_mutations(size_t runs, uint64_t seed)
{
    static struct input input;
    for (size_t i = 0; i < runs; i++) {
        struct str entry = corpus_pick(&seed);
        memcpy(input.bytes, entry.data, entry.len);
        input.len = entry.len;
        for (size_t left = random_below(&seed, MUTATIONS_MAX + 1); left > 0; left--)
            mutate(&input, &seed);
        run(input.bytes, input.len);
    }
}

static bool run_file(const char *path)
{
    static uint8_t bytes[FILE_MAX];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return false;
    }
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run(bytes, len);
    return true;
}

static bool write_corpus(const char *folder)
{
    for (size_t i = 0; i < corpus_count(); i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%zu", folder, i);
        FILE *file = fopen(path, "wb");
        if (!file) {
            perror(path);
            return false;
        }
        fwrite(fuzz_corpus[i].data, 1, fuzz_corpus[i].len, file);
        fclose(file);
    }
    return true;
}

int main(int argc, char **argv)
{
    size_t runs = RUNS;
    uint64_t seed = 1;
    bool files = false, ok = true;
    watch_for_failure();
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (value && strcmp(argv[i], "--runs") == 0) {
            runs = strtoul(argv[++i], NULL, 10);
        } else if (value && strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[++i], NULL, 10) | 1;
        } else if (value && strcmp(argv[i], "--corpus") == 0) {
            files = true;
            ok = write_corpus(argv[++i]) && ok;
        } else {
            files = true;
            ok = run_file(argv[i]) && ok;
        }
    }
    if (!files)
        run_mutations(runs, seed);
    return ok ? 0 : 1;
}
