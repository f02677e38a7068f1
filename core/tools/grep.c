// SPDX-License-Identifier: MIT
#include "core/tools/grep.h"

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "core/files/file.h"

#include <inttypes.h>

enum { PIECE = 256 << 10, SHOWN_BEFORE_MATCH = 100 };

// A line kept because a match may follow.
struct kept {
    int64_t number;
    size_t len; // of the whole line
    char start[GREP_LINE_SHOWN_MAX];
};

// The file that is being searched.
struct grep_file {
    struct str path;
    struct buf bytes; // read, not yet searched
    bool skipping;    // the rest of a line too long to be searched
    int64_t line;     // the number of the last line
    int64_t shown;    // of the last line written; 0: none
    int64_t after;    // lines still to be written after a match
    struct kept *before;
    size_t before_count;
};

static void put_line(struct grep *grep, int64_t number, char sign, struct str start, size_t len,
                     size_t at)
{
    struct buf *out = grep->out;
    text_name(out, grep->file->path);
    buf_addf(out, "%c%" PRId64 "%c", sign, number, sign);
    size_t from = at > GREP_LINE_SHOWN_MAX - SHOWN_BEFORE_MATCH ? at - SHOWN_BEFORE_MATCH : 0;
    while (from && from < start.len && ((unsigned char)start.data[from] & 0xC0) == 0x80)
        from--;
    struct str piece = utf8_cut(str_skip(start, from), GREP_LINE_SHOWN_MAX);
    if (from)
        buf_add_str(out, STR("[...] "));
    text_repair(out, piece);
    if (from + piece.len < len)
        buf_add_str(out, STR(" [...]"));
    buf_add_char(out, '\n');
    grep->file->shown = number;
}

static bool has_room(struct grep *grep)
{
    if (grep->out->len + GREP_LINE_SHOWN_MAX < grep->out_max)
        return true;
    grep->more = true;
    return false;
}

static void put_separator(struct grep *grep, int64_t next)
{
    struct grep_file *file = grep->file;
    bool gap = file->shown ? next > file->shown + 1 : grep->matches > 0;
    if (grep->context && gap)
        buf_add_str(grep->out, STR("--\n"));
}

static bool put_match(struct grep *grep, struct str line, size_t at)
{
    struct grep_file *file = grep->file;
    if (grep->matches == grep->limit) {
        grep->more = true;
        return false;
    }
    put_separator(grep, file->line - (int64_t)file->before_count);
    for (size_t i = 0; i < file->before_count && has_room(grep); i++) {
        const struct kept *kept = &file->before[i];
        size_t len = kept->len < GREP_LINE_SHOWN_MAX ? kept->len : GREP_LINE_SHOWN_MAX;
        put_line(grep, kept->number, '-', str_from(kept->start, len), kept->len, 0);
    }
    file->before_count = 0;
    if (!has_room(grep))
        return false;
    file->after = grep->context;
    grep->matches++;
    put_line(grep, file->line, ':', line, line.len, at);
    return true;
}

static void keep_line(struct grep *grep, struct str line)
{
    struct grep_file *file = grep->file;
    if (grep->context == 0)
        return;
    if (file->before_count == (size_t)grep->context)
        memmove(file->before, file->before + 1, --file->before_count * sizeof *file->before);
    struct kept *kept = &file->before[file->before_count++];
    kept->number = file->line;
    kept->len = line.len;
    if (line.len)
        memcpy(kept->start, line.data,
               line.len < GREP_LINE_SHOWN_MAX ? line.len : GREP_LINE_SHOWN_MAX);
}

static bool search_line(struct grep *grep, struct str line)
{
    struct grep_file *file = grep->file;
    size_t at = 0;
    file->line++;
    if (str_ends(line, STR("\r")))
        line.len--;
    switch (pattern_find(grep->pattern, line, &at)) {
    case PATTERN_MATCH:
        return put_match(grep, line, at);
    case PATTERN_TOO_COSTLY:
        return err_set(&grep->err, ERR_LIMIT,
                       "the regular expression takes too many steps at %.*s:%" PRId64
                       "; write it without nested repetition",
                       STR_ARG(utf8_cut(file->path, 200)), file->line);
    case PATTERN_NO_MATCH:
        break;
    }
    if (file->after > 0 && has_room(grep)) {
        file->after--;
        put_line(grep, file->line, '-', line, line.len, 0);
    } else {
        keep_line(grep, line);
    }
    return true;
}

// Searches the lines that are whole, and the last one at the end of the file.
static bool search_lines(struct grep *grep, bool at_end)
{
    struct grep_file *file = grep->file;
    struct str rest = buf_str(&file->bytes);
    bool go_on = true;
    while (go_on && rest.len) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        if (!end && !at_end && len < GREP_LINE_SEARCHED_MAX)
            break;
        if (!file->skipping)
            go_on = search_line(grep, str_from(rest.data, len));
        file->skipping = !end;
        rest = str_skip(rest, len + (end ? 1 : 0));
    }
    buf_remove_front(&file->bytes, file->bytes.len - rest.len);
    return go_on;
}

static bool search(struct grep *grep, int fd)
{
    struct grep_file *file = grep->file;
    char name[64];
    struct str shown = utf8_cut(file->path, sizeof name - 1);
    memcpy(name, shown.data, shown.len);
    name[shown.len] = '\0';
    bool first = true;
    while (walk_may_go_on(grep->walk)) {
        if (!buf_reserve(&file->bytes, PIECE))
            return err_set(&grep->err, ERR_LIMIT, "no memory to search %s", name);
        long got = file_read(fd, name, file->bytes.data + file->bytes.len, PIECE, &grep->err);
        if (got < 0)
            return false;
        buf_truncate(&file->bytes, file->bytes.len + (size_t)got);
        if (first && file_is_binary(buf_str(&file->bytes)))
            return true;
        first = false;
        if (!search_lines(grep, got < PIECE))
            return false;
        if (got < PIECE)
            return true;
    }
    return false;
}

bool grep_file(struct grep *grep, int fd, struct str path)
{
    struct grep_file file = {.path = path};
    buf_init(&file.bytes, GREP_LINE_SEARCHED_MAX + PIECE + 1);
    file.before = mem_new_array((size_t)grep->context + 1, sizeof *file.before);
    grep->file = &file;
    bool go_on = search(grep, fd);
    grep->file = NULL;
    mem_free(file.before);
    buf_release(&file.bytes);
    return go_on;
}
