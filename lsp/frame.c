// SPDX-License-Identifier: MIT
#include "lsp/frame.h"

#include "lsp/rpc.h"

#include <stdio.h>
#include <strings.h>

static const char length_name[] = "Content-Length:";

enum {
    LENGTH_NAME_LEN = sizeof(length_name) - 1,
    // Room in front of an outgoing body for "Content-Length: <20 digits>\r\n\r\n".
    OPEN_ROOM = 40,
};

void frame_init(struct frame *frame)
{
    *frame = (struct frame){.framing = FRAMING_UNKNOWN};
    buf_init(&frame->buf, FRAME_MESSAGE_MAX + FRAME_HEADER_MAX + FRAME_CHUNK_MAX);
}

void frame_release(struct frame *frame)
{
    buf_release(&frame->buf);
}

static struct str rest_of(const struct frame *frame)
{
    if (!frame->buf.data)
        return STR_NONE;
    return str_from(frame->buf.data + frame->start, frame->buf.len - frame->start);
}

static void take(struct frame *frame, size_t bytes)
{
    frame->start += bytes;
    frame->scanned = 0;
}

bool frame_feed(struct frame *frame, struct str bytes)
{
    if (frame->start == frame->buf.len && frame->buf.cap > FRAME_KEEP_MAX)
        buf_release(&frame->buf);
    else
        buf_remove_front(&frame->buf, frame->start);
    frame->start = 0;
    if (bytes.len == 0)
        return true;
    buf_add_str(&frame->buf, bytes);
    return !frame->buf.overflow;
}

void frame_end(struct frame *frame)
{
    frame->ended = true;
}

static enum frame_status problem(struct frame_message *out, int code, const char *text)
{
    out->body = STR_NONE;
    out->code = code;
    snprintf(out->problem, sizeof(out->problem), "%s", text);
    return FRAME_ERROR;
}

static void reset_headers(struct frame *frame)
{
    frame->header_bytes = 0;
    frame->in_body = false;
    frame->has_length = false;
    frame->length = 0;
    frame->foreign_charset = false;
}

// --- headers ---

// Where the text of a Content-Length header begins, in any case of letters; -1 when nowhere.
static long find_length_header(struct str s)
{
    for (size_t i = 0; i + LENGTH_NAME_LEN <= s.len; i++) {
        if ((s.data[i] | 0x20) == 'c' && strncasecmp(s.data + i, length_name, LENGTH_NAME_LEN) == 0)
            return (long)i;
    }
    return -1;
}

static enum frame_status lose(struct frame *frame, struct frame_message *out, const char *text)
{
    // One byte on, so that a broken header is not found again.
    if (frame->start < frame->buf.len)
        take(frame, 1);
    frame->lost = true;
    reset_headers(frame);
    return problem(out, RPC_PARSE_ERROR, text);
}

static bool find_again(struct frame *frame)
{
    struct str rest = rest_of(frame);
    long found = find_length_header(rest);
    if (found < 0) {
        if (rest.len >= LENGTH_NAME_LEN)
            take(frame, rest.len - LENGTH_NAME_LEN + 1);
        return false;
    }
    take(frame, (size_t)found);
    frame->lost = false;
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

// Can this be a header, or the beginning of one? Said early, so that nobody waits for a newline
// that will not come.
static bool may_be_header(struct str s, bool whole)
{
    size_t name = 0;
    while (name < s.len && is_name_char(s.data[name]))
        name++;
    if (name == s.len)
        return !whole;
    return name > 0 && s.data[name] == ':';
}

static bool header_is(struct str line, const char *name, struct str *value)
{
    size_t len = strlen(name);
    if (line.len < len || strncasecmp(line.data, name, len) != 0)
        return false;
    *value = str_trim(str_skip(line, len));
    return true;
}

static bool parse_length(struct str value, uint64_t *length)
{
    uint64_t total = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || total > UINT64_MAX / 10 - 1)
            return false;
        total = total * 10 + (uint64_t)(value.data[i] - '0');
    }
    *length = total;
    return value.len > 0;
}

static bool is_foreign_charset(struct str type)
{
    static const char name[] = "charset=";
    for (size_t i = 0; i + sizeof(name) - 1 <= type.len; i++) {
        if (strncasecmp(type.data + i, name, sizeof(name) - 1) != 0)
            continue;
        struct str value = str_skip(type, i + sizeof(name) - 1);
        for (size_t end = 0; end < value.len; end++) {
            if (value.data[end] == ';')
                value.len = end;
        }
        value = str_trim(value);
        if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
            value = str_from(value.data + 1, value.len - 2);
        return !(value.len == 5 && strncasecmp(value.data, "utf-8", 5) == 0) &&
               !(value.len == 4 && strncasecmp(value.data, "utf8", 4) == 0);
    }
    return false;
}

// One whole line of the headers. NULL when it is well.
static const char *header_line(struct frame *frame, struct str line)
{
    struct str value;
    if (!may_be_header(line, true))
        return "expected a header such as Content-Length: 123";
    if (header_is(line, length_name, &value)) {
        uint64_t length = 0;
        if (!parse_length(value, &length))
            return "Content-Length: expected a number of bytes";
        if (frame->has_length && frame->length != length)
            return "Content-Length: given twice";
        frame->has_length = true;
        frame->length = length;
        return NULL;
    }
    // Garbage in front of a header would make an unknown header of it.
    if (find_length_header(line) >= 0)
        return "expected a header at the beginning of the line";
    if (header_is(line, "Content-Type:", &value) && is_foreign_charset(value))
        frame->foreign_charset = true;
    return NULL;
}

