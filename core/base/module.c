// SPDX-License-Identifier: MIT
#include "core/base/module.h"

#include "core/base/mem.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

// Of the binary; false where there is no /proc.
static bool own_folder(char folder[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (len <= 0)
        return false;
    folder[len] = '\0';
    *strrchr(folder, '/') = '\0';
    return true;
}

char *module_path(const char *file)
{
    char folder[PATH_MAX];
    if (!own_folder(folder))
        return mem_dup(str_of(file));
    char *beside = mem_format("%s/%s", folder, file);
    if (access(beside, R_OK) == 0)
        return beside;
    mem_free(beside);
    return mem_format("%s/../libexec/swarmd/%s", folder, file);
}

// An update may have replaced the files of a server that runs: its tables may differ.
static bool is_ours(const void *table)
{
    const char *version = *(const char *const *)table;
    return strcmp(version, SWARMD_VERSION) == 0;
}

static const void *load(const char *path, const char *name, enum err_kind kind, struct err *err)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const void *table = library ? dlsym(library, name) : NULL;
    if (!table) {
        err_set(err, kind, "cannot load a part of swarmd: %s", dlerror());
        return NULL;
    }
    if (!is_ours(table)) {
        err_set(err, kind, "%s is of another version than this swarmd, %s; start swarmd again",
                path, SWARMD_VERSION);
        return NULL;
    }
    return table;
}

const void *module_open(const char *file, const char *table, enum err_kind kind, struct err *err)
{
    char *path = module_path(file);
    const void *found = NULL;
    if (access(path, R_OK) == 0)
        found = load(path, table, kind, err);
    else
        err_set(err, kind,
                "%s, which is a part of swarmd, is neither beside the program nor at %s; "
                "install swarmd again",
                file, path);
    mem_free(path);
    return found;
}
