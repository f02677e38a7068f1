// SPDX-License-Identifier: MIT
// Ignored files of the person's tree (.env and the like), for a fresh worktree.
#include "core/base/mem.h"
#include "core/files/ignore.h"
#include "core/git/repository.h"
#include "core/git/worktree.h"
#include "core/git/worktree_rules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEED_DEPTH_MAX = 128, PIECE = 1 << 16 };

struct seed {
    git_repository *repository;
    struct ignore patterns;
    const char *text; // of the patterns
    const char *from;
    int to_fd;
    char path[PATH_MAX];
    size_t looked;
    struct worktree_seeded *out;
    struct err *err;
};

static bool fail(struct seed *s, const char *what)
{
    return err_set_errno(s->err, ERR_WORKTREE, errno, "cannot %s %s/%s for the worktree", what,
                         s->from, s->path);
}

static bool is_ignored(struct seed *s, bool is_folder)
{
    int ignored = 0;
    char *path = mem_format("%s%s", s->path, is_folder ? "/" : "");
    bool known = git_ignore_path_is_ignored(&ignored, s->repository, path) == 0;
    mem_free(path);
    return known && ignored;
}

// Does a pattern with a path begin in this folder?
static bool leads_below(const struct seed *s)
{
    size_t len = strlen(s->path);
    for (const char *line = s->text; *line;) {
        const char *end = strchrnul(line, '\n');
        const char *begin = *line == '/' ? line + 1 : line;
        if ((size_t)(end - begin) > len && strncmp(begin, s->path, len) == 0 && begin[len] == '/')
            return true;
        line = *end ? end + 1 : end;
    }
    return false;
}

static bool copy_bytes(int from, int to)
{
    char piece[PIECE];
    ssize_t got;
    while ((got = copy_file_range(from, NULL, to, NULL, PIECE * 64, 0)) > 0)
        ;
    if (got == 0)
        return true;
    while ((got = read(from, piece, sizeof piece)) != 0) { // this file system cannot
        if (got < 0 && errno != EINTR)
            return false;
        for (ssize_t done = 0, put; done<got; done += put> 0 ? put : 0)
            if ((put = write(to, piece + done, (size_t)(got - done))) < 0 && errno != EINTR)
                return false;
    }
    return true;
}

// The folders of path that are missing; nothing is made through a symlink.
static int make_parents(struct seed *s, const char **name)
{
    int at = openat(s->to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *copy = mem_dup(str_of(s->path)), *part = copy, *slash;
    while (at >= 0 && (slash = strchr(part, '/'))) {
        *slash = '\0';
        int next = -1;
        if (mkdirat(at, part, 0777) == 0 || errno == EEXIST)
            next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int code = errno;
        close(at);
        errno = code;
        at = next;
        part = slash + 1;
    }
    const char *last = strrchr(s->path, '/');
    *name = last ? last + 1 : s->path;
    mem_free(copy);
    return at;
}

static bool copy_file(struct seed *s, int folder, const char *name, const struct stat *st)
{
    const char *last;
    int from = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return fail(s, "read");
    int parent = make_parents(s, &last);
    int to = parent < 0 ? -1
                        : openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                 st->st_mode & 0777);
    bool there = to < 0 && errno == EEXIST;
    bool ok = there || (to >= 0 && copy_bytes(from, to));
    int code = errno;
    if (to >= 0 && close(to) < 0 && ok) {
        code = errno;
        ok = false;
    }
    if (parent >= 0)
        close(parent);
    close(from);
    errno = code;
    if (ok && !there) {
        s->out->files++;
        s->out->bytes += st->st_size;
    }
    return ok || fail(s, "copy");
}

static bool look(struct seed *s, int folder, size_t prefix, bool wanted, bool ignored, int depth);

static bool look_at(struct seed *s, int folder, const char *name, size_t prefix, bool wanted,
                    bool ignored, int depth)
{
    struct stat st;
    size_t len = prefix + strlen(name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
        len + 1 >= sizeof s->path || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    memcpy(s->path + prefix, name, len - prefix + 1);
    bool is_folder = S_ISDIR(st.st_mode);
    if (!is_folder && !S_ISREG(st.st_mode))
        return true;
    enum ignore_verdict verdict = ignore_verdict(&s->patterns, str_from(s->path, len), is_folder);
    wanted = verdict == IGNORE_SILENT ? wanted : verdict == IGNORE_NAMED;
    if (is_folder) {
        ignored = ignored || is_ignored(s, true);
        // In what is ignored (node_modules) there is a lot that nobody named.
        if (depth == SEED_DEPTH_MAX || (ignored && !wanted && !leads_below(s)))
            return true;
        int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        s->path[len] = '/';
        bool ok = fd < 0 || look(s, fd, len + 1, wanted, ignored, depth + 1);
        return ok;
    }
    if (!wanted || !(ignored || is_ignored(s, false)))
        return true;
    if (s->out->files >= WORKTREE_SEED_FILES_MAX ||
        s->out->bytes + st.st_size > WORKTREE_SEED_BYTES_MAX) {
        s->out->cut = true;
        return true;
    }
    return copy_file(s, folder, name, &st);
}

// Takes over the descriptor.
static bool look(struct seed *s, int folder, size_t prefix, bool wanted, bool ignored, int depth)
{
    DIR *dir = fdopendir(folder);
    const struct dirent *entry;
    bool ok = true;
    if (!dir) {
        close(folder);
        return true;
    }
    if (!rules_are_files_in(folder, *s->path ? s->path : s->from, s->err))
        ok = false;
    while (ok && !s->out->cut && (entry = readdir(dir))) {
        s->out->cut = ++s->looked > WORKTREE_SEED_LOOKED_MAX;
        ok = look_at(s, folder, entry->d_name, prefix, wanted, ignored, depth);
    }
    closedir(dir);
    return ok;
}

bool worktree_seed(const struct worktree_spec *spec, const char *patterns,
                   struct worktree_seeded *out, struct err *err)
{
    struct seed *s = mem_new(sizeof *s);
    *s = (struct seed){.text = patterns, .from = spec->repository, .out = out, .err = err};
    *out = (struct worktree_seeded){0};
    ignore_push(&s->patterns, STR(""), str_of(patterns));
    int from = open(spec->repository, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->to_fd = open(spec->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = repository_open(&s->repository, spec->repository, true, err);
    if (ok && (from < 0 || s->to_fd < 0))
        ok = err_set_errno(err, ERR_WORKTREE, errno, "cannot open %s or %s", spec->repository,
                           spec->path);
    if (ok)
        ok = look(s, from, 0, false, false, 0);
    else if (from >= 0)
        close(from);
    if (s->to_fd >= 0)
        close(s->to_fd);
    ignore_release(&s->patterns);
    git_repository_free(s->repository);
    mem_free(s);
    return ok;
}

bool worktree_hash(struct str text, char hash[WORKTREE_COMMIT_MAX], struct err *err)
{
    git_oid oid;
    if (git_odb_hash(&oid, text.data, text.len, GIT_OBJECT_BLOB) < 0)
        return git_fail(err, ERR_REPOSITORY, "cannot hash %zu bytes", text.len);
    git_oid_tostr(hash, WORKTREE_COMMIT_MAX, &oid);
    return true;
}
