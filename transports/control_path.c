// SPDX-License-Identifier: MIT
#include "transports/control_path.h"

#include "core/base/mem.h"
#include "transports/control.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// FNV-1a: names need to differ, not to be hard to guess; the folder that they are in is private.
static uint64_t hash(const char *text)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 0x100000001b3u;
    return value;
}

static bool is_private_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 077) == 0;
}

static bool make_far(struct control_path *path, const char *folder, struct err *err)
{
    const char *temporary = getenv("TMPDIR");
    char real[PATH_MAX];
    if (!temporary || temporary[0] != '/')
        temporary = "/tmp";
    char *private = mem_format("%s/swarmd-%ld", temporary, (long)geteuid());
    path->socket =
        mem_format("%s/%016" PRIx64 ".sock", private, hash(realpath(folder, real) ? real : folder));
    bool ok = strlen(path->socket) <= CONTROL_PATH_MAX;
    if (!ok)
        err_set(err, ERR_STORAGE,
                "the control socket has no place: %s and %s are longer than %d bytes; set "
                "SWARMD_STATE_DIR or TMPDIR to a shorter path",
                path->link, path->socket, CONTROL_PATH_MAX);
    else if (mkdir(private, 0700) != 0 && errno != EEXIST)
        ok = err_set_errno(err, ERR_STORAGE, errno, "cannot make the folder %s", private);
    else if (!is_private_folder(private))
        ok = err_set(err, ERR_REFUSED,
                     "%s is not a folder that only you can use: the control socket is not made "
                     "there; remove it, or set TMPDIR to another folder",
                     private);
    mem_free(private);
    return ok;
}

static bool is_short(const char *path)
{
    return strlen(path) <= CONTROL_PATH_MAX;
}

bool control_path_make(struct control_path *path, const char *folder, struct err *err)
{
    *path = (struct control_path){.socket = mem_format("%s/swarmd.sock", folder)};
    bool far = !is_short(path->socket);
    bool ok = true;
    if (far) {
        path->link = path->socket;
        path->socket = NULL;
        ok = make_far(path, folder, err);
    }
    if (ok) {
        control_path_remove(path);
        ok = !far || symlink(path->socket, path->link) == 0 ||
             err_set_errno(err, ERR_STORAGE, errno, "cannot make %s", path->link);
    }
    if (!ok)
        control_path_release(path);
    return ok;
}

bool control_path_find(struct control_path *path, const char *folder, struct err *err)
{
    char target[CONTROL_PATH_MAX + 2];
    *path = (struct control_path){.socket = mem_format("%s/swarmd.sock", folder)};
    if (is_short(path->socket))
        return true;
    path->link = path->socket;
    ssize_t len = readlink(path->link, target, sizeof(target) - 1);
    bool ok = len > 0 && len <= CONTROL_PATH_MAX;
    target[ok ? len : 0] = '\0';
    path->socket = mem_format("%s", target);
    if (!ok) {
        err_set(err, ERR_LEASE, "nobody listens at %s", path->link);
        control_path_release(path);
    }
    return ok;
}

void control_path_remove(const struct control_path *path)
{
    unlink(path->socket);
    if (path->link)
        unlink(path->link);
}

void control_path_release(struct control_path *path)
{
    mem_free(path->socket);
    mem_free(path->link);
    *path = (struct control_path){NULL, NULL};
}
