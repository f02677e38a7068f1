// SPDX-License-Identifier: MIT
#include "core/files/walk.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/files/file.h"
#include "core/files/ignore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct walker {
    struct walk *walk;
    struct ignore ignore;
    char path[PATH_MAX]; // of the folder, then of the entry, that is looked at
    int depth;
};

struct entry {
    char *name;
    mode_t type;
};

struct entries {
    struct entry *items;
    size_t count, cap;
};

// Work is bounded in CPU time, not by the clock: a machine under load finds the same.
static int64_t cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void walk_begin(struct walk *walk)
{
    walk->end = WALK_COMPLETE;
    walk->entries = 0;
    walk->unread = walk->ignored = false;
    walk->cpu_start = cpu_ms();
}

bool walk_may_go_on(struct walk *walk)
{
    int64_t max = walk->cpu_ms_max ? walk->cpu_ms_max : WALK_CPU_MS_MAX;
    if (walk->end != WALK_COMPLETE)
        return false;
    if (walk->stop && atomic_load(walk->stop))
        walk->end = WALK_STOPPED;
    else if (cpu_ms() - walk->cpu_start > max)
        walk->end = WALK_TOO_LONG;
    return walk->end == WALK_COMPLETE;
}

// --- one folder ---

static mode_t type_of(int folder, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type == DT_DIR)
        return S_IFDIR;
    if (entry->d_type == DT_REG)
        return S_IFREG;
    if (entry->d_type != DT_UNKNOWN ||
        fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return S_IFLNK;
    return st.st_mode & S_IFMT;
}

static bool is_walked(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcasecmp(name, ".git") != 0;
}

static void add_entry(struct entries *list, const char *name, mode_t type)
{
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 32;
        list->items = mem_resize(list->items, list->cap, sizeof *list->items);
    }
    list->items[list->count++] = (struct entry){mem_dup(str_of(name)), type};
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void read_entries(struct walker *w, DIR *dir, struct entries *list)
{
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (!is_walked(entry->d_name))
            continue;
        if (w->walk->entries == WALK_ENTRIES_MAX) {
            w->walk->end = WALK_TOO_MANY;
            break;
        }
        w->walk->entries++;
        add_entry(list, entry->d_name, type_of(dirfd(dir), entry));
    }
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare_entries);
}

static void free_entries(struct entries *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->items[i].name);
    mem_free(list->items);
}

// Pushes the rules of the open folder, whose path is `path`. Like git it takes no link for one.
static void push_rules(struct walker *w, int folder, struct str path)
{
    struct buf text;
    struct stat st;
    buf_init(&text, IGNORE_FILE_MAX);
    int fd = openat(folder, ".gitignore", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        struct err err;
        if (st.st_size > IGNORE_FILE_MAX || !file_load_fd(fd, ".gitignore", &text, &err)) {
            buf_clear(&text);
            w->walk->ignored = true;
        }
    }
    if (fd >= 0)
        close(fd);
    ignore_push(&w->ignore, path, buf_str(&text));
    w->walk->ignored |= w->ignore.cut;
    buf_release(&text);
}

static void walk_folder(struct walker *w, int fd, size_t len);

static void walk_entry(struct walker *w, int folder, size_t len, const struct entry *entry)
{
    size_t start = len ? len + 1 : 0, name_len = strlen(entry->name);
    if (start + name_len >= sizeof w->path) {
        w->walk->unread = true;
        return;
    }
    if (len)
        w->path[len] = '/';
    memcpy(w->path + start, entry->name, name_len + 1);
    struct str path = str_from(w->path, start + name_len);
    if (ignore_matches(&w->ignore, path, S_ISDIR(entry->type)))
        return;
    if (!S_ISDIR(entry->type)) {
        struct walk_file file = {path, entry->name, folder, S_ISREG(entry->type)};
        if (!w->walk->visit(w->walk->arg, &file) && w->walk->end == WALK_COMPLETE)
            w->walk->end = WALK_ENOUGH;
        return;
    }
    bool deep = w->depth == WALK_DEPTH_MAX;
    int fd =
        deep ? -1 : openat(folder, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        walk_folder(w, fd, path.len);
    else if (deep || errno != ENOENT)
        w->walk->unread = true;
}

// Takes fd over; its path is the first len bytes of w->path.
static void walk_folder(struct walker *w, int fd, size_t len)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        w->walk->unread = true;
        return;
    }
    struct entries list = {0};
    push_rules(w, fd, str_from(w->path, len));
    read_entries(w, dir, &list);
    w->depth++;
    for (size_t i = 0; i < list.count && walk_may_go_on(w->walk); i++)
        walk_entry(w, fd, len, &list.items[i]);
    w->depth--;
    free_entries(&list);
    ignore_pop(&w->ignore);
    closedir(dir);
}

// The rules of the folders above the start, which hold below it too.
static bool push_rules_above(struct walker *w, struct err *err)
{
    const struct walk *walk = w->walk;
    const char *start = walk->start;
    if (strcmp(start, ".") == 0)
        return true;
    for (const char *end = start; end; end = strchr(end + 1, '/')) {
        char *path =
            end == start ? mem_dup(STR(".")) : mem_dup(str_from(start, (size_t)(end - start)));
        int fd = root_openat(walk->root, path, O_PATH | O_DIRECTORY, 0, err);
        if (fd >= 0) {
            push_rules(w, fd, end == start ? STR("") : str_of(path));
            close(fd);
        }
        mem_free(path);
        if (fd < 0)
            return false;
    }
    return true;
}

bool walk_run(struct walk *walk, struct err *err)
{
    walk_begin(walk);
    bool top = strcmp(walk->start, ".") == 0;
    int fd = root_openat(walk->root, walk->start, O_RDONLY | O_DIRECTORY, 0, err);
    if (fd < 0)
        return false;
    struct walker *w = mem_new(sizeof *w);
    w->walk = walk;
    bool ok = push_rules_above(w, err);
    if (ok) {
        size_t len = top ? 0 : strlen(walk->start);
        memcpy(w->path, walk->start, len);
        walk_folder(w, fd, len);
    } else {
        close(fd);
    }
    ignore_release(&w->ignore);
    mem_free(w);
    return ok;
}

void walk_put_notes(const struct walk *walk, struct buf *out)
{
    if (walk->end == WALK_TOO_MANY)
        buf_addf(out, "[stopped after %d names: give a smaller `path`]\n", WALK_ENTRIES_MAX);
    if (walk->end == WALK_TOO_LONG)
        buf_add_str(out, STR("[stopped: it took too long; give a smaller `path`]\n"));
    if (walk->unread)
        buf_add_str(out, STR("[some folders could not be read]\n"));
    if (walk->ignored)
        buf_add_str(out, STR("[some rules of .gitignore files were left out: too many]\n"));
}
