// SPDX-License-Identifier: MIT
// The view: items, pins and marks become the parts of a request.
#include "core/agent/transcript.h"
#include "core/context/shorten.h"
#include "core/context/window.h"
#include "core/model/tokens.h"

#include <stdio.h>

#define SUMMARY_HEAD                                                                               \
    "What went before is left out here, but for what was pinned. This is a summary of it:\n\n"

enum { HOW_MAX = 200, NAME_MAX_BYTES = 64, LEFT_OUT_MAX = 80 };

struct view {
    const struct window *window;
    struct arena *arena;
    const struct item **items; // those that the model is shown, in order; NULL: the summary's place
    size_t count;
    const struct item *summary;
    size_t pinned_cap, summary_cap; // bytes
    struct model_part *parts;
    size_t part_count;
    bool failed; // the arena's ceiling
};

// --- which items ---

static bool is_for_model(const struct item *item)
{
    return item->kind == ITEM_USER || item->kind == ITEM_ASSISTANT ||
           item->kind == ITEM_REASONING || item->kind == ITEM_TOOL;
}

static bool is_answer(const struct item *item)
{
    return item->kind == ITEM_ASSISTANT || item->kind == ITEM_REASONING || item->kind == ITEM_TOOL;
}

// What an answer had brought when it broke, and which was made anew: another one of the same step
// follows. One that was not made anew, as it was cancelled, is shown.
static bool was_made_anew(const struct transcript *transcript, const struct item *item)
{
    if (item->status != ITEM_FAILED || item->kind == ITEM_TOOL || !is_answer(item))
        return false;
    for (const struct list *node = item->node.next; node != &transcript->items; node = node->next) {
        const struct item *later = list_entry(node, struct item, node);
        if (later->kind == ITEM_USER || later->turn != item->turn || later->step > item->step)
            return false;
        if (is_answer(later) && later->step == item->step)
            return true;
    }
    return false;
}

// The summary stands between what is pinned of the older part and the newer part, unless a person
// has unpinned the task: a request begins with a message of the user's.
static void place_summary(struct view *view, size_t place)
{
    if (!view->summary)
        return;
    if (place > 0 && view->items[0]->kind != ITEM_USER)
        place = 0;
    memmove(&view->items[place + 1], &view->items[place],
            (view->count - place) * sizeof(*view->items));
    view->items[place] = NULL;
    view->count++;
}

static size_t at_most(int64_t max)
{
    return max > 0 ? (size_t)max : SIZE_MAX - SHORTEN_SLACK;
}

static void cap_pinned(struct view *view, size_t older)
{
    size_t bytes = 0, room = at_most(view->window->pinned_max);
    for (size_t i = 0; i < older; i++)
        bytes += view->items[i]->text.len + str_of(view->items[i]->input).len;
    view->pinned_cap = bytes > room ? room / older : SIZE_MAX;
    view->summary_cap = at_most(view->window->summary_max);
}

static bool choose_items(struct view *view, const struct transcript *transcript)
{
    size_t max = 0, images = 0, older = 0;
    list_for_each(node, &transcript->items)
    {
        max++;
        images += list_entry(node, struct item, node)->images.count;
    }
    view->items = arena_alloc(view->arena, (max + 1) * sizeof(*view->items));
    view->parts = arena_alloc(view->arena, (max * 2 + images + 2) * sizeof(*view->parts));
    if (!view->items || !view->parts)
        return false;
    list_for_each(node, &transcript->items)
    {
        const struct item *item = list_entry(node, struct item, node);
        if (item->seq == view->window->summary && item->kind == ITEM_COMPACTION)
            view->summary = item;
        if (!is_for_model(item) || !window_shows(view->window, item) ||
            was_made_anew(transcript, item))
            continue;
        view->items[view->count++] = item;
        older += item->seq < view->window->compacted;
    }
    cap_pinned(view, older);
    place_summary(view, older);
    return true;
}

// --- how much of each ---

static size_t cap_of(const struct view *view, const struct item *item)
{
    const struct window *window = view->window;
    size_t cap = at_most(window->part_max);
    if (item->seq < window->compacted && view->pinned_cap < cap)
        cap = view->pinned_cap;
    if (item->kind == ITEM_TOOL && item->seq < window->results && WINDOW_RESULT_KEPT < cap)
        cap = WINDOW_RESULT_KEPT;
    return cap < WINDOW_PART_MIN ? WINDOW_PART_MIN : cap;
}

