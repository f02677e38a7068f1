// SPDX-License-Identifier: MIT
#include "lsp/context.h"

#include "core/base/image.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/uri.h"

void context_init(struct buf *out)
{
    buf_init(out, CONTEXT_MAX);
}

// LSP counts lines from 0 and ends a range before its last character; people count from 1.
static bool add_lines(const struct json *range, struct buf *out, struct err *err)
{
    if (!range || range->type == JSON_NULL)
        return true;
    const struct json *start = json_get(range, "start");
    const struct json *end = json_get(range, "end");
    int64_t first = json_int(start, "line", -1);
    int64_t last = json_int(end, "line", -1);
    if (first < 0 || last < first || last >= INT32_MAX)
        return err_set(err, ERR_PARAMS, "range: expected {start: {line, character}, end: {...}}");
    if (last > first && json_int(end, "character", 1) == 0)
        last--;
    if (first == last)
        buf_addf(out, ", line %lld", (long long)first + 1);
    else
        buf_addf(out, ", lines %lld-%lld", (long long)first + 1, (long long)last + 1);
    return true;
}

// A fence is longer than every run of backticks inside.
static void add_fenced(struct str text, struct buf *out)
{
    size_t longest = 2, now = 0;
    for (size_t i = 0; i < text.len; i++) {
        now = text.data[i] == '`' ? now + 1 : 0;
        if (now > longest)
            longest = now;
    }
    buf_add_str(out, STR(":\n"));
    for (size_t i = 0; i <= longest; i++)
        buf_add_char(out, '`');
    buf_add_char(out, '\n');
    buf_add_str(out, text);
    if (text.len && text.data[text.len - 1] != '\n')
        buf_add_char(out, '\n');
    for (size_t i = 0; i <= longest; i++)
        buf_add_char(out, '`');
}

static bool add_entry(const struct json *entry, struct buf *out, struct buf *images,
                      struct err *err)
{
    struct str uri = STR_NONE, text = STR_NONE;
    if (entry->type != JSON_OBJECT)
        return err_set(err, ERR_PARAMS, "expected {uri, range?, text?}");
    if (!json_get_str(entry, "uri", &uri, err) || !json_get_str(entry, "text", &text, err))
        return false;
    if (uri.len == 0)
        return err_set(err, ERR_PARAMS, "uri: expected a string that is not empty");
    char *path = uri_to_path(uri);
    buf_add_str(out, out->len ? STR("\n\n") : STR(""));
    text_name(out, path ? str_of(path) : uri);
    if (path && !text.data && image_type_of_name(str_of(path)))
        buf_add(images, path, strlen(path) + 1);
    mem_free(path);
    if (!add_lines(json_get(entry, "range"), out, err))
        return false;
    if (text.data)
        add_fenced(text, out);
    return true;
}

bool context_read(const struct json *params, struct buf *out, struct buf *images, struct err *err)
{
    const struct json *context = NULL;
    int index = 0;
    if (!json_get_array(params, "context", &context, err))
        return false;
    json_for_each(entry, context)
    {
        if (!add_entry(entry, out, images, err))
            return err_wrap(err, "context[%d]", index);
        index++;
    }
    if (out->overflow || images->overflow)
        return err_set(err, ERR_PARAMS, "context: expected at most %d bytes in all", CONTEXT_MAX);
    return true;
}