static enum frame_status end_of_headers(struct frame *frame, struct frame_message *out)
{
    const uint64_t length = frame->length;
    if (length > FRAME_MESSAGE_MAX) {
        frame->skip = length;
        reset_headers(frame);
        return problem(out, RPC_INVALID_REQUEST, "the message is larger than 64 MiB");
    }
    if (frame->foreign_charset) {
        frame->skip = length;
        reset_headers(frame);
        return problem(out, RPC_INVALID_REQUEST, "Content-Type: the charset must be utf-8");
    }
    struct str rest = rest_of(frame);
    if (rest.len < length)
        return FRAME_MORE;
    out->body = str_from(rest.data, (size_t)length);
    take(frame, (size_t)length);
    reset_headers(frame);
    return FRAME_MESSAGE;
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_white_space(struct frame *frame)
{
    struct str rest = rest_of(frame);
    size_t white = 0;
    while (white < rest.len && is_white(rest.data[white]))
        white++;
    if (white)
        take(frame, white);
}

static struct str without_line_end(struct str line)
{
    while (line.len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    return line;
}

static enum frame_status next_by_headers(struct frame *frame, struct frame_message *out)
{
    for (;;) {
        if (frame->in_body)
            return end_of_headers(frame, out);
        if (frame->lost && !find_again(frame))
            return FRAME_MORE;
        if (frame->header_bytes == 0)
            skip_white_space(frame);
        struct str rest = rest_of(frame);
        const char *newline = rest.len > frame->scanned ? memchr(rest.data + frame->scanned, '\n',
                                                                 rest.len - frame->scanned)
                                                        : NULL;
        size_t taken = newline ? (size_t)(newline - rest.data) + 1 : rest.len;
        if (frame->header_bytes + taken > FRAME_HEADER_MAX)
            return lose(frame, out, "the headers are larger than 8 KiB");
        if (!newline) {
            frame->scanned = rest.len;
            if (rest.len && rest.data[0] != '\r' && !may_be_header(rest, false))
                return lose(frame, out, "expected a header such as Content-Length: 123");
            return FRAME_MORE;
        }
        struct str line = without_line_end(str_from(rest.data, taken));
        if (line.len == 0) {
            if (!frame->has_length)
                return lose(frame, out, "Content-Length is missing");
            take(frame, taken);
            frame->in_body = true;
            continue;
        }
        const char *wrong = header_line(frame, line);
        if (wrong)
            return lose(frame, out, wrong);
        frame->header_bytes += taken;
        take(frame, taken);
    }
}

// --- lines ---

static enum frame_status too_long_a_line(struct frame_message *out)
{
    return problem(out, RPC_INVALID_REQUEST, "the message is larger than 64 MiB");
}

static enum frame_status next_line(struct frame *frame, struct frame_message *out)
{
    for (;;) {
        struct str rest = rest_of(frame);
        if (rest.len == 0)
            return FRAME_MORE;
        const char *newline = memchr(rest.data + frame->scanned, '\n', rest.len - frame->scanned);
        if (!newline && frame->skip_line) {
            take(frame, rest.len);
            return FRAME_MORE;
        }
        if (!newline && rest.len > FRAME_MESSAGE_MAX) {
            take(frame, rest.len);
            frame->skip_line = true;
            return too_long_a_line(out);
        }
        if (!newline && !frame->ended) {
            frame->scanned = rest.len;
            return FRAME_MORE;
        }
        size_t taken = newline ? (size_t)(newline - rest.data) + 1 : rest.len;
        take(frame, taken);
        if (frame->skip_line) {
            frame->skip_line = false;
            continue;
        }
        out->body = str_trim(str_from(rest.data, taken));
        if (out->body.len > FRAME_MESSAGE_MAX)
            return too_long_a_line(out);
        if (out->body.len > 0)
            return FRAME_MESSAGE;
    }
}

enum frame_status frame_next(struct frame *frame, struct frame_message *out)
{
    *out = (struct frame_message){.body = STR_NONE};
    if (frame->skip) {
        size_t here = rest_of(frame).len;
        size_t dropped = frame->skip < here ? (size_t)frame->skip : here;
        take(frame, dropped);
        frame->skip -= dropped;
        if (frame->skip)
            return FRAME_MORE;
    }
    if (frame->framing == FRAMING_UNKNOWN) {
        skip_white_space(frame);
        struct str rest = rest_of(frame);
        if (rest.len == 0)
            return FRAME_MORE;
        frame->framing = rest.data[0] == '{' ? FRAMING_LINES : FRAMING_HEADERS;
    }
    return frame->framing == FRAMING_LINES ? next_line(frame, out) : next_by_headers(frame, out);
}

// --- the way out ---

void frame_open(struct buf *out, size_t max)
{
    static const char room[OPEN_ROOM];
    buf_init(out, max);
    buf_add(out, room, sizeof(room));
}

void frame_close(struct buf *out, enum framing framing)
{
    if (framing == FRAMING_LINES) {
        // White space between tokens may be a newline where somebody's JSON was taken over whole.
        for (char *p = out->data; (p = memchr(p, '\n', out->len - (size_t)(p - out->data)));)
            *p = ' ';
        buf_add_char(out, '\n');
    }
    if (out->overflow)
        return;
    char header[OPEN_ROOM] = "";
    int len = 0;
    if (framing != FRAMING_LINES)
        len = snprintf(header, sizeof(header), "Content-Length: %zu\r\n\r\n", out->len - OPEN_ROOM);
    memcpy(out->data + OPEN_ROOM - len, header, (size_t)len);
    buf_remove_front(out, OPEN_ROOM - (size_t)len);
}