static struct str shortened(struct view *view, struct str text, size_t cap, const char *how)
{
    struct str copy = shorten_text(view->arena, text, cap, how);
    view->failed = view->failed || (!copy.data && text.len);
    return copy;
}

static void how_to_read(const struct item *item, char how[HOW_MAX])
{
    if (item->full)
        snprintf(how, HOW_MAX, "All of it: `read` or `grep` output:%s", item->id);
    else if (item->name && strcmp(item->name, "read") == 0)
        snprintf(how, HOW_MAX, "Read the file again to see it");
    else
        snprintf(how, HOW_MAX, "Call the tool again to see it");
}

// --- parts ---

static struct model_part *next_part(struct view *view, enum model_part_kind kind)
{
    struct model_part *part = &view->parts[view->part_count++];
    part->kind = kind;
    return part;
}

// What a provider gave along for its own use counts for the present turn only.
static struct str opaque_of(const struct view *view, const struct item *item)
{
    return item->seq < view->window->reasoning ? STR_NONE : str_of(item->opaque);
}

static void put_summary(struct view *view)
{
    struct str text = buf_str(&view->summary->text);
    struct str body = shortened(view, text, view->summary_cap, NULL);
    struct str head = STR(SUMMARY_HEAD);
    char *copy = arena_alloc(view->arena, head.len + body.len);
    if (!copy) {
        view->failed = true;
        return;
    }
    memcpy(copy, head.data, head.len);
    if (body.len)
        memcpy(copy + head.len, body.data, body.len);
    next_part(view, MODEL_USER_TEXT)->text = str_from(copy, head.len + body.len);
}

static void put_left_out(struct view *view, const struct image *image)
{
    char line[LEFT_OUT_MAX];
    struct model_part *part = next_part(view, MODEL_USER_TEXT);
    double megabytes = (double)(image->len / 4 * 3) / (1 << 20);
    snprintf(line, sizeof(line), "[image of %.1f MB left out: too old]", megabytes);
    part->text = arena_copy(view->arena, str_of(line));
    view->failed = view->failed || !part->text.data;
}

static void put_user(struct view *view, const struct item *item)
{
    if (item->text.len)
        next_part(view, MODEL_USER_TEXT)->text =
            shortened(view, buf_str(&item->text), cap_of(view, item), NULL);
    if (item->images.count && item->seq < view->window->reasoning) {
        next_part(view, MODEL_USER_TEXT)->text = STR("(Images were here; they are left out.)");
        return;
    }
    for (size_t i = 0; i < item->images.count; i++) {
        const struct image *image = &item->images.items[i];
        if (!image->data || item->seq < view->window->images) {
            put_left_out(view, image);
            continue;
        }
        struct model_part *part = next_part(view, MODEL_USER_IMAGE);
        part->name = str_of(image->mime_type);
        part->text = str_from(image->data, image->len);
    }
}

// A provider takes its reasoning back only in front of what it led to: not when the answer broke
// off, or ended, before that.
static bool led_to_something(const struct view *view, size_t at)
{
    const struct item *reasoning = view->items[at];
    bool something = false;
    for (size_t i = at; i < view->count; i++) {
        const struct item *item = view->items[i];
        if (!item || item->kind == ITEM_USER || item->turn != reasoning->turn ||
            item->step != reasoning->step)
            break;
        if (item->kind != ITEM_TOOL && item->status != ITEM_COMPLETED)
            return false;
        something = something || item->kind == ITEM_TOOL ||
                    (item->kind == ITEM_ASSISTANT && str_trim(buf_str(&item->text)).len > 0);
    }
    return something;
}

static void put_reasoning(struct view *view, size_t at)
{
    const struct item *item = view->items[at];
    bool opaque = item->opaque && led_to_something(view, at);
    if (item->seq < view->window->reasoning || (!opaque && item->text.len == 0))
        return;
    size_t cap = cap_of(view, item);
    // It is signed as a whole: all or nothing.
    if (opaque && item->text.len + strlen(item->opaque) > cap + SHORTEN_SLACK)
        return;
    struct model_part *part = next_part(view, MODEL_REASONING);
    part->text = shortened(view, buf_str(&item->text), cap, NULL);
    part->opaque = str_of(opaque ? item->opaque : NULL);
}

