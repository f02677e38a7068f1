// SPDX-License-Identifier: MIT
#include "core/base/json.h"

#include "core/base/json_scan.h"
#include "core/base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_writer_init(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

static void start_value(struct json_writer *w)
{
    if (w->comma)
        buf_add_char(w->out, ',');
    w->comma = true;
}

static void begin(struct json_writer *w, char bracket)
{
    start_value(w);
    buf_add_char(w->out, bracket);
    w->comma = false;
}

static void end(struct json_writer *w, char bracket)
{
    buf_add_char(w->out, bracket);
    w->comma = true;
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
    end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
    begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
    end(w, ']');
}

// ---- strings

static void add_escape(struct buf *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char names[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    unsigned char code = (unsigned char)c;
    char name = code < sizeof names ? names[code] : c;
    if (name) {
        char text[2] = {'\\', name};
        buf_add(out, text, sizeof text);
    } else {
        char text[6] = {'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]};
        buf_add(out, text, sizeof text);
    }
}

// Valid UTF-8, with the quotes around it.
static void add_valid(struct buf *out, struct str s)
{
    bool ignored = false;
    const char *at = s.data, *stop = s.data + s.len;
    if (!buf_reserve(out, s.len + 2)) // all there is to do when nothing needs an escape
        return;
    out->data[out->len++] = '"';
    for (;;) {
        const char *special = json_skip_plain(at, stop, &ignored);
        buf_add(out, at, (size_t)(special - at));
        if (special == stop)
            break;
        add_escape(out, *special);
        at = special + 1;
    }
    buf_add_char(out, '"');
}

static void add_quoted(struct buf *out, struct str s)
{
    if (s.len == 0) {
        buf_add(out, "\"\"", 2);
    } else if (utf8_is_valid(s)) {
        add_valid(out, s);
    } else {
        struct buf repaired;
        buf_init(&repaired, out->max);
        utf8_repair(&repaired, s);
        add_valid(out, buf_str(&repaired));
        out->overflow |= repaired.overflow;
        buf_release(&repaired);
    }
}

static void put_key(struct json_writer *w, struct str key)
{
    start_value(w);
    add_quoted(w->out, key);
    buf_add_char(w->out, ':');
    w->comma = false;
}

void json_key(struct json_writer *w, const char *key)
{
    size_t len = strlen(key);
    struct buf *out = w->out;
    if (!buf_reserve(out, len + 3 + w->comma)) // two quotes and a colon
        return;
    char *at = out->data + out->len;
    if (w->comma)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, key, len);
    at += len;
    *at++ = '"';
    *at++ = ':';
    *at = '\0';
    out->len = (size_t)(at - out->data);
    w->comma = false;
}

void json_put_str(struct json_writer *w, struct str s)
{
    start_value(w);
    add_quoted(w->out, s);
}

// ---- the other values

void json_put_int(struct json_writer *w, int64_t value)
{
    start_value(w);
    buf_add_int(w->out, value);
}

// The shortest of the three lengths that reads back as the same double. It keeps looking
// like a real, so that it is one again when read.
void json_put_real(struct json_writer *w, double value)
{
    char text[32];
    if (!isfinite(value)) {
        json_put_null(w);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    start_value(w);
    buf_add_str(w->out, str_of(text));
    if (!strpbrk(text, ".e"))
        buf_add_str(w->out, STR(".0"));
}

void json_put_bool(struct json_writer *w, bool value)
{
    start_value(w);
    buf_add_str(w->out, value ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
    start_value(w);
    buf_add_str(w->out, STR("null"));
}

void json_put_raw(struct json_writer *w, struct str json)
{
    start_value(w);
    buf_add_str(w->out, json);
}

static void put_tree(struct json_writer *w, const struct json *json, int depth);

static void put_members(struct json_writer *w, const struct json *json, int depth)
{
    // The reader makes no deeper tree; one made by hand is refused like one that is too large.
    if (depth == JSON_DEPTH_MAX) {
        w->out->overflow = true;
        return;
    }
    bool object = json->type == JSON_OBJECT;
    begin(w, object ? '{' : '[');
    json_for_each(member, json)
    {
        if (object)
            put_key(w, member->key);
        put_tree(w, member, depth + 1);
    }
    end(w, object ? '}' : ']');
}

static void put_tree(struct json_writer *w, const struct json *json, int depth)
{
    switch (json->type) {
    case JSON_NULL:
        json_put_null(w);
        break;
    case JSON_BOOL:
        json_put_bool(w, json->boolean);
        break;
    case JSON_INT:
        json_put_int(w, json->integer);
        break;
    case JSON_REAL:
        json_put_real(w, json->real);
        break;
    case JSON_STRING:
        json_put_str(w, json->string);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        put_members(w, json, depth);
        break;
    }
}

void json_put_tree(struct json_writer *w, const struct json *json)
{
    if (json)
        put_tree(w, json, 0);
    else
        json_put_null(w);
}

// ---- key and value at once

void json_add_str(struct json_writer *w, const char *key, struct str s)
{
    json_key(w, key);
    json_put_str(w, s);
}

void json_add_cstr(struct json_writer *w, const char *key, const char *s)
{
    json_key(w, key);
    if (s)
        json_put_str(w, str_of(s));
    else
        json_put_null(w);
}

void json_add_int(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_put_int(w, value);
}

void json_add_real(struct json_writer *w, const char *key, double value)
{
    json_key(w, key);
    json_put_real(w, value);
}

void json_add_bool(struct json_writer *w, const char *key, bool value)
{
    json_key(w, key);
    json_put_bool(w, value);
}

void json_add_null(struct json_writer *w, const char *key)
{
    json_key(w, key);
    json_put_null(w);
}

void json_add_raw(struct json_writer *w, const char *key, struct str json)
{
    json_key(w, key);
    json_put_raw(w, json);
}
