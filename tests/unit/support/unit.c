// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include <ftw.h>
#include <unistd.h>

enum { FOLDERS_MAX = 64 };

static char folders[FOLDERS_MAX][64];
static int folder_count;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_folders(void)
{
    for (int i = 0; i < folder_count; i++)
        nftw(folders[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *unit_temp_folder(void)
{
    if (folder_count == 0)
        atexit(remove_folders);
    if (folder_count == FOLDERS_MAX)
        abort();
    char *path = folders[folder_count++];
    strcpy(path, "/tmp/swarmd-unit-XXXXXX");
    if (!mkdtemp(path))
        abort();
    return path;
}
