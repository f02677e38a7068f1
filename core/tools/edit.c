// SPDX-License-Identifier: MIT
#include "core/tools/edit.h"

#include "core/base/mem.h"
#include "core/base/text.h"

#include <stdlib.h>

enum { HINT_LINE_MAX = 120, HINT_PLACES = 3 };

// A text without the CR of its CRLFs, and where they were.
struct plain {
    char *bytes;
    size_t len;
    size_t *removed; // each: index in bytes of the LF that had a CR; ascending
    size_t removed_count;
    size_t lone; // LFs that had none
};

// A match in the plain text.
struct place {
    size_t start, end;
    size_t edit;
};

struct places {
    struct place *items;
    size_t count, cap;
};

static size_t count_crlf(struct str text)
{
    size_t count = 0;
    for (size_t i = 1; i < text.len; i++)
        count += text.data[i] == '\n' && text.data[i - 1] == '\r';
    return count;
}

static void plain_init(struct plain *plain, struct str text)
{
    *plain = (struct plain){.bytes = mem_new(text.len + 1)};
    plain->removed = mem_new_array(count_crlf(text) + 1, sizeof *plain->removed);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
            plain->removed[plain->removed_count++] = plain->len;
        else
            plain->bytes[plain->len++] = c;
        plain->lone += c == '\n' && (i == 0 || text.data[i - 1] != '\r');
    }
}

static void plain_release(struct plain *plain)
{
    mem_free(plain->bytes);
    mem_free(plain->removed);
}

static struct str plain_str(const struct plain *plain)
{
    return str_from(plain->bytes, plain->len);
}

static size_t line_of(const struct plain *plain, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += plain->bytes[i] == '\n';
    return line;
}

// The next place of needle at or after `at`, or -1.
static long find_from(const struct plain *plain, size_t at, struct str needle)
{
    if (at > plain->len)
        return -1;
    long found = str_find(str_skip(plain_str(plain), at), needle);
    return found < 0 ? -1 : found + (long)at;
}

// Appends " at lines 3, 8 and 12" for the first places of needle; returns how many there are
// (counted to EDIT_PLACES_COUNTED), overlapping ones too.
static size_t put_places(struct buf *out, const struct plain *text, struct str needle,
                         size_t named_max)
{
    size_t count = 0, line = 0;
    for (long at = 0; count < EDIT_PLACES_COUNTED; at++) {
        at = find_from(text, (size_t)at, needle);
        if (at < 0)
            break;
        size_t previous = line;
        if (count < named_max)
            line = line_of(text, (size_t)at);
        if (count < named_max && line != previous)
            buf_addf(out, "%s%zu", count ? ", " : "", line);
        count++;
    }
    if (count > named_max)
        buf_add_str(out, STR(", ..."));
    return count;
}

static bool fail_ambiguous(const struct plain *text, struct str needle, size_t number,
                           struct err *err)
{
    struct buf lines;
    buf_init(&lines, 1000);
    size_t count = put_places(&lines, text, needle, EDIT_PLACES_NAMED);
    err_set(err, ERR_REFUSED,
            "edit %zu: old_text is found %zu times, at line %s; make it unique with more of its "
            "surroundings, or set all",
            number, count, lines.data);
    buf_release(&lines);
    return false;
}

// Says where the first line of what was not found does stand.
static bool fail_missing(const struct plain *text, struct str needle, size_t number,
                         struct err *err)
{
    struct str line = str_trim(needle);
    const char *end = line.len ? memchr(line.data, '\n', line.len) : NULL;
    if (end)
        line = str_trim(str_from(line.data, (size_t)(end - line.data)));
    struct buf lines;
    buf_init(&lines, 1000);
    size_t count = line.len ? put_places(&lines, text, line, HINT_PLACES) : 0;
    if (count)
        err_set(err, ERR_REFUSED,
                "edit %zu: old_text is not found; its first line is at line %s, but white space "
                "or what follows differs: read the file again",
                number, lines.data);
    else
        err_set(err, ERR_REFUSED, "edit %zu: old_text is not found; read the file again", number);
    buf_release(&lines);
    return false;
}

static bool add_place(struct places *places, struct place place, struct err *err)
{
    if (places->count == EDIT_PLACES_MAX)
        return err_set(err, ERR_REFUSED, "edit %zu: more than %d replacements; do it with bash",
                       place.edit + 1, EDIT_PLACES_MAX);
    if (places->count == places->cap) {
        places->cap = places->cap ? 2 * places->cap : 16;
        places->items = mem_resize(places->items, places->cap, sizeof *places->items);
    }
    places->items[places->count++] = place;
    return true;
}

