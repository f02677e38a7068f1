// SPDX-License-Identifier: MIT
#include "core/git/worktree_private.h"

#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/worktree_guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// --- making it ---

static bool make_folders(const struct worktree_spec *spec, struct err *err)
{
    static const char *const folders[] = {"info",       "objects/info", "objects/pack",
                                          "refs/heads", "refs/tags",    "refs/heads/swarm"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof folders / sizeof *folders; i++) {
        char *path = mem_format("%s/%s", spec->git, folders[i]);
        ok = folder_make(path, err);
        mem_free(path);
    }
    return ok;
}

static bool write_in(const struct worktree_spec *spec, const char *folder, const char *name,
                     struct str text, struct err *err)
{
    char *path = mem_format("%s/%s%s", spec->git, folder, name);
    bool ok = folder_make_parents(path, err) && small_file_write(path, text, err);
    mem_free(path);
    return ok;
}

static bool write_head(const struct worktree_spec *spec, struct err *err)
{
    char *head = mem_format("ref: refs/heads/%s\n", spec->branch);
    char *commit = mem_format("%s\n", spec->base);
    bool ok = write_in(spec, "", "HEAD", str_of(head), err) &&
              write_in(spec, "refs/heads/", spec->branch, str_of(commit), err);
    mem_free(commit);
    mem_free(head);
    return ok;
}

// Where a shallow clone ends; without it git misses the parents.
static bool copy_shallow(git_repository *repository, const struct worktree_spec *spec,
                         struct err *err)
{
    char *path = mem_format("%sshallow", git_repository_commondir(repository));
    struct buf text;
    buf_init(&text, PRIVATE_REFS_BYTES_MAX);
    bool ok = !small_file_read(path, &text) || write_in(spec, "", "shallow", buf_str(&text), err);
    buf_release(&text);
    mem_free(path);
    return ok;
}

bool private_make(git_repository *repository, const struct worktree_spec *spec, struct err *err)
{
    bool ok = make_folders(spec, err) && write_head(spec, err);
    for (int i = GUARD_CONFIG; ok && i < GUARD_COUNT; i++) {
        bool differed;
        ok = guard_write(repository, spec, i, &differed, err);
    }
    if (ok && spec->sparse)
        ok = write_in(spec, "info/", "sparse-checkout", str_of(spec->sparse), err);
    return ok && copy_shallow(repository, spec, err) && private_write_refs(repository, spec, err);
}

bool private_link(const struct worktree_spec *spec, struct err *err)
{
    bool differed;
    return guard_write(NULL, spec, GUARD_LINK, &differed, err);
}

// --- keeping it ---

void private_note(const struct worktree_spec *spec, struct record *record)
{
    for (int i = 0; i < GUARD_COUNT; i++) {
        char *path = guard_path(spec, i);
        record->guards[i] = guard_key_of(path);
        mem_free(path);
    }
}

enum { NAMES_MAX = 200 }; // all there can be fit

static void say(char names[NAMES_MAX], const char *name)
{
    size_t len = strlen(names);
    snprintf(names + len, NAMES_MAX - len, "%s%s", len ? ", " : "", name);
}

static bool remove_planted(const struct worktree_spec *spec, char names[NAMES_MAX], struct err *err)
{
    static const char *const planted[] = {"commondir", "config.worktree", "hooks"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof planted / sizeof *planted; i++) {
        char *path = mem_format("%s/%s", spec->git, planted[i]);
        if (folder_exists(path)) {
            say(names, planted[i]);
            ok = folder_remove(path, err);
        }
        mem_free(path);
    }
    return ok;
}

// Where no mount keeps them, folders of ours may have become links: nothing is written through one.
static bool put_folders_back(const struct worktree_spec *spec, char names[NAMES_MAX],
                             struct err *err)
{
    static const char *const folders[] = {"info", "objects", "objects/info"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof folders / sizeof *folders; i++) {
        char *path = mem_format("%s/%s", spec->git, folders[i]);
        struct stat st;
        if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
            say(names, folders[i]);
            ok = folder_remove(path, err) && folder_make(path, err);
        }
        mem_free(path);
    }
    return ok;
}

