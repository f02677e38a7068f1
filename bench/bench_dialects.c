// SPDX-License-Identifier: MIT
// What the dialects of model providers cost: reading one delta of a stream (server-sent events,
// JSON, dialect), and writing the request of a transcript of 2 MB. CPU time, medians of ROUNDS
// rounds.
#include "core/base/mem.h"
#include "transports/anthropic.h"
#include "transports/gemini.h"
#include "transports/model_http.h"
#include "transports/model_stream.h"
#include "transports/openai_chat.h"
#include "transports/openai_responses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUNDS = 11,
    DELTAS = 20000,
    FED_AT_ONCE = 16 << 10, // bytes, as curl does
    REQUESTS = 10,          // in a round
    STEPS = 400, // of the transcript: reasoning, text, a call and a result of RESULT bytes
    RESULT = 4000,
    SIGNATURE = 600, // bytes of what a vendor wants back of each step
    MEMORY_MAX = 256 << 20,
};

struct subject {
    const char *name;
    const struct model_dialect *(*dialect)(void);
    const char *model;
    const char *delta;             // as the vendor sends them
    enum model_part_kind reasoned; // the part that has what the vendor wants back,
    const char *opaque;            // with %s for SIGNATURE bytes
};

static const struct subject subjects[] = {
    {"openai-chat", openai_chat_dialect, "gpt-5.1",
     "data: {\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWx\",\"object\":\"chat.completion.chunk\","
     "\"created\":1721038123,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\","
     "\"system_fingerprint\":\"fp_0123456789a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
     "\" text\"},\"finish_reason\":null}]}\n\n",
     MODEL_TOOL_CALL,
     "{\"kind\":\"openai-chat\",\"provider\":\"lab\",\"field\":\"reasoning_content\","
     "\"extra_content\":{\"google\":{\"thought_signature\":\"%s\"}}}"},
    {"openai-responses", openai_responses_dialect, "gpt-5.1",
     "event: response.output_text.delta\n"
     "data: {\"type\":\"response.output_text.delta\",\"sequence_number\":123,\"item_id\":"
     "\"msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654\",\"output_index\":0,"
     "\"content_index\":0,\"delta\":\" text\",\"logprobs\":[],\"obfuscation\":\"aBcDeFgHiJ\"}\n\n",
     MODEL_REASONING,
     "{\"kind\":\"openai-responses\",\"provider\":\"lab\",\"item\":{\"type\":\"reasoning\",\"id\":"
     "\"rs_1\",\"summary\":[],\"encrypted_content\":\"%s\"}}"},
    {"anthropic", anthropic_dialect, "claude-sonnet-5",
     "event: content_block_delta\n"
     "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
     "\"text\":\" text\"}}\n\n",
     MODEL_REASONING, "{\"kind\":\"anthropic\",\"provider\":\"lab\",\"signature\":\"%s\"}"},
    {"gemini", gemini_dialect, "gemini-3.8-flash",
     "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" text\"}],\"role\": "
     "\"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 1234,"
     "\"candidatesTokenCount\": 56,\"totalTokenCount\": 1290,\"promptTokensDetails\": "
     "[{\"modality\": \"TEXT\",\"tokenCount\": 1234}]},\"modelVersion\": \"gemini-3.8-flash\","
     "\"responseId\": \"AbCdEfGhIjKlMnOpQrStUv\"}\r\n\r\n",
     MODEL_TOOL_CALL, "{\"kind\":\"gemini\",\"provider\":\"lab\",\"thoughtSignature\":\"%s\"}"},
};

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

static double median(double rounds[ROUNDS])
{
    qsort(rounds, ROUNDS, sizeof *rounds, by_value);
    return rounds[ROUNDS / 2];
}

// --- deltas

static void on_text(void *arg, struct str piece)
{
    *(size_t *)arg += piece.len;
}

static void on_usage(void *arg, const struct model_usage *usage)
{
    (void)arg;
    (void)usage;
}

