// SPDX-License-Identifier: MIT
#include "core/git/worktree_record.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool small_file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    bool ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
              (uint64_t)st.st_size < out->max && buf_reserve(out, (size_t)st.st_size + 1);
    while (ok) {
        size_t room = out->cap - out->len - 1;
        ssize_t got = room ? read(fd, out->data + out->len, room) : 0;
        if (got < 0)
            ok = errno == EINTR;
        if (got == 0)
            break;
        out->len += got > 0 ? (size_t)got : 0;
    }
    if (ok)
        out->data[out->len] = '\0';
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool put(int fd, struct str text)
{
    while (text.len) {
        ssize_t done = write(fd, text.data, text.len);
        if (done < 0 && errno != EINTR)
            return false;
        text = str_skip(text, done > 0 ? (size_t)done : 0);
    }
    return true;
}

bool small_file_write(const char *path, struct str text, struct err *err)
{
    char *fresh = mem_format("%s.swarmd", path);
    unlink(fresh); // of a server that was killed
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && put(fd, text);
    int code = errno;
    if (fd >= 0 && close(fd) < 0 && ok) {
        code = errno;
        ok = false;
    }
    if (ok && rename(fresh, path) < 0) {
        code = errno;
        ok = false;
    }
    if (!ok) {
        err_set_errno(err, ERR_WORKTREE, code, "cannot write %s", path);
        if (fd >= 0)
            unlink(fresh);
    }
    mem_free(fresh);
    return ok;
}

struct guard_key guard_key_of(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return (struct guard_key){0};
    return (struct guard_key){
        .inode = st.st_ino,
        .size = (uint64_t)st.st_size,
        .modified = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec,
        .changed = st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec,
    };
}

bool guard_key_equal(const struct guard_key *a, const struct guard_key *b)
{
    return a->inode == b->inode && a->size == b->size && a->modified == b->modified &&
           a->changed == b->changed;
}

// --- the record ---

#define RECORD_HEAD "swarmd worktree 1\n"

static char *record_path(const struct worktree_spec *spec)
{
    return mem_format("%s.record", spec->git);
}

void record_release(struct record *record)
{
    mem_free(record->common);
    *record = (struct record){0};
}

static bool take_commit(const char **at, const char *name, char commit[WORKTREE_COMMIT_MAX])
{
    size_t len = strlen(name);
    if (strncmp(*at, name, len) != 0)
        return false;
    *at += len;
    size_t hex = strspn(*at, "0123456789abcdef");
    if (hex >= WORKTREE_COMMIT_MAX || (*at)[hex] != '\n')
        return false;
    memcpy(commit, *at, hex);
    commit[hex] = '\0';
    *at += hex + 1;
    return true;
}

// " 12"; of a negative one, what it is in two's complement.
static bool take_number(const char **at, uint64_t *number)
{
    char *end;
    if (**at != ' ')
        return false;
    *number = strtoull(*at + 1, &end, 10);
    bool any = end > *at + 1;
    *at = end;
    return any;
}

static bool take_guard(const char **at, struct guard_key *key)
{
    static const char name[] = "guard";
    uint64_t modified, changed;
    if (strncmp(*at, name, sizeof name - 1) != 0)
        return false;
    *at += sizeof name - 1;
    if (!take_number(at, &key->inode) || !take_number(at, &key->size) ||
        !take_number(at, &modified) || !take_number(at, &changed) || **at != '\n')
        return false;
    key->modified = (int64_t)modified;
    key->changed = (int64_t)changed;
    ++*at;
    return true;
}

// `common` is last: a path may hold any character.
static bool parse(const char *at, struct record *record)
{
    if (strncmp(at, RECORD_HEAD, sizeof RECORD_HEAD - 1) != 0)
        return false;
    at += sizeof RECORD_HEAD - 1;
    record->made = strncmp(at, "made\n", 5) == 0;
    if (!record->made && strncmp(at, "making\n", 7) != 0)
        return false;
    at += record->made ? 5 : 7;
    bool ok = take_commit(&at, "imported ", record->imported) &&
              take_commit(&at, "branch ", record->branch);
    for (int i = 0; ok && i < GUARD_COUNT; i++)
        ok = take_guard(&at, &record->guards[i]);
    size_t len = strlen(at);
    if (!ok || strncmp(at, "common ", 7) != 0 || at[len - 1] != '\n')
        return false;
    record->common = mem_dup(str_from(at + 7, len - 8));
    return true;
}

enum record_state record_read(const struct worktree_spec *spec, struct record *record,
                              struct err *err)
{
    *record = (struct record){0};
    char *path = record_path(spec);
    struct buf text;
    buf_init(&text, SMALL_FILE_MAX);
    enum record_state state = RECORD_READ;
    if (access(path, F_OK) < 0 && errno == ENOENT)
        state = RECORD_NONE;
    else if (!small_file_read(path, &text) || !parse(text.data, record))
        state = RECORD_BROKEN;
    if (state == RECORD_BROKEN)
        err_set(err, ERR_WORKTREE, "%s is damaged; swarmd cannot tell what belongs to %s", path,
                spec->name);
    buf_release(&text);
    mem_free(path);
    return state;
}

bool record_write(const struct worktree_spec *spec, const struct record *record, struct err *err)
{
    struct buf text;
    buf_init(&text, SMALL_FILE_MAX);
    buf_addf(&text, RECORD_HEAD "%s\nimported %s\nbranch %s\n", record->made ? "made" : "making",
             record->imported, record->branch);
    for (int i = 0; i < GUARD_COUNT; i++) {
        const struct guard_key *key = &record->guards[i];
        buf_addf(&text, "guard %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 "\n", key->inode,
                 key->size, key->modified, key->changed);
    }
    buf_addf(&text, "common %s\n", record->common);
    char *path = record_path(spec);
    bool ok = !text.overflow || err_set(err, ERR_WORKTREE, "the name of %s is too long", path);
    ok = ok && small_file_write(path, buf_str(&text), err);
    mem_free(path);
    buf_release(&text);
    return ok;
}

bool record_remove(const struct worktree_spec *spec, struct err *err)
{
    char *path = record_path(spec);
    bool ok = unlink(path) == 0 || errno == ENOENT ||
              err_set_errno(err, ERR_WORKTREE, errno, "cannot remove %s", path);
    mem_free(path);
    return ok;
}
