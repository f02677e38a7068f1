// SPDX-License-Identifier: MIT
// A page of a transcript: items, each in its latest state, out of the events that told of them.
//
// An item's events carry the seq of its first one, so that is its key and its place. Walking back,
// the latest state of an item is met first and its place is known to be reached when its first
// event is met; walking on, it is the other way round. What the page knows only as started is
// looked for beyond it, for at most ITEM_LOOK_AHEAD_EVENTS events.
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/store/store_internal.h"

#include <limits.h>
#include <stdlib.h>

enum {
    ITEM_LOOK_AHEAD_EVENTS = 4096, // what completes later than that is shown as started
    ITEM_PAGE_SCRATCH_MAX = 256 << 20,
    ITEM_MARK_WITHIN = 256, // bytes of an event in front of its item
};

struct entry {
    int64_t first;  // the item's first seq
    size_t at, len; // in page->bytes
    bool started;   // and nothing later seen
    bool reached;   // walking back: its first event was met
};

struct item_page {
    struct store *store;
    struct arena arena; // of the event at hand
    struct buf bytes;
    struct entry *entries;
    size_t count, capacity;
    size_t reached;
    size_t limit;
    bool more;
};

struct item_event {
    int64_t seq;
    int64_t first;
    struct str bytes;
    bool started;
};

static void page_init(struct item_page *page, struct store *store, size_t limit)
{
    *page = (struct item_page){.store = store, .limit = limit};
    arena_init(&page->arena, ITEM_PAGE_SCRATCH_MAX);
    buf_init(&page->bytes, ITEM_PAGE_SCRATCH_MAX);
}

static void page_release(struct item_page *page)
{
    arena_release(&page->arena);
    buf_release(&page->bytes);
    mem_free(page->entries);
}

static bool damaged(struct item_page *page, int64_t seq, struct err *err)
{
    return err_set(err, ERR_STORAGE, "swarmd.db in the folder %s holds a damaged event, seq %lld",
                   page->store->folder, (long long)seq);
}

// It is the last member of its event, so it ends before the brace.
struct str store_slice_item(struct str line)
{
    static const char mark[] = "\"type\":\"item\",\"item\":";
    struct str front =
        str_from(line.data, line.len < ITEM_MARK_WITHIN ? line.len : ITEM_MARK_WITHIN);
    long at = str_find(front, str_of(mark));
    size_t skip = (size_t)at + sizeof(mark) - 1;
    return at < 0 || skip >= line.len ? STR_NONE : str_from(line.data + skip, line.len - skip - 1);
}

static bool read_item(struct item_page *page, struct str line, struct item_event *event,
                      bool *is_item, struct err *err)
{
    event->bytes = store_slice_item(line);
    *is_item = event->bytes.data != NULL;
    if (!*is_item)
        return true;
    struct json *item = NULL;
    struct err why;
    arena_reset(&page->arena);
    if (!json_parse(&item, &page->arena, event->bytes, &why) || item->type != JSON_OBJECT)
        return damaged(page, event->seq, err);
    event->first = json_int(item, "seq", event->seq);
    event->started = str_is(json_str(item, "status"), "started");
    return true;
}

static void set_bytes(struct item_page *page, struct entry *entry, const struct item_event *event)
{
    entry->at = page->bytes.len;
    entry->len = event->bytes.len;
    entry->started = event->started;
    buf_add_str(&page->bytes, event->bytes);
}

static struct entry *add_entry(struct item_page *page, const struct item_event *event)
{
    if (page->count == page->capacity) {
        page->capacity = page->capacity ? 2 * page->capacity : 64;
        page->entries = mem_resize(page->entries, page->capacity, sizeof(struct entry));
    }
    struct entry *entry = &page->entries[page->count++];
    *entry = (struct entry){.first = event->first};
    set_bytes(page, entry, event);
    return entry;
}

static bool is_full(const struct item_page *page)
{
    return page->reached >= page->limit ||
           (page->reached > 0 && page->bytes.len >= STORE_PAGE_BYTES_MAX);
}

static struct entry *find_unreached(struct item_page *page, int64_t first)
{
    size_t unreached = page->count - page->reached;
    for (size_t i = page->count; unreached && i-- > 0;) {
        if (page->entries[i].reached)
            continue;
        if (page->entries[i].first == first)
            return &page->entries[i];
        unreached--;
    }
    return NULL;
}

// Returns false when the page is full and there is one more.
static bool take_backward(struct item_page *page, const struct item_event *event)
{
    struct entry *entry = find_unreached(page, event->first);
    if (event->first != event->seq) {
        if (!entry)
            add_entry(page, event);
        return true;
    }
    if (is_full(page))
        return false;
    if (!entry)
        entry = add_entry(page, event);
    entry->reached = true;
    page->reached++;
    return true;
}

