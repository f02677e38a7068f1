// SPDX-License-Identifier: MIT
// The walk: folder by folder, each becoming a tree.
#include "core/git/snapshot.h"

#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/snapshot_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { TREE_BYTES_MAX = 64 << 20, NAMES_BYTES_MAX = 64 << 20, ITEM_HEAD_MAX = 16 };

struct folder {
    struct buf names; // each with a NUL behind it
    size_t *order;    // of the names, sorted
    size_t count;
    struct buf items; // struct tree_item
};

void snapshot_init(struct snapshot *snapshot)
{
    memset(snapshot, 0, sizeof *snapshot);
    buf_init(&snapshot->left, SNAPSHOT_LEFT_BYTES_MAX);
    buf_init(&snapshot->objects, SNAPSHOT_OBJECTS_BYTES_MAX);
}

void snapshot_release(struct snapshot *snapshot)
{
    buf_release(&snapshot->left);
    buf_release(&snapshot->objects);
}

bool snapshot_leaves(const struct snapshot *snapshot, const char *path)
{
    for (size_t at = 0; at < snapshot->left.len; at += strlen(snapshot->left.data + at) + 1) {
        if (strcmp(snapshot->left.data + at, path) == 0)
            return true;
    }
    return false;
}

static bool cannot_look(struct walk *walk)
{
    return err_set_errno(walk->err, ERR_WORKTREE, errno, "cannot look into %s/%s", walk->top,
                         walk->path);
}

// --- the names of a folder ---

// A tree cannot hold these; git leaves them out, too.
static bool is_never(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcasecmp(name, ".git") == 0 ||
           strcasecmp(name, "git~1") == 0;
}

static const char *name_at(const struct folder *folder, size_t i)
{
    return folder->names.data + folder->order[i];
}

static int compare_offsets(const void *a, const void *b, void *names)
{
    return strcmp((char *)names + *(const size_t *)a, (char *)names + *(const size_t *)b);
}

static bool read_names(struct walk *walk, int fd, struct folder *folder)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = own < 0 ? NULL : fdopendir(own);
    const struct dirent *entry;
    size_t cap = 0;
    if (!stream) {
        cannot_look(walk);
        if (own >= 0)
            close(own);
        return false;
    }
    while ((entry = readdir(stream))) {
        if (is_never(entry->d_name))
            continue;
        if (folder->count == cap) {
            cap = cap ? 2 * cap : 64;
            folder->order = mem_resize(folder->order, cap, sizeof *folder->order);
        }
        folder->order[folder->count++] = folder->names.len;
        buf_add(&folder->names, entry->d_name, strlen(entry->d_name) + 1);
    }
    closedir(stream);
    if (folder->names.overflow)
        return err_set(walk->err, ERR_LIMIT, "%s/%s has names of more than %d bytes", walk->top,
                       walk->path, NAMES_BYTES_MAX);
    if (folder->count > 1)
        qsort_r(folder->order, folder->count, sizeof *folder->order, compare_offsets,
                folder->names.data);
    return true;
}

static void folder_free(struct folder *folder)
{
    buf_release(&folder->names);
    buf_release(&folder->items);
    mem_free(folder->order);
}

// --- rules that stand in the folder itself ---

static void push_ignore(struct walk *walk, int fd, size_t len)
{
    struct buf text;
    struct stat st;
    buf_init(&text, IGNORE_FILE_MAX);
    int file = openat(fd, ".gitignore", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file >= 0 && fstat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < IGNORE_FILE_MAX &&
        buf_reserve(&text, (size_t)st.st_size + 1)) {
        ssize_t got = read(file, text.data, (size_t)st.st_size);
        text.len = got > 0 ? (size_t)got : 0;
    }
    if (file >= 0)
        close(file);
    ignore_push(&walk->ignore, str_from(walk->path, len), buf_str(&text));
    buf_release(&text);
}

