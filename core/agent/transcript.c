// SPDX-License-Identifier: MIT
#include "core/agent/transcript.h"

#include "core/base/mem.h"
#include "core/context/window.h"

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

static size_t bytes_of(const struct item *item)
{
    return item->text.len + (item->opaque ? strlen(item->opaque) : 0) + images_held(&item->images);
}

static void forget_images(struct transcript *transcript, struct item *item)
{
    transcript->bytes -= images_held(&item->images);
    images_forget(&item->images);
}

void transcript_add(struct transcript *transcript, struct item *item)
{
    list_append(&transcript->items, &item->node);
    transcript->bytes += bytes_of(item);
}

void transcript_forget(struct transcript *transcript, const struct window *window)
{
    list_for_each_safe(node, &transcript->items)
    {
        struct item *item = list_entry(node, struct item, node);
        if (!window_shows_images(window, item))
            forget_images(transcript, item);
        if (window_shows(window, item))
            continue;
        transcript->bytes -= bytes_of(item);
        item_free(item);
    }
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

// Those that the window would leave out before the next request: they need not fit all at once.
static void hold_few_images(struct transcript *transcript)
{
    size_t bytes = 0;
    for (struct list *node = transcript->items.prev; node != &transcript->items;
         node = node->prev) {
        struct item *item = list_entry(node, struct item, node);
        if (item->images.count == 0)
            continue;
        bytes += images_bytes(&item->images);
        if (bytes > WINDOW_IMAGES_MAX || !window_shows_images(transcript->window, item))
            forget_images(transcript, item);
    }
}

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
    transcript->read.after = item->seq;
    bool is_pin = transcript->read.limit == 1;
    if (window_shows(transcript->window, item) &&
        (!is_pin || item->seq < transcript->window->compacted)) {
        transcript_add(transcript, item);
        if (item->images.count > 0)
            hold_few_images(transcript);
    } else {
        item_free(item); // it is behind what was asked for
    }
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

// The turn that the transcript ends with, when it was taken back there; else -1.
static int64_t rewound_to(const struct item *item)
{
    struct arena arena;
    struct json *json;
    struct err ignored;
    int64_t turn = -1;
    if (item->kind != ITEM_REWIND || !item->input)
        return -1;
    arena_init(&arena, TRANSCRIPT_BYTES_MAX);
    if (json_parse(&json, &arena, str_of(item->input), &ignored) &&
        json_bool(json, "transcript", false))
        turn = json_int(json, "turn", -1);
    arena_release(&arena);
    return turn;
}

// From the end: going back to a turn before an earlier rewind undoes that, too.
static void drop_rewound(struct transcript *transcript)
{
    int64_t last = INT64_MAX;
    for (struct list *node = transcript->items.prev, *before; node != &transcript->items;
         node = before) {
        struct item *item = list_entry(node, struct item, node);
        before = node->prev;
        int64_t turn = item->turn < last ? rewound_to(item) : -1;
        if (item->turn > last)
            item_free(item);
        else if (turn >= 0)
            last = turn;
    }
}

// What is pinned of the older part one by one, then all that is newer.
static void read_next(struct transcript *transcript)
{
    const struct window *window = transcript->window;
    struct journal_read *read = &transcript->read;
    if (transcript->pin < window->pin_count && window->pins[transcript->pin] < window->compacted) {
        read->after = window->pins[transcript->pin++] - 1;
        read->limit = 1;
    } else if (read->limit == 1) {
        read->after = window->compacted > 1 ? window->compacted - 1 : 1;
        read->limit = TRANSCRIPT_PAGE_ITEMS;
    }
    journal_read(transcript->journal, read);
}

static void page_read(struct journal_read *read)
{
    struct transcript *transcript = list_entry(read, struct transcript, read);
    struct err err = read->err;
    bool more = read->more || read->limit == 1;
    if (err.kind == ERR_NONE && !take_page(transcript, &err))
        more = false;
    journal_read_release(read);
    if (err.kind == ERR_NONE && more) {
        read_next(transcript);
    } else {
        drop_rewound(transcript);
        transcript->loaded(transcript, &err);
    }
}

static void load_committed(struct journal_wait *wait)
{
    read_next(list_entry(wait, struct transcript, wait));
}

void transcript_load(struct transcript *transcript, struct journal *journal, int64_t agent,
                     const struct window *window,
                     void (*loaded)(struct transcript *transcript, const struct err *err))
{
    transcript->journal = journal;
    transcript->loaded = loaded;
    transcript->read.agent = agent;
    transcript->window = window;
    transcript->read.limit = 1; // an agent's first event is never an item: every item is after 1
    transcript->read.done = page_read;
    transcript->wait.fn = load_committed;
    journal_wait(journal, &transcript->wait);
}
