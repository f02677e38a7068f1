// SPDX-License-Identifier: MIT
#include "core/tools/tool_output.h"

#include "core/agent/item.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/base/uri.h"
#include "core/base/utf8.h"
#include "core/files/file.h"
#include "core/files/spool.h"
#include "core/tools/capture.h"
#include "core/tools/plain_text.h"
#include "core/tools/tool_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 64 << 10, URI_MAX = 4 * PATH_MAX };

static const struct str scheme = {"output:", 7};

char *tool_output_name(const char *item_id)
{
    return mem_format("%s.txt", item_id);
}

void tool_output_how(const char *item_id, int64_t bytes, char how[TOOL_OUTPUT_HOW_MAX])
{
    snprintf(how, TOOL_OUTPUT_HOW_MAX,
             "all of it (%" PRId64 " bytes): `read` (offset, limit) or `grep` output:%s", bytes,
             item_id);
}

// --- reading them ---

// The path below the output folder that a URI or an absolute path names; NULL: none.
static char *path_below(const struct tool_place *place, struct str path)
{
    struct str folder = str_of(place->output_folder);
    char *plain = str_starts(path, STR("file:")) ? uri_to_path(path) : mem_dup(path);
    char *below = NULL;
    if (plain && folder.len && path.len < PATH_MAX && str_starts(str_of(plain), folder) &&
        plain[folder.len] == '/') {
        struct str rest = str_of(plain + folder.len + 1);
        while (rest.len && rest.data[0] == '/')
            rest = str_skip(rest, 1);
        below = mem_dup(rest);
    }
    mem_free(plain);
    return below;
}

bool tool_output_is(const struct tool_place *place, struct str path)
{
    char *below = path_below(place, path);
    bool is = below || str_starts(path, scheme);
    mem_free(below);
    return is;
}

static bool is_id(struct str id)
{
    bool ok = id.len > 1 && id.len < ITEM_ID_MAX && id.data[0] == 'i';
    for (size_t i = 1; ok && i < id.len; i++)
        ok = id.data[i] >= '0' && id.data[i] <= '9';
    return ok;
}

static char *name_of(const struct tool_place *place, struct str path, struct err *err)
{
    if (!str_starts(path, scheme))
        return path_below(place, path);
    struct str id = str_skip(path, scheme.len);
    if (is_id(id))
        return mem_format("%.*s.txt", STR_ARG(id));
    struct buf shown;
    buf_init(&shown, 1024);
    text_one_line(&shown, path, 100);
    err_set(err, ERR_PARAMS,
            "%.*s is no output: the handle is output: and the item's id, as in output:i12, as the "
            "result says where it was cut",
            STR_ARG(buf_str(&shown)));
    buf_release(&shown);
    return NULL;
}

static int open_raw(const struct tool_place *place, struct str path, struct err *err)
{
    struct root outputs;
    struct stat st;
    int fd = -1;
    char *name = name_of(place, path, err);
    char *rel = NULL;
    if (!name)
        return -1;
    if (place->output_folder && access(place->output_folder, F_OK) == 0 &&
        root_open(&outputs, place->output_folder, err)) {
        rel = root_relative(&outputs, str_of(name), err);
        if (rel && !file_is_missing(&outputs, rel))
            fd = file_open(&outputs, rel, &st, err);
        else if (rel)
            err_set(err, ERR_WORKTREE,
                    "there is no output %.*s of yours: what a call gave is kept where its result "
                    "says so, for the agent that made the call",
                    (int)(path.len < 100 ? path.len : 100), path.data);
        root_close(&outputs);
    } else {
        err_set(err, ERR_WORKTREE, "no output of this agent is kept: all were shown whole");
    }
    mem_free(rel);
    mem_free(name);
    return fd;
}

// Reads fd to its end through plain text; false: `take` wants no more, or err.
static bool read_plain(int fd, const atomic_bool *stop, tool_output_fn *take, void *arg,
                       struct plain_text *plain, struct err *err)
{
    struct buf lines;
    char *piece = mem_new(PIECE);
    long got = 1;
    bool ok = true;
    plain_text_init(plain);
    buf_init(&lines, PLAIN_TEXT_GROWTH * PIECE + PLAIN_TEXT_SLACK);
    while (ok && got > 0 && !atomic_load(stop)) {
        got = file_read(fd, "the output", piece, PIECE, err);
        if (got > 0)
            plain_text_add(plain, str_from(piece, (size_t)got), &lines);
        else if (got == 0)
            plain_text_end(plain, &lines);
        ok = got >= 0 && take(arg, buf_str(&lines), err);
        buf_clear(&lines);
    }
    buf_release(&lines);
    mem_free(piece);
    return ok;
}

