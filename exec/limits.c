// SPDX-License-Identifier: MIT
#include "exec/helper.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CPU_GRACE_S = 5 };

static void limit(int what, int64_t value)
{
    struct rlimit now;
    if (value <= 0 || getrlimit((__rlimit_resource_t)what, &now) < 0)
        return;
    rlim_t most = (rlim_t)value < now.rlim_max ? (rlim_t)value : now.rlim_max;
    struct rlimit wanted = {most, most};
    setrlimit((__rlimit_resource_t)what, &wanted);
}

// The first signal says which limit it was; the one after CPU_GRACE_S is SIGKILL.
static void limit_cpu(int64_t seconds)
{
    struct rlimit wanted = {(rlim_t)seconds, (rlim_t)seconds + CPU_GRACE_S};
    if (seconds > 0 && setrlimit(RLIMIT_CPU, &wanted) < 0)
        limit(RLIMIT_CPU, seconds);
}

// A link to /proc/PID/task for each thread, and two.
static int64_t threads_of_user(void)
{
    DIR *entries = opendir("/proc");
    const struct dirent *entry;
    int64_t count = 0;
    while (entries && (entry = readdir(entries))) {
        char path[300];
        struct stat st;
        snprintf(path, sizeof path, "/proc/%s/task", entry->d_name);
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && stat(path, &st) == 0 &&
            st.st_uid == getuid() && st.st_nlink > 2)
            count += (int64_t)st.st_nlink - 2;
    }
    if (entries)
        closedir(entries);
    return count;
}

void limits_apply(const struct plan *plan, bool in_namespaces)
{
    // The init of the namespace counts, and without one all processes of the user. So many may be
    // made that watch.c sees the limit reached, and ends what would only fail to fork. Root is
    // exempt.
    if (plan->processes > 0)
        limit(RLIMIT_NPROC, plan->processes + (in_namespaces ? 1 : threads_of_user()));
    limit_cpu(plan->cpu);
    limit(RLIMIT_FSIZE, plan->file);
    limit(RLIMIT_NOFILE, plan->files);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

// Of root as well: no right beyond those of the owner of files is left, and none comes back with a
// program that root executes or that has rights of its own.
bool privileges_drop(struct failure *failure)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(failure, "give up new privileges");
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
    for (int cap = 0, has; (has = prctl(PR_CAPBSET_READ, cap)) >= 0; cap++)
        if (has && prctl(PR_CAPBSET_DROP, cap) < 0 && errno != EPERM)
            return fail(failure, "drop capability %d", cap);
    return syscall(SYS_capset, &header, none) == 0 || fail(failure, "drop capabilities");
}

void limits_report(const struct plan *plan, int exit_code)
{
    if (exit_code == 128 + SIGXCPU && plan->cpu > 0)
        report(SANDBOX_SAYS_LIMIT,
               "a process used more than %lld s of CPU time (limit sandbox.cpu_seconds)",
               (long long)plan->cpu);
    if (exit_code == 128 + SIGXFSZ && plan->file > 0)
        report(SANDBOX_SAYS_LIMIT, "a file became larger than %lld MB (limit sandbox.file_mb)",
               (long long)(plan->file >> 20));
}