static void put_assistant(struct view *view, const struct item *item)
{
    if (item->text.len == 0)
        return;
    struct model_part *part = next_part(view, MODEL_ASSISTANT_TEXT);
    part->text = shortened(view, buf_str(&item->text), cap_of(view, item), NULL);
    if (item->status == ITEM_COMPLETED && part->text.len == item->text.len)
        part->opaque = opaque_of(view, item);
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// Models call tools that there are not, by names that a provider would refuse ever after.
static struct str name_of(struct view *view, const struct item *item)
{
    struct str name = str_of(item->name);
    bool fine = name.len > 0 && name.len <= NAME_MAX_BYTES;
    for (size_t i = 0; i < name.len && fine; i++)
        fine = is_name_char(name.data[i]);
    if (fine)
        return name;
    if (name.len > NAME_MAX_BYTES)
        name.len = NAME_MAX_BYTES;
    if (name.len == 0)
        return STR("unknown");
    char *copy = arena_alloc(view->arena, name.len);
    view->failed = view->failed || !copy;
    for (size_t i = 0; copy && i < name.len; i++)
        copy[i] = is_name_char(name.data[i]) ? name.data[i] : '_';
    return str_from(copy, copy ? name.len : 0);
}

static void put_call(struct view *view, const struct item *item)
{
    struct model_part *part = next_part(view, MODEL_TOOL_CALL);
    part->call_id = str_of(item->call_id);
    part->name = name_of(view, item);
    // Arguments that were no object are kept in the transcript; a provider wants an object.
    bool object = item->input && item->input[0] == '{';
    part->input =
        object ? shorten_input(view->arena, str_of(item->input), cap_of(view, item)) : STR("{}");
    part->opaque = opaque_of(view, item);
    view->failed = view->failed || !part->input.data;
}

static void put_result(struct view *view, const struct item *item)
{
    struct model_part *part = next_part(view, MODEL_TOOL_RESULT);
    char how[HOW_MAX];
    how_to_read(item, how);
    part->call_id = str_of(item->call_id);
    part->name = name_of(view, item);
    part->failed = item->status != ITEM_COMPLETED;
    if (item->status == ITEM_STARTED)
        part->text = STR("(this call has no result)");
    else if (item->text.len == 0)
        part->text = STR("(no output)");
    else
        part->text = shortened(view, buf_str(&item->text), cap_of(view, item), how);
}

// After a restart a turn counts its steps anew: the number alone does not tell one step from
// another, the message between them does.
static bool same_step(const struct item *a, const struct item *b)
{
    return b && b->kind == ITEM_TOOL && a->turn == b->turn && a->step == b->step;
}

// All calls of the step that begins there, then all their results; returns where it ends.
static size_t put_step(struct view *view, size_t at)
{
    size_t end = at;
    while (end < view->count && same_step(view->items[at], view->items[end]))
        end++;
    for (size_t i = at; i < end; i++)
        put_call(view, view->items[i]);
    for (size_t i = at; i < end; i++)
        put_result(view, view->items[i]);
    return end;
}

static void put_items(struct view *view)
{
    for (size_t i = 0; i < view->count;) {
        const struct item *item = view->items[i];
        if (!item)
            put_summary(view);
        else if (item->kind == ITEM_USER)
            put_user(view, item);
        else if (item->kind == ITEM_ASSISTANT)
            put_assistant(view, item);
        else if (item->kind == ITEM_REASONING)
            put_reasoning(view, i);
        if (item && item->kind == ITEM_TOOL)
            i = put_step(view, i);
        else
            i++;
    }
}

// A request begins with a message of the user's, whatever is pinned.
static void begin_with_user(struct view *view)
{
    if (view->part_count == 0 || view->parts[0].kind == MODEL_USER_TEXT ||
        view->parts[0].kind == MODEL_USER_IMAGE)
        return;
    memmove(&view->parts[1], &view->parts[0], view->part_count * sizeof(*view->parts));
    view->parts[0] = (struct model_part){.kind = MODEL_USER_TEXT};
    view->parts[0].text = STR("(The beginning is left out.)");
    view->part_count++;
}

bool window_parts(const struct window *window, const struct transcript *transcript,
                  struct arena *arena, struct model_part **parts, size_t *count, struct err *err)
{
    struct view view = {.window = window, .arena = arena};
    view.failed = !choose_items(&view, transcript);
    if (!view.failed)
        put_items(&view);
    begin_with_user(&view);
    if (view.failed)
        return err_set(err, ERR_LIMIT, "the request to the model is too large");
    *parts = view.parts;
    *count = view.part_count;
    return true;
}