// libgit2 opens this file by its path when it looks for filters: it must not hang on it.
static bool look_at_attributes(struct walk *walk, int fd, size_t prefix)
{
    static const char name[] = ".gitattributes";
    struct stat st;
    struct stat_data data;
    if (prefix + sizeof name > sizeof walk->path)
        return true;
    memcpy(walk->path + prefix, name, sizeof name);
    struct str path = str_of(walk->path);
    if (fstatat(fd, name, &st, 0) < 0) {
        walk->reread = walk->reread || snapshot_cache_has(&walk->known, path);
        return true;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return err_set(walk->err, ERR_WORKTREE, "%s/%s is no regular file; remove it", walk->top,
                       walk->path);
    stat_data_set(&data, &st);
    walk->reread = walk->reread || !snapshot_cache_find(&walk->known, path, &data);
    return true;
}

// --- trees ---

// As git sorts them: a folder's name as if a slash stood behind it.
static int compare_items(const void *a, const void *b, void *names)
{
    const struct tree_item *x = a, *y = b;
    const char *p = (char *)names + x->name, *q = (char *)names + y->name;
    size_t i = 0;
    while (p[i] && p[i] == q[i])
        i++;
    unsigned char c = (unsigned char)p[i], d = (unsigned char)q[i];
    if (!c && x->mode == GIT_FILEMODE_TREE)
        c = '/';
    if (!d && y->mode == GIT_FILEMODE_TREE)
        d = '/';
    return (c > d) - (c < d);
}

static bool write_tree(struct walk *walk, struct folder *folder, const git_tree *tracked,
                       git_oid *id)
{
    struct tree_item *items = (struct tree_item *)(void *)folder->items.data;
    size_t count = folder->items.len / sizeof *items;
    struct buf tree;
    buf_init(&tree, TREE_BYTES_MAX);
    if (count > 1)
        qsort_r(items, count, sizeof *items, compare_items, folder->names.data);
    for (size_t i = 0; i < count; i++) {
        const char *name = folder->names.data + items[i].name;
        buf_addf(&tree, "%o ", (unsigned)items[i].mode);
        buf_add(&tree, name, strlen(name) + 1);
        buf_add(&tree, items[i].id.id, sizeof items[i].id.id);
    }
    bool ok = !tree.overflow &&
              git_odb_hash(id, tree.data ? tree.data : "", tree.len, GIT_OBJECT_TREE) == 0;
    bool tracks = ok && tracked && git_oid_equal(id, git_tree_id(tracked));
    if (ok && !tracks)
        buf_add(&walk->out->objects, id->id, sizeof id->id);
    if (ok && !tracks && !git_odb_exists(walk->odb, id))
        ok = git_odb_write(id, walk->odb, tree.data ? tree.data : "", tree.len, GIT_OBJECT_TREE) ==
             0;
    buf_release(&tree);
    return ok || git_fail(walk->err, ERR_WORKTREE, "cannot store the folder %s of %s", walk->path,
                          walk->top);
}

static bool take_folder(struct walk *walk, int fd, size_t prefix, git_tree *tracked, bool ignored,
                        git_oid *id, size_t *count);

static void add_item(struct folder *folder, size_t i, struct tree_item *item)
{
    item->name = folder->order[i];
    buf_add(&folder->items, item, sizeof *item);
}

static bool is_repository(int fd, const char *name)
{
    char path[NAME_MAX + sizeof "/.git"];
    snprintf(path, sizeof path, "%s/.git", name);
    struct stat st;
    return fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool enter_folder(struct walk *walk, int fd, struct folder *folder, size_t i,
                         const git_tree_entry *entry, bool ignored)
{
    const char *name = name_at(folder, i);
    size_t len = strlen(walk->path), inside = 0;
    git_tree *tracked = NULL;
    struct tree_item item = {.mode = GIT_FILEMODE_TREE};
    int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0) {
        if (errno != ENOENT)
            snapshot_leave(walk);
        return true;
    }
    bool ok = walk->depth < SNAPSHOT_DEPTH_MAX && len + 1 < sizeof walk->path;
    if (!ok)
        err_set(walk->err, ERR_LIMIT, "%s has folders nested deeper than %d", walk->top,
                SNAPSHOT_DEPTH_MAX);
    if (ok && entry && git_tree_lookup(&tracked, walk->repository, git_tree_entry_id(entry)) < 0)
        ok = git_fail(walk->err, ERR_WORKTREE, "cannot read the folder %s of the agent's branch",
                      walk->path);
    if (ok) {
        bool reread = walk->reread;
        walk->path[len] = '/';
        walk->depth++;
        ok = take_folder(walk, inner, len + 1, tracked, ignored, &item.id, &inside);
        walk->depth--;
        walk->path[len] = '\0';
        walk->reread = reread;
    }
    git_tree_free(tracked);
    close(inner);
    if (ok && inside)
        add_item(folder, i, &item);
    return ok;
}

static bool take_subfolder(struct walk *walk, int fd, struct folder *folder, size_t i,
                           const git_tree_entry *entry, bool ignored)
{
    git_object_t type = entry ? git_tree_entry_type(entry) : GIT_OBJECT_INVALID;
    if (type == GIT_OBJECT_COMMIT) {
        struct tree_item item = {.id = *git_tree_entry_id(entry), .mode = GIT_FILEMODE_COMMIT};
        add_item(folder, i, &item);
        return true;
    }
    bool tracked = type == GIT_OBJECT_TREE;
    ignored = ignored || ignore_matches(&walk->ignore, str_of(walk->path), true);
    if (ignored && !tracked)
        return true;
    if (!tracked && is_repository(fd, name_at(folder, i))) {
        snapshot_leave(walk);
        return true;
    }
    return enter_folder(walk, fd, folder, i, tracked ? entry : NULL, ignored);
}

static bool take_file(struct walk *walk, int fd, struct folder *folder, size_t i,
                      const struct stat *st, const git_tree_entry *entry, bool ignored)
{
    struct tree_item item;
    bool taken, tracked = entry && git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
    if (!tracked && (ignored || ignore_matches(&walk->ignore, str_of(walk->path), false)))
        return true;
    if (++walk->out->files > SNAPSHOT_FILES_MAX)
        return err_set(walk->err, ERR_LIMIT, "%s has more than %d files that are not ignored",
                       walk->top, SNAPSHOT_FILES_MAX);
    if (!snapshot_file(walk, fd, name_at(folder, i), st, entry, &item, &taken))
        return false;
    if (taken)
        add_item(folder, i, &item);
    return true;
}

static bool take_name(struct walk *walk, int fd, size_t prefix, struct folder *folder, size_t i,
                      const git_tree *tracked, bool ignored)
{
    const char *name = name_at(folder, i);
    size_t len = strlen(name);
    struct stat st;
    if (prefix + len >= sizeof walk->path)
        return err_set(walk->err, ERR_LIMIT, "%s has a path of more than %zu bytes", walk->top,
                       sizeof walk->path);
    memcpy(walk->path + prefix, name, len + 1);
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            snapshot_leave(walk);
        return true;
    }
    const git_tree_entry *entry = tracked ? git_tree_entry_byname(tracked, name) : NULL;
    if (S_ISDIR(st.st_mode))
        return take_subfolder(walk, fd, folder, i, entry, ignored);
    if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))
        return take_file(walk, fd, folder, i, &st, entry, ignored);
    return true; // git knows no others
}

