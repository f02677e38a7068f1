// SPDX-License-Identifier: MIT
// What a worktree's git directory has of references: where its HEAD is, and packed-refs, the copy
// of those of the repository.
#include "core/base/mem.h"
#include "core/git/repository.h"
#include "core/git/worktree_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SYMBOLIC_MAX = 5,
    REF_NAME_MAX = 1024,
    REFS_MAX = 1 << 20,
    REF_FOLDERS_MAX = 32,    // nested
    REF_CLOCK_NS = 10000000, // steps of time stamps are smaller
};

#define PACKED_HEAD "# pack-refs with: sorted \n"

// --- HEAD ---

static bool is_commit_id(struct str s)
{
    if (s.len != GIT_OID_HEXSZ)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdef", s.data[i]))
            return false;
    return true;
}

static bool read_ref(const struct worktree_spec *spec, const char *name, struct buf *out)
{
    char *path = mem_format("%s/%s", spec->git, name);
    bool there = small_file_read(path, out);
    mem_free(path);
    return there;
}

static bool find_packed(const struct worktree_spec *spec, const char *name, struct buf *out)
{
    struct buf text;
    buf_init(&text, PRIVATE_REFS_BYTES_MAX);
    bool found = false;
    if (read_ref(spec, "packed-refs", &text)) {
        char *wanted = mem_format(" %s\n", name);
        long at = str_find(buf_str(&text), str_of(wanted));
        found = at >= GIT_OID_HEXSZ;
        if (found)
            buf_add(out, text.data + at - GIT_OID_HEXSZ, GIT_OID_HEXSZ);
        mem_free(wanted);
    }
    buf_release(&text);
    return found;
}

bool private_head(const struct worktree_spec *spec, char commit[WORKTREE_COMMIT_MAX],
                  char ref[1024], bool *unborn, struct err *err)
{
    char name[REF_NAME_MAX] = "HEAD";
    struct buf text;
    buf_init(&text, SMALL_FILE_MAX);
    *unborn = false;
    *ref = *commit = '\0';
    bool ok = false;
    for (int i = 0; i <= SYMBOLIC_MAX; i++) {
        buf_clear(&text);
        bool there = read_ref(spec, name, &text) || (i > 0 && find_packed(spec, name, &text));
        struct str value = str_trim(buf_str(&text));
        if (!there && i > 0) {
            *unborn = true;
            ok = true;
            break;
        }
        if (is_commit_id(value)) {
            memcpy(commit, value.data, value.len);
            commit[value.len] = '\0';
            ok = true;
            break;
        }
        if (!str_starts(value, STR("ref:")))
            break;
        value = str_trim(str_skip(value, 4));
        if (value.len >= sizeof name || memchr(value.data, 0, value.len))
            break;
        memcpy(name, value.data, value.len);
        name[value.len] = '\0';
        if (!str_starts(value, STR("refs/heads/")) || git_reference_is_valid_name(name) != 1) {
            ok =
                err_set(err, ERR_WORKTREE, "HEAD of the worktree %s names '%s', which is no branch",
                        spec->path, name);
            goto done;
        }
        memcpy(ref, name, value.len + 1);
    }
    if (!ok)
        err_set(err, ERR_WORKTREE, "%s in the git directory of the worktree %s cannot be read",
                name, spec->path);
done:
    buf_release(&text);
    return ok;
}

// --- has anything changed? ---

static bool is_older(const struct stat *st, const struct timespec *limit)
{
    return st->st_mtim.tv_sec < limit->tv_sec ||
           (st->st_mtim.tv_sec == limit->tv_sec && st->st_mtim.tv_nsec < limit->tv_nsec);
}

// The folder and those below it, which are there or not.
static bool folder_is_older(int parent, const char *name, int depth, const struct timespec *limit)
{
    struct stat st;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT; // the one above has changed with it, or there never was one
    DIR *folder = fdopendir(fd);
    bool older = folder && fstat(fd, &st) == 0 && is_older(&st, limit) && depth < REF_FOLDERS_MAX;
    const struct dirent *entry;
    while (older && (entry = readdir(folder)))
        if (entry->d_type != DT_REG && *entry->d_name != '.')
            older = entry->d_type == DT_DIR && folder_is_older(fd, entry->d_name, depth + 1, limit);
    if (folder)
        closedir(folder);
    else
        close(fd);
    return older;
}

bool private_refs_are_old(const struct worktree_spec *spec, const char *common)
{
    char *own = mem_format("%s/packed-refs", spec->git);
    char *theirs = mem_format("%s/packed-refs", common);
    static const char *const copied[] = {"heads", "tags", "remotes"};
    struct stat st;
    bool fresh = lstat(own, &st) == 0;
    struct timespec limit = st.st_mtim;
    // A file system's clock goes in steps.
    if (fresh && (limit.tv_nsec -= REF_CLOCK_NS) < 0) {
        limit.tv_nsec += 1000000000L;
        limit.tv_sec--;
    }
    fresh = fresh && (stat(theirs, &st) < 0 ? errno == ENOENT : is_older(&st, &limit));
    for (size_t i = 0; fresh && i < sizeof copied / sizeof *copied; i++) {
        char *folder = mem_format("%s/refs/%s", common, copied[i]);
        fresh = folder_is_older(AT_FDCWD, folder, 0, &limit);
        mem_free(folder);
    }
    mem_free(theirs);
    mem_free(own);
    return !fresh;
}

