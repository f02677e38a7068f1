// SPDX-License-Identifier: MIT
// Whole files beneath a root: opened without hanging, read under a ceiling, replaced at once.
// Everything here blocks: call it on a work lane.
#ifndef SWARMD_CORE_FILES_FILE_H
#define SWARMD_CORE_FILES_FILE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/files/confine.h"

#include <stdbool.h>
#include <sys/stat.h>

enum { FILE_BINARY_PROBE = 8000 }; // bytes looked at for a NUL, as git does

// Opens a regular file for reading; anything else (a folder, a pipe, a device) is ERR_WORKTREE
// that says what it is. -1 and err.
int file_open(const struct root *root, const char *rel, struct stat *st, struct err *err);

// What a file of this mode is, with its article: "a folder", "a named pipe".
const char *file_kind_name(mode_t mode);

// read(2) that goes on after signals and short reads; bytes read (less than len only at the end
// of the file), or -1 and err.
long file_read(int fd, const char *rel, void *bytes, size_t len, struct err *err);
bool file_write(int fd, struct str bytes, struct err *err); // all of it

// The whole file, from where fd stands, into out (its ceiling is out->max; a larger file is
// ERR_LIMIT).
bool file_load_fd(int fd, const char *rel, struct buf *out, struct err *err);
bool file_load(const struct root *root, const char *rel, struct buf *out, struct err *err);

bool file_is_missing(const struct root *root, const char *rel); // nothing there, no link either
bool file_is_binary(struct str bytes);                          // by its first bytes

// A component ".git" in any case.
bool file_is_git(const char *rel);

struct file_replaced {
    bool created;
    char *rel; // where it really is, symbolic links resolved; mem_free
    // Names that the old file had: more than one, and the others still have the old bytes.
    unsigned links;
};

// Writes a file so that others see the old or the new bytes, never a part: a temporary file in
// the same folder, renamed. Makes missing folders, keeps the mode of a file that was there,
// writes through a symbolic link that stays inside, and refuses whatever is or leads into .git.
bool file_replace(const struct root *root, const char *rel, struct str bytes,
                  struct file_replaced *replaced, struct err *err);

#endif
