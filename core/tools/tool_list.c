// SPDX-License-Identifier: MIT
// list: what is in a folder.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/files/file.h"
#include "core/tools/tool_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum {
    LIST_SHOWN_MAX = 1000,  // entries
    LIST_READ_MAX = 100000, // entries that are sorted to show the first of them
    NOTES_MAX = 500,
    ENTRY_MAX = 3 * PATH_MAX, // bytes of one line, repaired
};

static const struct tool_arg args[] = {{.name = "path", .type = JSON_STRING}};

static const struct tool_takes takes = {"list", "{path?: string}", args,
                                        sizeof args / sizeof args[0]};

static bool check(const struct json *input, struct err *err)
{
    return tool_args_check(&takes, input, err);
}

static void title(const struct json *input, struct buf *out)
{
    tool_title(out, "list", tool_arg_path(input));
}

struct names {
    char **items;
    size_t count, cap;
    bool more; // LIST_READ_MAX was reached
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_names(struct names *names, DIR *dir, const atomic_bool *stop)
{
    struct dirent *entry;
    while (!atomic_load(stop) && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcasecmp(name, ".git") == 0)
            continue;
        names->more = names->count == LIST_READ_MAX;
        if (names->more)
            break;
        if (names->count == names->cap) {
            names->cap = names->cap ? 2 * names->cap : 64;
            names->items = mem_resize(names->items, names->cap, sizeof *names->items);
        }
        names->items[names->count++] = mem_dup(str_of(name));
    }
    if (names->count)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
}

static void put_entry(struct buf *out, int folder, const char *name)
{
    struct stat st;
    char target[PATH_MAX];
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return; // gone since it was read
    text_name(out, str_of(name));
    if (S_ISDIR(st.st_mode)) {
        buf_add_char(out, '/');
    } else if (S_ISREG(st.st_mode)) {
        buf_addf(out, "  %" PRId64, (int64_t)st.st_size);
    } else if (S_ISLNK(st.st_mode)) {
        ssize_t len = readlinkat(folder, name, target, sizeof target);
        buf_add_str(out, STR(" -> "));
        text_name(out, str_from(target, len > 0 ? (size_t)len : 0));
    } else {
        buf_addf(out, "  (%s)", file_kind_name(st.st_mode));
    }
    buf_add_char(out, '\n');
}

static void put_names(struct buf *out, int folder, const struct names *names)
{
    size_t i = 0;
    while (i < names->count && i < LIST_SHOWN_MAX &&
           out->len + ENTRY_MAX < TOOL_SHOWN_MAX - NOTES_MAX)
        put_entry(out, folder, names->items[i++]);
    if (names->count == 0)
        buf_add_str(out, STR("(the folder is empty)\n"));
    if (i < names->count)
        buf_addf(out, "[%s%zu more entries; use glob to find one]\n",
                 names->more ? "at least " : "", names->count - i);
}

static bool list(struct tool_run *run, const char *rel, const atomic_bool *stop, struct err *err)
{
    int fd = root_openat(run->place->root, rel, O_RDONLY | O_DIRECTORY, 0, err);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0) {
            err_set_errno(err, ERR_WORKTREE, errno, "%s", rel);
            close(fd);
        }
        return false;
    }
    struct names names = {0};
    read_names(&names, dir, stop);
    put_names(&run->result.output, fd, &names);
    for (size_t i = 0; i < names.count; i++)
        mem_free(names.items[i]);
    mem_free(names.items);
    closedir(dir);
    return true;
}

static void work(struct tool_run *run, const atomic_bool *stop)
{
    struct err err = {0};
    char *rel = root_relative(run->place->root, tool_arg_path(run->input), &err);
    if (!rel || !list(run, rel, stop, &err))
        tool_fail(run, &err);
    mem_free(rel);
}

static void start(struct tool_run *run)
{
    tool_job_start(run, work);
}

const struct tool tool_list = {
    .schema =
        {
            .name = "list",
            .description = "List a folder: folders end in /, files have their size in bytes, "
                           "links their target.",
            .schema = "{\"type\":\"object\",\"properties\":{"
                      "\"path\":{\"type\":\"string\",\"description\":\"default: the worktree\"}},"
                      "\"additionalProperties\":false}",
        },
    .effect = TOOL_READS,
    .title = title,
    .check = check,
    .start = start,
    .cancel = tool_job_cancel,
};
