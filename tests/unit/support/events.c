// SPDX-License-Identifier: MIT
// clang-format off
#include "tests/unit/support/unit.h"
#include "tests/unit/support/events.h"
// clang-format on

#include "core/base/json.h"
#include "core/base/mem.h"

struct events *events_new(void)
{
    return mem_new(sizeof(struct events));
}

void events_clear(struct events *events)
{
    for (size_t i = 0; i < events->count; i++)
        free((char *)events->list[i].bytes.data);
    events->count = 0;
}

void events_free(struct events *events)
{
    events_clear(events);
    mem_free(events);
}

static void add(struct events *events, int64_t seq, int64_t agent, char *text)
{
    if (events->count == EVENTS_MAX)
        abort();
    events->list[events->count++] = (struct store_event){seq, agent, str_of(text)};
}

void events_add_turn(struct events *events, int64_t seq, int64_t agent)
{
    add(events, seq, agent,
        mem_format("{\"seq\":%lld,\"agentId\":\"agent-%lld\",\"time\":\"2026-01-02T03:04:05.678Z\","
                   "\"type\":\"turn\",\"phase\":\"started\"}",
                   (long long)seq, (long long)agent));
}

void events_add_item(struct events *events, int64_t seq, int64_t agent, int64_t first,
                     const char *status, size_t size)
{
    char *text = mem_new(size + 1);
    memset(text, 'x', size);
    add(events, seq, agent,
        mem_format("{\"seq\":%lld,\"agentId\":\"agent-%lld\",\"time\":\"2026-01-02T03:04:05.678Z\","
                   "\"type\":\"item\",\"item\":{\"id\":\"i%lld\",\"agentId\":\"agent-%lld\","
                   "\"turn\":1,\"step\":1,\"seq\":%lld,\"time\":\"2026-01-02T03:04:05.678Z\","
                   "\"kind\":\"assistant\",\"status\":\"%s\",\"text\":\"%s\"}}",
                   (long long)seq, (long long)agent, (long long)first, (long long)agent,
                   (long long)first, status, text));
    mem_free(text);
}

void events_commit(struct events *events, struct store *store)
{
    struct store_batch batch = {.events = events->list, .event_count = events->count};
    struct err err = {0};
    if (!store_commit(store, &batch, &err))
        fail_msg("commit: %s", err.message);
    events_clear(events);
}

char *events_read_all(struct store *store, int64_t agent, int64_t after, int64_t until)
{
    struct buf out;
    struct err err = {0};
    buf_init(&out, 512 << 20);
    buf_add_str(&out, STR(""));
    while (after < until) {
        int64_t last = 0;
        size_t before = out.len;
        if (!store_read_events(store, agent, after, until, &out, &last, &err))
            fail_msg("read: %s", err.message);
        assert_true(last > after); // else reading would not end
        assert_true(out.len > before || last == until);
        after = last;
    }
    if (!out.data)
        return mem_dup(STR(""));
    return buf_detach(&out, NULL);
}

char *events_seqs(struct str lines)
{
    struct buf out;
    struct arena arena;
    buf_init(&out, 16 << 20);
    arena_init(&arena, 256 << 20);
    while (lines.len) {
        const char *end = memchr(lines.data, '\n', lines.len);
        assert_non_null(end);
        size_t len = (size_t)(end - lines.data);
        struct json *json = NULL;
        struct err err = {0};
        arena_reset(&arena);
        if (!json_parse(&json, &arena, str_from(lines.data, len), &err))
            fail_msg("not JSON: %s: %.*s", err.message, (int)len, lines.data);
        if (out.len)
            buf_add_char(&out, ' ');
        buf_add_int(&out, json_int(json, "seq", -1));
        lines = str_skip(lines, len + 1);
    }
    arena_release(&arena);
    return out.data ? buf_detach(&out, NULL) : mem_dup(STR(""));
}
