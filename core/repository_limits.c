// SPDX-License-Identifier: MIT
#include "core/mem.h"
#include "core/repository.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_HASH, LIMIT_PARTIAL, LIMIT_WORKTREE_CONFIG, LIMIT_SPLIT, LIMIT_SPARSE, LIMIT_COUNT };

static const struct limit {
    const char *key; // as libgit2 spells it: lower case
    bool flag;       // matters when true; else when it is there at all
    const char *says;
} limits[LIMIT_COUNT] = {
    [LIMIT_HASH] = {"extensions.objectformat", false,
                    "names its objects by another hash than SHA-1 (extensions.objectFormat, "
                    "sha256), which is not "
                    "supported yet; agents can work in a repository made without --object-format"},
    [LIMIT_PARTIAL] =
        {"extensions.partialclone", false,
         "is a partial clone, which is not supported yet; make a whole one: git clone without "
         "--filter"},
    [LIMIT_WORKTREE_CONFIG] = {"extensions.worktreeconfig", true,
                               "has extensions.worktreeConfig on (git sparse-checkout sets it), "
                               "which is not supported yet; "
                               "work in a plain clone, or turn it off: git sparse-checkout "
                               "disable, then git config --unset "
                               "extensions.worktreeConfig"},
    [LIMIT_SPLIT] =
        {"core.splitindex", true,
         "has a split index (core.splitIndex), which is not supported yet; turn it off: git config "
         "core.splitIndex false, then git update-index --no-split-index"},
    [LIMIT_SPARSE] =
        {"index.sparse", true,
         "has a sparse index (index.sparse), which is not supported yet; turn it off: git "
         "sparse-checkout reapply --no-sparse-index"},
};

static bool refuse(const char *path, const char *says, struct err *err)
{
    return err_set(err, ERR_REPOSITORY, "the repository at %s %s", path, says);
}

static bool is_true(const git_config *config, const char *key)
{
    int value = 0;
    return git_config_get_bool(&value, config, key) == 0 && value;
}

static bool is_set(git_config *config, const char *key)
{
    git_config_entry *entry = NULL;
    bool set = git_config_get_entry(&entry, config, key) == 0;
    git_config_entry_free(entry);
    return set;
}

// The keys that no table can hold: remotes have names of their own, extensions are still made.
static bool check_entry(const char *path, const git_config_entry *entry, int version,
                        struct err *err)
{
    struct str name = str_of(entry->name);
    int promised = 0;
    if (str_starts(name, STR("remote.")) && str_ends(name, STR(".promisor")) &&
        git_config_parse_bool(&promised, entry->value) == 0 && promised)
        return refuse(path, limits[LIMIT_PARTIAL].says, err);
    if (version < 1 || !str_starts(name, STR("extensions.")) || str_is(name, "extensions.noop"))
        return true;
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        if (str_is(name, limits[i].key))
            return true;
    return err_set(err, ERR_REPOSITORY,
                   "the repository at %s needs the git extension '%s', which is not supported yet",
                   path, entry->name + sizeof "extensions." - 1);
}

static bool check(const char *path, git_config *config, struct err *err)
{
    for (size_t i = 0; i < LIMIT_COUNT; i++)
        if (limits[i].flag ? is_true(config, limits[i].key) : is_set(config, limits[i].key))
            return refuse(path, limits[i].says, err);
    int32_t version = 0;
    git_config_get_int32(&version, config, "core.repositoryformatversion");
    git_config_iterator *entries = NULL;
    if (git_config_iterator_new(&entries, config) < 0)
        return git_fail(err, ERR_REPOSITORY, "cannot read the configuration of %s", path);
    git_config_entry *entry;
    bool ok = true;
    while (ok && git_config_next(&entry, entries) == 0)
        ok = check_entry(path, entry, version, err);
    git_config_iterator_free(entries);
    return ok;
}

// Before opening: libgit2 refuses extensions without a way out, and leaks while it does.
bool repository_check_files(const char *path, struct err *err)
{
    git_buf found = GIT_BUF_INIT;
    git_config *config = NULL;
    if (git_repository_discover(&found, path, 0, NULL) == 0) {
        // A linked worktree has its configuration in the common folder.
        static const char *const places[] = {"config", "../../config"};
        for (size_t i = 0; i < 2 && !config; i++) {
            char *file = mem_format("%s%s", found.ptr, places[i]);
            if (access(file, R_OK) == 0)
                git_config_open_ondisk(&config, file);
            mem_free(file);
        }
    }
    git_buf_dispose(&found);
    bool ok = !config || check(path, config, err); // what does not read is told by opening
    git_config_free(config);
    return ok;
}

bool repository_check_config(const char *path, git_repository *repository, struct err *err)
{
    git_config *config = NULL;
    if (git_repository_config_snapshot(&config, repository) < 0)
        return git_fail(err, ERR_REPOSITORY, "cannot read the configuration of %s", path);
    bool ok = check(path, config, err);
    git_config_free(config);
    return ok;
}

// The person's index is never written, but a merge reads it: better said now than then.
bool repository_check_index(const char *path, git_repository *repository, struct err *err)
{
    git_index *index = NULL;
    int code = git_repository_index(&index, repository);
    git_index_free(index);
    if (code == 0)
        return true;
    const git_error *last = git_error_last();
    const char *reason = last && last->message ? last->message : "";
    if (strstr(reason, "'link'"))
        return refuse(path, limits[LIMIT_SPLIT].says, err);
    if (strstr(reason, "'sdir'"))
        return refuse(path, limits[LIMIT_SPARSE].says, err);
    return git_fail(err, ERR_REPOSITORY, "cannot read the index of the repository at %s", path);
}