static bool find_places(const struct plain *text, struct str needle, const struct edit *edit,
                        size_t index, struct places *places, struct err *err)
{
    long at = find_from(text, 0, needle);
    if (at < 0)
        return fail_missing(text, needle, index + 1, err);
    if (!edit->all && find_from(text, (size_t)at + 1, needle) >= 0)
        return fail_ambiguous(text, needle, index + 1, err);
    while (at >= 0) {
        struct place place = {(size_t)at, (size_t)at + needle.len, index};
        if (!add_place(places, place, err))
            return false;
        at = edit->all ? find_from(text, place.end, needle) : -1;
    }
    return true;
}

static bool find_edit(const struct plain *text, const struct edit *edit, size_t index,
                      struct places *places, struct err *err)
{
    if (edit->old_text.len == 0)
        return err_set(err, ERR_REFUSED, "edit %zu: old_text is empty", index + 1);
    if (str_equal(edit->old_text, edit->new_text))
        return err_set(err, ERR_REFUSED, "edit %zu: old_text and new_text are the same", index + 1);
    struct plain needle;
    plain_init(&needle, edit->old_text);
    bool ok = find_places(text, plain_str(&needle), edit, index, places, err);
    plain_release(&needle);
    return ok;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static bool check_overlaps(const struct plain *text, struct places *places, struct err *err)
{
    if (places->count == 0)
        return true;
    qsort(places->items, places->count, sizeof *places->items, compare_places);
    for (size_t i = 1; i < places->count; i++) {
        const struct place *a = &places->items[i - 1], *b = &places->items[i];
        size_t low = a->edit < b->edit ? a->edit : b->edit;
        if (b->start < a->end)
            return err_set(err, ERR_REFUSED,
                           "edits %zu and %zu overlap at line %zu; join them to one", low + 1,
                           a->edit + b->edit - low + 1, line_of(text, b->start));
    }
    return true;
}

// --- writing ---

struct rewrite {
    const struct plain *plain;
    struct str text; // the original
    struct buf *out;
    size_t done; // bytes of text that are dealt with
    size_t crs;  // of plain->removed, those before the current place
};

// Index in the original of an index in the plain text; called with ascending ones. One that
// names an LF names its CR.
static size_t original_index(struct rewrite *w, size_t at)
{
    while (w->crs < w->plain->removed_count && w->plain->removed[w->crs] < at)
        w->crs++;
    return at + w->crs;
}

static bool wants_crlf(const struct rewrite *w, struct str replaced)
{
    const char *lf = replaced.len ? memchr(replaced.data, '\n', replaced.len) : NULL;
    if (lf)
        return lf > replaced.data && lf[-1] == '\r';
    return w->plain->removed_count > w->plain->lone;
}

static void put_new_text(struct rewrite *w, const struct edit *edit, struct str replaced)
{
    bool crlf = wants_crlf(w, replaced);
    bool keep = !crlf && count_crlf(edit->old_text) == 0;
    struct str rest = edit->new_text;
    while (rest.len) {
        const char *lf = keep ? NULL : memchr(rest.data, '\n', rest.len);
        size_t len = lf ? (size_t)(lf - rest.data) : rest.len;
        struct str line = str_from(rest.data, len);
        rest = str_skip(rest, len + (lf ? 1 : 0));
        if (lf && str_ends(line, STR("\r")))
            line.len--;
        buf_add_str(w->out, line);
        if (lf)
            buf_add_str(w->out, crlf ? STR("\r\n") : STR("\n"));
    }
}

static void put_all(struct rewrite *w, const struct places *places, const struct edit *edits)
{
    for (size_t i = 0; i < places->count && !w->out->overflow; i++) {
        const struct place *place = &places->items[i];
        size_t start = original_index(w, place->start);
        size_t end = original_index(w, place->end);
        buf_add(w->out, w->text.data + w->done, start - w->done);
        put_new_text(w, &edits[place->edit], str_from(w->text.data + start, end - start));
        w->done = end;
    }
    buf_add(w->out, w->text.data + w->done, w->text.len - w->done);
}

bool edit_apply(struct str text, const struct edit *edits, size_t count, struct buf *out,
                size_t *replaced, struct err *err)
{
    struct plain plain;
    struct places places = {0};
    bool ok = true;
    if (!text.data)
        text = STR("");
    plain_init(&plain, text);
    for (size_t i = 0; ok && i < count; i++)
        ok = find_edit(&plain, &edits[i], i, &places, err);
    ok = ok && check_overlaps(&plain, &places, err);
    if (ok) {
        struct rewrite w = {.plain = &plain, .text = text, .out = out};
        put_all(&w, &places, edits);
        if (out->overflow)
            ok = err_set(err, ERR_LIMIT, "the edited text is larger than %zu bytes", out->max);
    }
    *replaced = places.count;
    plain_release(&plain);
    mem_free(places.items);
    return ok;
}
