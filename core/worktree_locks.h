// SPDX-License-Identifier: MIT
// Another git holds a lock of the refs for a moment: wait, and try again. For core/worktree*.c
// only.
#ifndef SWARMD_CORE_WORKTREE_LOCKS_H
#define SWARMD_CORE_WORKTREE_LOCKS_H

#include <stdbool.h>
#include <time.h>

enum {
    REF_LOCK_TRIES = 40,
    REF_LOCK_WAIT_MS = 25,
};

// False when it was tried often enough.
static inline bool lock_wait(int *tries)
{
    struct timespec pause = {.tv_nsec = REF_LOCK_WAIT_MS * 1000000L};
    if (++*tries >= REF_LOCK_TRIES)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

#endif