static bool take_folder(struct walk *walk, int fd, size_t prefix, git_tree *tracked, bool ignored,
                        git_oid *id, size_t *count)
{
    struct folder folder = {.order = NULL};
    buf_init(&folder.names, NAMES_BYTES_MAX);
    buf_init(&folder.items, TREE_BYTES_MAX);
    walk->path[prefix] = '\0';
    push_ignore(walk, fd, prefix ? prefix - 1 : 0);
    bool ok = look_at_attributes(walk, fd, prefix) && read_names(walk, fd, &folder);
    for (size_t i = 0; ok && i < folder.count; i++)
        ok = take_name(walk, fd, prefix, &folder, i, tracked, ignored);
    ignore_pop(&walk->ignore);
    walk->path[prefix ? prefix - 1 : 0] = '\0';
    *count = folder.items.len;
    ok = ok && ((prefix && !*count) || write_tree(walk, &folder, tracked, id));
    folder_free(&folder);
    return ok;
}

// --- the whole ---

static void push_file(struct walk *walk, const char *file)
{
    struct buf text;
    struct stat st;
    buf_init(&text, IGNORE_FILE_MAX);
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < IGNORE_FILE_MAX &&
        buf_reserve(&text, (size_t)st.st_size + 1)) {
        ssize_t got = read(fd, text.data, (size_t)st.st_size);
        text.len = got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    ignore_push(&walk->ignore, STR_NONE, buf_str(&text));
    buf_release(&text);
}

