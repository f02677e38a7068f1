// SPDX-License-Identifier: MIT
// Folders: making private ones, and removing whole trees without ever leaving them.
#ifndef SWARMD_CORE_FILES_FOLDER_H
#define SWARMD_CORE_FILES_FOLDER_H

#include "core/base/err.h"

#include <stdbool.h>

// Makes the folder `path` (absolute) and its missing parents, each 0700; those that are there
// stay as they are. ERR_STORAGE.
bool folder_make(const char *path, struct err *err);
bool folder_make_parents(const char *path, struct err *err); // of path, without path itself

// Removes path and everything below it; a path that is not there is no error. Symlinks are
// removed, never followed; folders that lack permissions get them first. Works at any depth with
// few descriptors. What cannot be removed stays, with ERR_STORAGE for the first of it.
bool folder_remove(const char *path, struct err *err);

// Is there anything at path? Does not follow a symlink.
bool folder_exists(const char *path);
bool folder_is_empty(const char *path); // a folder, readable, with nothing in it

#endif
