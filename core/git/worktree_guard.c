// SPDX-License-Identifier: MIT
#include "core/git/worktree_guard.h"

#include "core/base/mem.h"
#include "core/files/folder.h"
#include "core/git/repository.h"
#include "core/git/worktree_private.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static void put_file(struct buf *out, const struct worktree_spec *spec, const char *name,
                     enum guard guard)
{
    char *path = mem_format("%s/%s", spec->git, guard_name(guard));
    put_setting(out, "core", name, str_of(path));
    mem_free(path);
}

static bool config_text(git_repository *repository, const struct worktree_spec *spec,
                        struct buf *out, struct err *err)
{
    buf_add_str(out, STR("# Written by swarmd, which puts it back when it is changed.\n"
                         "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
                         "\tlogallrefupdates = true\n"));
    put_setting(out, "core", "worktree", str_of(spec->path));
    put_file(out, spec, "excludesFile", GUARD_PERSON_EXCLUDE);
    put_file(out, spec, "attributesFile", GUARD_PERSON_ATTRIBUTES);
    if (spec->sparse)
        buf_add_str(out, STR("[core]\n\tsparseCheckout = true\n\tsparseCheckoutCone = false\n"));
    if (!put_settings(repository, out, err))
        return false;
    // After the person's: no command runs by itself, no key is asked for, and the references that
    // swarmd keeps in packed-refs stay there.
    buf_add_str(out, STR("[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n"
                         "[core]\n\tsplitIndex = false\n[index]\n\tsparse = false\n"
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

const char *guard_name(enum guard guard)
{
    static const char *const names[GUARD_COUNT] = {
        [GUARD_CONFIG] = "config",
        [GUARD_ALTERNATES] = "objects/info/alternates",
        [GUARD_EXCLUDE] = "info/exclude",
        [GUARD_ATTRIBUTES] = "info/attributes",
        [GUARD_PERSON_EXCLUDE] = "info/person-exclude",
        [GUARD_PERSON_ATTRIBUTES] = "info/person-attributes",
    };
    return names[guard];
}

char *guard_path(const struct worktree_spec *spec, enum guard guard)
{
    return guard == GUARD_LINK ? mem_format("%s/.git", spec->path)
                               : mem_format("%s/%s", spec->git, guard_name(guard));
}

char *private_person_file(git_repository *repository, const char *key, const char *name)
{
    git_config *config = NULL;
    git_buf named = GIT_BUF_INIT;
    const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (git_repository_config_snapshot(&config, repository) == 0 &&
        git_config_get_path(&named, config, key) == 0)
        path = mem_dup(str_from(named.ptr, named.size));
    else if (folder && *folder)
        path = mem_format("%s/git/%s", folder, name);
    else if (home)
        path = mem_format("%s/.config/git/%s", home, name);
    git_buf_dispose(&named);
    git_config_free(config);
    return path;
}

// People keep their own behind symlinks.
static void read_person_file(git_repository *repository, const char *key, const char *name,
                             struct buf *out)
{
    char *path = private_person_file(repository, key, name);
    char *real = path ? realpath(path, NULL) : NULL;
    if (real)
        small_file_read(real, out);
    free(real);
    mem_free(path);
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
    case GUARD_PERSON_EXCLUDE:
        read_person_file(repository, "core.excludesfile", "ignore", out);
        return true;
    case GUARD_PERSON_ATTRIBUTES:
        read_person_file(repository, "core.attributesfile", "attributes", out);
        return true;
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

bool guard_write(git_repository *repository, const struct worktree_spec *spec, enum guard guard,
                 bool *differed, struct err *err)
{
    char *path = guard_path(spec, guard);
    struct buf text, now;
    buf_init(&text, 2 * SMALL_FILE_MAX);
    buf_init(&now, 2 * SMALL_FILE_MAX);
    bool ok = guard_text(repository, spec, guard, &text, err);
    if (ok && text.overflow)
        ok = err_set(err, ERR_WORKTREE, "what belongs into %s is too long", path);
    *differed = !small_file_read(path, &now) || !str_equal(buf_str(&now), buf_str(&text));
    bool none = guard >= GUARD_EXCLUDE && text.len == 0;
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
