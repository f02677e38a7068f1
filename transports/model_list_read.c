// SPDX-License-Identifier: MIT
// The pages of the list endpoints: {"data": [{"id"}]}, {"models": [{"name"}]}, or only the array.
#include "core/base/json.h"
#include "core/base/utf8.h"
#include "transports/model_list.h"

enum { TREE_MAX = 64 << 20 };

static bool has_word(const struct json *array, const char *word)
{
    json_for_each(entry, array)
    {
        if (entry->type == JSON_STRING && str_is(entry->string, word))
            return true;
    }
    return false;
}

// Gemini lists what only embeds or draws, too, and says so.
static bool answers(const struct json *model)
{
    const struct json *methods = json_get(model, "supportedGenerationMethods");
    return !methods || has_word(methods, "generateContent");
}

static bool is_id(struct str id)
{
    if (id.len == 0 || id.len > MODEL_LIST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if ((unsigned char)id.data[i] <= ' ' || id.data[i] == 0x7f)
            return false;
    return true;
}

static struct str id_of(enum provider_kind kind, const struct json *model)
{
    struct str id = json_str(model, kind == PROVIDER_GEMINI ? "name" : "id");
    return str_starts(id, STR("models/")) ? str_skip(id, 7) : id;
}

static size_t count_lines(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

static void read_next(enum provider_kind kind, const struct json *page, struct buf *next)
{
    if (kind == PROVIDER_GEMINI)
        buf_add_str(next, json_str(page, "nextPageToken"));
    if (kind == PROVIDER_ANTHROPIC && json_bool(page, "has_more", false))
        buf_add_str(next, json_str(page, "last_id"));
}

static bool read_page(enum provider_kind kind, const struct json *page, struct buf *ids,
                      struct buf *next, struct err *err)
{
    const struct json *models = page;
    if (page->type == JSON_OBJECT)
        models = json_get(page, kind == PROVIDER_GEMINI ? "models" : "data");
    bool empty = page->type == JSON_OBJECT && kind == PROVIDER_GEMINI && !models;
    if (!empty && (!models || models->type != JSON_ARRAY))
        return err_set(err, ERR_PROVIDER, "its list of models is none");
    size_t count = count_lines(buf_str(ids));
    json_for_each(model, models)
    {
        struct str id = id_of(kind, model);
        if (!is_id(id) || !answers(model) || count >= MODEL_LIST_IDS_MAX)
            continue;
        buf_add_str(ids, id);
        buf_add_char(ids, '\n');
        count++;
    }
    read_next(kind, page, next);
    return true;
}

bool model_list_read(enum provider_kind kind, struct str body, struct buf *ids, struct buf *next,
                     struct err *err)
{
    struct arena arena;
    struct json *page;
    arena_init(&arena, TREE_MAX);
    bool ok = json_parse(&page, &arena, body, err) || err_wrap(err, "its list of models");
    if (ok)
        ok = read_page(kind, page, ids, next, err);
    else
        err->kind = ERR_PROVIDER;
    arena_release(&arena);
    return ok;
}
