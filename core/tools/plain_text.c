// SPDX-License-Identifier: MIT
#include "core/tools/plain_text.h"

#include "core/base/utf8.h"

#include <inttypes.h>

enum {
    REPLACEMENT = 0xFFFD,
    JUNK_LEAST = 4, // bytes that make a line binary, when a quarter of it is such
    RAW_MAX = 4 * PLAIN_TEXT_LINE_MAX,
    ARGUMENT_MAX = 9999,
    GAP_MAX = 16, // spaces for a move to the right
    TAIL_LEAST = 2,
    AGAINST_CONTROL = 24, // bytes of text that a control character outweighs, near binary data
    AGAINST_HIGH = 3,     // as Latin-1 has them
};

#define SAME_LINE "[same line] "

void plain_text_init(struct plain_text *plain)
{
    memset(plain, 0, sizeof *plain);
}

static size_t encoded_len(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

// --- lines ---

// Within a run little is needed to be part of it; elsewhere a line must have much that is no text.
static bool is_binary(const struct plain_text *p, int64_t score)
{
    if (p->run.bytes > 0)
        return score < 0;
    return p->junk >= JUNK_LEAST && 4 * p->junk >= p->raw;
}

static void put_line(struct plain_text *p, size_t from, size_t bytes, int64_t score,
                     struct buf *out)
{
    struct str mark = p->goes_on ? STR(SAME_LINE) : STR_NONE;
    size_t len = mark.len + 1;
    for (size_t i = from; i < p->count; i++)
        len += encoded_len(p->cells[i]);
    bool held = binary_run_holds(&p->run, len, score);
    if (!held)
        binary_run_end(&p->run, out);
    buf_add_str(out, mark);
    for (size_t i = from; i < p->count; i++)
        utf8_append(out, p->cells[i]);
    buf_add_char(out, '\n');
    if (held)
        binary_run_take(&p->run, len, (int64_t)bytes, out);
}

// What a command prints after binary data stands in the same line, mostly.
static void put_binary_line(struct plain_text *p, size_t bytes, struct buf *out)
{
    size_t from = p->count;
    while (from > 0 && p->cells[from - 1] != REPLACEMENT)
        from--;
    size_t tail = p->count - from;
    if (tail < TAIL_LEAST || tail >= bytes)
        tail = 0;
    p->changed = true;
    p->goes_on = false;
    binary_run_add(&p->run, (int64_t)(bytes - tail));
    if (tail)
        put_line(p, from, tail, (int64_t)tail, out);
}

static void end_line(struct plain_text *p, struct buf *out)
{
    int64_t score = (int64_t)p->raw - (int64_t)p->against;
    if (is_binary(p, score))
        put_binary_line(p, p->all, out);
    else if (p->count > 0 || !p->goes_on)
        put_line(p, 0, p->all, score, out);
    p->count = p->cursor = p->bytes = p->raw = p->junk = p->all = p->against = 0;
    p->returned = p->back = p->goes_on = false;
}

static void break_line(struct plain_text *p, struct buf *out)
{
    end_line(p, out);
    p->goes_on = p->changed = true;
}

static void write_cell(struct plain_text *p, uint32_t c, struct buf *out)
{
    size_t len = encoded_len(c);
    size_t now = p->cursor < p->count ? encoded_len(p->cells[p->cursor]) : 0;
    if (p->bytes - now + len + sizeof SAME_LINE - 1 > PLAIN_TEXT_LINE_MAX || p->raw > RAW_MAX) {
        break_line(p, out);
        now = 0;
    }
    // Underlined text of old terminals: a letter and a line in one place, in either order.
    bool under = p->back && c == '_' && now && p->cells[p->cursor] != ' ';
    if (under) {
        p->cursor++;
        p->back = false;
        return;
    }
    p->cells[p->cursor++] = c;
    if (p->cursor > p->count)
        p->count = p->cursor;
    p->bytes += len - now;
    p->back = false;
}

static void begin_over(struct plain_text *p)
{
    if (!p->returned)
        return;
    p->returned = false;
    p->changed = true;
    p->cursor = 0;
    p->raw = p->count; // what still stands is text
    p->junk = 0;
}

static void put_text(struct plain_text *p, uint32_t c, size_t len, struct buf *out)
{
    begin_over(p);
    write_cell(p, c, out);
    p->raw += len;
}

// Runs of bytes that are no text show as one mark.
static void put_junk(struct plain_text *p, size_t len, size_t against, struct buf *out)
{
    begin_over(p);
    p->changed = true;
    bool again = p->cursor > 0 && p->cursor == p->count && p->cells[p->cursor - 1] == REPLACEMENT;
    if (!again || p->raw > RAW_MAX)
        write_cell(p, REPLACEMENT, out);
    p->raw += len;
    p->junk += len;
    p->against += against;
}

// --- escape sequences ---

static void erase(struct plain_text *p)
{
    begin_over(p);
    if (p->argument == 2) {
        p->count = p->bytes = 0;
        p->raw = p->junk = 0;
        for (size_t i = 0; i < p->cursor; i++)
            p->cells[p->count++] = ' ';
        p->bytes = p->count;
    } else if (p->argument == 0 && p->cursor < p->count) {
        for (size_t i = p->cursor; i < p->count; i++)
            p->bytes -= encoded_len(p->cells[i]);
        p->count = p->cursor;
    }
}

static void move_to(struct plain_text *p, size_t column, struct buf *out)
{
    begin_over(p);
    p->cursor = column < p->count ? column : p->count;
    for (int i = 0; i < GAP_MAX && p->cursor < column; i++)
        write_cell(p, ' ', out);
}

static void control_sequence(struct plain_text *p, unsigned char final, struct buf *out)
{
    size_t n = p->argument > 0 ? (size_t)p->argument : 1;
    if (p->returned && (final == 'K' || final == 'G' || final == 'C'))
        begin_over(p);
    if (final == 'K')
        erase(p);
    else if (final == 'G')
        move_to(p, n - 1, out);
    else if (final == 'C')
        move_to(p, p->cursor + n, out);
    else if (final == 'D')
        p->cursor -= n < p->cursor ? n : p->cursor;
}

static void escape_byte(struct plain_text *p, unsigned char c)
{
    if (c == '[')
        p->state = PLAIN_CSI;
    else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
        p->state = PLAIN_STRING;
    else if (c >= 0x20 && c <= 0x2F)
        p->state = PLAIN_ONE_MORE;
    else
        p->state = PLAIN_GROUND;
    p->argument = 0;
    p->escape_len = 0;
}

static void csi_byte(struct plain_text *p, unsigned char c, struct buf *out)
{
    if (c >= '0' && c <= '9') {
        p->argument = p->argument * 10 + (c - '0');
        if (p->argument > ARGUMENT_MAX)
            p->argument = ARGUMENT_MAX;
    } else if (c == ';') {
        p->argument = 0;
    } else if (c >= 0x40 && c <= 0x7E) {
        p->state = PLAIN_GROUND;
        control_sequence(p, c, out);
    }
}

// False: it is no part of a sequence.
static bool sequence_byte(struct plain_text *p, unsigned char c, struct buf *out)
{
    p->changed = true;
    bool ends = c == '\n' || c == 0x18 || ++p->escape_len > PLAIN_TEXT_ESCAPE_MAX ||
                (p->state == PLAIN_CSI && (c < 0x20 || c > 0x7E) && c != 0x1B);
    if (ends) {
        p->state = PLAIN_GROUND;
        return false;
    }
    if (c == 0x1B)
        p->state = PLAIN_ESCAPE; // "ESC \" ends a string as well
    else if (p->state == PLAIN_ESCAPE)
        escape_byte(p, c);
    else if (p->state == PLAIN_CSI)
        csi_byte(p, c, out);
    else if (p->state == PLAIN_ONE_MORE)
        p->state = c <= 0x2F ? PLAIN_ONE_MORE : PLAIN_GROUND;
    else if (c == 0x07)
        p->state = PLAIN_GROUND;
    return true;
}

// --- bytes ---

static void control(struct plain_text *p, unsigned char c, struct buf *out)
{
    switch (c) {
    case '\n':
        p->changed = p->changed || p->returned;
        end_line(p, out);
        break;
    case '\r':
        p->returned = true;
        break;
    case '\b':
        begin_over(p);
        p->cursor -= p->cursor > 0;
        p->back = p->changed = true;
        break;
    case 0x1B:
        p->state = PLAIN_ESCAPE;
        p->escape_len = 0;
        p->changed = true;
        break;
    case '\t':
        put_text(p, c, 1, out);
        break;
    case '\f':
    case '\v':
        p->changed = true;
        end_line(p, out);
        break;
    case '\a':
        p->changed = true;
        break;
    default:
        put_junk(p, 1, AGAINST_CONTROL, out);
    }
}

static void pending_is_junk(struct plain_text *p, struct buf *out)
{
    if (p->pending_len)
        put_junk(p, p->pending_len, AGAINST_HIGH * p->pending_len, out);
    p->pending_len = 0;
}

static void high_byte(struct plain_text *p, unsigned char c, struct buf *out)
{
    if ((c & 0xC0) != 0x80)
        pending_is_junk(p, out);
    p->pending[p->pending_len++] = c;
    struct str all = str_from((const char *)p->pending, p->pending_len);
    if (utf8_is_valid(all)) {
        static const unsigned char masks[] = {0, 0, 0x1F, 0x0F, 0x07};
        uint32_t code = p->pending[0] & masks[all.len];
        for (size_t i = 1; i < all.len; i++)
            code = code << 6 | (p->pending[i] & 0x3F);
        p->pending_len = 0;
        if (code < 0xA0)
            put_junk(p, all.len, AGAINST_HIGH * all.len, out); // control characters again
        else
            put_text(p, code, all.len, out);
    } else if (utf8_incomplete_tail(all) != all.len || p->pending_len == sizeof p->pending) {
        pending_is_junk(p, out);
    }
}

// Lines that are ASCII without controls come out as they are. Bytes of those at the front.
static size_t simple_lines(struct plain_text *p, struct str bytes, struct buf *out)
{
    size_t done = 0, at = 0;
    if (p->count || p->raw || p->returned || p->goes_on || p->pending_len || p->run.bytes)
        return 0;
    for (; at < bytes.len && at - done + GAP_MAX < PLAIN_TEXT_LINE_MAX; at++) {
        unsigned char c = (unsigned char)bytes.data[at];
        if (c == '\n')
            done = at + 1;
        else if ((c < 0x20 && c != '\t') || c > 0x7E)
            break;
    }
    buf_add(out, bytes.data, done);
    if (done)
        p->all = 0; // escape sequences may have been in front
    return done;
}

void plain_text_add(struct plain_text *p, struct str bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (p->state == PLAIN_GROUND && p->count == 0)
            i += simple_lines(p, str_skip(bytes, i), out);
        if (i == bytes.len)
            break;
        unsigned char c = (unsigned char)bytes.data[i];
        p->all++;
        if (p->state != PLAIN_GROUND && sequence_byte(p, c, out))
            continue;
        if (c >= 0x80) {
            high_byte(p, c, out);
            continue;
        }
        pending_is_junk(p, out);
        if (c >= 0x20 && c != 0x7F)
            put_text(p, c, 1, out);
        else
            control(p, c, out);
    }
}

void plain_text_end(struct plain_text *p, struct buf *out)
{
    pending_is_junk(p, out);
    p->changed = p->changed || p->returned;
    if (p->raw > 0 || p->count > 0)
        end_line(p, out);
    binary_run_end(&p->run, out);
}
