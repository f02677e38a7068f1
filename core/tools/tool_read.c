// SPDX-License-Identifier: MIT
// read: a piece of a file with line numbers.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/uri.h"
#include "core/base/utf8.h"
#include "core/files/file.h"
#include "core/tools/tool_output.h"
#include "core/tools/tool_parts.h"

#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

enum {
    READ_PIECE = 128 << 10,
    READ_LINE_MAX = 2000,                  // bytes shown of one line
    READ_NOTES_MAX = 300,                  // room kept for what is said under the lines
    READ_BYTES_MAX = TOOL_OUTPUT_FILE_MAX, // looked through for the first line asked for
    READ_COUNT_MAX = 64 << 20,             // then on, only to count the lines that are left
};

static const struct tool_arg args[] = {
    {.name = "path", .type = JSON_STRING, .required = true},
    {.name = "offset", .type = JSON_INT, .min = 1, .max = INT_MAX},
    {.name = "limit", .type = JSON_INT, .min = 1, .max = INT_MAX},
};

static const struct tool_takes takes = {
    "read", "{path: string, offset?: integer from 1, limit?: integer from 1}", args,
    sizeof args / sizeof args[0]};

struct reader {
    struct buf *out;
    int64_t first, last; // lines asked for, both counted from 1
    int64_t line;        // the one being read
    int64_t shown;       // the last line that was written; 0 when none was
    int64_t bytes;       // read so far
    size_t line_len;     // of the line being read
    struct buf text;     // its first READ_LINE_MAX bytes
    bool full;           // no further line fits
    bool crlf;
    int64_t counted; // bytes read since nothing more is shown
    bool partial;    // a ceiling was reached before the end
};

static bool check(const struct json *input, struct err *err)
{
    return tool_args_check(&takes, input, err);
}

static void title(const struct json *input, struct buf *out)
{
    tool_title(out, "read", tool_arg_path(input));
}

// The line in r->text is whole: write it when it is asked for and fits.
static void end_line(struct reader *r)
{
    if (r->line >= r->first && r->line <= r->last && !r->full) {
        struct str text = buf_str(&r->text);
        bool cut = r->line_len > text.len;
        size_t before = r->out->len;
        if (!cut && str_ends(text, STR("\r"))) {
            text.len--;
            r->crlf = true;
        }
        if (cut)
            text.len -= utf8_incomplete_tail(text);
        if (r->line == 1 && str_starts(text, STR("\xEF\xBB\xBF")))
            text = str_skip(text, 3);
        buf_addf(r->out, "%6" PRId64 "\t", r->line);
        text_repair(r->out, text);
        if (cut)
            buf_addf(r->out, " [... %zu more bytes of this line]", r->line_len - text.len);
        buf_add_char(r->out, '\n');
        r->full = r->out->len > TOOL_SHOWN_MAX - READ_NOTES_MAX;
        if (r->full && r->shown > 0)
            buf_truncate(r->out, before);
        else
            r->shown = r->line;
    }
    r->line++;
    r->line_len = 0;
    buf_clear(&r->text);
}

static void take_piece(struct reader *r, struct str piece)
{
    while (piece.len) {
        const char *end = memchr(piece.data, '\n', piece.len);
        size_t len = end ? (size_t)(end - piece.data) : piece.len;
        size_t room = READ_LINE_MAX - r->text.len;
        if (r->line >= r->first && !r->full)
            buf_add(&r->text, piece.data, len < room ? len : room);
        r->line_len += len;
        piece = str_skip(piece, len + (end ? 1 : 0));
        if (end)
            end_line(r);
    }
}

static bool read_all(struct reader *r, int fd, const char *name, const atomic_bool *stop,
                     struct err *err)
{
    char *piece = mem_new(READ_PIECE);
    long got = 0;
    while (!atomic_load(stop)) {
        got = file_read(fd, name, piece, READ_PIECE, err);
        if (got <= 0)
            break;
        r->bytes += got;
        take_piece(r, str_from(piece, (size_t)got));
        if (r->full || r->line > r->last)
            r->counted += got;
        r->partial = r->bytes >= READ_BYTES_MAX || r->counted >= READ_COUNT_MAX;
        if (r->partial)
            break;
    }
    mem_free(piece);
    if (got >= 0 && r->line_len)
        end_line(r);
    return got >= 0;
}

