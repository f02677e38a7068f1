// SPDX-License-Identifier: MIT
#include "core/base/mem.h"
#include "core/git/repository.h"

#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_set(git_config *config, const char *key)
{
    git_config_entry *entry = NULL;
    bool set = git_config_get_entry(&entry, config, key) == 0;
    git_config_entry_free(entry);
    return set;
}

static bool check_entry(const char *path, const git_config_entry *entry, struct err *err)
{
    // What is declared to libgit2 (repository.c), and what it knows.
    static const char *const known[] = {"extensions.noop", "extensions.worktreeconfig",
                                        "extensions.partialclone", "extensions.preciousobjects",
                                        "extensions.objectformat"};
    if (!str_starts(str_of(entry->name), STR("extensions.")))
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(entry->name, known[i]) == 0)
            return true;
    return err_set(err, ERR_REPOSITORY,
                   "the repository at %s needs the git extension '%s', which is not supported yet",
                   path, entry->name + sizeof "extensions." - 1);
}

static bool check(const char *path, git_config *config, struct err *err)
{
    if (is_set(config, "extensions.objectformat")) // as libgit2 spells it
        return err_set(err, ERR_REPOSITORY,
                       "the repository at %s names its objects by another hash than SHA-1 "
                       "(extensions.objectFormat, sha256), which libgit2 %s cannot read and swarmd "
                       "thus does not support; agents can work in a repository made without "
                       "--object-format",
                       path, LIBGIT2_VERSION);
    int32_t version = 0;
    git_config_get_int32(&version, config, "core.repositoryformatversion");
    git_config_iterator *entries = NULL;
    if (git_config_iterator_new(&entries, config) < 0)
        return git_fail(err, ERR_REPOSITORY, "cannot read the configuration of %s", path);
    git_config_entry *entry;
    bool ok = true;
    while (ok && version >= 1 && git_config_next(&entry, entries) == 0)
        ok = check_entry(path, entry, err);
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

bool repository_index_is_foreign(void)
{
    const git_error *last = git_error_last();
    const char *reason = last && last->message ? last->message : "";
    return strstr(reason, "'link'") || strstr(reason, "'sdir'");
}
