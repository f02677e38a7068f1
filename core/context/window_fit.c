// SPDX-License-Identifier: MIT
// When the view is too large: which mark moves, and how far.
#include "core/agent/transcript.h"
#include "core/context/window.h"
#include "core/model/tokens.h"

enum { VIEW_BYTES_MAX = 256 << 20, NOTE_BYTES = 150 };

struct fitting {
    struct window *window;
    const struct transcript *transcript;
    const struct window_limits *limits;
    struct arena arena;
    int64_t tokens; // of the view as it is
    struct window_cut *cut;
    struct err *err;
};

static bool measure(struct fitting *fitting)
{
    struct model_part *parts;
    size_t count;
    arena_reset(&fitting->arena);
    if (!window_parts(fitting->window, fitting->transcript, &fitting->arena, &parts, &count,
                      fitting->err))
        return false;
    fitting->tokens = tokens_of_parts(parts, count);
    return true;
}

bool window_measure(const struct window *window, const struct transcript *transcript,
                    struct window_cut *cut, struct err *err)
{
    struct model_part *parts;
    size_t count;
    struct arena arena;
    arena_init(&arena, VIEW_BYTES_MAX);
    bool ok = window_parts(window, transcript, &arena, &parts, &count, err);
    *cut = (struct window_cut){0};
    if (ok)
        cut->before = cut->after = tokens_of_parts(parts, count);
    arena_release(&arena);
    return ok;
}

static int64_t saved(size_t bytes)
{
    size_t kept = WINDOW_RESULT_KEPT + NOTE_BYTES;
    return bytes > kept ? tokens_of_bytes(bytes - kept) : 0;
}

static const struct item *newest_tool(const struct transcript *transcript)
{
    for (const struct list *node = transcript->items.prev; node != &transcript->items;
         node = node->prev) {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind == ITEM_TOOL)
            return item;
    }
    return NULL;
}

// Leaves the images of the newest messages that have `most` bytes together, and of the newest one.
static size_t keep_images(struct window *window, const struct transcript *transcript, size_t most)
{
    size_t bytes = 0, dropped = 0;
    int64_t first = 0; // whose images stay
    for (const struct list *node = transcript->items.prev; node != &transcript->items;
         node = node->prev) {
        const struct item *item = list_entry(node, struct item, node);
        if (item->images.count == 0 || !window_shows_images(window, item))
            continue;
        bytes += images_bytes(&item->images);
        if (first == 0 || (bytes <= most && dropped == 0))
            first = item->seq;
        else
            dropped++;
    }
    if (dropped > 0)
        window->images = first;
    return dropped;
}

size_t window_drop_images(struct window *window, const struct transcript *transcript)
{
    return keep_images(window, transcript, 0);
}

static size_t limit_images(struct window *window, const struct transcript *transcript)
{
    size_t bytes = 0;
    list_for_each(node, &transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (window_shows_images(window, item))
            bytes += images_bytes(&item->images);
    }
    return bytes > WINDOW_IMAGES_MAX ? keep_images(window, transcript, WINDOW_IMAGES_TARGET) : 0;
}

// The oldest first, as far as needed; those of the newest step stay whole.
static void shorten_results(struct fitting *fitting)
{
    struct window *window = fitting->window;
    const struct item *newest = newest_tool(fitting->transcript);
    int64_t need = fitting->tokens - fitting->limits->target;
    list_for_each(node, &fitting->transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (need <= 0)
            break;
        if (item->kind != ITEM_TOOL || item->seq < window->results || !window_shows(window, item))
            continue;
        if (item->turn == newest->turn && item->step == newest->step)
            break;
        int64_t gain = saved(item->text.len) + saved(str_of(item->input).len);
        window->results = item->seq + 1;
        fitting->cut->results += gain > 0;
        need -= gain;
    }
}

// The first message of the newest turn: what was said in its course (steering) begins none.
static int64_t newest_turn(const struct transcript *transcript)
{
    int64_t begins = 0, turn = -1;
    list_for_each(node, &transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->kind != ITEM_USER || item->turn == turn)
            continue;
        begins = item->seq;
        turn = item->turn;
    }
    return begins;
}

static void drop_reasoning(struct fitting *fitting)
{
    int64_t turn_begins = newest_turn(fitting->transcript);
    size_t count = 0;
    list_for_each(node, &fitting->transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        bool is_left_out = item->kind == ITEM_REASONING || item->images.count > 0;
        count += is_left_out && item->seq >= fitting->window->reasoning &&
                 item->seq < turn_begins && window_shows(fitting->window, item);
    }
    if (count > 0)
        fitting->window->reasoning = turn_begins;
    fitting->cut->reasonings += count;
}

static bool cut_parts(struct fitting *fitting)
{
    struct window *window = fitting->window;
    int64_t largest = (int64_t)tokens_to_bytes(fitting->limits->limit);
    if (largest <= 0)
        return true;
    if (window->part_max <= 0 || window->part_max > largest)
        window->part_max = largest;
    while (fitting->tokens > fitting->limits->limit && window->part_max > WINDOW_PART_MIN) {
        window->part_max /= 2;
        fitting->cut->parts = true;
        if (!measure(fitting))
            return false;
    }
    return true;
}

