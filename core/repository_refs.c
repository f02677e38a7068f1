// SPDX-License-Identifier: MIT
#include "core/merge_refs.h"

#include "core/mem.h"
#include "core/worktree_locks.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEAD_AFTER_S = 2 }; // git holds such a lock for less than a millisecond

static char *lock_of(git_repository *repository, const char *name)
{
    return mem_format("%s%s.lock", git_repository_commondir(repository), name);
}

int refs_set(git_repository *repository, const char *name, const git_oid *id, const git_oid *old,
             bool ours, const char *log)
{
    git_reference *ref = NULL;
    int code, tries = 0;
    bool broken = false;
    do {
        code = git_reference_create_matching(&ref, repository, name, id, 1, old, log);
        if (code != GIT_ELOCKED)
            break;
        if (!lock_wait(&tries)) {
            if (!ours || broken)
                break;
            char *lock = lock_of(repository, name);
            broken = unlink(lock) == 0;
            mem_free(lock);
        }
    } while (tries < REF_LOCK_TRIES || broken);
    git_reference_free(ref);
    return code;
}

void refs_unlock(git_repository *repository, const char *name, const char *id)
{
    char *lock = lock_of(repository, name);
    char text[MERGE_ID_MAX + 2] = "";
    struct stat st;
    int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (len >= 0 && fstat(fd, &st) == 0) {
        text[strcspn(text, "\n")] = '\0';
        // One that nothing was written to yet does not say whose it is; its age does.
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        for (int tries = 0; len == 0 && now.tv_sec - st.st_mtim.tv_sec < DEAD_AFTER_S;) {
            if (!lock_wait(&tries) && access(lock, F_OK) < 0)
                break;
            clock_gettime(CLOCK_REALTIME, &now);
        }
        if (strcmp(text, id) == 0 || len == 0)
            unlink(lock);
    }
    if (fd >= 0)
        close(fd);
    mem_free(lock);
}