// --- packed-refs ---

struct refs {
    git_repository *repository;
    char **lines; // "<id> <name>"
    size_t count, room;
    size_t bytes;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a + GIT_OID_HEXSZ, *(char *const *)b + GIT_OID_HEXSZ);
}

static void sort_refs(struct refs *refs)
{
    if (refs->lines)
        qsort(refs->lines, refs->count, sizeof *refs->lines, by_name);
}

static void add_ref(struct refs *refs, char *line)
{
    if (refs->count == refs->room) {
        refs->room = refs->room ? refs->room * 2 : 64;
        refs->lines = mem_resize(refs->lines, refs->room, sizeof *refs->lines);
    }
    refs->lines[refs->count++] = line;
    refs->bytes += strlen(line) + 1;
}

static void release_refs(struct refs *refs)
{
    for (size_t i = 0; i < refs->count; i++)
        mem_free(refs->lines[i]);
    mem_free(refs->lines);
}

static bool is_copied(const char *name, const char *own)
{
    struct str s = str_of(name);
    return (str_starts(s, STR("refs/heads/")) || str_starts(s, STR("refs/tags/")) ||
            str_starts(s, STR("refs/remotes/"))) &&
           strcmp(name, own) != 0;
}

static bool list_refs(struct refs *refs, const char *own, struct err *err)
{
    git_reference_iterator *all = NULL;
    git_reference *ref = NULL, *target = NULL;
    int code = git_reference_iterator_new(&all, refs->repository);
    while (code == 0 && (code = git_reference_next(&ref, all)) == 0) {
        const char *name = git_reference_name(ref);
        // A symbolic one (origin/HEAD) may lead nowhere.
        if (is_copied(name, own) && refs->count < REFS_MAX &&
            git_reference_resolve(&target, ref) == 0)
            add_ref(refs, mem_format("%s %s", git_oid_tostr_s(git_reference_target(target)), name));
        git_reference_free(target);
        git_reference_free(ref);
        ref = target = NULL;
    }
    git_reference_iterator_free(all);
    if (code != GIT_ITEROVER)
        return git_fail(err, ERR_WORKTREE, "cannot list the references of %s",
                        git_repository_commondir(refs->repository));
    sort_refs(refs);
    return true;
}

// What git pack-refs put there of the agent's: a reference that the repository does not have, to
// a commit that it does not have either, or where HEAD is.
static void keep_own(struct refs *refs, const struct worktree_spec *spec, char *packed)
{
    char commit[WORKTREE_COMMIT_MAX], head[REF_NAME_MAX];
    bool unborn;
    struct err ignored;
    git_odb *objects = NULL;
    size_t listed = refs->count;
    if (git_repository_odb(&objects, refs->repository) < 0 ||
        !private_head(spec, commit, head, &unborn, &ignored))
        *head = '\0';
    char *save = NULL;
    for (char *line = strtok_r(packed, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        git_oid id;
        if (*line == '#' || *line == '^' || strlen(line) < GIT_OID_HEXSZ + 2 ||
            git_oid_fromstrn(&id, line, GIT_OID_HEXSZ) < 0)
            continue;
        const char *name = line + GIT_OID_HEXSZ + 1;
        bool here =
            listed > 0 && bsearch(&line, refs->lines, listed, sizeof *refs->lines, by_name) != NULL;
        bool wanted = strcmp(name, head) == 0 || !objects || !git_odb_exists(objects, &id);
        if (!here && wanted && refs->count < REFS_MAX && git_reference_is_valid_name(name) == 1)
            add_ref(refs, mem_dup(str_of(line)));
    }
    git_odb_free(objects);
    sort_refs(refs);
}

bool private_write_refs(git_repository *repository, const struct worktree_spec *spec,
                        struct err *err)
{
    struct refs refs = {.repository = repository};
    struct timespec times[2];
    clock_gettime(CLOCK_REALTIME, &times[1]); // what comes while we list counts as later
    times[0] = times[1];
    char *own = mem_format("refs/heads/%s", spec->branch);
    char *path = mem_format("%s/packed-refs", spec->git);
    struct buf now, text;
    buf_init(&now, PRIVATE_REFS_BYTES_MAX);
    buf_init(&text, PRIVATE_REFS_BYTES_MAX);
    bool there = small_file_read(path, &now), ok = list_refs(&refs, own, err);
    char *old = there ? mem_dup(buf_str(&now)) : NULL;
    if (ok && old && refs.count + now.len > 0)
        keep_own(&refs, spec, old);
    buf_add_str(&text, STR(PACKED_HEAD));
    for (size_t i = 0; ok && i < refs.count; i++)
        buf_addf(&text, "%s\n", refs.lines[i]);
    if (ok && text.overflow)
        ok = err_set(err, ERR_WORKTREE, "%s has too many references",
                     git_repository_commondir(repository));
    if (ok && !(there && str_equal(buf_str(&now), buf_str(&text))))
        ok = small_file_write(path, buf_str(&text), err);
    if (ok)
        utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW); // else it is listed once more
    mem_free(old);
    buf_release(&now);
    buf_release(&text);
    release_refs(&refs);
    mem_free(path);
    mem_free(own);
    return ok;
}