// What the user ignores everywhere, then what the repository does beside its files.
static void push_excludes(struct walk *walk, git_config *config)
{
    git_buf path = GIT_BUF_INIT;
    const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
    char *usual = xdg && *xdg ? mem_format("%s/git/ignore", xdg)
                              : mem_format("%s/.config/git/ignore", home ? home : "");
    bool given = git_config_get_path(&path, config, "core.excludesFile") == 0;
    push_file(walk, given ? path.ptr : usual);
    git_buf_dispose(&path);
    mem_free(usual);
    char *own = mem_format("%sinfo/exclude", git_repository_commondir(walk->repository));
    push_file(walk, own);
    mem_free(own);
}

static bool prepare(struct walk *walk)
{
    git_config *config = NULL;
    int mode = 1;
    bool ok = git_repository_odb(&walk->odb, walk->repository) == 0 &&
              git_repository_index(&walk->index, walk->repository) == 0 &&
              git_repository_config_snapshot(&config, walk->repository) == 0;
    if (!ok)
        return git_fail(walk->err, ERR_WORKTREE, "cannot read the repository of %s", walk->top);
    if (git_config_get_bool(&mode, config, "core.fileMode") == 0)
        walk->file_mode = mode != 0;
    push_excludes(walk, config);
    git_config_free(config);
    return true;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void keep_cache(struct walk *walk, const char *cache)
{
    struct err ignored; // it saves time, no more
    size_t count = walk->fresh.entries.len;
    bool same = walk->out->read == 0 && count == walk->known.entries.len;
    if (cache && !same && !walk->fresh.names.overflow && !walk->fresh.entries.overflow)
        snapshot_cache_save(&walk->fresh, cache, &ignored);
}

bool snapshot_take(git_repository *repository, const char *worktree, git_tree *tracked,
                   const char *cache, struct snapshot *snapshot, git_oid *tree, struct err *err)
{
    struct walk *walk = mem_new(sizeof *walk);
    size_t count;
    walk->repository = repository;
    walk->out = snapshot;
    walk->err = err;
    walk->top = worktree;
    walk->file_mode = true;
    walk->now_ms = now_ms();
    snapshot_cache_load(&walk->known, cache ? cache : "");
    snapshot_cache_init(&walk->fresh);
    int fd = open(worktree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 || cannot_look(walk);
    ok = ok && prepare(walk) && take_folder(walk, fd, 0, tracked, false, tree, &count);
    if (ok)
        keep_cache(walk, cache);
    if (fd >= 0)
        close(fd);
    ignore_release(&walk->ignore);
    snapshot_cache_release(&walk->known);
    snapshot_cache_release(&walk->fresh);
    git_index_free(walk->index);
    git_odb_free(walk->odb);
    mem_free(walk);
    return ok;
}
