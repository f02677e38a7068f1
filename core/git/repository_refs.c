// SPDX-License-Identifier: MIT
#include "core/git/repository_refs.h"

#include "core/base/mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ID_TEXT_MAX = GIT_OID_HEXSZ + 2 };

static char *lock_of(git_repository *repository, const char *name)
{
    return mem_format("%s%s.lock", git_repository_commondir(repository), name);
}

static void pause_a_moment(void)
{
    const struct timespec pause = {.tv_nsec = REF_LOCK_WAIT_MS * 1000000L};
    nanosleep(&pause, NULL);
}

// --- waiting for a lock ---

struct patience {
    git_repository *repository;
    const char *name;
    enum refs_owner owner;
    int tries;
    bool broken;
};

static bool is_dead(const char *lock)
{
    struct stat st;
    return lstat(lock, &st) == 0 && time(NULL) - st.st_mtime >= REF_LOCK_DEAD_S;
}

// The lock of packed-refs, which has the same error, is everybody's: git itself waits for it.
static bool break_lock(struct patience *patience)
{
    char *lock = lock_of(patience->repository, patience->name);
    if (!patience->broken)
        patience->broken = is_dead(lock) && unlink(lock) == 0;
    else
        patience->owner = REFS_SHARED;
    mem_free(lock);
    return patience->broken;
}

static bool again(struct patience *patience, int code)
{
    if (code != GIT_ELOCKED)
        return false;
    if (patience->owner == REFS_OURS && break_lock(patience))
        return true;
    // Of ours: until it is old enough to be a dead server's.
    int most = patience->owner == REFS_OURS ? 2 * REF_LOCK_TRIES * REF_LOCK_DEAD_S : REF_LOCK_TRIES;
    if (++patience->tries >= most)
        return false;
    pause_a_moment();
    return true;
}

// --- references ---

int refs_set(git_repository *repository, const char *name, const git_oid *id, const git_oid *old,
             enum refs_owner owner, const char *log)
{
    struct patience patience = {repository, name, owner, 0, false};
    git_reference *ref = NULL;
    int code;
    do
        code = git_reference_create_matching(&ref, repository, name, id, 1, old, log);
    while (again(&patience, code));
    git_reference_free(ref);
    return code;
}

int refs_make(git_repository *repository, const char *name, const git_oid *id, const char *log)
{
    struct patience patience = {repository, name, REFS_OURS, 0, false};
    git_reference *ref = NULL;
    int code;
    do
        code = git_reference_create(&ref, repository, name, id, 0, log);
    while (again(&patience, code));
    git_reference_free(ref);
    return code;
}

int refs_remove(git_repository *repository, const char *name, enum refs_owner owner)
{
    struct patience patience = {repository, name, owner, 0, false};
    int code;
    do
        code = git_reference_remove(repository, name);
    while (again(&patience, code));
    return code == GIT_ENOTFOUND ? 0 : code;
}

// --- what a dead server held ---

void refs_unlock(git_repository *repository, const char *name, const char *id)
{
    char *lock = lock_of(repository, name);
    char text[ID_TEXT_MAX] = "";
    int fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (len >= 0) {
        text[strcspn(text, "\n")] = '\0';
        // One that nothing was written to yet does not say whose it is; its age does.
        for (int i = 0; len == 0 && i < 2 * REF_LOCK_TRIES * REF_LOCK_DEAD_S && !is_dead(lock); i++)
            pause_a_moment();
        if (strcmp(text, id) == 0 || (len == 0 && is_dead(lock)))
            unlink(lock);
    }
    if (fd >= 0)
        close(fd);
    mem_free(lock);
}