// After a change to a smaller model.
static void lower(int64_t *max, int64_t tokens)
{
    int64_t bytes = (int64_t)tokens_to_bytes(tokens);
    if (bytes < WINDOW_PART_MIN)
        bytes = WINDOW_PART_MIN;
    if (*max <= 0 || *max > bytes)
        *max = bytes;
}

static void lower_maxima(struct fitting *fitting)
{
    struct window *window = fitting->window;
    if (!window->compacted)
        return;
    lower(&window->pinned_max, fitting->limits->pinned);
    lower(&window->summary_max, fitting->limits->summary);
}

static enum window_fit fit(struct fitting *fitting, bool force)
{
    const struct window_limits *limits = fitting->limits;
    if (!measure(fitting))
        return WINDOW_ERROR;
    fitting->cut->before = fitting->tokens;
    fitting->cut->images = limit_images(fitting->window, fitting->transcript);
    if (fitting->cut->images && !measure(fitting))
        return WINDOW_ERROR;
    int64_t boundary;
    if (force)
        boundary = window_boundary(fitting->window, fitting->transcript, limits);
    else if (fitting->tokens <= limits->limit)
        return fitting->cut->images ? WINDOW_CUT : WINDOW_FITS;
    if (force)
        return boundary ? WINDOW_COMPACT : WINDOW_FITS;
    lower_maxima(fitting);
    shorten_results(fitting);
    if (!measure(fitting))
        return WINDOW_ERROR;
    if (fitting->tokens > limits->target) {
        drop_reasoning(fitting);
        if (!measure(fitting))
            return WINDOW_ERROR;
    }
    if (fitting->tokens > limits->warn &&
        window_boundary(fitting->window, fitting->transcript, limits))
        return WINDOW_COMPACT;
    if (fitting->tokens > limits->limit && !cut_parts(fitting))
        return WINDOW_ERROR;
    return fitting->tokens > limits->limit ? WINDOW_TOO_BIG : WINDOW_CUT;
}

enum window_fit window_fit(struct window *window, const struct transcript *transcript,
                           const struct window_limits *limits, bool force, struct window_cut *cut,
                           struct err *err)
{
    struct fitting fitting = {
        .window = window,
        .transcript = transcript,
        .limits = limits,
        .cut = cut,
        .err = err,
    };
    *cut = (struct window_cut){0};
    arena_init(&fitting.arena, VIEW_BYTES_MAX);
    enum window_fit result = fit(&fitting, force);
    cut->after = fitting.tokens;
    arena_release(&fitting.arena);
    return result;
}

// --- where to cut ---

static bool is_answer(const struct item *item)
{
    return item->kind == ITEM_ASSISTANT || item->kind == ITEM_REASONING || item->kind == ITEM_TOOL;
}

// Does a group begin here that may stand first: a message, or all of one answer?
static bool begins_group(const struct item *item, const struct item *before)
{
    if (item->kind == ITEM_USER || !before || before->kind == ITEM_USER)
        return true;
    if (item->turn != before->turn || item->step != before->step)
        return true;
    return item->kind != ITEM_TOOL && before->kind == ITEM_TOOL;
}

static int64_t tokens_of_item(const struct window *window, const struct item *item)
{
    size_t bytes = item->text.len + str_of(item->input).len;
    if (item->kind == ITEM_TOOL && item->seq < window->results)
        bytes -= bytes > WINDOW_RESULT_KEPT ? bytes - WINDOW_RESULT_KEPT : 0;
    return tokens_of_bytes(bytes) + TOKENS_CALL + TOKENS_RESULT;
}

static const struct item *before_it(const struct transcript *transcript, const struct item *item)
{
    for (const struct list *node = item->node.prev; node != &transcript->items; node = node->prev) {
        const struct item *before = list_entry(node, struct item, node);
        if (before->kind == ITEM_USER || is_answer(before))
            return before;
    }
    return NULL;
}

static bool has_older(const struct window *window, const struct transcript *transcript,
                      int64_t boundary)
{
    list_for_each(node, &transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->seq >= boundary)
            break;
        if (item->seq >= window->compacted && (is_answer(item) || item->kind == ITEM_USER) &&
            !window_is_pinned(window, item->seq))
            return true;
    }
    return false;
}

int64_t window_boundary(const struct window *window, const struct transcript *transcript,
                        const struct window_limits *limits)
{
    int64_t tokens = 0, boundary = 0;
    bool asks = false; // a request ends with what a person said, or a tool
    for (const struct list *node = transcript->items.prev; node != &transcript->items;
         node = node->prev) {
        const struct item *item = list_entry(node, struct item, node);
        if (item->seq < window->compacted)
            break;
        if (item->kind != ITEM_USER && !is_answer(item))
            continue;
        tokens += tokens_of_item(window, item);
        asks = asks || item->kind == ITEM_USER || item->kind == ITEM_TOOL;
        if (boundary && tokens > limits->tail)
            break;
        if (asks && begins_group(item, before_it(transcript, item)))
            boundary = item->seq;
    }
    return boundary && has_older(window, transcript, boundary) ? boundary : 0;
}
