// SPDX-License-Identifier: MIT
#include "core/transcript.h"

#include "core/mem.h"

void transcript_init(struct transcript *transcript)
{
    memset(transcript, 0, sizeof(*transcript));
    list_init(&transcript->items);
    list_init(&transcript->wait.node);
}

void transcript_release(struct transcript *transcript)
{
    list_for_each_safe(node, &transcript->items)
    {
        item_free(list_entry(node, struct item, node));
    }
    list_init(&transcript->items);
    transcript->bytes = 0;
}

void transcript_add(struct transcript *transcript, struct item *item)
{
    list_append(&transcript->items, &item->node);
    transcript->bytes += item->text.len + (item->opaque ? strlen(item->opaque) : 0);
}

struct item *transcript_find(const struct transcript *transcript, const char *id)
{
    list_for_each(node, &transcript->items)
    {
        struct item *item = list_entry(node, struct item, node);
        if (strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

// --- loading ---

static bool take_line(struct transcript *transcript, struct arena *arena, struct str line,
                      struct err *err)
{
    struct json *json;
    arena_reset(arena);
    if (!json_parse(&json, arena, line, err))
        return false;
    struct item *item = item_read_json(json, err);
    if (!item)
        return false;
    transcript_add(transcript, item);
    transcript->read.after = item->seq;
    return true;
}

static bool take_page(struct transcript *transcript, struct err *err)
{
    struct arena arena;
    arena_init(&arena, TRANSCRIPT_BYTES_MAX * 2);
    struct str page = buf_str(&transcript->read.out);
    bool ok = true;
    while (ok && page.len) {
        long end = str_find(page, STR("\n"));
        size_t len = end < 0 ? page.len : (size_t)end;
        if (len)
            ok = take_line(transcript, &arena, str_from(page.data, len), err);
        page = str_skip(page, end < 0 ? page.len : len + 1);
    }
    arena_release(&arena);
    if (ok && transcript->bytes > TRANSCRIPT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the transcript is longer than %d bytes",
                       TRANSCRIPT_BYTES_MAX);
    return ok;
}

static void page_read(struct journal_read *read)
{
    struct transcript *transcript = list_entry(read, struct transcript, read);
    struct err err = read->err;
    bool more = read->more;
    if (err.kind == ERR_NONE && !take_page(transcript, &err))
        more = false;
    journal_read_release(read);
    if (err.kind == ERR_NONE && more)
        journal_read(transcript->journal, read);
    else
        transcript->loaded(transcript, &err);
}

static void load_committed(struct journal_wait *wait)
{
    struct transcript *transcript = list_entry(wait, struct transcript, wait);
    journal_read(transcript->journal, &transcript->read);
}

void transcript_load(struct transcript *transcript, struct journal *journal, int64_t agent,
                     void (*loaded)(struct transcript *transcript, const struct err *err))
{
    transcript->journal = journal;
    transcript->loaded = loaded;
    transcript->read.agent = agent;
    transcript->read.after = 1; // an agent's first event is never an item: every item is after 1
    transcript->read.limit = TRANSCRIPT_PAGE_ITEMS;
    transcript->read.done = page_read;
    transcript->wait.fn = load_committed;
    journal_wait(journal, &transcript->wait);
}

// --- the parts of a request ---

struct parts {
    struct model_part *items;
    size_t count, max;
};

static struct model_part *next_part(struct parts *parts, enum model_part_kind kind)
{
    struct model_part *part = &parts->items[parts->count++];
    part->kind = kind;
    return part;
}

static void put_user(struct parts *parts, const struct item *item)
{
    if (item->text.len)
        next_part(parts, MODEL_USER_TEXT)->text = buf_str(&item->text);
}

static bool is_answer(const struct item *item)
{
    return item->kind == ITEM_ASSISTANT || item->kind == ITEM_REASONING || item->kind == ITEM_TOOL;
}

// A provider takes its reasoning back only in front of what it led to: not when the answer broke
// off, or ended, before that.
static bool led_to_something(const struct transcript *transcript, const struct item *reasoning)
{
    bool something = false;
    for (const struct list *node = &reasoning->node; node != &transcript->items;
         node = node->next) {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_USER)
            break;
        if (!is_answer(item))
            continue;
        if (item->turn != reasoning->turn || item->step != reasoning->step)
            break;
        if (item->kind != ITEM_TOOL && item->status != ITEM_COMPLETED)
            return false;
        something = something || item->kind == ITEM_TOOL ||
                    (item->kind == ITEM_ASSISTANT && item->text.len > 0);
    }
    return something;
}

static void put_reasoning(struct parts *parts, const struct transcript *transcript,
                          const struct item *item)
{
    bool opaque = item->opaque && led_to_something(transcript, item);
    if (!opaque && item->text.len == 0)
        return;
    struct model_part *part = next_part(parts, MODEL_REASONING);
    part->text = buf_str(&item->text);
    part->opaque = str_of(opaque ? item->opaque : NULL);
}

static void put_assistant(struct parts *parts, const struct item *item)
{
    if (item->text.len == 0)
        return;
    struct model_part *part = next_part(parts, MODEL_ASSISTANT_TEXT);
    part->text = buf_str(&item->text);
    part->opaque = str_of(item->status == ITEM_COMPLETED ? item->opaque : NULL);
}

static bool same_step(const struct item *a, const struct item *b)
{
    return b->kind == ITEM_TOOL && a->turn == b->turn && a->step == b->step;
}

static void put_call(struct parts *parts, const struct item *item)
{
    struct model_part *part = next_part(parts, MODEL_TOOL_CALL);
    part->call_id = str_of(item->call_id);
    part->name = str_of(item->name);
    // Arguments that were no object are kept in the transcript; a provider wants an object.
    bool object = item->input && item->input[0] == '{';
    part->input = object ? str_of(item->input) : STR("{}");
    part->opaque = str_of(item->opaque);
}

static void put_result(struct parts *parts, const struct item *item)
{
    struct model_part *part = next_part(parts, MODEL_TOOL_RESULT);
    part->call_id = str_of(item->call_id);
    part->name = str_of(item->name);
    part->failed = item->status != ITEM_COMPLETED;
    if (item->status == ITEM_STARTED)
        part->text = STR("(this call has no result)");
    else
        part->text = item->text.len ? buf_str(&item->text) : STR("(no output)");
}

// After a restart a turn counts its steps anew: the number alone does not tell one step from
// another, the message between them does.
static bool ends_step(const struct item *item)
{
    return item->kind == ITEM_USER || item->kind == ITEM_ASSISTANT || item->kind == ITEM_REASONING;
}

// All calls of the step that `first` begins, then all their results.
static void put_step(struct parts *parts, const struct transcript *transcript,
                     const struct item *first)
{
    for (int results = 0; results < 2; results++) {
        for (const struct list *node = &first->node; node != &transcript->items;
             node = node->next) {
            const struct item *item = list_entry(node, struct item, node);
            bool other_step = item->kind == ITEM_TOOL && !same_step(first, item);
            if (ends_step(item) || other_step)
                break;
            if (item->kind != ITEM_TOOL)
                continue;
            if (results)
                put_result(parts, item);
            else
                put_call(parts, item);
        }
    }
}

// Approvals and notices may stand between the calls of a step.
static bool begins_step(const struct transcript *transcript, const struct item *item)
{
    for (const struct list *node = item->node.prev; node != &transcript->items; node = node->prev) {
        const struct item *before = list_entry(node, struct item, node);
        if (before->kind == ITEM_TOOL)
            return !same_step(item, before);
        if (ends_step(before))
            return true;
    }
    return true;
}

bool transcript_parts(const struct transcript *transcript, struct arena *arena,
                      struct model_part **out, size_t *count, struct err *err)
{
    struct parts parts = {0};
    list_for_each(node, &transcript->items) parts.max += 2;
    parts.items = arena_alloc(arena, (parts.max + 1) * sizeof(*parts.items));
    if (!parts.items)
        return err_set(err, ERR_LIMIT, "the request to the model is too large");
    list_for_each(node, &transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_USER)
            put_user(&parts, item);
        else if (item->kind == ITEM_ASSISTANT)
            put_assistant(&parts, item);
        else if (item->kind == ITEM_REASONING)
            put_reasoning(&parts, transcript, item);
        else if (item->kind == ITEM_TOOL && begins_step(transcript, item))
            put_step(&parts, transcript, item);
    }
    *out = parts.items;
    *count = parts.count;
    return true;
}
