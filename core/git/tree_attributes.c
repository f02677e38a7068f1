// SPDX-License-Identifier: MIT
// What .gitattributes says of files. libgit2 opens these files by their paths, wherever the
// worktree's owner has them lead.
#include "core/git/repository.h"
#include "core/git/tree_diff.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BINARY_PROBE = 8000 };

static bool is_safe(const char *top, const char *path, int len, struct err *err)
{
    char file[PATH_MAX];
    struct stat st;
    snprintf(file, sizeof file, "%s%.*s%s.gitattributes", top, len, path, len ? "/" : "");
    if (stat(file, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return true;
    return err_set(err, ERR_WORKTREE, "%s is no regular file; remove it", file);
}

bool tree_attributes_are_safe(git_repository *repository, const char *path, struct err *err)
{
    const char *top = git_repository_workdir(repository);
    if (!top)
        return true;
    bool safe = is_safe(top, path, 0, err);
    for (const char *slash = strchr(path, '/'); safe && slash; slash = strchr(slash + 1, '/'))
        safe = is_safe(top, path, (int)(slash - path), err);
    return safe;
}

bool tree_is_text(git_repository *repository, const char *path, const void *bytes, size_t len)
{
    const char *value = NULL;
    if (git_attr_get(&value, repository, GIT_ATTR_CHECK_FILE_THEN_INDEX, path, "diff") == 0) {
        git_attr_value_t kind = git_attr_value(value);
        if (kind == GIT_ATTR_VALUE_FALSE || kind == GIT_ATTR_VALUE_TRUE)
            return kind == GIT_ATTR_VALUE_TRUE;
    }
    return !memchr(bytes, 0, len < BINARY_PROBE ? len : BINARY_PROBE);
}