static void read_stream(const struct model_dialect *dialect, struct str body)
{
    static const struct model_sink sink = {.text = on_text, .usage = on_usage};
    struct model_origin origin = {.provider = (char *)"bench"};
    struct model_stream *stream = mem_new(dialect->stream_size);
    struct arena arena;
    struct err err;
    size_t taken = 0;
    arena_init(&arena, MEMORY_MAX);
    model_stream_init(stream, &sink, &taken, &origin, &arena);
    dialect->open(stream);
    if (dialect == anthropic_dialect()) {
        struct str begin = STR("data: {\"type\":\"content_block_start\",\"index\":0,"
                               "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
        model_stream_feed(stream, begin, &err);
    }
    for (size_t at = 0; at < body.len; at += FED_AT_ONCE) {
        size_t len = body.len - at < FED_AT_ONCE ? body.len - at : FED_AT_ONCE;
        if (!model_stream_feed(stream, str_from(body.data + at, len), &err)) {
            fprintf(stderr, "bench_dialects: %s\n", err.message);
            exit(1);
        }
    }
    if (taken != (size_t)DELTAS * 5) {
        fprintf(stderr, "bench_dialects: %zu bytes of text, not %d\n", taken, DELTAS * 5);
        exit(1);
    }
    model_stream_release(stream);
    mem_free(stream);
    arena_release(&arena);
}

static void bench_deltas(const struct subject *subject)
{
    struct buf body;
    double rounds[ROUNDS];
    buf_init(&body, MEMORY_MAX);
    for (int i = 0; i < DELTAS; i++)
        buf_add_str(&body, str_of(subject->delta));
    for (int r = 0; r < ROUNDS; r++) {
        double start = cpu_time();
        read_stream(subject->dialect(), buf_str(&body));
        rounds[r] = (cpu_time() - start) / DELTAS / 1000;
    }
    printf("delta_%-28s %10.3f us\n", subject->name, median(rounds));
    buf_release(&body);
}

// --- requests

static struct model_part *make_parts(size_t *count)
{
    static char result[RESULT], input[600];
    struct model_part *parts = mem_new_array(1 + 4 * STEPS, sizeof(*parts));
    for (size_t i = 0; i < sizeof(result); i++)
        result[i] = i % 40 == 39 ? '\n' : i % 40 == 20 ? '"' : (char)('a' + i % 26);
    snprintf(input, sizeof(input), "{\"path\":\"src/main.c\",\"old\":\"%.*s\"}", 500,
             "int main(void) { return 0; } // and so on, for a while, until it is long enough for "
             "what an edit has on average, which is some hundred bytes of old and new text");
    *count = 0;
    parts[(*count)++] = (struct model_part){.kind = MODEL_USER_TEXT, .text = STR("do it")};
    for (int i = 0; i < STEPS; i++) {
        parts[(*count)++] =
            (struct model_part){.kind = MODEL_REASONING, .text = str_from(result, 400)};
        parts[(*count)++] =
            (struct model_part){.kind = MODEL_ASSISTANT_TEXT, .text = str_from(result, 200)};
        parts[(*count)++] = (struct model_part){.kind = MODEL_TOOL_CALL,
                                                .call_id = STR("call_0123456789abcdef"),
                                                .name = STR("edit"),
                                                .input = str_of(input)};
        parts[(*count)++] = (struct model_part){.kind = MODEL_TOOL_RESULT,
                                                .call_id = STR("call_0123456789abcdef"),
                                                .name = STR("edit"),
                                                .text = str_from(result, sizeof(result))};
    }
    return parts;
}

static void sign(const struct subject *subject, struct model_part *parts, size_t count)
{
    static char opaque[SIGNATURE + 300];
    char signature[SIGNATURE + 1];
    const char *at = strstr(subject->opaque, "%s");
    memset(signature, 'A', SIGNATURE);
    signature[SIGNATURE] = '\0';
    snprintf(opaque, sizeof(opaque), "%.*s%s%s", (int)(at - subject->opaque), subject->opaque,
             signature, at + 2);
    for (size_t i = 0; i < count; i++)
        if (parts[i].kind == subject->reasoned)
            parts[i].opaque = str_of(opaque);
}

static void bench_request(const struct subject *subject, bool is_signed)
{
    static const struct model_target target = {.provider = {"lab", 3},
                                               .base_url = {"https://host", 12}};
    double rounds[ROUNDS];
    struct model_request request = {.model = str_of(subject->model), .system = STR("Be good.")};
    size_t size = 0;
    struct model_part *parts = make_parts(&request.part_count);
    request.parts = parts;
    if (is_signed)
        sign(subject, parts, request.part_count);
    for (int r = 0; r < ROUNDS; r++) {
        double start = cpu_time();
        for (int i = 0; i < REQUESTS; i++) {
            struct buf out;
            buf_init(&out, MODEL_REQUEST_MAX);
            subject->dialect()->write(&out, &request, &target);
            size = out.len;
            buf_release(&out);
        }
        rounds[r] = (cpu_time() - start) / REQUESTS / 1e6;
    }
    printf("request_%s%-*s %10.3f ms\n", subject->name, (int)(26 - strlen(subject->name)),
           is_signed ? "_signed" : "", median(rounds));
    if (size < 1900000)
        fprintf(stderr, "bench_dialects: a request of %zu bytes\n", size);
    mem_free(parts);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
        bench_deltas(&subjects[i]);
    for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
        bench_request(&subjects[i], false);
    for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
        bench_request(&subjects[i], true);
    return 0;
}
