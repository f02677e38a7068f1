// SPDX-License-Identifier: MIT
#include "transports/model_limits.h"

#include "core/base/time_format.h"

#include <string.h>
#include <time.h>

enum {
    DIGITS_MAX = 15,
    SPAN_MAX_MS = INT32_MAX, // 24 days
};

static const struct model_limit unknown = {-1, -1, -1};

static struct model_limit *limit_at(struct model_limits *limits, int which)
{
    struct model_limit *all[MODEL_LIMIT_KINDS] = {&limits->requests, &limits->tokens,
                                                  &limits->input_tokens, &limits->output_tokens};
    return all[which];
}

void model_limits_begin(struct model_limits_reader *reader)
{
    *reader = (struct model_limits_reader){.date = -1};
    for (int i = 0; i < MODEL_LIMIT_KINDS; i++) {
        *limit_at(&reader->limits, i) = unknown;
        reader->reset_at[i] = -1;
    }
}

// --- values

// The digits at the start of *text, which is moved behind them; -1: there are none, or too many.
static int64_t take_digits(struct str *text)
{
    int64_t number = 0;
    size_t len = 0;
    while (len < text->len && text->data[len] >= '0' && text->data[len] <= '9') {
        if (len == DIGITS_MAX)
            return -1;
        number = number * 10 + (text->data[len++] - '0');
    }
    *text = str_skip(*text, len);
    return len ? number : -1;
}

static int64_t read_number(struct str text)
{
    int64_t number = take_digits(&text);
    return text.len ? -1 : number;
}

// Milliseconds behind a decimal point: as in ".5".
static int64_t take_fraction(struct str *text)
{
    int64_t ms = 0, unit = 100;
    if (text->len == 0 || text->data[0] != '.')
        return 0;
    *text = str_skip(*text, 1);
    while (text->len && text->data[0] >= '0' && text->data[0] <= '9') {
        ms += (text->data[0] - '0') * unit;
        unit /= 10;
        *text = str_skip(*text, 1);
    }
    return ms;
}

static int64_t take_unit(struct str *text)
{
    static const struct {
        struct str name;
        int64_t ms;
    } units[] = {{STR("ms"), 1},
                 {STR("s"), 1000},
                 {STR("m"), 60000},
                 {STR("h"), 3600000},
                 {STR("d"), 24 * 3600000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (!str_starts(*text, units[i].name))
            continue;
        *text = str_skip(*text, units[i].name.len);
        return units[i].ms;
    }
    return text->len ? -1 : 1000; // a bare number counts seconds
}

// "6m0s", "1h2m3.5s", "120ms", "7.66s", "3"; -1 for anything else.
static int64_t read_span(struct str text)
{
    int64_t span = text.len ? 0 : -1;
    while (text.len) {
        int64_t whole = take_digits(&text), fraction = take_fraction(&text);
        int64_t unit = whole < 0 ? -1 : take_unit(&text);
        if (unit < 0 || whole > SPAN_MAX_MS / unit)
            return -1;
        span += whole * unit + fraction * unit / 1000;
        if (span > SPAN_MAX_MS)
            return -1;
    }
    return span;
}

static void take_reset(struct model_limits_reader *reader, int which, struct str value)
{
    int64_t number = read_number(value), at = -1;
    reader->reset_at[which] = -1;
    if (number > 100000000000) // milliseconds since 1970
        at = number;
    else if (number > 100000000) // seconds since then
        at = number * 1000;
    else if (!time_parse(value, &at))
        limit_at(&reader->limits, which)->reset_ms = read_span(value);
    reader->reset_at[which] = at;
}

static void take_value(struct model_limits_reader *reader, int which, struct str field,
                       struct str value)
{
    struct model_limit *limit = limit_at(&reader->limits, which);
    if (strncasecmp(field.data, "reset", field.len) == 0)
        take_reset(reader, which, value);
    else if (strncasecmp(field.data, "remaining", field.len) == 0)
        limit->remaining = read_number(value);
    else
        limit->limit = read_number(value);
    reader->any = reader->any || limit->limit >= 0 || limit->remaining >= 0;
}

// --- names

static bool same(struct str a, struct str b)
{
    return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

static bool takes_off(struct str *name, struct str start)
{
    if (name->len < start.len || strncasecmp(name->data, start.data, start.len) != 0)
        return false;
    *name = str_skip(*name, start.len);
    return true;
}

static bool is_field(struct str name)
{
    return same(name, STR("limit")) || same(name, STR("remaining")) || same(name, STR("reset"));
}

// "requests-limit", "input-tokens-reset"
static void take_anthropic(struct model_limits_reader *reader, struct str name, struct str value)
{
    static const struct str kinds[MODEL_LIMIT_KINDS] = {
        STR("requests-"), STR("tokens-"), STR("input-tokens-"), STR("output-tokens-")};
    for (int i = 0; i < MODEL_LIMIT_KINDS; i++) {
        struct str field = name;
        if (takes_off(&field, kinds[i]) && is_field(field))
            take_value(reader, i, field, value);
    }
}

// "limit-requests", "reset-tokens"; some have a bare "limit", which is of requests.
static void take_openai(struct model_limits_reader *reader, struct str name, struct str value)
{
    static const struct str kinds[] = {STR("-requests"), STR("-tokens")};
    if (is_field(name))
        take_value(reader, 0, name, value);
    for (int i = 0; i < 2; i++) {
        if (name.len <= kinds[i].len)
            continue;
        struct str field = str_from(name.data, name.len - kinds[i].len);
        if (is_field(field) && same(str_skip(name, field.len), kinds[i]))
            take_value(reader, i, field, value);
    }
}

// "Sat, 21 Nov 2026 10:51:30 GMT"
static int64_t read_date(struct str value)
{
    char text[40];
    struct tm tm = {0};
    if (value.len >= sizeof(text))
        return -1;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    return end && *end == '\0' ? (int64_t)timegm(&tm) * 1000 : -1;
}

void model_limits_take(struct model_limits_reader *reader, struct str line)
{
    long colon = str_find(line, STR(":"));
    if (colon < 0)
        return;
    struct str name = str_from(line.data, (size_t)colon);
    struct str value = str_trim(str_skip(line, name.len + 1));
    if (value.len == 0)
        return;
    if (takes_off(&name, STR("anthropic-ratelimit-")))
        take_anthropic(reader, name, value);
    else if (takes_off(&name, STR("x-ratelimit-")))
        take_openai(reader, name, value);
    else if (same(name, STR("date")))
        reader->date = read_date(value);
}

const struct model_limits *model_limits_end(struct model_limits_reader *reader, int64_t now)
{
    if (reader->date >= 0)
        now = reader->date;
    for (int i = 0; i < MODEL_LIMIT_KINDS; i++) {
        int64_t at = reader->reset_at[i];
        if (at >= 0)
            limit_at(&reader->limits, i)->reset_ms = at > now ? at - now : 0;
    }
    return reader->any ? &reader->limits : NULL;
}