static bool check_guards(const struct worktree_spec *spec, const struct record *record,
                         char names[NAMES_MAX], bool *changed, struct err *err)
{
    git_repository *repository = NULL;
    bool ok = true;
    for (int i = 0; ok && i < GUARD_COUNT; i++) {
        char *path = guard_path(spec, i);
        struct guard_key now = guard_key_of(path);
        bool differed = false;
        if (!guard_key_equal(&now, &record->guards[i])) {
            *changed = true;
            ok = (repository || private_open_repository(&repository, spec, record, err)) &&
                 guard_write(repository, spec, i, &differed, err);
            if (differed)
                say(names, i == GUARD_LINK ? ".git" : guard_name(i));
        }
        mem_free(path);
    }
    git_repository_free(repository);
    return ok;
}

bool private_put_back(const struct worktree_spec *spec, struct record *record, bool *changed,
                      char notice[WORKTREE_NOTICE_MAX], struct err *err)
{
    char names[NAMES_MAX] = "";
    *changed = false;
    if (!folder_exists(spec->path)) // deleted by hand: no .git file of ours is to appear there
        return true;
    bool ok = remove_planted(spec, names, err) && put_folders_back(spec, names, err) &&
              check_guards(spec, record, names, changed, err);
    if (ok && *changed)
        private_note(spec, record);
    if (*names)
        snprintf(notice, WORKTREE_NOTICE_MAX,
                 "The worktree's git directory was changed where it must not be; put back: %s.",
                 names);
    return ok;
}

// --- looking ---

static bool is_plain(int parent, const char *name, int depth, size_t *entries, const char *top,
                     struct err *err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return err_set_errno(err, ERR_WORKTREE, code, "cannot read %s of %s", name, top);
    }
    bool ok =
        depth < PRIVATE_DEPTH_MAX ||
        err_set(err, ERR_WORKTREE, "%s has folders nested deeper than %d", top, PRIVATE_DEPTH_MAX);
    const struct dirent *entry;
    while (ok && (entry = readdir(folder))) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (++*entries > PRIVATE_ENTRIES_MAX)
            ok =
                err_set(err, ERR_WORKTREE, "%s holds more than %d files", top, PRIVATE_ENTRIES_MAX);
        else if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            ok = err_set_errno(err, ERR_WORKTREE, errno, "cannot look at %s in %s", entry->d_name,
                               top);
        else if (S_ISDIR(st.st_mode))
            ok = is_plain(fd, entry->d_name, depth + 1, entries, top, err);
        else if (!S_ISREG(st.st_mode))
            ok = err_set(err, ERR_WORKTREE,
                         "%s of %s is neither a file nor a folder (a symlink or a pipe has no "
                         "business there); remove it",
                         entry->d_name, top);
    }
    closedir(folder);
    return ok;
}

bool private_is_plain(const char *folder, struct err *err)
{
    size_t entries = 0;
    return is_plain(AT_FDCWD, folder, 0, &entries, folder, err);
}

bool private_open(git_repository **out, const struct worktree_spec *spec, struct err *err)
{
    if (!folder_exists(spec->git))
        return err_set(err, ERR_WORKTREE,
                       "%s has no git directory at %s (an earlier version made it, or somebody "
                       "removed that): take its files over from %s by hand",
                       spec->name, spec->git, spec->path);
    return repository_open(out, spec->git, true, err);
}

bool private_open_repository(git_repository **out, const struct worktree_spec *spec,
                             const struct record *record, struct err *err)
{
    struct err ignored;
    // Started from a linked worktree that is gone by now, the record still knows the repository.
    return repository_open(out, spec->repository, true, err) ||
           repository_open(out, record->common, true, &ignored);
}
