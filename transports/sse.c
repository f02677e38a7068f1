// SPDX-License-Identifier: MIT
#include "transports/sse.h"

enum { SSE_RETRY_DIGITS_MAX = 12 };

void sse_init(struct sse *sse)
{
    *sse = (struct sse){.retry_ms = -1};
    buf_init(&sse->line, SSE_EVENT_MAX);
    buf_init(&sse->data, SSE_EVENT_MAX + 1); // the LF of the last line is not the event's
    buf_init(&sse->type, SSE_NAME_MAX);
    buf_init(&sse->id, SSE_NAME_MAX);
}

void sse_release(struct sse *sse)
{
    buf_release(&sse->line);
    buf_release(&sse->data);
    buf_release(&sse->type);
    buf_release(&sse->id);
}

static void keep_view(struct sse *sse)
{
    if (!sse->has_view)
        return;
    sse->has_view = false;
    buf_add_str(&sse->data, sse->view);
    buf_add_char(&sse->data, '\n');
}

static void add_data(struct sse *sse, struct str value, bool in_fed_bytes)
{
    bool first = sse->data.len == 0 && !sse->has_view;
    keep_view(sse);
    sse->view = value;
    sse->has_view = true;
    if (!first || !in_fed_bytes)
        keep_view(sse);
}

static void set_retry(struct sse *sse, struct str value)
{
    int64_t ms = 0;
    if (value.len == 0 || value.len > SSE_RETRY_DIGITS_MAX)
        return;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return;
        ms = ms * 10 + (value.data[i] - '0');
    }
    sse->retry_ms = ms;
}

static void set_field(struct sse *sse, struct str name, struct str value, bool in_fed_bytes)
{
    if (str_is(name, "data")) {
        add_data(sse, value, in_fed_bytes);
    } else if (str_is(name, "event")) {
        buf_clear(&sse->type);
        buf_add_str(&sse->type, value);
    } else if (str_is(name, "id")) {
        if (value.len && memchr(value.data, '\0', value.len))
            return;
        buf_clear(&sse->id);
        buf_add_str(&sse->id, value);
    } else if (str_is(name, "retry")) {
        set_retry(sse, value);
    }
}

static bool dispatch(struct sse *sse, bool (*event)(void *, const struct sse_event *), void *arg)
{
    struct sse_event out = {
        .type = sse->type.len ? buf_str(&sse->type) : STR("message"),
        .data = sse->view,
        .id = buf_str(&sse->id),
    };
    if (!sse->has_view)
        out.data = str_from(sse->data.data, sse->data.len - 1);
    if (!event(arg, &out))
        return false;
    sse->has_view = false;
    buf_clear(&sse->data);
    buf_clear(&sse->type);
    return true;
}

static bool too_long(const struct sse *sse)
{
    return sse->line.overflow || sse->data.overflow || sse->type.overflow || sse->id.overflow;
}

// in_fed_bytes: the line is a view of what sse_feed() was given, not of sse->line.
static bool end_line(struct sse *sse, struct str line, bool in_fed_bytes,
                     bool (*event)(void *, const struct sse_event *), void *arg)
{
    if (!sse->begun && str_starts(line, STR("\xef\xbb\xbf")))
        line = str_skip(line, 3);
    sse->begun = true;
    if (line.len == 0) {
        if (sse->has_view || sse->data.len)
            return dispatch(sse, event, arg);
        buf_clear(&sse->type);
        return true;
    }
    const char *colon = memchr(line.data, ':', line.len);
    struct str name = line, value = STR("");
    if (colon) {
        name.len = (size_t)(colon - line.data);
        value = str_skip(line, name.len + 1);
        if (value.len && value.data[0] == ' ')
            value = str_skip(value, 1);
    }
    if (name.len)
        set_field(sse, name, value, in_fed_bytes);
    return true;
}

// The ends of the lines in the fed bytes; each byte is looked at once for each of LF and CR, also
// when only one of them occurs.
struct line_ends {
    const char *lf, *cr, *end;
};

static const char *next_end(struct line_ends *ends, const char *at)
{
    if (ends->lf < at)
        ends->lf = memchr(at, '\n', (size_t)(ends->end - at));
    if (!ends->lf)
        ends->lf = ends->end;
    if (ends->cr < at)
        ends->cr = memchr(at, '\r', (size_t)(ends->end - at));
    if (!ends->cr)
        ends->cr = ends->end;
    return ends->lf < ends->cr ? ends->lf : ends->cr;
}

static bool limit(struct err *err)
{
    return err_set(err, ERR_LIMIT, "an event of the stream is larger than %d bytes",
                   (int)SSE_EVENT_MAX);
}

bool sse_feed(struct sse *sse, struct str bytes,
              bool (*event)(void *arg, const struct sse_event *event), void *arg, struct err *err)
{
    if (bytes.len == 0)
        return true;
    const char *at = bytes.data;
    struct line_ends ends = {.end = bytes.data + bytes.len};
    while (at < ends.end) {
        if (sse->skip_lf) {
            sse->skip_lf = false;
            if (*at == '\n') {
                at++;
                continue;
            }
        }
        const char *stop = next_end(&ends, at);
        struct str piece = str_from(at, (size_t)(stop - at));
        if (stop == ends.end) {
            buf_add_str(&sse->line, piece);
            break;
        }
        sse->skip_lf = *stop == '\r';
        at = stop + 1;
        bool whole = sse->line.len == 0;
        if (!whole) {
            buf_add_str(&sse->line, piece);
            piece = buf_str(&sse->line);
        }
        if (piece.len > SSE_EVENT_MAX || sse->line.overflow)
            return limit(err);
        if (!end_line(sse, piece, whole, event, arg))
            return false;
        buf_clear(&sse->line);
        if (too_long(sse))
            return limit(err);
    }
    keep_view(sse);
    return too_long(sse) ? limit(err) : true;
}
