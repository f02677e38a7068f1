// SPDX-License-Identifier: MIT
// The sandbox of agents' commands, as values: what the configuration wants, where an agent works,
// and the description for swarmd-exec (core/permission/sandbox_spec.h) that follows from both.
//
// docs/security.md says what each wall holds; the lists of paths are in sandbox_paths.c.
#ifndef SWARMD_CORE_PERMISSION_SANDBOX_H
#define SWARMD_CORE_PERMISSION_SANDBOX_H

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/permission/sandbox_spec.h"

#include <stdbool.h>
#include <stddef.h>

enum { SANDBOX_LIST_MAX = 64 }; // entries of each list of the configuration

enum sandbox_network { SANDBOX_NETWORK_ON, SANDBOX_NETWORK_OFF, SANDBOX_NETWORK_HOSTS };

struct sandbox_list {
    char *items[SANDBOX_LIST_MAX];
    size_t count;
};

// `sandbox` of the configuration.
struct sandbox_policy {
    bool off;
    bool own_writable;               // `writable` takes the place of the default build caches
    struct sandbox_list writable;    // paths; "~/" is the home folder
    struct sandbox_list hidden;      // paths, beside the built-in ones
    struct sandbox_list readable;    // built-in hidden ones that are not hidden
    struct sandbox_list environment; // names of variables; "NAME*" as well
    enum sandbox_network network;
    struct sandbox_list hosts; // that the network is limited to
    bool unix_sockets, ptrace;
    int memory_mb, processes, cpu_seconds, file_mb, open_files, disk_free_mb; // 0: no limit
    // For tests and the bench.
    bool without_namespaces, without_landlock, without_seccomp, without_cgroup;
    int landlock_abi; // 0: the newest that there is
    // Where the process found them; either may be NULL.
    char *home, *config_file;
};

void sandbox_policy_set_defaults(struct sandbox_policy *policy);
void sandbox_policy_release(struct sandbox_policy *policy);
// False when the list is full.
bool sandbox_list_add(struct sandbox_list *list, struct str item);

// Where an agent works. All absolute.
struct sandbox_place {
    const char *state_folder;
    const char *agent_id;
    const char *worktree;
    const char *repository; // the same as worktree with isolation "none"
    bool isolated;
    bool git_writable; // without isolation: .git is a folder and may be written
};

// Appends the description; nothing when the policy is off. place NULL: of a command that works
// nowhere. buf's ceiling is the caller's: an overflow is for the caller to see.
void sandbox_describe(struct buf *out, const struct sandbox_policy *policy,
                      const struct sandbox_place *place);

// Without isolation: what is read-only in .git, because git runs what is in it or goes where it
// leads. NULL-terminated.
extern const char *const sandbox_git_kept[];

// sandbox_environment.c: does a command of any agent get this NAME=VALUE?
bool sandbox_passes(const struct sandbox_policy *policy, const char *entry);
// Does a variable's name sound like a secret? These are given by roles only.
bool sandbox_is_secret(struct str name);

// sandbox_denial.c: what a command that failed was denied, for the model and people; NULL when
// nothing shows that it was anything. calls: the system calls that the helper saw refused, or NULL.
// weak: a wall was missing. Freed with mem_free().
char *sandbox_denial(const struct sandbox_policy *policy, bool weak, const char *calls,
                     struct str output);

// --- sandbox_paths.c; NULL-terminated; "~/" is the home folder

extern const char *const sandbox_caches[]; // writable unless the configuration says otherwise
extern const char *const sandbox_hidden[];
extern const char *const sandbox_shown[]; // of what is in hidden folders, read-only

#endif
