// SPDX-License-Identifier: MIT
#include "core/worktree_private.h"

#include "core/folder.h"
#include "core/mem.h"
#include "core/repository.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// --- what the files of ours say ---

// Settings of the person's that matter to files, commits and what git prints, and none that names
// a command or a file.
static const char *const settings[] = {
    "user.name",
    "user.email",
    "author.name",
    "author.email",
    "committer.name",
    "committer.email",
    "core.autocrlf",
    "core.eol",
    "core.safecrlf",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.filemode",
    "core.symlinks",
    "core.quotepath",
    "core.whitespace",
    "core.abbrev",
    "core.checkstat",
    "core.trustctime",
    "core.commentchar",
    "core.bigfilethreshold",
    "core.protecthfs",
    "core.protectntfs",
    "diff.algorithm",
    "diff.renames",
    "diff.renamelimit",
    "diff.context",
    "diff.interhunkcontext",
    "diff.noprefix",
    "diff.mnemonicprefix",
    "diff.indentheuristic",
    "diff.suppressblankempty",
    "diff.ignoresubmodules",
    "diff.submodule",
    "diff.wserrorhighlight",
    "merge.conflictstyle",
    "merge.renames",
    "merge.renamelimit",
    "merge.directoryrenames",
    "commit.cleanup",
    "i18n.commitencoding",
    "i18n.logoutputencoding",
    "log.date",
    "log.abbrevcommit",
    "init.defaultbranch",
    "status.showuntrackedfiles",
    "status.renames",
    "apply.whitespace",
    "pull.rebase",
    "pull.ff",
    "rebase.autosquash",
    "stash.showpatch",
};

static void put_setting(struct buf *out, const char *section, const char *name, struct str value)
{
    buf_addf(out, "[%s]\n\t%s = \"", section, name);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == '"' || c == '\\')
            buf_add_char(out, '\\');
        if (c == '\n')
            buf_add_str(out, STR("\\n"));
        else if (c == '\t')
            buf_add_str(out, STR("\\t"));
        else
            buf_add_char(out, c);
    }
    buf_add_str(out, STR("\"\n"));
}

static bool put_settings(git_repository *repository, struct buf *out, struct err *err)
{
    git_config *config = NULL;
    if (git_repository_config_snapshot(&config, repository) < 0)
        return git_fail(err, ERR_WORKTREE, "cannot read the configuration of %s",
                        git_repository_commondir(repository));
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const char *value, *dot = strchr(settings[i], '.');
        char section[32] = "";
        memcpy(section, settings[i], (size_t)(dot - settings[i]));
        if (git_config_get_string(&value, config, settings[i]) == 0)
            put_setting(out, section, dot + 1, str_of(value));
    }
    git_config_free(config);
    return true;
}

static bool config_text(git_repository *repository, const struct worktree_spec *spec,
                        struct buf *out, struct err *err)
{
    buf_add_str(out, STR("# Written by swarmd, which puts it back when it is changed.\n"
                         "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
                         "\tlogallrefupdates = true\n"));
    put_setting(out, "core", "worktree", str_of(spec->path));
    if (!put_settings(repository, out, err))
        return false;
    // After the person's: no command runs by itself, no key is asked for, and the references that
    // swarmd keeps in packed-refs stay there.
    buf_add_str(out, STR("[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n"
                         "[commit]\n\tgpgsign = false\n[tag]\n\tgpgsign = false\n"
                         "[gc]\n\tauto = 0\n\tpackRefs = false\n[maintenance]\n\tauto = false\n"));
    return true;
}

