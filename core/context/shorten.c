// SPDX-License-Identifier: MIT
#include "core/context/shorten.h"

#include "core/base/json.h"
#include "core/base/utf8.h"

#include <stdio.h>

enum { LINE_SEARCH = 200, NOTE_MAX = 400, TREE_MAX = 64 << 20, INPUT_FACTOR = 16 };

// The first bytes of text, to the end of a line when one ends near.
static struct str head_of(struct str text, size_t bytes)
{
    struct str head = utf8_cut(text, bytes);
    size_t least = head.len > LINE_SEARCH ? head.len - LINE_SEARCH : 0;
    for (size_t end = head.len; end > least; end--)
        if (head.data[end - 1] == '\n')
            return str_from(head.data, end);
    return head;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static struct str tail_of(struct str text, size_t bytes)
{
    size_t from = text.len - bytes;
    while (from < text.len && is_continuation(text.data[from]))
        from++;
    for (size_t at = from; at < text.len && at < from + LINE_SEARCH; at++)
        if (text.data[at] == '\n')
            return str_skip(text, at + 1);
    return str_skip(text, from);
}

struct str shorten_text(struct arena *arena, struct str text, size_t keep, const char *how)
{
    if (text.len <= keep + SHORTEN_SLACK)
        return text;
    struct str head = head_of(text, keep - keep / 3);
    struct str tail = tail_of(text, keep / 3);
    char note[NOTE_MAX];
    int len = snprintf(note, sizeof(note), "%s[... %zu bytes are left out here%s%s]\n",
                       head.len && head.data[head.len - 1] == '\n' ? "" : "\n",
                       text.len - head.len - tail.len, how ? ". " : "", how ? how : "");
    size_t note_len = len < (int)sizeof(note) ? (size_t)len : sizeof(note) - 1;
    char *copy = arena_alloc(arena, head.len + note_len + tail.len + 1);
    if (!copy)
        return STR_NONE;
    memcpy(copy, head.data, head.len);
    memcpy(copy + head.len, note, note_len);
    memcpy(copy + head.len + note_len, tail.data, tail.len);
    return str_from(copy, head.len + note_len + tail.len);
}

// The tree's depth is capped by the reader.
static bool shorten_strings(struct arena *arena, struct json *json, size_t keep)
{
    if (json->type == JSON_STRING) {
        json->string = shorten_text(arena, json->string, keep, NULL);
        return json->string.data != NULL || json->string.len == 0;
    }
    if (json->type != JSON_ARRAY && json->type != JSON_OBJECT)
        return true;
    for (struct json *member = json->first; member; member = member->next)
        if (!shorten_strings(arena, member, keep))
            return false;
    return true;
}

static struct str left_out(struct arena *arena, size_t bytes)
{
    char note[NOTE_MAX];
    snprintf(note, sizeof(note), "{\"note\":\"%zu bytes of arguments are left out here\"}", bytes);
    return arena_copy(arena, str_of(note));
}

struct str shorten_input(struct arena *arena, struct str json, size_t keep)
{
    struct err ignored;
    struct json *tree;
    if (json.len <= keep + SHORTEN_SLACK)
        return json;
    struct arena scratch;
    arena_init(&scratch, TREE_MAX);
    struct buf out;
    buf_init(&out, keep * INPUT_FACTOR);
    struct str copy;
    if (json_parse(&tree, &scratch, json, &ignored) && tree->type == JSON_OBJECT &&
        shorten_strings(&scratch, tree, keep)) {
        struct json_writer w;
        json_writer_init(&w, &out);
        json_put_tree(&w, tree);
        if (!out.overflow && out.len > 0)
            copy = out.len < json.len ? arena_copy(arena, buf_str(&out)) : json;
        else
            copy = left_out(arena, json.len);
    } else {
        copy = left_out(arena, json.len);
    }
    buf_release(&out);
    arena_release(&scratch);
    return copy;
}
