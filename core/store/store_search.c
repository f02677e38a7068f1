// SPDX-License-Identifier: MIT
// Looking into the index. A table without contents knows rows and places of words; what is shown
// is read from the log. That happens in a function of ours that FTS5 calls at each row it finds,
// since only there the places are known.
#include "core/base/json.h"
#include "core/store/search_text.h"
#include "core/store/store_internal.h"

enum { TEXT_COLUMN = 1, HIT_SCRATCH_MAX = 256 << 20, HIT_BYTES_MAX = 64 << 10 };

static const char doing[] = "cannot search swarmd.db";

struct place { // of the words that were found, in words; then in bytes
    int first, last;
    int at;
    size_t start, end;
};

// The first of them in the text: an agent's number is in the other column.
static bool find_place(const Fts5ExtensionApi *api, Fts5Context *fts, struct place *place)
{
    int count, phrase, column, offset;
    if (api->xInstCount(fts, &count) != SQLITE_OK)
        return false;
    for (int i = 0; i < count; i++) {
        if (api->xInst(fts, i, &phrase, &column, &offset) != SQLITE_OK)
            return false;
        if (column != TEXT_COLUMN)
            continue;
        place->first = offset;
        place->last = offset + api->xPhraseSize(fts, phrase) - 1;
        return true;
    }
    return true;
}

static int on_word(void *arg, int flags, const char *word, int len, int start, int end)
{
    struct place *place = arg;
    (void)word;
    (void)len;
    if (flags & FTS5_TOKEN_COLOCATED)
        return SQLITE_OK;
    if (place->at == place->first)
        place->start = (size_t)start;
    if (place->at == place->last)
        place->end = (size_t)end;
    return place->at++ == place->last ? SQLITE_DONE : SQLITE_OK;
}

struct hit {
    struct arena arena;
    struct buf text, snippet, out;
};

static bool write_hit(struct hit *hit, const Fts5ExtensionApi *api, Fts5Context *fts,
                      const struct json *item)
{
    struct place place = {0};
    search_text_add(&hit->text, item);
    if (!find_place(api, fts, &place))
        return false;
    int code = api->xTokenize(fts, hit->text.data ? hit->text.data : "", (int)hit->text.len, &place,
                              on_word);
    if (code != SQLITE_OK && code != SQLITE_DONE)
        return false;
    search_snippet_add(&hit->snippet, buf_str(&hit->text), place.start, place.end);
    struct json_writer json;
    json_writer_init(&json, &hit->out);
    json_begin_object(&json);
    json_add_str(&json, "agentId", json_str(item, "agentId"));
    json_add_str(&json, "itemId", json_str(item, "id"));
    json_add_str(&json, "kind", json_str(item, "kind"));
    json_add_int(&json, "seq", json_int(item, "seq", 0));
    json_add_str(&json, "time", json_str(item, "time"));
    json_add_str(&json, "snippet", buf_str(&hit->snippet));
    json_end_object(&json);
    return true;
}

// NULL for a row that nobody is to see.
static bool make_hit(struct hit *hit, struct store *store, const Fts5ExtensionApi *api,
                     Fts5Context *fts, sqlite3_context *result, struct err *err)
{
    struct str line;
    struct json *item;
    int64_t num;
    bool removed;
    if (!store_read_event(store, api->xRowid(fts), &line, err))
        return false;
    if (!json_parse(&item, &hit->arena, store_slice_item(line), err))
        return true;
    if (!store_find_agent(store, json_str(item, "agentId"), &num, &removed, err))
        return false;
    if (num == 0 || removed)
        return true;
    if (!write_hit(hit, api, fts, item))
        return err_set(err, ERR_STORAGE, "%s: its index is damaged", doing);
    sqlite3_result_text64(result, hit->out.data, hit->out.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    return true;
}

static void on_row(const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *result,
                   int count, sqlite3_value **values)
{
    struct hit hit;
    struct err err;
    (void)count;
    (void)values;
    arena_init(&hit.arena, HIT_SCRATCH_MAX);
    buf_init(&hit.text, SEARCH_TEXT_MAX + 1);
    buf_init(&hit.snippet, HIT_BYTES_MAX);
    buf_init(&hit.out, HIT_BYTES_MAX);
    if (!make_hit(&hit, api->xUserData(fts), api, fts, result, &err))
        sqlite3_result_error(result, err.message, -1);
    arena_release(&hit.arena);
    buf_release(&hit.text);
    buf_release(&hit.snippet);
    buf_release(&hit.out);
}

static bool get_ready(struct store *store, struct err *err)
{
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    if (store->search_ready)
        return true;
    if (sqlite3_prepare_v2(store->db, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, (void *)&api, "fts5_api_ptr", NULL);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    store->search_ready =
        api && api->xCreateFunction(api, "swarmd_hit", store, on_row, NULL) == SQLITE_OK;
    return store->search_ready || store_fail(store, doing, err);
}

static bool read_hits(struct store *store, const struct store_search *search, struct buf *out,
                      int64_t *next, struct err *err)
{
    sqlite3_stmt *rows = store_statement(store, STATEMENT_SEARCH, err);
    if (!rows)
        return false;
    bind_text(rows, 1, buf_str(&search->match));
    sqlite3_bind_int64(rows, 2, search->before > 0 ? search->before : INT64_MAX);
    size_t hits = 0, hidden = 0;
    int64_t last = 0;
    int code;
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        if (hits == search->limit || hidden == STORE_SEARCH_LOOK_MAX) {
            *next = last;
            return true;
        }
        last = sqlite3_column_int64(rows, 0);
        struct str hit = column_bytes(rows, 1);
        if (hit.len) {
            buf_add_str(out, hit);
            buf_add_char(out, '\n');
        }
        hits += hit.len > 0;
        hidden += hit.len == 0;
    }
    *next = 0;
    return code == SQLITE_DONE || store_fail(store, doing, err);
}

bool store_search(struct store *store, const struct store_search *search, struct buf *out,
                  int64_t *next, struct err *err)
{
    if (!get_ready(store, err) || !store_begin_read(store, err))
        return false;
    bool ok = read_hits(store, search, out, next, err);
    store_end_read(store);
    return ok;
}