static struct entry *find_sorted(struct item_page *page, int64_t first)
{
    size_t low = 0, high = page->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (page->entries[middle].first < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low < page->count && page->entries[low].first == first ? &page->entries[low] : NULL;
}

// Walking on from `after`. Without `grow` it only brings up to date what the page has.
struct forward {
    int64_t after;
    bool grow;
    size_t unresolved;
    size_t looked_at; // events beyond the page
};

static bool forward_is_done(const struct item_page *page, const struct forward *walk)
{
    if (walk->grow && !page->more)
        return false;
    return walk->unresolved == 0 || walk->looked_at >= ITEM_LOOK_AHEAD_EVENTS;
}

static void take_forward(struct item_page *page, struct forward *walk,
                         const struct item_event *event)
{
    struct entry *entry = find_sorted(page, event->first);
    if (entry && event->seq > entry->first) {
        bool was_started = entry->started;
        set_bytes(page, entry, event);
        walk->unresolved -= was_started && !event->started;
        return;
    }
    if (!walk->grow || page->more || event->first <= walk->after || event->first != event->seq)
        return;
    if (is_full(page)) {
        page->more = true;
        return;
    }
    entry = add_entry(page, event);
    page->reached++;
    walk->unresolved += entry->started;
}

static bool walk_forward(struct item_page *page, int64_t agent, struct forward *walk,
                         struct err *err)
{
    struct cursor cursor;
    struct str line;
    struct item_event event;
    bool is_item;
    if (!cursor_open(&cursor, page->store, agent, walk->after, false, err))
        return false;
    while (!forward_is_done(page, walk)) {
        if (!cursor_next(&cursor, &line, &event.seq, err))
            return false;
        if (!line.data)
            break;
        walk->looked_at += !walk->grow || page->more;
        if (!read_item(page, line, &event, &is_item, err))
            return false;
        if (is_item)
            take_forward(page, walk, &event);
    }
    return true;
}

static bool walk_backward(struct item_page *page, int64_t agent, int64_t before, struct err *err)
{
    struct cursor cursor;
    struct str line;
    struct item_event event;
    bool is_item;
    if (!cursor_open(&cursor, page->store, agent, before, true, err))
        return false;
    while (!page->more) {
        if (!cursor_next(&cursor, &line, &event.seq, err))
            return false;
        if (!line.data)
            break;
        if (!read_item(page, line, &event, &is_item, err))
            return false;
        if (is_item)
            page->more = !take_backward(page, &event);
    }
    return true;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

// What was not reached lies further back than what was.
static void drop_unreached(struct item_page *page)
{
    size_t kept = 0;
    for (size_t i = 0; i < page->count; i++)
        if (page->entries[i].reached)
            page->entries[kept++] = page->entries[i];
    page->count = kept;
}

static bool read_newest(struct item_page *page, int64_t agent, int64_t before, struct err *err)
{
    if (!walk_backward(page, agent, before ? before : INT64_MAX, err))
        return false;
    if (page->more)
        drop_unreached(page);
    if (page->count == 0)
        return true;
    qsort(page->entries, page->count, sizeof(struct entry), compare_entries);
    if (before == 0)
        return true;
    struct forward walk = {.after = before - 1};
    for (size_t i = 0; i < page->count; i++)
        walk.unresolved += page->entries[i].started;
    return walk_forward(page, agent, &walk, err);
}

static bool read_oldest(struct item_page *page, int64_t agent, int64_t after, struct err *err)
{
    struct forward walk = {.after = after, .grow = true};
    return walk_forward(page, agent, &walk, err);
}

static bool emit(const struct item_page *page, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct entry *entry = &page->entries[i];
        if (!page->bytes.overflow)
            buf_add_str(out, str_from(page->bytes.data + entry->at, entry->len));
        buf_add_char(out, '\n');
    }
    return (!page->bytes.overflow && !out->overflow) ||
           err_set(err, ERR_LIMIT, "an item is too large to be read back");
}

bool store_read_items(struct store *store, int64_t agent, int64_t before, int64_t after,
                      size_t limit, struct buf *out, bool *more, struct err *err)
{
    struct item_page page;
    if (!store_begin_read(store, err))
        return false;
    page_init(&page, store, limit < STORE_PAGE_EVENTS_MAX ? limit : STORE_PAGE_EVENTS_MAX);
    bool ok =
        after > 0 ? read_oldest(&page, agent, after, err) : read_newest(&page, agent, before, err);
    store_end_read(store);
    ok = ok && emit(&page, out, err);
    *more = ok && page.more;
    page_release(&page);
    return ok;
}
