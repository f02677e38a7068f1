// SPDX-License-Identifier: MIT
#include "core/git/worktree_rules.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool rules_are_files_in(int folder, const char *name, struct err *err)
{
    static const char *const rules[] = {".gitignore", ".gitattributes"};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct stat st;
        if (fstatat(folder, rules[i], &st, 0) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
            return err_set(err, ERR_WORKTREE, "%s of %s is no regular file; remove it", rules[i],
                           name);
    }
    return true;
}

static bool look(int parent, const char *name, int depth, size_t *folders, const char *top,
                 struct err *err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) { // git does not see into it either
        if (fd >= 0)
            close(fd);
        return true;
    }
    bool ok = rules_are_files_in(fd, depth ? name : top, err);
    if (ok && (depth >= RULES_DEPTH_MAX || ++*folders > RULES_FOLDERS_MAX))
        ok = err_set(err, ERR_LIMIT, "%s has more folders than can be looked at", top);
    const struct dirent *entry;
    while (ok && (entry = readdir(dir))) {
        bool may_be = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
        if (may_be && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, ".git") != 0)
            ok = look(fd, entry->d_name, depth + 1, folders, top, err);
    }
    closedir(dir);
    return ok;
}

bool rules_are_files(const char *top, struct err *err)
{
    size_t folders = 0;
    return look(AT_FDCWD, top, 0, &folders, top, err);
}