bool tool_output_each(const struct tool_place *place, struct str path, const atomic_bool *stop,
                      tool_output_fn *take, void *arg, struct err *err)
{
    struct plain_text plain;
    int fd = open_raw(place, path, err);
    bool ok = fd >= 0 && read_plain(fd, stop, take, arg, &plain, err);
    if (fd >= 0)
        close(fd);
    return ok;
}

struct cleaning {
    struct plain_text plain;
    int copy; // -1: only until something changed
};

static bool take_clean(void *arg, struct str lines, struct err *err)
{
    struct cleaning *cleaning = arg;
    err->kind = ERR_NONE;
    return cleaning->copy < 0 ? !cleaning->plain.changed : file_write(cleaning->copy, lines, err);
}

static bool clean(int fd, int copy, const atomic_bool *stop, bool *changed, struct err *err)
{
    struct cleaning cleaning = {.copy = copy};
    err->kind = ERR_NONE;
    bool ok = read_plain(fd, stop, take_clean, &cleaning, &cleaning.plain, err);
    *changed = cleaning.plain.changed;
    return (ok || err->kind == ERR_NONE) &&
           (lseek(fd, 0, SEEK_SET) == 0 || err_set_errno(err, ERR_STORAGE, errno, "seek"));
}

static int copy_without_name(const char *folder, struct err *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char *path = mem_format("%s/.plain-XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        err_set_errno(err, ERR_STORAGE, errno, "%s", path);
    else
        unlink(path);
    mem_free(path);
    return fd;
}

int tool_output_open(const struct tool_place *place, struct str path, const atomic_bool *stop,
                     struct err *err)
{
    bool changed = false;
    int raw = open_raw(place, path, err);
    if (raw < 0)
        return -1;
    if (clean(raw, -1, stop, &changed, err) && !changed)
        return raw;
    int copy = changed ? copy_without_name(place->output_folder, err) : -1;
    bool ok = copy >= 0 && clean(raw, copy, stop, &changed, err);
    close(raw);
    if (ok && lseek(copy, 0, SEEK_SET) == 0)
        return copy;
    if (copy >= 0)
        close(copy);
    return -1;
}

// --- keeping them ---

struct keeping {
    struct tool_run *run;
    char *path;
};

static void cut(struct tool_run *run)
{
    struct tool_result *result = &run->result;
    struct capture capture;
    char how[TOOL_OUTPUT_HOW_MAX];
    capture_init(&capture);
    capture_add(&capture, buf_str(&result->output));
    tool_output_how(run->item_id, result->bytes, how);
    buf_clear(&result->output);
    capture_put(&capture, (size_t)run->sizes.whole, how, &result->output);
    buf_clear(&result->kept);
    capture_put_kept(&capture, &result->kept);
    result->plain = capture.bytes;
    result->chars = capture.chars;
    capture_release(&capture);
}

static void kept(void *arg, const struct err *err)
{
    struct keeping *keeping = arg;
    struct tool_run *run = keeping->run;
    if (err->kind == ERR_NONE) {
        tool_set_full(run, keeping->path);
        if (!run->tool->exact)
            cut(run);
    }
    // Else all that there is stays in the result: nothing is lost.
    mem_free(keeping->path);
    mem_free(keeping);
    run->done(run->arg);
}

static void never_full(void *arg)
{
    (void)arg;
}

void tool_output_keep(struct tool_run *run)
{
    static const struct spool_events events = {never_full, kept};
    struct str output = buf_str(&run->result.output);
    bool whole = output.len <= CAPTURE_MAX && utf8_count(output) <= (size_t)run->sizes.whole;
    if (whole || !run->item_id || !run->place->output_folder) {
        run->done(run->arg);
        return;
    }
    struct keeping *keeping = mem_new(sizeof *keeping);
    char *name = tool_output_name(run->item_id);
    keeping->run = run;
    keeping->path = mem_format("%s/%s", run->place->output_folder, name);
    struct spool *spool =
        spool_create(run->place->ports, run->place->output_folder, name, &events, keeping);
    spool_write(spool, buf_str(&run->result.output));
    spool_finish(spool);
    mem_free(name);
}

void tool_set_full(struct tool_run *run, const char *path)
{
    struct buf uri;
    buf_init(&uri, URI_MAX);
    uri_add_path(&uri, str_of(path));
    run->result.full = buf_detach(&uri, NULL);
}
