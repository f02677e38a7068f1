// SPDX-License-Identifier: MIT
// Myers' greedy algorithm (An O(ND) Difference Algorithm, 1986) over lines, between the first and
// the last line that differ.
#include "core/base/text_diff.h"

#include "core/base/mem.h"
#include "core/base/text.h"

#include <stdint.h>

enum { HUNK_GAP = 2 * DIFF_CONTEXT }; // unchanged lines that keep two changes in one hunk

// One side: its lines from DIFF_CONTEXT before the first difference to as many after the last.
struct side {
    struct str *lines; // each with its newline
    bool *changed;     // removed, or added
    size_t count;
    size_t first; // number of lines before lines[0]
};

struct diff {
    struct side old, new;
};

static struct str next_line(struct str *text)
{
    const char *end = memchr(text->data, '\n', text->len);
    struct str line = str_from(text->data, end ? (size_t)(end - text->data) + 1 : text->len);
    *text = str_skip(*text, line.len);
    return line;
}

// Start of the line that is `lines` lines above the one that holds `at`.
static size_t lines_back(struct str text, size_t at, int lines)
{
    while (at > 0) {
        if (text.data[at - 1] == '\n' && lines-- == 0)
            break;
        at--;
    }
    return at;
}

static size_t lines_forward(struct str text, size_t at, int lines)
{
    while (at < text.len && lines > 0)
        lines -= text.data[at++] == '\n';
    return at;
}

static size_t count_lines(struct str text)
{
    size_t count = 0;
    for (; text.len; next_line(&text))
        count++;
    return count;
}

static void cut_lines(struct side *side, struct str whole, size_t from, size_t to)
{
    struct str text = str_from(whole.data + from, to - from);
    side->first = count_lines(str_from(whole.data, from));
    side->count = count_lines(text);
    side->lines = mem_new_array(side->count + 1, sizeof *side->lines);
    side->changed = mem_new_array(side->count + 1, sizeof *side->changed);
    for (size_t i = 0; i < side->count; i++)
        side->lines[i] = next_line(&text);
}

static void cut_sides(struct diff *d, struct str before, struct str after)
{
    size_t shorter = before.len < after.len ? before.len : after.len;
    size_t head = 0, tail = 0;
    while (head < shorter && before.data[head] == after.data[head])
        head++;
    while (tail < shorter - head &&
           before.data[before.len - 1 - tail] == after.data[after.len - 1 - tail])
        tail++;
    size_t start = lines_back(before, head, DIFF_CONTEXT);
    // One line more than the context: the common tail may begin within a line.
    size_t old_end = lines_forward(before, before.len - tail, DIFF_CONTEXT + 1);
    size_t new_end = lines_forward(after, after.len - tail, DIFF_CONTEXT + 1);
    cut_lines(&d->old, before, start, old_end);
    cut_lines(&d->new, after, start, new_end);
}

// --- which lines changed ---

static void mark_all(struct side *side, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        side->changed[i] = true;
}

// Everything between the common first and last lines counts as changed.
static void mark_coarse(struct diff *d)
{
    size_t head = 0, old_end = d->old.count, new_end = d->new.count;
    while (head < old_end && head < new_end && str_equal(d->old.lines[head], d->new.lines[head]))
        head++;
    while (old_end > head && new_end > head &&
           str_equal(d->old.lines[old_end - 1], d->new.lines[new_end - 1])) {
        old_end--;
        new_end--;
    }
    mark_all(&d->old, head, old_end);
    mark_all(&d->new, head, new_end);
}

// Lines beyond the end of either side are unlike any; a path that leaves is never the shortest.
// Furthest x on each diagonal k (at [k + edits]) for every number of edits so far.
struct trace {
    int32_t *reached[DIFF_EDITS_MAX + 1];
};

static int32_t step_to(const int32_t *before, int edits, int k)
{
    // `before` belongs to edits - 1; a larger x from above means a line removed.
    if (edits == 0)
        return 0;
    const int32_t *middle = before + (edits - 1);
    if (k == -edits || (k != edits && middle[k - 1] < middle[k + 1]))
        return middle[k + 1];
    return middle[k - 1] + 1;
}

static int32_t slide(const struct diff *d, int32_t x, int k)
{
    while ((size_t)x < d->old.count && x - k >= 0 &&
           (size_t)(x - k) < d->new.count &&str_equal(d->old.lines[x], d->new.lines[x - k]))
        x++;
    return x;
}

// The number of edits, or -1 when there are more than DIFF_EDITS_MAX.
static int find_shortest(const struct diff *d, struct trace *trace)
{
    int64_t end = (int64_t)d->old.count - (int64_t)d->new.count; // the last diagonal
    for (int edits = 0; edits <= DIFF_EDITS_MAX; edits++) {
        int32_t *row = mem_new_array((size_t)edits * 2 + 1, sizeof *row);
        trace->reached[edits] = row;
        for (int k = -edits; k <= edits; k += 2) {
            int32_t x = slide(d, step_to(edits ? trace->reached[edits - 1] : NULL, edits, k), k);
            row[k + edits] = x;
            if (k == end && (size_t)x >= d->old.count)
                return edits;
        }
    }
    return -1;
}

