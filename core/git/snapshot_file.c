// SPDX-License-Identifier: MIT
// One file of a snapshot: known by its stat data, or read, filtered and stored.
#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/snapshot_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool is_blob(const git_tree_entry *entry)
{
    return entry && git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
}

void snapshot_leave(struct walk *walk)
{
    struct snapshot *out = walk->out;
    if (out->left_count++ < SNAPSHOT_LEFT_MAX)
        buf_add(&out->left, walk->path, strlen(walk->path) + 1);
}

// It stays as it was, where it was anything.
static bool leave_out(struct walk *walk, const git_tree_entry *tracked, struct tree_item *item,
                      bool *taken)
{
    snapshot_leave(walk);
    *taken = is_blob(tracked);
    if (*taken) {
        item->id = *git_tree_entry_id(tracked);
        item->mode = git_tree_entry_filemode(tracked);
    }
    return true;
}

static bool cannot_store(struct walk *walk)
{
    return git_fail(walk->err, ERR_WORKTREE, "cannot store %s of %s in the repository", walk->path,
                    walk->top);
}

// Nothing is written that is there already.
static bool store(struct walk *walk, const char *bytes, size_t len, git_oid *id)
{
    if (git_odb_hash(id, bytes, len, GIT_OBJECT_BLOB) < 0)
        return cannot_store(walk);
    return git_odb_exists(walk->odb, id) ||
           git_odb_write(id, walk->odb, bytes, len, GIT_OBJECT_BLOB) == 0 || cannot_store(walk);
}

// Text with CR LF in it, as git tells that from bytes.
static bool has_line_ends(const unsigned char *bytes, size_t len)
{
    size_t pairs = 0, shown = 0, others = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = bytes[i];
        if (c == '\r' && i + 1 < len && bytes[i + 1] == '\n') {
            pairs++;
            i++;
        } else if (c == '\r' || c == '\0') {
            return false;
        } else if (c != '\n' && c != '\b' && c != '\t' && c != '\033' && c != '\014' &&
                   (c < ' ' || c == 127)) {
            others++;
        } else if (c != '\n') {
            shown++;
        }
    }
    bool ends = len && bytes[len - 1] == '\032'; // of a file of DOS
    return pairs && shown / 128 >= others - (others && ends);
}

// With text=auto the filter looks into the index: text that has CR LF in it stays so. libgit2 takes
// any CR for that, so it gets to see only what git would.
static bool show_in_index(struct walk *walk, const git_tree_entry *tracked)
{
    git_blob *blob = NULL;
    git_index_clear(walk->index);
    if (!is_blob(tracked) || git_tree_entry_filemode(tracked) == GIT_FILEMODE_LINK)
        return true;
    if (git_blob_lookup(&blob, walk->repository, git_tree_entry_id(tracked)) < 0)
        return cannot_store(walk);
    bool shown = has_line_ends(git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
    git_blob_free(blob);
    git_index_entry entry = {
        .mode = git_tree_entry_filemode(tracked),
        .id = *git_tree_entry_id(tracked),
        .path = walk->path,
    };
    return !shown || git_index_add(walk->index, &entry) == 0 || cannot_store(walk);
}

static bool filter_and_store(struct walk *walk, const char *bytes, size_t len,
                             const git_tree_entry *tracked, git_oid *id)
{
    git_filter_list *filters = NULL;
    git_buf filtered = GIT_BUF_INIT;
    git_filter_options options = {.version = GIT_FILTER_OPTIONS_VERSION};
    options.flags = GIT_FILTER_ALLOW_UNSAFE; // core.safecrlf would refuse
    bool ok = !memmem(bytes, len, "\r\n", 2) || show_in_index(walk, tracked);
    if (ok && git_filter_list_load_ext(&filters, walk->repository, NULL, walk->path,
                                       GIT_FILTER_TO_ODB, &options) < 0)
        ok = cannot_store(walk);
    if (ok && !filters)
        ok = store(walk, bytes, len, id);
    else if (ok && git_filter_list_apply_to_buffer(&filtered, filters, bytes, len) < 0)
        ok = cannot_store(walk);
    else if (ok)
        ok = store(walk, filtered.ptr, filtered.size, id);
    git_buf_dispose(&filtered);
    git_filter_list_free(filters);
    return ok;
}

static long read_all(int fd, char *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = read(fd, bytes + done, len - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (long)done;
}

enum outcome { READ_OK, READ_GONE, READ_LEFT };

// *st becomes that of the open file. It is `steady` when nobody wrote to it meanwhile.
static enum outcome read_file(int folder, const char *name, struct stat *st, char **bytes,
                              size_t *len, bool *steady)
{
    struct stat after;
    // O_NONBLOCK: it may be a named pipe by now.
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? READ_GONE : READ_LEFT;
    enum outcome outcome = READ_LEFT;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size <= SNAPSHOT_FILE_BYTES_MAX) {
        *bytes = mem_new_array((size_t)st->st_size + 1, 1);
        long got = read_all(fd, *bytes, (size_t)st->st_size);
        *len = got < 0 ? 0 : (size_t)got;
        outcome = got < 0 ? READ_LEFT : READ_OK;
        *steady = fstat(fd, &after) == 0 && after.st_size == got &&
                  after.st_mtim.tv_sec == st->st_mtim.tv_sec &&
                  after.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
    }
    close(fd);
    return outcome;
}

static bool read_and_store(struct walk *walk, int folder, const char *name, struct stat *st,
                           const git_tree_entry *tracked, struct tree_item *item, bool *taken,
                           bool *steady)
{
    char *bytes = NULL;
    size_t len = 0;
    if (st->st_size > SNAPSHOT_FILE_BYTES_MAX ||
        walk->new_bytes + st->st_size > SNAPSHOT_NEW_BYTES_MAX)
        return leave_out(walk, tracked, item, taken);
    enum outcome outcome = read_file(folder, name, st, &bytes, &len, steady);
    bool ok = true;
    if (outcome == READ_LEFT)
        ok = leave_out(walk, tracked, item, taken);
    else if (outcome == READ_GONE)
        *taken = false;
    else
        ok = filter_and_store(walk, bytes, len, tracked, &item->id);
    walk->new_bytes += (int64_t)len;
    walk->out->read++;
    mem_free(bytes);
    *steady = *steady && outcome == READ_OK;
    return ok;
}

static bool read_link(struct walk *walk, int folder, const char *name, struct tree_item *item,
                      bool *taken)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(folder, name, target, sizeof target);
    item->mode = GIT_FILEMODE_LINK;
    *taken = len >= 0 && len < (ssize_t)sizeof target;
    return !*taken || store(walk, target, (size_t)len, &item->id);
}

