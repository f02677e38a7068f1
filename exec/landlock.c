// SPDX-License-Identifier: MIT
// Landlock: a second wall behind the mounts, and the only one around files where there are none.
// Its numbers are written here, as the headers of Debian 12 end with ABI 2.
#include "exec/helper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ABI_MIN = 2 }; // before it no file could be renamed from folder to folder

enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    ALL_OF_ABI_1 = (1 << 13) - 1,
    REFER = 1 << 13,     // ABI 2
    TRUNCATE = 1 << 14,  // ABI 3
    IOCTL_DEV = 1 << 15, // ABI 5
    READING = EXECUTE | READ_FILE | READ_DIR,
    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
};

enum { NET_ALL = 3 };                 // ABI 4: bind and connect over TCP
enum { SCOPE_ALL = 3 };               // ABI 6: abstract sockets and signals
enum { ABI_NET = 4, ABI_SCOPES = 6 }; // ABI 3 and 5 only add bits

struct ruleset_attr {
    uint64_t files, net, scopes;
};

struct __attribute__((packed)) path_attr {
    uint64_t access;
    int32_t parent;
};

struct ruleset {
    const struct plan *plan;
    struct failure *failure;
    int fd;
    uint64_t handled;
};

static bool allow_fd(struct ruleset *set, int fd, uint64_t access)
{
    struct path_attr attr = {access & set->handled, fd};
    return syscall(SYS_landlock_add_rule, set->fd, 1, &attr, 0) == 0;
}

static bool allow(struct ruleset *set, const char *path, uint64_t access)
{
    struct stat st;
    int fd = path_open(set->plan, path);
    if (fd < 0)
        return path_is_missing(errno) || fail(set->failure, "open %s", path);
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        access &= OF_FILES;
    bool ok = allow_fd(set, fd, access);
    int code = errno;
    close(fd);
    errno = code;
    return ok || fail(set->failure, "allow %s in Landlock", path);
}

// --- what may be read where nothing is hidden by mounts

// /dev, too: root could read disks there. Some of it is allowed by itself.
static bool is_hidden(const struct plan *plan, const char *path)
{
    if (strcmp(path, "/dev") == 0)
        return true;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->paths[i].use == PATH_HIDE && strcmp(plan->paths[i].path, path) == 0)
            return true;
    return false;
}

static bool hides_inside(const struct plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->paths[i].use == PATH_HIDE && path_is_in(plan->paths[i].path, path))
            return true;
    return false;
}

static bool allow_around_hidden(struct ruleset *set, const char *folder, uint64_t access);

static bool allow_entry(struct ruleset *set, const char *path, uint64_t access)
{
    if (is_hidden(set->plan, path))
        return true;
    if (hides_inside(set->plan, path))
        return allow_around_hidden(set, path, access);
    return allow(set, path, access);
}

// Rules only allow, so a folder with something hidden in it is allowed entry by entry. Only as deep
// as hidden paths go. Links are not followed: what they lead to has its own entry.
static bool allow_around_hidden(struct ruleset *set, const char *folder, uint64_t access)
{
    DIR *entries = opendir(folder);
    if (!entries)
        return true;
    bool ok = true;
    const struct dirent *entry;
    while (ok && (entry = readdir(entries))) {
        char path[PATH_MAX];
        bool fits = snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") ? folder : "",
                             entry->d_name) < (int)sizeof path;
        if (fits && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            entry->d_type != DT_LNK)
            ok = allow_entry(set, path, access);
    }
    closedir(entries);
    return ok;
}

static bool allow_reading(struct ruleset *set, bool alone)
{
    if (!alone)
        return allow(set, "/", READING);
    // Names may be listed everywhere; contents not.
    return allow(set, "/", READ_DIR) && allow_around_hidden(set, "/", READING);
}

// --- all

// No /dev/pts: the person's terminals are there.
static bool allow_devices(struct ruleset *set)
{
    uint64_t access = READ_FILE | WRITE_FILE | IOCTL_DEV | TRUNCATE;
    for (int i = 0; i < PATH_DEVICES; i++)
        if (!allow(set, path_devices[i], access))
            return false;
    return allow(set, "/dev/shm", ~0ULL);
}

static bool allow_writing(struct ruleset *set, bool alone)
{
    const struct plan *plan = set->plan;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_path *path = &plan->paths[i];
        uint64_t access = path->use == PATH_WRITE ? ~0ULL : READING;
        if (path->use == PATH_HIDE)
            continue;
        if (alone ? !allow_entry(set, path->path, access) : !allow(set, path->path, access))
            return false;
    }
    if (alone)
        return allow_devices(set) && (!plan->tmp || allow(set, plan->tmp, ~0ULL));
    return allow(set, "/dev", ~0ULL) &&
           (!plan->tmp || (allow(set, "/tmp", ~0ULL) && allow(set, "/var/tmp", ~0ULL)));
}

static int create(struct ruleset *set, int abi, bool own_network)
{
    struct ruleset_attr attr = {.files = ALL_OF_ABI_1 | REFER};
    size_t size = sizeof attr.files;
    if (abi >= 3)
        attr.files |= TRUNCATE;
    if (abi >= 5)
        attr.files |= IOCTL_DEV;
    if (abi >= ABI_NET) {
        size = offsetof(struct ruleset_attr, scopes);
        if (!own_network && set->plan->network != NETWORK_ON)
            attr.net = NET_ALL;
    }
    if (abi >= ABI_SCOPES) {
        size = sizeof attr;
        attr.scopes = SCOPE_ALL;
    }
    set->handled = attr.files;
    return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

int landlock_restrict(const struct plan *plan, bool alone, struct failure *failure)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    if (abi > plan->landlock_abi)
        abi = plan->landlock_abi;
    if (abi < ABI_MIN)
        return 0;
    struct ruleset set = {.plan = plan, .failure = failure};
    set.fd = create(&set, abi, !alone);
    if (set.fd < 0) {
        fail(failure, "make a Landlock ruleset");
        return -1;
    }
    bool ok = allow_reading(&set, alone) && allow_writing(&set, alone);
    if (ok && syscall(SYS_landlock_restrict_self, set.fd, 0) < 0)
        ok = fail(failure, "put Landlock into force");
    close(set.fd);
    return ok ? abi : -1;
}