static void mark_path(struct diff *d, const struct trace *trace, int edits)
{
    int k = (int)((int64_t)d->old.count - (int64_t)d->new.count);
    for (; edits > 0; edits--) {
        const int32_t *middle = trace->reached[edits - 1] + (edits - 1);
        bool added = k == -edits || (k != edits && middle[k - 1] < middle[k + 1]);
        k += added ? 1 : -1;
        int32_t x = middle[k];
        if (added)
            d->new.changed[x - k] = true;
        else
            d->old.changed[x] = true;
    }
}

static void mark_changes(struct diff *d)
{
    if (d->old.count > DIFF_LINES_MAX || d->new.count > DIFF_LINES_MAX) {
        mark_coarse(d);
        return;
    }
    struct trace *trace = mem_new(sizeof *trace);
    int edits = find_shortest(d, trace);
    if (edits < 0)
        mark_coarse(d);
    else
        mark_path(d, trace, edits);
    for (int i = 0; i <= DIFF_EDITS_MAX && trace->reached[i]; i++)
        mem_free(trace->reached[i]);
    mem_free(trace);
}

// --- writing ---

struct writer {
    struct buf *out;
    size_t end; // of out->len
    bool cut;
};

static void put_line(struct writer *w, char sign, struct str line)
{
    bool whole = line.len && line.data[line.len - 1] == '\n';
    size_t len = line.len - (whole ? 1 : 0);
    size_t shown = len < DIFF_LINE_SHOWN_MAX ? len : DIFF_LINE_SHOWN_MAX;
    if (w->cut || w->out->len + shown > w->end) {
        w->cut = true;
        return;
    }
    buf_add_char(w->out, sign);
    text_repair(w->out, str_from(line.data, shown));
    if (shown < len)
        buf_addf(w->out, " [... %zu more bytes]", len - shown);
    buf_add_char(w->out, '\n');
    if (!whole)
        buf_add_str(w->out, STR("\\ No newline at end of file\n"));
}

// From the changes at (i, j): the end of the hunk that begins there, where more than twice the
// context is unchanged, or at the end of the text.
static void find_hunk_end(const struct diff *d, size_t *i, size_t *j)
{
    size_t quiet = 0, a = *i, b = *j;
    while ((a < d->old.count || b < d->new.count) && quiet <= HUNK_GAP) {
        bool removed = a < d->old.count && d->old.changed[a];
        bool added = b < d->new.count && d->new.changed[b];
        quiet = removed || added ? 0 : quiet + 1;
        a += removed || !added;
        b += added || !removed;
    }
    size_t extra = quiet > DIFF_CONTEXT ? quiet - DIFF_CONTEXT : 0;
    *i = a - extra;
    *j = b - extra;
}

static void put_range(struct buf *out, char sign, const struct side *side, size_t from, size_t to)
{
    // An empty range names the line before it.
    buf_addf(out, "%c%zu,%zu ", sign, side->first + from + (to > from ? 1 : 0), to - from);
}

static void put_hunk(struct writer *w, const struct diff *d, size_t i, size_t j, size_t old_end,
                     size_t new_end)
{
    if (w->cut)
        return;
    buf_add_str(w->out, STR("@@ "));
    put_range(w->out, '-', &d->old, i, old_end);
    put_range(w->out, '+', &d->new, j, new_end);
    buf_add_str(w->out, STR("@@\n"));
    while (i < old_end || j < new_end) {
        if (i < old_end && d->old.changed[i])
            put_line(w, '-', d->old.lines[i++]);
        else if (j < new_end && d->new.changed[j])
            put_line(w, '+', d->new.lines[j++]);
        else {
            put_line(w, ' ', d->old.lines[i++]);
            j++;
        }
    }
}

static void put_hunks(struct writer *w, const struct diff *d)
{
    size_t i = 0, j = 0;
    while (i < d->old.count || j < d->new.count) {
        bool changed =
            (i < d->old.count && d->old.changed[i]) || (j < d->new.count && d->new.changed[j]);
        if (!changed) {
            i++;
            j++;
            continue;
        }
        size_t context = i < DIFF_CONTEXT ? i : DIFF_CONTEXT;
        size_t from_old = i - context, from_new = j - context;
        find_hunk_end(d, &i, &j);
        put_hunk(w, d, from_old, from_new, i, j);
    }
}

void text_diff(struct buf *out, const char *path, struct str before, struct str after, size_t max)
{
    struct diff d = {0};
    struct writer w = {.out = out, .end = out->len + max};
    if (before.data && str_equal(before, after))
        return;
    if (before.data) {
        buf_addf(out, "--- a/%s\n+++ b/%s\n", path, path);
    } else {
        buf_addf(out, "--- /dev/null\n+++ b/%s\n", path);
        before = STR("");
    }
    cut_sides(&d, before, after.data ? after : STR(""));
    mark_changes(&d);
    put_hunks(&w, &d);
    if (w.cut)
        buf_addf(out, "[the diff goes on; it is cut at %zu bytes]\n", max);
    mem_free(d.old.lines);
    mem_free(d.old.changed);
    mem_free(d.new.lines);
    mem_free(d.new.changed);
}