// Relative ones only count in the repository itself, so all are written out.
static bool put_alternates(const char *objects, int depth, int *count, struct buf *out,
                           struct err *err)
{
    char *real = realpath(objects, NULL);
    if (!real || strchr(real, '\n') || ++*count > ALTERNATES_MAX) {
        free(real);
        return depth > 0 // git passes over an alternate that is not there
               || err_set(err, ERR_WORKTREE, "cannot use the objects in %s%s", objects,
                          strchr(objects, '\n') ? ": its name has a line break" : "");
    }
    buf_addf(out, "%s\n", real);
    char *file = mem_format("%s/info/alternates", real);
    struct buf text;
    buf_init(&text, SMALL_FILE_MAX);
    bool ok = true;
    if (depth < 5 && small_file_read(file, &text)) {
        char *save = NULL;
        for (char *line = strtok_r(text.data, "\n", &save); ok && line;
             line = strtok_r(NULL, "\n", &save)) {
            if (*line == '#')
                continue;
            char *path = *line == '/' ? mem_dup(str_of(line)) : mem_format("%s/%s", real, line);
            ok = put_alternates(path, depth + 1, count, out, err);
            mem_free(path);
        }
    }
    buf_release(&text);
    mem_free(file);
    free(real);
    return ok;
}

static bool alternates_text(git_repository *repository, struct buf *out, struct err *err)
{
    char *objects = mem_format("%sobjects", git_repository_commondir(repository));
    int count = 0;
    bool ok = put_alternates(objects, 0, &count, out, err);
    mem_free(objects);
    return ok;
}

static const char *guard_name(enum guard guard)
{
    static const char *const names[GUARD_COUNT] = {
        [GUARD_CONFIG] = "config",
        [GUARD_ALTERNATES] = "objects/info/alternates",
        [GUARD_EXCLUDE] = "info/exclude",
        [GUARD_ATTRIBUTES] = "info/attributes",
    };
    return names[guard];
}

static char *guard_path(const struct worktree_spec *spec, enum guard guard)
{
    return guard == GUARD_LINK ? mem_format("%s/.git", spec->path)
                               : mem_format("%s/%s", spec->git, guard_name(guard));
}

static bool guard_text(git_repository *repository, const struct worktree_spec *spec,
                       enum guard guard, struct buf *out, struct err *err)
{
    switch (guard) {
    case GUARD_LINK:
        buf_addf(out, "gitdir: %s\n", spec->git);
        return true;
    case GUARD_CONFIG:
        return config_text(repository, spec, out, err);
    case GUARD_ALTERNATES:
        return alternates_text(repository, out, err);
    default: {
        char *path = mem_format("%s%s", git_repository_commondir(repository), guard_name(guard));
        small_file_read(path, out); // often there is none
        mem_free(path);
        return true;
    }
    }
}

// A folder in the place of a file of ours (git init in the worktree) holds work: it is kept.
static bool move_aside(const struct worktree_spec *spec, const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return true;
    char *aside = private_aside(spec);
    bool ok = folder_remove(aside, err) &&
              (rename(path, aside) == 0 ||
               err_set_errno(err, ERR_WORKTREE, errno, "cannot move %s to %s", path, aside));
    mem_free(aside);
    return ok;
}

char *private_aside(const struct worktree_spec *spec)
{
    return mem_format("%s/replaced", spec->git);
}

static bool guard_write(git_repository *repository, const struct worktree_spec *spec,
                        enum guard guard, bool *differed, struct err *err)
{
    char *path = guard_path(spec, guard);
    struct buf text, now;
    buf_init(&text, 2 * SMALL_FILE_MAX);
    buf_init(&now, 2 * SMALL_FILE_MAX);
    bool ok = guard_text(repository, spec, guard, &text, err);
    if (ok && text.overflow)
        ok = err_set(err, ERR_WORKTREE, "what belongs into %s is too long", path);
    *differed = !small_file_read(path, &now) || !str_equal(buf_str(&now), buf_str(&text));
    bool none = (guard == GUARD_EXCLUDE || guard == GUARD_ATTRIBUTES) && text.len == 0;
    if (none)
        *differed = folder_exists(path) && now.len > 0;
    if (ok && *differed)
        ok = move_aside(spec, path, err);
    if (ok && *differed && none)
        ok = folder_remove(path, err);
    else if (ok && *differed)
        ok = small_file_write(path, buf_str(&text), err);
    buf_release(&text);
    buf_release(&now);
    mem_free(path);
    return ok;
}

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
    bool ok = remove_planted(spec, names, err) && check_guards(spec, record, names, changed, err);
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
