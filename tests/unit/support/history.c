// SPDX-License-Identifier: MIT
#include "tests/unit/support/history.h"

#include "core/base/mem.h"

#include <stdio.h>
#include <string.h>

unsigned history_pick(struct history *history, unsigned bound)
{
    history->random = history->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(history->random >> 33) % bound;
}

static bool one_in(struct history *history, unsigned bound)
{
    return history_pick(history, bound) == 0;
}

void history_add_text(struct history *history, struct buf *out)
{
    static const char *const pieces[] = {"word ", "\n", "ß", "€uro", "𝄞", "\"quoted\\\"", "\t"};
    static const size_t sizes[] = {0, 1, 40, 100, 400, 400, 2000, 4000, 30000};
    size_t size = sizes[history_pick(history, 9)];
    if (size > 400 && history_pick(history, 3) > 0)
        size = 400;
    if (history->wild && one_in(history, 12)) {
        buf_add_str(out, STR(" \n\t")); // nothing to see, which some servers refuse
        return;
    }
    while (out->len < size)
        buf_add_str(out, str_of(pieces[history_pick(history, 7)]));
}

struct item *history_add(struct history *history, enum item_kind kind)
{
    struct item *item = item_new(kind);
    item->seq = ++history->seq;
    snprintf(item->id, sizeof(item->id), "i%lld", (long long)item->seq);
    item->status = ITEM_COMPLETED;
    item->turn = history->turn;
    item->step = kind == ITEM_USER ? 0 : history->step;
    transcript_add(&history->transcript, item);
    return item;
}

// --- what providers want back ---

static char *opaque_of(struct history *history, enum item_kind kind)
{
    long long number = (long long)history->seq;
    const char *dialect = history->dialect;
    if (!dialect || one_in(history, 20)) // of another provider
        return mem_dup(STR("{\"kind\":\"x\",\"signature\":\"abc\"}"));
    if (strcmp(dialect, "anthropic") == 0)
        return one_in(history, 4)
                   ? mem_format("{\"kind\":\"anthropic\",\"redacted\":\"red%lld\"}", number)
                   : mem_format("{\"kind\":\"anthropic\",\"signature\":\"sig%lld\"}", number);
    if (strcmp(dialect, "gemini") == 0)
        return mem_format("{\"kind\":\"gemini\",\"thoughtSignature\":\"sig%lld\"}", number);
    if (kind == ITEM_ASSISTANT)
        return mem_format("{\"kind\":\"%s\",\"phase\":\"commentary\"}", dialect);
    return mem_format("{\"kind\":\"%s\",\"%s\":{\"type\":\"reasoning\",\"id\":\"rs_%lld\","
                      "\"summary\":[],\"encrypted_content\":\"enc\"}}",
                      dialect, kind == ITEM_TOOL ? "before" : "item", number);
}

// --- answers ---

static enum item_status status_of(struct history *history)
{
    if (history->wild && one_in(history, 12))
        return ITEM_STARTED;
    return one_in(history, 8) ? ITEM_FAILED : ITEM_COMPLETED;
}

static char *input_of(struct history *history)
{
    struct buf text, input;
    struct json_writer w;
    buf_init(&text, ITEM_TEXT_MAX);
    buf_init(&input, ITEM_TEXT_MAX);
    history_add_text(history, &text);
    json_writer_init(&w, &input);
    json_begin_object(&w);
    json_add_str(&w, "path", STR("a/b.c"));
    json_add_str(&w, "content", buf_str(&text));
    json_key(&w, "edits");
    json_begin_array(&w);
    for (unsigned i = history->wild ? history_pick(history, 3) : 0; i > 0; i--)
        json_put_str(&w, buf_str(&text));
    json_end_array(&w);
    json_end_object(&w);
    buf_release(&text);
    return buf_detach(&input, NULL);
}

static void add_call(struct history *history)
{
    static const char *const names[] = {"read", "bash",      "read", "functions.read",
                                        "?",    "über tool", ""};
    struct item *item = history_add(history, ITEM_TOOL);
    item->name = mem_dup(str_of(names[history_pick(history, history->wild ? 7 : 3)]));
    item->call_id = mem_format("call%lld", (long long)item->seq);
    item->status = status_of(history);
    if (one_in(history, 4))
        item->opaque = opaque_of(history, ITEM_TOOL);
    if (one_in(history, 6))
        item->full = mem_dup(STR("file:///state/output/a/i.txt"));
    history_add_text(history, &item->text);
    item->input =
        history->wild && one_in(history, 10) ? mem_dup(STR("\"no object\"")) : input_of(history);
}

static void add_image(struct item *item)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 1, 2};
    struct err err;
    images_add_bytes(&item->images, str_from((const char *)png, sizeof(png)), &err);
}

void history_add_message(struct history *history)
{
    history->turn++;
    history->step = 0;
    struct item *item = history_add(history, ITEM_USER);
    if (history->wild && one_in(history, 6)) {
        for (unsigned i = 1 + history_pick(history, 2); i > 0; i--)
            add_image(item);
        if (one_in(history, 2))
            return;
    }
    buf_add_str(&item->text, STR("do "));
    history_add_text(history, &item->text);
}

static void add_reasoning(struct history *history)
{
    struct item *item = history_add(history, ITEM_REASONING);
    history_add_text(history, &item->text);
    if (history_pick(history, 2))
        item->opaque = opaque_of(history, ITEM_REASONING);
}

static void add_answer(struct history *history)
{
    struct item *item = history_add(history, ITEM_ASSISTANT);
    history_add_text(history, &item->text);
    if (history->wild && one_in(history, 4))
        item->opaque = opaque_of(history, ITEM_ASSISTANT);
    if (history->wild && one_in(history, 12))
        item->status = ITEM_FAILED;
}

static void add_others(struct history *history)
{
    static const enum item_kind kinds[] = {ITEM_NOTICE, ITEM_PLAN,    ITEM_APPROVAL,  ITEM_MERGE,
                                           ITEM_REWIND, ITEM_MESSAGE, ITEM_KIND_COUNT};
    struct item *item = history_add(history, kinds[history->wild ? history_pick(history, 7) : 0]);
    buf_add_str(&item->text, STR("not for the model"));
}

void history_add_step(struct history *history)
{
    history->step++;
    if (history_pick(history, 2))
        add_reasoning(history);
    if (history_pick(history, 3))
        add_answer(history);
    if (one_in(history, 6))
        add_others(history);
    for (unsigned calls = history_pick(history, 4); calls > 0; calls--)
        add_call(history);
    if (history->wild && one_in(history, 15)) // a restart: its steps are counted anew
        history->step = 0;
}