static bool is_binary_file(int fd, const char *name, struct err *err)
{
    char probe[FILE_BINARY_PROBE];
    long got = file_read(fd, name, probe, sizeof probe, err);
    bool binary = got > 0 && file_is_binary(str_from(probe, (size_t)got));
    if (binary)
        err_set(err, ERR_WORKTREE,
                "%s is binary and cannot be shown; look at it with bash (file, xxd) if you must",
                name);
    return got < 0 || binary || lseek(fd, 0, SEEK_SET) < 0;
}

static bool put_notes(struct reader *r, const char *name, struct err *err)
{
    int64_t lines = r->line - 1;
    if (lines == 0) {
        buf_add_str(r->out, STR("(the file is empty)\n"));
        return true;
    }
    if (r->shown == 0)
        return err_set(err, ERR_WORKTREE,
                       "%s has only %" PRId64 " lines; offset %" PRId64 " is beyond its end", name,
                       lines, r->first);
    if (r->shown < lines)
        buf_addf(r->out,
                 "[lines %" PRId64 " to %" PRId64 " of %s%" PRId64 "; %" PRId64
                 " are left: go on with offset %" PRId64 "]\n",
                 r->first, r->shown, r->partial ? "at least " : "", lines, lines - r->shown,
                 r->shown + 1);
    if (r->crlf)
        buf_add_str(r->out, STR("[lines end in CRLF]\n"));
    return true;
}

// *own: one of the agent's outputs, which are shown whatever is in them.
static int open_path(const struct tool_place *place, struct str path, const atomic_bool *stop,
                     bool *own, struct err *err)
{
    *own = tool_output_is(place, path);
    if (*own)
        return tool_output_open(place, path, stop, err);
    char *plain = str_starts(path, STR("file:")) ? uri_to_path(path) : NULL;
    char *rel = root_relative(place->root, plain ? str_of(plain) : path, err);
    struct stat st = {0};
    int fd = -1;
    if (rel)
        fd = file_open(place->root, rel, &st, err);
    if (fd < 0 && S_ISDIR(st.st_mode))
        err_set(err, ERR_WORKTREE, "%s is a folder; use list", rel);
    mem_free(rel);
    mem_free(plain);
    return fd;
}

static bool read_lines(struct tool_run *run, int fd, const char *name, bool own,
                       const atomic_bool *stop, struct err *err)
{
    int64_t limit = tool_arg_int(run->input, "limit", TOOL_READ_LINES_MAX);
    struct reader r = {
        .out = &run->result.output,
        .first = tool_arg_int(run->input, "offset", 1),
        .line = 1,
    };
    r.last = r.first - 1 + (limit < TOOL_READ_LINES_MAX ? limit : TOOL_READ_LINES_MAX);
    if (!own && is_binary_file(fd, name, err))
        return false;
    buf_init(&r.text, READ_LINE_MAX);
    bool ok = read_all(&r, fd, name, stop, err) && put_notes(&r, name, err);
    buf_release(&r.text);
    return ok;
}

static void work(struct tool_run *run, const atomic_bool *stop)
{
    struct err err = {0};
    bool own = false;
    struct str path = tool_arg_path(run->input);
    int fd = open_path(run->place, path, stop, &own, &err);
    char *name = mem_dup(utf8_cut(path, TOOL_TITLE_MAX));
    if (fd < 0 || !read_lines(run, fd, name, own, stop, &err))
        tool_fail(run, &err);
    mem_free(name);
    if (fd >= 0)
        close(fd);
}

static void start(struct tool_run *run)
{
    tool_job_start(run, work);
}

const struct tool tool_read = {
    .schema =
        {
            .name = "read",
            .description = "Read a text file, with line numbers. Gives at most 2000 lines or "
                           "50 kB and says at which offset to go on.",
            .schema =
                "{\"type\":\"object\",\"properties\":{"
                "\"path\":{\"type\":\"string\",\"description\":\"relative to the worktree, or "
                "output:<id> for the whole output of a call\"},"
                "\"offset\":{\"type\":\"integer\",\"description\":\"first line, from 1\"},"
                "\"limit\":{\"type\":\"integer\",\"description\":\"number of lines\"}},"
                "\"required\":[\"path\"],\"additionalProperties\":false}",
        },
    .effect = TOOL_READS,
    .exact = true,
    .title = title,
    .check = check,
    .start = start,
    .cancel = tool_job_cancel,
};
