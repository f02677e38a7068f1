// SPDX-License-Identifier: MIT
#include "core/git/worktree_entry.h"

#include "core/base/mem.h"
#include "core/files/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ENTRY_FILE_MAX = 8192, // bytes of `gitdir` or `locked` that we look at
};

#define MAKING "swarmd is making this worktree\n" // our mark in `locked`

// Real as far as it exists: the folder itself may be gone, or not be there yet.
static char *real_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash && slash > path ? mem_dup(str_from(path, (size_t)(slash - path))) : NULL;
    char *real = parent ? realpath(parent, NULL) : NULL;
    char *result = real ? mem_format("%s%s", real, slash) : mem_dup(str_of(path));
    free(real);
    mem_free(parent);
    return result;
}

void entry_init(struct entry *entry, const char *common_folder, const struct worktree_spec *spec)
{
    size_t len = strlen(common_folder);
    const char *slash = len && common_folder[len - 1] == '/' ? "" : "/";
    char *path = real_path(spec->path);
    entry->worktrees = mem_format("%s%sworktrees", common_folder, slash);
    entry->folder = mem_format("%s/%s", entry->worktrees, spec->name);
    entry->link = mem_format("%s/.git", path);
    mem_free(path);
}

void entry_release(struct entry *entry)
{
    mem_free(entry->worktrees);
    mem_free(entry->folder);
    mem_free(entry->link);
    *entry = (struct entry){0};
}

// False when there is no such file.
static bool read_file(const struct entry *entry, const char *name, struct buf *out)
{
    char *path = mem_format("%s/%s", entry->folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    mem_free(path);
    if (fd < 0)
        return false;
    if (buf_reserve(out, ENTRY_FILE_MAX)) {
        ssize_t got;
        while (out->len < ENTRY_FILE_MAX &&
               (got = read(fd, out->data + out->len, ENTRY_FILE_MAX - out->len)) > 0)
            out->len += (size_t)got;
    }
    close(fd);
    return true;
}

enum entry_state entry_look(const struct entry *entry)
{
    if (!folder_exists(entry->folder))
        return ENTRY_NONE;
    struct buf link, locked;
    buf_init(&link, ENTRY_FILE_MAX + 1);
    buf_init(&locked, ENTRY_FILE_MAX + 1);
    bool has_link = read_file(entry, "gitdir", &link) && link.len > 0;
    bool has_lock = read_file(entry, "locked", &locked);
    // `git worktree lock` leaves an empty file: only the whole mark counts where work can be.
    bool marked = str_is(buf_str(&locked), MAKING);
    bool begun = !has_link && (has_lock ? str_starts(STR(MAKING), buf_str(&locked))
                                        : folder_is_empty(entry->folder));
    enum entry_state state = begun ? ENTRY_BEGUN : ENTRY_FOREIGN;
    if (has_link && str_is(str_trim(buf_str(&link)), entry->link))
        state = marked ? ENTRY_UNFINISHED : ENTRY_OURS;
    buf_release(&link);
    buf_release(&locked);
    return state;
}

bool entry_is_locked(const struct entry *entry, struct buf *reason)
{
    struct buf text;
    buf_init(&text, ENTRY_FILE_MAX + 1);
    bool locked = read_file(entry, "locked", &text) && !str_is(buf_str(&text), MAKING);
    if (locked)
        buf_add_str(reason, str_trim(buf_str(&text)));
    buf_release(&text);
    return locked;
}

bool entry_remove(const struct entry *entry, struct err *err)
{
    bool ok = folder_remove(entry->folder, err);
    rmdir(entry->worktrees); // as git does when it was the last; fails when it is not
    return ok;
}
