// SPDX-License-Identifier: MIT
// The JSON reader: recursive descent, capped at JSON_DEPTH_MAX, one pass over the text.
// A node is linked to its parent before its value is read, so the tree has no second form.
#include "core/base/json.h"

#include "core/base/json_scan.h"
#include "core/base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_FIT = 19 }; // as many digits always fit 64 bits

struct reader {
    const char *start, *at, *end;
    struct arena *arena;
    struct err *err;
    int depth;
};

static bool read_value(struct reader *r, struct json *json);

static bool fail_at(struct reader *r, const char *where, const char *what)
{
    return err_set(r->err, ERR_PARAMS, "JSON: %s at byte %zu", what, (size_t)(where - r->start));
}

static bool fail_memory(struct reader *r)
{
    return err_set(r->err, ERR_LIMIT, "JSON: the document needs more than %zu bytes of memory",
                   r->arena->max);
}

static inline void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

// The next character after white space, or NUL at the end (which fits nowhere either).
static inline char peek(struct reader *r)
{
    if (r->at < r->end && (unsigned char)*r->at > ' ')
        return *r->at;
    skip_space(r);
    return r->at < r->end ? *r->at : '\0';
}

// ---- strings

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Four digits at p; -1 when they are not.
static int hex_four(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

// Decodes \uXXXX, or a pair of them, at *at (behind the 'u').
static bool read_code_point(struct reader *r, const char **at, const char *end, unsigned *out)
{
    const char *escape = *at - 2;
    int unit = hex_four(*at, end);
    if (unit < 0)
        return fail_at(r, escape, "expected four hexadecimal digits after \\u");
    *at += 4;
    *out = (unsigned)unit;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    int low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex_four(*at + 2, end) : -1;
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return fail_at(r, escape, "expected a surrogate pair, found half of one");
    *at += 6;
    *out = 0x10000 + (((unsigned)unit & 0x3ff) << 10 | ((unsigned)low & 0x3ff));
    return true;
}

static char simple_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

// Decodes one escape at *at (behind the backslash) to out.
static bool read_escape(struct reader *r, const char **at, const char *end, struct buf *out)
{
    char c = *(*at)++;
    if (c == 'u') {
        unsigned code_point = 0;
        if (!read_code_point(r, at, end, &code_point))
            return false;
        utf8_append(out, code_point);
        return true;
    }
    char plain = simple_escape(c);
    if (!plain)
        return fail_at(r, *at - 2, "expected one of \"\\/bfnrtu after a backslash");
    out->data[out->len++] = plain;
    return true;
}

// Text between the quotes that has escapes: nothing decodes to more bytes than it is written
// with, so its own length is room enough.
static bool unescape(struct reader *r, struct str raw, struct str *out)
{
    char *room = arena_alloc(r->arena, raw.len + 1);
    if (!room)
        return fail_memory(r);
    struct buf buf = {.data = room, .cap = raw.len + 1, .max = raw.len};
    const char *at = raw.data, *end = raw.data + raw.len;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((escape ? escape : end) - at);
        memcpy(room + buf.len, at, run);
        buf.len += run;
        at += run;
        if (escape) {
            at++;
            if (!read_escape(r, &at, end, &buf))
                return false;
        }
    }
    room[buf.len] = '\0';
    *out = (struct str){room, buf.len};
    return true;
}

// A string with escapes, with letters beyond ASCII, or with an error; p is where the first run
// of plain characters from start on ends.
static __attribute__((noinline)) bool read_string_slow(struct reader *r, const char *start,
                                                       const char *p, bool high, struct str *out)
{
    bool escaped = false;
    while (p < r->end && *p == '\\') {
        escaped = true;
        p = r->end - p > 2 ? json_skip_plain(p + 2, r->end, &high) : r->end;
    }
    struct str raw = {start, (size_t)(p - start)};
    if (high) {
        size_t valid = utf8_valid_prefix(raw);
        if (valid < raw.len)
            return fail_at(r, start + valid, "invalid UTF-8 in a string");
    }
    if (p >= r->end)
        return fail_at(r, r->end, "expected '\"', the end of a string,");
    if (*p != '"')
        return fail_at(r, p, "control character in a string (it must be escaped)");
    r->at = p + 1;
    if (escaped)
        return unescape(r, raw, out);
    *out = raw;
    return true;
}

// Reads a string; r->at is on its opening quote.
static bool read_string(struct reader *r, struct str *out)
{
    const char *start = r->at + 1;
    bool high = false;
    const char *p = json_skip_plain(start, r->end, &high);
    if (p == r->end || *p != '"' || high)
        return read_string_slow(r, start, p, high, out);
    *out = (struct str){start, (size_t)(p - start)};
    r->at = p + 1;
    return true;
}

// ---- numbers

static inline bool is_digit(const struct reader *r, const char *p)
{
    return p < r->end && *p >= '0' && *p <= '9';
}

static bool read_real(struct reader *r, const char *start, struct json *json)
{
    // strtod() stops at the first character that is no part of the number, but it has to
    // find one before the text ends.
    if (r->at == r->end) {
        start = arena_copy(r->arena, (struct str){start, (size_t)(r->at - start)}).data;
        if (!start)
            return fail_memory(r);
    }
    json->type = JSON_REAL;
    json->real = strtod(start, NULL);
    return true;
}

