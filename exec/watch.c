// SPDX-License-Identifier: MIT
// What no rlimit holds for a whole command: memory and processes of all together, and the room on
// the disk. Looked at while it runs, so that a little more than the limit may be taken before it is
// seen; where there is a cgroup (cgroup.c) the kernel is exact.
#include "exec/helper.h"

#include "core/base/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    FIRST_LOOK_MS = 50,
    LOOK_MS = 100, // while a command is young
    LATER_LOOK_MS = 250,
    YOUNG_MS = 3000,
    TAKEN_MIN = 64 << 20, // bytes that have gone from a disk that is nearly full anyway
    FILES_TAKEN_MIN = 1000,
    FILES_KEPT = 50, // a fiftieth of them
    LINE_MAX_ = 1024,
};

struct use {
    int64_t threads, memory;
};

static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

// The name, which may hold anything, ends at the last ')'; num_threads is the 18th word after it,
// the resident pages are the 22nd.
static void add_process(struct use *use, long pid)
{
    char path[64], line[LINE_MAX_];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (!read_text(path, line, sizeof line))
        return;
    const char *at = strrchr(line, ')');
    int64_t words[23] = {0};
    for (int i = 1; at && i < 23 && (at = strchr(at, ' ')); i++)
        words[i] = strtoll(++at, NULL, 10);
    use->threads += words[18];
    use->memory += words[22] * sysconf(_SC_PAGESIZE);
}

// Pages that processes share are counted once here, which takes the kernel much longer.
static int64_t exact_memory(long pid)
{
    char path[64], text[LINE_MAX_];
    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
    if (!read_text(path, text, sizeof text))
        return 0;
    const char *at = strstr(text, "\nPss:");
    return at ? strtoll(at + 5, NULL, 10) * 1024 : 0;
}

static void find_processes(const struct watch *watch, struct process_tree *tree)
{
    if (!watch->is_init) {
        process_tree_find(tree, getpid());
        return;
    }
    DIR *entries = opendir("/proc");
    const struct dirent *entry;
    tree->count = 0;
    while (entries && (entry = readdir(entries))) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 1)
            process_tree_add(tree, (pid_t)pid);
    }
    if (entries)
        closedir(entries);
}

static int64_t shared_memory(const struct watch *watch)
{
    struct statvfs fs;
    if (!watch->is_init || statvfs("/dev/shm", &fs) < 0)
        return 0;
    return (int64_t)(fs.f_blocks - fs.f_bfree) * (int64_t)fs.f_frsize;
}

static bool passes_memory(const struct watch *watch, const struct process_tree *tree,
                          int64_t resident)
{
    int64_t limit = watch->plan->memory, exact = shared_memory(watch);
    if (limit == 0 || resident + exact <= limit)
        return false;
    for (size_t i = 0; i < tree->count; i++)
        exact += exact_memory(tree->pids[i]);
    if (exact <= limit)
        return false;
    report(SANDBOX_SAYS_LIMIT, LIMIT_MEMORY_TEXT, limit >> 20);
    return true;
}

static bool passes_processes(const struct watch *watch, int64_t threads)
{
    int64_t limit = watch->plan->processes;
    if (limit == 0 || threads < limit)
        return false;
    report(SANDBOX_SAYS_LIMIT,
           "the command had %" PRId64 " processes and threads (limit sandbox.processes)", limit);
    return true;
}

static bool passes_room(struct watch *watch, int i, const struct statvfs *fs, const char *where)
{
    int64_t left = (int64_t)fs->f_bavail * (int64_t)fs->f_frsize;
    if (watch->room_at_start[i] < 0)
        watch->room_at_start[i] = left;
    if (left >= watch->plan->disk_free || left + TAKEN_MIN > watch->room_at_start[i])
        return false;
    report(SANDBOX_SAYS_LIMIT,
           "less than %" PRId64 " MB are left on the disk of %s (limit sandbox.disk_free_mb)",
           watch->plan->disk_free >> 20, where);
    return true;
}

// Empty files take no room, and yet all that a disk has for them. Some file systems (f_files is 0)
// have as many as there is room.
static bool passes_files(struct watch *watch, int i, const struct statvfs *fs, const char *where)
{
    int64_t left = (int64_t)fs->f_favail, all = (int64_t)fs->f_files;
    if (watch->files_at_start[i] < 0)
        watch->files_at_start[i] = left;
    if (left >= all / FILES_KEPT || left + FILES_TAKEN_MIN > watch->files_at_start[i])
        return false;
    report(SANDBOX_SAYS_LIMIT,
           "the disk of %s has room for %" PRId64 " more files only, of %" PRId64
           " (limit sandbox.disk_free_mb)",
           where, left, all);
    return true;
}

// Where the worktree is, and where /tmp is.
static bool passes_disk(struct watch *watch)
{
    const char *places[WATCH_DISKS] = {".", getenv("TMPDIR")};
    for (int i = 0; i < WATCH_DISKS && watch->plan->disk_free > 0; i++) {
        struct statvfs fs;
        const char *where = i == 0 ? "the worktree" : "/tmp";
        if (places[i] && statvfs(places[i], &fs) == 0 &&
            (passes_room(watch, i, &fs, where) || passes_files(watch, i, &fs, where)))
            return true;
    }
    return false;
}

// No rlimit counts the processes of root, and hundreds of them would keep this one from looking.
static void look_before_others(void)
{
    struct sched_param first = {.sched_priority = sched_get_priority_min(SCHED_RR)};
    if (sched_setscheduler(0, SCHED_RR, &first) < 0)
        nice(-20); // as good as it gets; ordinary users are held by RLIMIT_NPROC
}

void watch_begin(struct watch *watch, const struct plan *plan, bool is_init)
{
    *watch = (struct watch){
        .plan = plan, .is_init = is_init, .room_at_start = {-1, -1}, .files_at_start = {-1, -1}};
    watch->next_at = -1;
    if (!plan->sandboxed || (!plan->memory && !plan->processes && !plan->disk_free))
        return;
    watch->began_at = now_ms();
    watch->next_at = watch->began_at + FIRST_LOOK_MS;
    passes_disk(watch); // notes what is there now
    if (plan->processes && geteuid() == 0)
        look_before_others();
}

bool watch_look(struct watch *watch)
{
    static struct process_tree tree;
    struct use use = {0, 0};
    int64_t now = now_ms();
    if (watch->next_at < 0 || now < watch->next_at)
        return false;
    watch->next_at = now + (now - watch->began_at < YOUNG_MS ? LOOK_MS : LATER_LOOK_MS);
    find_processes(watch, &tree);
    for (size_t i = 0; i < tree.count; i++)
        add_process(&use, tree.pids[i]);
    return passes_processes(watch, use.threads) || passes_memory(watch, &tree, use.memory) ||
           passes_disk(watch);
}
