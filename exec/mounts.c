// SPDX-License-Identifier: MIT
// The mount namespace of a command. Each system call here is paid by every command, so: everything
// is made read-only by one call, and what differs is put on top.
//
// 1. What is to be seen or written is opened as a detached mount, where it still has its place.
// 2. The whole tree becomes private and read-only.
// 3. Hidden folders get an empty one on top, outer ones first, and inside them the detached mounts
//    their places again.
#include "exec/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHARED_MEMORY_MB = 1024, PUT_TRIES_MAX = 100 };

static const char scratch[] = "/tmp"; // gets an empty file system, and its own contents after it

struct mounts {
    const struct plan *plan;
    struct failure *failure;
    int sources[SANDBOX_PATHS_MAX]; // detached mounts, by the plan's paths; -1: not there
    bool open[SANDBOX_PATHS_MAX];   // hidden folders that are writable until close_hidden()
    int devices[PATH_DEVICES];
    int tmp, var_tmp;
    int scratch; // holds empty/, nothing (a file), and a folder for each hidden one
    int hidden;  // number of the next of these
};

static int clone_tree(const char *path)
{
    return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static bool set_read_only(int fd, const char *path, unsigned flags)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    return mount_setattr(fd, path, flags, &attr, sizeof attr) == 0;
}

// --- 1

// -1 and errno.
static int clone_of_plan(const struct plan *plan, const char *path)
{
    int fd = path_open(plan, path);
    if (fd < 0)
        return -1;
    int source =
        open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
    int code = errno;
    close(fd);
    errno = code;
    return source;
}

static bool open_sources(struct mounts *m)
{
    const struct plan *plan = m->plan;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_path *path = &plan->paths[i];
        m->sources[i] = path->use == PATH_HIDE ? -1 : clone_of_plan(plan, path->path);
        if (m->sources[i] < 0 && path->use != PATH_HIDE && !path_is_missing(errno))
            return fail(m->failure, "open %s for the sandbox", path->path);
    }
    for (int i = 0; i < PATH_DEVICES; i++)
        m->devices[i] = clone_tree(path_devices[i]);
    if (!plan->tmp)
        return true;
    m->tmp = clone_tree(plan->tmp);
    m->var_tmp = clone_tree(plan->tmp);
    return (m->tmp >= 0 && m->var_tmp >= 0) || fail(m->failure, "open %s", plan->tmp);
}

// --- 3: putting mounts into their places

// The places of mounts in hidden folders and in the temporary one; elsewhere they exist.
static void make_place(const char *path, bool folder)
{
    struct stat st;
    char part[PATH_MAX];
    if (stat(path, &st) == 0 || snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return;
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(part, 0755);
        *slash = '/';
    }
    if (folder) {
        mkdir(part, 0755);
        return;
    }
    int fd = open(part, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
    if (fd >= 0)
        close(fd);
}

static bool put(struct mounts *m, int source, const char *path)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;
    bool ok = move_mount(source, "", AT_FDCWD, path, flags) == 0;
    if (!ok)
        fail(m->failure, "put the sandbox's mount on %s", path);
    close(source);
    return ok;
}

static bool put_of_plan(struct mounts *m, int source, const char *path)
{
    int place = path_open(m->plan, path);
    bool ok = place >= 0 && move_mount(source, "", place, "",
                                       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0;
    if (!ok)
        fail(m->failure, "put the sandbox's mount on %s", path);
    close(source);
    if (place >= 0)
        close(place);
    return ok;
}

static bool put_source(struct mounts *m, size_t index)
{
    const struct plan_path *path = &m->plan->paths[index];
    struct stat st;
    int source = m->sources[index];
    if (source < 0)
        return true;
    for (int tries = 1;; tries++) {
        if (path->use == PATH_READ && !set_read_only(source, "", AT_EMPTY_PATH | AT_RECURSIVE))
            return fail(m->failure, "make %s read-only", path->path);
        if (fstat(source, &st) < 0)
            return fail(m->failure, "look at %s", path->path);
        make_place(path->path, S_ISDIR(st.st_mode));
        if (put_of_plan(m, source, path->path))
            return true;
        // swarmd has put a new file in its place meanwhile: that one, then.
        source = m->failure->code == ENOENT && tries < PUT_TRIES_MAX
                     ? clone_of_plan(m->plan, path->path)
                     : -1;
        if (source < 0)
            return false;
    }
}

// --- hiding

static bool has_inside(const struct plan *plan, const char *folder)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->paths[i].use != PATH_HIDE && path_is_in(plan->paths[i].path, folder))
            return true;
    return false;
}

