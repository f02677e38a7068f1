// SPDX-License-Identifier: MIT
#include "cli/printer.h"

#include "core/base/buf.h"
#include "core/base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIM "\033[2m"
#define ADDED "\033[32m"
#define REMOVED "\033[31m"
#define PLACE "\033[36m"
#define PLAIN "\033[0m"

void printer_init(struct printer *t, FILE *out)
{
    *t = (struct printer){.out = out};
    const char *terminal = getenv("TERM"), *no_color = getenv("NO_COLOR");
    t->terminal = isatty(fileno(out));
    t->color = t->terminal && terminal && strcmp(terminal, "dumb") != 0 && !(no_color && *no_color);
}

void printer_safe(FILE *out, struct str text)
{
    struct buf safe;
    buf_init(&safe, 3 * text.len + 1);
    text_lines(&safe, text);
    if (safe.len)
        fwrite(safe.data, 1, safe.len, out);
    buf_release(&safe);
}

static void put(struct printer *t, struct str text)
{
    if (t->terminal)
        printer_safe(t->out, text);
    else if (text.len)
        fwrite(text.data, 1, text.len, t->out);
    if (text.len)
        t->in_line = text.data[text.len - 1] != '\n';
}

static void style(const struct printer *t, const char *code)
{
    if (t->color)
        fputs(code, t->out);
}

static void fresh_line(struct printer *t)
{
    if (t->in_line)
        fputc('\n', t->out);
    t->in_line = false;
}

static void end_live(struct printer *t)
{
    if (*t->live)
        style(t, PLAIN);
    *t->live = '\0';
    t->shown = 0;
    fresh_line(t);
}

void printer_say(struct printer *t, const char *format, ...)
{
    end_live(t);
    *t->tool = '\0';
    va_list args;
    va_start(args, format);
    vfprintf(t->out, format, args);
    va_end(args);
    fputc('\n', t->out);
    fflush(t->out);
}

static void line(struct printer *t, const char *code, const char *mark, struct str text)
{
    end_live(t);
    style(t, code);
    fputs(mark, t->out);
    put(t, text);
    style(t, PLAIN);
    t->in_line = true;
    fresh_line(t);
}

static const char *patch_style(struct str line)
{
    char first = line.len ? line.data[0] : ' ';
    return first == '+' ? ADDED : first == '-' ? REMOVED : first == '@' ? PLACE : "";
}

void printer_patch(struct printer *t, struct str lines)
{
    if (!t->color) {
        put(t, lines);
        return;
    }
    while (lines.len) {
        const char *end = memchr(lines.data, '\n', lines.len);
        struct str line = str_from(lines.data, end ? (size_t)(end - lines.data) : lines.len);
        fputs(patch_style(line), t->out);
        put(t, line);
        fputs(PLAIN, t->out);
        lines = str_skip(lines, line.len);
        if (end) {
            put(t, STR("\n"));
            lines = str_skip(lines, 1);
        }
    }
}

static struct str first_line(struct str text)
{
    const char *end = text.len ? memchr(text.data, '\n', text.len) : NULL;
    return end ? str_from(text.data, (size_t)(end - text.data)) : text;
}

static struct str last_line(struct str text)
{
    text = str_trim(text);
    const char *end = text.len ? memrchr(text.data, '\n', text.len) : NULL;
    return end ? str_skip(text, (size_t)(end + 1 - text.data)) : text;
}

static void set_id(char id[PRINTER_ID_MAX], struct str value)
{
    snprintf(id, PRINTER_ID_MAX, "%.*s", STR_ARG(value));
}

static void begin_live(struct printer *t, struct str id, struct str kind)
{
    if (str_is(id, t->live))
        return;
    end_live(t);
    *t->tool = '\0';
    set_id(t->live, id);
    fputc('\n', t->out);
    if (str_is(kind, "reasoning"))
        style(t, DIM);
}

static bool is_text(struct str kind)
{
    return str_is(kind, "assistant") || str_is(kind, "reasoning");
}

void printer_delta(struct printer *t, const struct json *event)
{
    struct str kind = json_str(event, "kind"), text = json_str(event, "text");
    int64_t offset = json_int(event, "offset", 0);
    if (!is_text(kind) || text.len == 0)
        return;
    begin_live(t, json_str(event, "itemId"), kind);
    size_t start = offset < 0 ? 0 : (size_t)offset;
    if (start > t->shown || start + text.len <= t->shown)
        return; // a gap is filled by the completed item
    put(t, str_skip(text, t->shown - start));
    t->shown = start + text.len;
    fflush(t->out);
}

// Of "i21".
static int64_t number_of(struct str id)
{
    char text[PRINTER_ID_MAX];
    set_id(text, id);
    return *text ? strtoll(text + 1, NULL, 10) : 0;
}

static void whole_text(struct printer *t, const struct json *item, struct str kind, bool broken)
{
    struct str text = json_str(item, "text");
    int64_t number = number_of(json_str(item, "id"));
    if (number <= t->whole)
        return; // what was whole of an answer that broke later
    t->whole = number;
    if (text.len > 0) {
        begin_live(t, json_str(item, "id"), kind);
        if (text.len > t->shown)
            put(t, str_skip(text, t->shown));
    }
    end_live(t);
    if (broken && text.len > 0)
        line(t, DIM, "  ", STR("(broken off)"));
}

void printer_activity(struct printer *t, struct str activity)
{
    bool again = str_starts(activity, STR("retry in "));
    bool waits = again || str_starts(activity, STR("waiting for "));
    if (waits && (again || !t->waits))
        line(t, DIM, "  ", activity);
    t->waits = waits;
    fflush(t->out);
}

static void tool(struct printer *t, const struct json *item, struct str status)
{
    struct str id = json_str(item, "id"), title = json_str(item, "title");
    if (str_is(status, "started")) {
        line(t, "", "* ", title);
        set_id(t->tool, id);
        return;
    }
    if (!str_is(id, t->tool))
        line(t, "", "* ", title); // others came in between
    struct str output = json_str(item, "output");
    // What a command printed comes before how it ended.
    if (str_is(status, "failed"))
        line(t, DIM,
             "  failed: ", json_get(item, "exitCode") ? last_line(output) : first_line(output));
    else
        line(t, DIM, "  ", STR("ok"));
    *t->tool = '\0';
}

void printer_item(struct printer *t, const struct json *item)
{
    struct str kind = json_str(item, "kind"), status = json_str(item, "status");
    if (is_text(kind) && !str_is(status, "started"))
        whole_text(t, item, kind, str_is(status, "failed"));
    else if (str_is(kind, "tool"))
        tool(t, item, status);
    else if (str_is(kind, "notice"))
        line(t, DIM, "! ", json_str(item, "text"));
    fflush(t->out);
}