// Reads digits, at least one, and what they are worth when that fits 64 bits.
static bool read_digits(struct reader *r, uint64_t *value, bool *fits)
{
    const char *start = r->at, *p = start;
    uint64_t sum = 0;
    for (; is_digit(r, p); p++)
        sum = sum * 10 + (unsigned)(*p - '0');
    if (p == start)
        return fail_at(r, p, "expected a digit");
    r->at = p;
    *value = sum;
    if (p - start <= DIGITS_FIT)
        return true;
    for (sum = 0, p = start; p < r->at; p++)
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (unsigned)(*p - '0'), &sum))
            *fits = false;
    return true;
}

// The fraction and the exponent, when there are any: then the number is no integer.
static bool read_number_tail(struct reader *r, bool *integer)
{
    uint64_t ignored = 0;
    if (r->at < r->end && *r->at == '.') {
        *integer = false;
        r->at++;
        if (!read_digits(r, &ignored, integer))
            return false;
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        *integer = false;
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        if (!read_digits(r, &ignored, integer))
            return false;
    }
    return true;
}

static __attribute__((noinline)) bool read_number(struct reader *r, struct json *json)
{
    const char *start = r->at;
    bool negative = *start == '-', integer = true;
    uint64_t value = 0;
    r->at += negative;
    const char *first = r->at;
    if (!read_digits(r, &value, &integer))
        return false;
    if (*first == '0' && r->at - first > 1)
        return fail_at(r, first, "expected no zero in front of a number");
    if (!read_number_tail(r, &integer))
        return false;
    if (!integer || value > (uint64_t)INT64_MAX + negative) {
        if (!read_real(r, start, json))
            return false;
        return isfinite(json->real) || fail_at(r, start, "number too large for a double");
    }
    json->type = JSON_INT;
    json->integer = (int64_t)(negative ? 0 - value : value);
    return true;
}

// ---- values

static bool read_word(struct reader *r, struct json *json, enum json_type type, struct str word)
{
    if (!str_starts((struct str){r->at, (size_t)(r->end - r->at)}, word))
        return fail_at(r, r->at, "expected a value");
    json->type = type;
    r->at += word.len;
    return true;
}

// A new last member of parent. *tail is where its address goes.
static inline struct json *add_member(struct reader *r, struct json *parent, struct json ***tail)
{
    struct json *member = arena_alloc(r->arena, sizeof *member);
    if (!member) {
        fail_memory(r);
        return NULL;
    }
    **tail = member;
    *tail = &member->next;
    parent->count++;
    return member;
}

static bool read_array(struct reader *r, struct json *array)
{
    struct json **tail = &array->first;
    array->type = JSON_ARRAY;
    r->at++;
    if (peek(r) == ']') {
        r->at++;
        return true;
    }
    for (;;) {
        struct json *member = add_member(r, array, &tail);
        if (!member || !read_value(r, member))
            return false;
        char c = peek(r);
        if (c != ',' && c != ']')
            return fail_at(r, r->at, "expected ',' or ']'");
        r->at++;
        if (c == ']')
            return true;
    }
}

static bool read_object(struct reader *r, struct json *object)
{
    struct json **tail = &object->first;
    object->type = JSON_OBJECT;
    r->at++;
    if (peek(r) == '}') {
        r->at++;
        return true;
    }
    for (;;) {
        if (peek(r) != '"')
            return fail_at(r, r->at, "expected '\"', the start of a key,");
        struct json *member = add_member(r, object, &tail);
        if (!member || !read_string(r, &member->key))
            return false;
        if (peek(r) != ':')
            return fail_at(r, r->at, "expected ':'");
        r->at++;
        if (!read_value(r, member))
            return false;
        char c = peek(r);
        if (c != ',' && c != '}')
            return fail_at(r, r->at, "expected ',' or '}'");
        r->at++;
        if (c == '}')
            return true;
    }
}

static bool read_container(struct reader *r, struct json *json)
{
    if (r->depth == JSON_DEPTH_MAX)
        return err_set(r->err, ERR_LIMIT,
                       "JSON: more than %d arrays and objects inside each other at byte %zu",
                       JSON_DEPTH_MAX, (size_t)(r->at - r->start));
    r->depth++;
    if (!(*r->at == '{' ? read_object(r, json) : read_array(r, json)))
        return false;
    r->depth--;
    return true;
}

static bool read_value(struct reader *r, struct json *json)
{
    switch (peek(r)) {
    case '{':
    case '[':
        return read_container(r, json);
    case '"':
        json->type = JSON_STRING;
        return read_string(r, &json->string);
    case 't':
        json->boolean = true;
        return read_word(r, json, JSON_BOOL, STR("true"));
    case 'f':
        return read_word(r, json, JSON_BOOL, STR("false"));
    case 'n':
        return read_word(r, json, JSON_NULL, STR("null"));
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(r, json);
    default:
        return fail_at(r, r->at, "expected a value");
    }
}

bool json_parse(struct json **out, struct arena *arena, struct str text, struct err *err)
{
    struct reader r = {.arena = arena, .err = err};
    r.start = r.at = text.data ? text.data : "";
    r.end = r.start + text.len;
    struct json *json = arena_alloc(arena, sizeof *json);
    if (!json)
        return fail_memory(&r);
    if (!read_value(&r, json))
        return false;
    skip_space(&r);
    if (r.at < r.end)
        return fail_at(&r, r.at, "expected nothing after the value");
    *out = json;
    return true;
}
