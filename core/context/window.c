// SPDX-License-Identifier: MIT
// The window's marks and pins, as data.
#include "core/context/window.h"

#include "core/base/mem.h"
#include "core/model/tokens.h"

void window_release(struct window *window)
{
    mem_free(window->pins);
    window->pins = NULL;
    window->pin_count = 0;
}

void window_reset(struct window *window)
{
    window->results = window->reasoning = window->images = window->compacted = window->summary = 0;
    window->part_max = window->pinned_max = window->summary_max = 0;
}

void window_write_json(struct json_writer *w, const struct window *window)
{
    json_begin_object(w);
    json_add_int(w, "results", window->results);
    json_add_int(w, "reasoning", window->reasoning);
    json_add_int(w, "images", window->images);
    json_add_int(w, "compacted", window->compacted);
    json_add_int(w, "summary", window->summary);
    json_add_int(w, "size", window->size);
    json_add_int(w, "partMax", window->part_max);
    json_add_int(w, "pinnedMax", window->pinned_max);
    json_add_int(w, "summaryMax", window->summary_max);
    json_add_int(w, "ratio", window->ratio);
    json_add_bool(w, "warned", window->warned);
    json_key(w, "pins");
    json_begin_array(w);
    for (size_t i = 0; i < window->pin_count; i++)
        json_put_int(w, window->pins[i]);
    json_end_array(w);
    json_end_object(w);
}

void window_read_json(struct window *window, const struct json *json)
{
    struct err ignored; // more pins than there is room for were never written
    int64_t ratio = json_int(json, "ratio", 0);
    window_release(window);
    *window = (struct window){
        .results = json_int(json, "results", 0),
        .reasoning = json_int(json, "reasoning", 0),
        .images = json_int(json, "images", 0),
        .compacted = json_int(json, "compacted", 0),
        .summary = json_int(json, "summary", 0),
        .size = json_int(json, "size", 0),
        .part_max = json_int(json, "partMax", 0),
        .pinned_max = json_int(json, "pinnedMax", 0),
        .summary_max = json_int(json, "summaryMax", 0),
        .ratio = ratio >= TOKENS_RATIO_MIN && ratio <= TOKENS_RATIO_MAX ? (int)ratio : 0,
        .warned = json_bool(json, "warned", false),
    };
    json_for_each(pin, json_get(json, "pins"))
    {
        if (pin->type == JSON_INT)
            window_pin(window, pin->integer, true, &ignored);
    }
}

// Where seq is, or would be.
static size_t pin_place(const struct window *window, int64_t seq)
{
    size_t at = 0;
    while (at < window->pin_count && window->pins[at] < seq)
        at++;
    return at;
}

bool window_is_pinned(const struct window *window, int64_t seq)
{
    size_t at = pin_place(window, seq);
    return at < window->pin_count && window->pins[at] == seq;
}

bool window_pin(struct window *window, int64_t seq, bool pinned, struct err *err)
{
    size_t at = pin_place(window, seq);
    bool is_pinned = at < window->pin_count && window->pins[at] == seq;
    if (pinned == is_pinned)
        return true;
    if (!pinned) {
        window->pin_count--;
        memmove(&window->pins[at], &window->pins[at + 1],
                (window->pin_count - at) * sizeof(window->pins[0]));
        return true;
    }
    if (window->pin_count == WINDOW_PINS_MAX)
        return err_set(err, ERR_LIMIT,
                       "%d items are pinned, and there is room for no more: unpin "
                       "one first",
                       WINDOW_PINS_MAX);
    window->pins = mem_resize(window->pins, window->pin_count + 1, sizeof(window->pins[0]));
    memmove(&window->pins[at + 1], &window->pins[at],
            (window->pin_count - at) * sizeof(window->pins[0]));
    window->pins[at] = seq;
    window->pin_count++;
    return true;
}

bool window_shows(const struct window *window, const struct item *item)
{
    return item->seq >= window->compacted || window_is_pinned(window, item->seq);
}

bool window_shows_images(const struct window *window, const struct item *item)
{
    return item->seq >= window->reasoning && item->seq >= window->images &&
           window_shows(window, item);
}

static int64_t percent(int64_t of, int part)
{
    return of > 0 ? of * part / 100 : 0;
}

void window_limits(const struct window *window, int64_t size, int64_t reserve, int threshold,
                   int64_t head, struct window_limits *limits)
{
    if (window->size > 0 && window->size < size)
        size = window->size;
    if (reserve <= 0)
        reserve = WINDOW_RESERVE;
    if (reserve > size / 4)
        reserve = size / 4;
    int64_t usable = percent(size - reserve, threshold > 0 ? threshold : WINDOW_THRESHOLD);
    int64_t limit = tokens_uncorrected(usable, window->ratio) - head;
    *limits = (struct window_limits){
        .limit = limit,
        .warn = percent(limit, WINDOW_WARN),
        .target = percent(limit, WINDOW_TARGET),
        .tail = percent(limit, WINDOW_TAIL),
        .pinned = percent(limit, WINDOW_PINNED),
        .summary = percent(limit, WINDOW_SUMMARY),
    };
}

void window_compacted(struct window *window, const struct window_limits *limits, int64_t boundary,
                      int64_t summary)
{
    window->compacted = boundary;
    window->summary = summary;
    window->part_max = 0;
    window->pinned_max = (int64_t)tokens_to_bytes(limits->pinned);
    window->summary_max = (int64_t)tokens_to_bytes(limits->summary);
}
