// SPDX-License-Identifier: MIT
// The JSON of items. Written by one table of what each kind has beside the common members, and
// read back leniently: what an older or newer version wrote must not cost anybody a transcript.
#include "core/agent/item.h"

#include "core/base/mem.h"
#include "core/base/time_format.h"
#include "core/base/utf8.h"

// Events are kept and sent one a line. In valid JSON a raw line break is only white space.
static void add_one_line(struct json_writer *w, const char *key, const char *json,
                         const char *fallback)
{
    struct str text = str_trim(str_of(json));
    if (text.len == 0)
        text = str_of(fallback);
    if (!memchr(text.data, '\n', text.len) && !memchr(text.data, '\r', text.len)) {
        json_add_raw(w, key, text);
        return;
    }
    char *line = mem_dup(text);
    for (char *c = line; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    json_add_raw(w, key, str_of(line));
    mem_free(line);
}

static void write_user(struct json_writer *w, const struct item *item)
{
    json_key(w, "content");
    json_begin_array(w);
    if (item->text.len || item->images.count == 0) {
        json_begin_object(w);
        json_add_str(w, "type", STR("text"));
        json_add_str(w, "text", buf_str(&item->text));
        json_end_object(w);
    }
    images_write_json(w, &item->images);
    json_end_array(w);
    json_add_cstr(w, "from", item->name ? item->name : "user");
}

static void write_text(struct json_writer *w, const struct item *item)
{
    json_add_str(w, "text", buf_str(&item->text));
}

static void write_opaque(struct json_writer *w, const struct item *item)
{
    if (item->opaque)
        json_add_raw(w, "opaque", str_of(item->opaque));
}

static void write_answer(struct json_writer *w, const struct item *item)
{
    write_text(w, item);
    write_opaque(w, item);
}

static void write_tool(struct json_writer *w, const struct item *item)
{
    json_add_cstr(w, "name", item->name);
    json_add_cstr(w, "title", item->title ? item->title : item->name);
    json_add_cstr(w, "callId", item->call_id);
    add_one_line(w, "input", item->input, "{}");
    if (item->edited)
        add_one_line(w, "editedInput", item->edited, "{}");
    json_add_str(w, "output", buf_str(&item->text));
    json_add_int(w, "bytes", item->bytes);
    if (item->full)
        json_add_cstr(w, "full", item->full);
    if (item->exit_code >= 0)
        json_add_int(w, "exitCode", item->exit_code);
    if (item->blocked)
        json_add_cstr(w, "blocked", item->blocked);
    add_one_line(w, "paths", item->paths, "[]");
    write_opaque(w, item);
}

static void write_plan(struct json_writer *w, const struct item *item)
{
    add_one_line(w, "entries", item->input, "[]");
}

static void write_approval(struct json_writer *w, const struct item *item)
{
    add_one_line(w, "approval", item->input, "{}");
}

static void write_rewind(struct json_writer *w, const struct item *item)
{
    json_add_str(w, "text", buf_str(&item->text));
    add_one_line(w, "rewind", item->input, "{}");
}

static void write_compaction(struct json_writer *w, const struct item *item)
{
    json_add_int(w, "before", item->before);
    json_add_int(w, "after", item->after);
    json_add_int(w, "dropped", item->dropped);
    json_add_cstr(w, "reason", item->title ? item->title : "");
    json_add_str(w, "summary", buf_str(&item->text));
}

static void write_notice(struct json_writer *w, const struct item *item)
{
    json_add_cstr(w, "level", item->name ? item->name : "info");
    json_add_str(w, "text", buf_str(&item->text));
}

static void write_merge(struct json_writer *w, const struct item *item)
{
    json_add_str(w, "text", buf_str(&item->text));
    if (item->name)
        json_add_cstr(w, "into", item->name);
    if (item->call_id)
        json_add_cstr(w, "commit", item->call_id);
    if (item->title)
        json_add_cstr(w, "strategy", item->title);
    if (item->paths)
        json_add_raw(w, "paths", str_of(item->paths));
}

static void write_message(struct json_writer *w, const struct item *item)
{
    json_add_cstr(w, "from", item->name);
    json_add_cstr(w, "to", item->title);
    json_add_str(w, "text", buf_str(&item->text));
}

void item_write_json(struct json_writer *w, const struct item *item, struct str agent_id)
{
    static void (*const write_kind[])(struct json_writer *, const struct item *) = {
        [ITEM_USER] = write_user,
        [ITEM_ASSISTANT] = write_answer,
        [ITEM_REASONING] = write_answer,
        [ITEM_TOOL] = write_tool,
        [ITEM_PLAN] = write_plan,
        [ITEM_APPROVAL] = write_approval,
        [ITEM_COMPACTION] = write_compaction,
        [ITEM_NOTICE] = write_notice,
        [ITEM_MERGE] = write_merge,
        [ITEM_MESSAGE] = write_message,
        [ITEM_REWIND] = write_rewind,
        [ITEM_KIND_COUNT] = write_text,
    };
    char time[TIME_TEXT_MAX];
    time_format(item->time, time);
    json_begin_object(w);
    json_add_cstr(w, "id", item->id);
    json_add_str(w, "agentId", agent_id);
    json_add_int(w, "turn", item->turn);
    json_add_int(w, "step", item->step);
    json_add_int(w, "seq", item->seq);
    json_add_cstr(w, "time", time);
    json_add_cstr(w, "kind", item_kind_name(item->kind));
    json_add_cstr(w, "status", item_status_name(item->status));
    if (item->ended) {
        time_format(item->ended, time);
        json_add_cstr(w, "endedAt", time);
    }
    write_kind[item->kind](w, item);
    json_end_object(w);
}

static char *dup_member(const struct json *json, const char *key)
{
    struct str s = json_str(json, key);
    return s.data ? mem_dup(s) : NULL;
}

// The member's JSON as text; NULL when it is absent, of another type, or empty.
static char *dup_tree(const struct json *json, const char *key, enum json_type type)
{
    const struct json *member = json_get(json, key);
    if (!member || member->type != type || member->count == 0)
        return NULL;
    struct buf text;
    buf_init(&text, ITEM_TEXT_MAX);
    struct json_writer w;
    json_writer_init(&w, &text);
    json_put_tree(&w, member);
    if (text.overflow)
        buf_clear(&text);
    char *copy = text.len ? buf_detach(&text, NULL) : NULL;
    buf_release(&text);
    return copy;
}

static void read_text(struct item *item, struct str text)
{
    buf_add_str(&item->text, utf8_cut(text, ITEM_TEXT_MAX - item->text.len));
}

static void read_user(struct item *item, const struct json *json)
{
    const struct json *content = json_get(json, "content");
    if (content && content->type == JSON_STRING)
        read_text(item, content->string);
    if (content && content->type == JSON_ARRAY) {
        json_for_each(block, content)
        {
            if (!str_is(json_str(block, "type"), "text")) {
                images_read_json(&item->images, block);
                continue;
            }
            if (item->text.len)
                read_text(item, STR("\n"));
            read_text(item, json_str(block, "text"));
        }
    }
    struct str from = json_str(json, "from");
    if (from.data && !str_is(from, "user"))
        item->name = mem_dup(from);
}

static void read_tool(struct item *item, const struct json *json)
{
    item->name = dup_member(json, "name");
    item->title = dup_member(json, "title");
    item->call_id = dup_member(json, "callId");
    item->input = dup_tree(json, "input", JSON_OBJECT);
    if (!item->input)
        item->input = mem_dup(STR("{}"));
    item->edited = dup_tree(json, "editedInput", JSON_OBJECT);
    read_text(item, json_str(json, "output"));
    item->bytes = json_int(json, "bytes", 0);
    item->full = dup_member(json, "full");
    int64_t exit_code = json_int(json, "exitCode", -1);
    item->exit_code = exit_code >= 0 && exit_code <= INT32_MAX ? (int)exit_code : -1;
    item->blocked = dup_member(json, "blocked");
    item->paths = dup_tree(json, "paths", JSON_ARRAY);
    item->opaque = dup_tree(json, "opaque", JSON_OBJECT);
}

static void read_kind(struct item *item, const struct json *json)
{
    switch (item->kind) {
    case ITEM_USER:
        read_user(item, json);
        break;
    case ITEM_TOOL:
        read_tool(item, json);
        break;
    case ITEM_PLAN:
        item->input = dup_tree(json, "entries", JSON_ARRAY);
        break;
    case ITEM_APPROVAL:
        item->input = dup_tree(json, "approval", JSON_OBJECT);
        break;
    case ITEM_REWIND:
        item->input = dup_tree(json, "rewind", JSON_OBJECT);
        read_text(item, json_str(json, "text"));
        break;
    case ITEM_COMPACTION:
        item->before = json_int(json, "before", 0);
        item->after = json_int(json, "after", 0);
        item->dropped = json_int(json, "dropped", 0);
        item->title = dup_member(json, "reason");
        read_text(item, json_str(json, "summary"));
        break;
    case ITEM_NOTICE:
        item->name = dup_member(json, "level");
        read_text(item, json_str(json, "text"));
        break;
    case ITEM_MESSAGE:
        item->name = dup_member(json, "from");
        item->title = dup_member(json, "to");
        read_text(item, json_str(json, "text"));
        break;
    case ITEM_ASSISTANT:
    case ITEM_REASONING:
        item->opaque = dup_tree(json, "opaque", JSON_OBJECT);
        read_text(item, json_str(json, "text"));
        break;
    case ITEM_MERGE:
        item->name = dup_member(json, "into");
        item->call_id = dup_member(json, "commit");
        item->title = dup_member(json, "strategy");
        item->paths = dup_tree(json, "paths", JSON_ARRAY);
        read_text(item, json_str(json, "text"));
        break;
    case ITEM_KIND_COUNT:
        read_text(item, json_str(json, "text"));
        break;
    }
}

static enum item_kind kind_from_name(struct str name)
{
    enum item_kind kind = 0;
    while (kind < ITEM_KIND_COUNT && !str_is(name, item_kind_name(kind)))
        kind++;
    return kind;
}

// A status of a later version reads as completed: nothing is known to be under way.
static enum item_status status_from_name(struct str name)
{
    if (str_is(name, "started"))
        return ITEM_STARTED;
    return str_is(name, "failed") ? ITEM_FAILED : ITEM_COMPLETED;
}

struct item *item_read_json(const struct json *json, struct err *err)
{
    struct str id = json_str(json, "id");
    struct str kind = json_str(json, "kind");
    if (!json || json->type != JSON_OBJECT || !kind.data) {
        err_set(err, ERR_STORAGE, "this is no item: an object with id and kind was expected");
        return NULL;
    }
    if (id.len == 0 || id.len >= ITEM_ID_MAX || memchr(id.data, '\0', id.len)) {
        err_set(err, ERR_STORAGE, "this is no item: its id has %zu bytes, 1 to %d were expected",
                id.len, ITEM_ID_MAX - 1);
        return NULL;
    }
    struct item *item = item_new(kind_from_name(kind));
    memcpy(item->id, id.data, id.len);
    item->status = status_from_name(json_str(json, "status"));
    item->seq = json_int(json, "seq", 0);
    item->turn = json_int(json, "turn", 0);
    item->step = json_int(json, "step", 0);
    time_parse(json_str(json, "time"), &item->time);
    time_parse(json_str(json, "endedAt"), &item->ended);
    read_kind(item, json);
    return item;
}
