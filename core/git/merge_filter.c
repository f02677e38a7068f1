// SPDX-License-Identifier: MIT
#include "core/git/merge_filter.h"

#include "core/base/mem.h"
#include "core/git/worktree_git.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define WHY "a filter (git-lfs and the like)"

static bool has_program(git_repository *repository, const char *filter)
{
    static const char *const kinds[] = {"process", "smudge", "clean"};
    git_config *config = NULL;
    bool found = false;
    if (git_repository_config_snapshot(&config, repository) < 0)
        return true; // git will say what is wrong with it
    for (size_t i = 0; !found && i < sizeof(kinds) / sizeof(*kinds); i++) {
        char *key = mem_format("filter.%s.%s", filter, kinds[i]);
        const char *value;
        found = git_config_get_string(&value, config, key) == 0 && *value;
        mem_free(key);
    }
    git_config_free(config);
    return found;
}

bool filter_runs(const struct checkout *checkout, const char *path)
{
    const char *value = NULL;
    if (checkout->plan->update)
        return false;
    git_attr_get(&value, checkout->repository, GIT_ATTR_CHECK_FILE_THEN_INDEX, path, "filter");
    return git_attr_value(value) == GIT_ATTR_VALUE_STRING &&
           has_program(checkout->repository, value);
}

bool filter_write(const struct checkout *checkout, const char *path, const git_oid *blob, int fd,
                  struct err *err)
{
    char id[GIT_OID_HEXSZ + 1];
    char *at = mem_format("--path=%s", path);
    const char *const arguments[] = {"cat-file", "--filters", at, id, NULL};
    const struct git_command command = {.arguments = arguments, .why = WHY, .out = fd};
    git_oid_tostr(id, sizeof(id), blob);
    bool ok = git_run(checkout->repository, &command, err) ||
              err_wrap(err, "the content of %s cannot be made", path);
    mem_free(at);
    return ok;
}

bool filter_hash(const struct checkout *checkout, const char *real, const char *path, git_oid *id)
{
    char said[GIT_OID_HEXSZ + 1] = "";
    char *at = mem_format("--path=%s", path);
    const char *const arguments[] = {"hash-object", "--stdin", at, NULL};
    struct git_command command = {.arguments = arguments, .why = WHY};
    struct err ignored; // what cannot be told is another content
    command.in = open(real, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    command.out = memfd_create("swarmd-hash", MFD_CLOEXEC);
    bool ok = command.in > 0 && command.out > 0 &&
              git_run(checkout->repository, &command, &ignored) &&
              pread(command.out, said, GIT_OID_HEXSZ, 0) == GIT_OID_HEXSZ &&
              git_oid_fromstr(id, said) == 0;
    if (command.in >= 0)
        close(command.in);
    if (command.out >= 0)
        close(command.out);
    mem_free(at);
    return ok;
}