// Objects that no ref holds may be pruned, and then a remembered id is no use.
static bool is_known(struct walk *walk, const struct stat_data *data, const git_tree_entry *tracked,
                     git_oid *id)
{
    const unsigned char *known = snapshot_cache_find(&walk->known, str_of(walk->path), data);
    if (!known || walk->reread)
        return false;
    memcpy(id->id, known, sizeof id->id);
    return (tracked && git_oid_equal(id, git_tree_entry_id(tracked))) ||
           git_odb_exists(walk->odb, id);
}

static git_filemode_t mode_of(const struct walk *walk, const struct stat *st,
                              const git_tree_entry *tracked)
{
    if (!walk->file_mode && tracked && git_tree_entry_filemode(tracked) != GIT_FILEMODE_LINK)
        return git_tree_entry_filemode(tracked);
    bool executable = walk->file_mode && (st->st_mode & S_IXUSR);
    return executable ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
}

static bool take(struct walk *walk, int folder, const char *name, const struct stat *st,
                 const git_tree_entry *tracked, struct tree_item *item, bool *taken)
{
    struct stat_data data;
    struct stat now = *st;
    bool steady = false;
    *taken = true;
    if (S_ISLNK(st->st_mode))
        return read_link(walk, folder, name, item, taken);
    stat_data_set(&data, st);
    item->mode = mode_of(walk, st, tracked);
    if (is_known(walk, &data, tracked, &item->id)) {
        snapshot_cache_add(&walk->fresh, str_of(walk->path), &data, item->id.id);
        return true;
    }
    if (!read_and_store(walk, folder, name, &now, tracked, item, taken, &steady))
        return false;
    stat_data_set(&data, &now);
    if (*taken && steady && !stat_data_is_young(&data, walk->now_ms))
        snapshot_cache_add(&walk->fresh, str_of(walk->path), &data, item->id.id);
    return true;
}

bool snapshot_file(struct walk *walk, int folder, const char *name, const struct stat *st,
                   const git_tree_entry *tracked, struct tree_item *item, bool *taken)
{
    if (!is_blob(tracked))
        tracked = NULL;
    bool ok = take(walk, folder, name, st, tracked, item, taken);
    if (ok && *taken && !(tracked && git_oid_equal(&item->id, git_tree_entry_id(tracked))))
        buf_add(&walk->out->objects, item->id.id, sizeof item->id.id);
    return ok;
}