// An empty folder, of which more will be seen than nothing. It stays writable until
// close_hidden().
static bool hide_around(struct mounts *m, const char *path)
{
    char name[24];
    snprintf(name, sizeof name, "%d", m->hidden++);
    if (mkdirat(m->scratch, name, 0755) < 0)
        return fail(m->failure, "make an empty folder for %s", path);
    int source = open_tree(m->scratch, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return source >= 0 ? put(m, source, path) : fail(m->failure, "hide %s", path);
}

static bool hide(struct mounts *m, size_t index)
{
    const char *path = m->plan->paths[index].path;
    struct stat st;
    if (stat(path, &st) < 0)
        return path_is_missing(errno) || fail(m->failure, "look at %s", path);
    m->open[index] = S_ISDIR(st.st_mode) && has_inside(m->plan, path);
    if (m->open[index])
        return hide_around(m, path);
    int source = open_tree(m->scratch, S_ISDIR(st.st_mode) ? "empty" : "nothing",
                           OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return source >= 0 ? put(m, source, path) : fail(m->failure, "hide %s", path);
}

// Those with something inside were left writable for the places of it.
static bool close_hidden(struct mounts *m)
{
    for (size_t i = 0; i < m->plan->count; i++) {
        const char *path = m->plan->paths[i].path;
        if (m->open[i] && !set_read_only(AT_FDCWD, path, 0))
            return fail(m->failure, "make %s read-only", path);
    }
    return set_read_only(AT_FDCWD, "/dev", 0) || fail(m->failure, "make /dev read-only");
}

static bool make_scratch(struct mounts *m)
{
    if (mount("swarmd", scratch, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755") < 0)
        return fail(m->failure, "mount an empty file system");
    m->scratch = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int nothing = openat(m->scratch, "nothing", O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
    if (nothing < 0 || mkdirat(m->scratch, "empty", 0555) < 0)
        return fail(m->failure, "make an empty folder");
    close(nothing);
    // Mounts that are read-only themselves, so that each copy of them is.
    static const char *const names[] = {"empty", "nothing"};
    for (int i = 0; i < 2; i++) {
        int copy = open_tree(m->scratch, names[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (copy < 0 || !set_read_only(copy, "", AT_EMPTY_PATH) ||
            move_mount(copy, "", m->scratch, names[i], MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return fail(m->failure, "make an empty folder read-only");
        close(copy);
    }
    return true;
}

// --- folders of the system

static bool make_dev(struct mounts *m)
{
    static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                           {"/proc/self/fd/0", "/dev/stdin"},
                                           {"/proc/self/fd/1", "/dev/stdout"},
                                           {"/proc/self/fd/2", "/dev/stderr"},
                                           {"pts/ptmx", "/dev/ptmx"}};
    if (!hide_around(m, "/dev"))
        return false;
    for (int i = 0; i < PATH_DEVICES; i++) {
        if (m->devices[i] < 0)
            continue;
        make_place(path_devices[i], false);
        if (!put(m, m->devices[i], path_devices[i]))
            return false;
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i][0], links[i][1]) < 0)
            return fail(m->failure, "make %s", links[i][1]);
    char options[64];
    snprintf(options, sizeof options, "size=%dm,mode=1777", SHARED_MEMORY_MB);
    if (mkdir("/dev/shm", 0755) < 0 || mkdir("/dev/pts", 0755) < 0 ||
        mount("swarmd", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        return fail(m->failure, "mount /dev/shm");
    // Without it no command gets a terminal of its own, which few want.
    (void)mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                "newinstance,ptmxmode=0666,mode=620");
    return true;
}

// A container that hides parts of /proc forbids a new one; then the old one stays, and Landlock
// keeps the command from other processes' entries.
static bool make_proc(struct mounts *m)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL) == 0)
        return true;
    if (errno != EPERM)
        return fail(m->failure, "mount /proc");
    report(SANDBOX_SAYS_WEAK, "other processes can be listed: no own /proc may be mounted here");
    return true;
}

static bool make_tmp(struct mounts *m)
{
    if (!m->plan->tmp)
        return true;
    if (!put(m, m->tmp, scratch))
        return false;
    struct stat st;
    if (lstat("/var/tmp", &st) == 0 && S_ISDIR(st.st_mode))
        return put(m, m->var_tmp, "/var/tmp");
    close(m->var_tmp);
    return true;
}

// --- all

// Private first: what is mounted on a shared mount would appear outside, too.
static enum mounts_result begin(struct mounts *m)
{
    struct mount_attr attr = {.propagation = MS_PRIVATE};
    if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) < 0) {
        fail(m->failure, "make mounts private");
        return MOUNTS_FORBIDDEN; // a policy that gives user namespaces without their rights
    }
    bool ok = open_sources(m);
    if (ok && !set_read_only(AT_FDCWD, "/", AT_RECURSIVE))
        ok = fail(m->failure, "make the system read-only");
    return ok ? MOUNTS_DONE : MOUNTS_FAILED;
}

static bool put_paths(struct mounts *m)
{
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct plan_path *path = &m->plan->paths[i];
        if (path->use == PATH_HIDE ? !hide(m, i) : !put_source(m, i))
            return false;
    }
    return true;
}

enum mounts_result mounts_build(const struct plan *plan, struct failure *failure)
{
    struct mounts m = {.plan = plan, .failure = failure, .tmp = -1, .var_tmp = -1, .scratch = -1};
    char cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof cwd)) {
        fail(failure, "find the working folder");
        return MOUNTS_FAILED;
    }
    enum mounts_result result = begin(&m);
    if (result != MOUNTS_DONE)
        return result;
    bool ok = make_proc(&m) && make_scratch(&m) && make_dev(&m) && make_tmp(&m) && put_paths(&m) &&
              close_hidden(&m);
    if (m.scratch >= 0)
        close(m.scratch);
    if (ok && chdir(cwd) < 0)
        ok = fail(failure, "go to %s", cwd);
    return ok ? MOUNTS_DONE : MOUNTS_FAILED;
}
