// SPDX-License-Identifier: MIT
// A file that grows on LANE_FILES while its bytes come on the loop: whole outputs of commands.
//
// Writes go one batch at a time; what comes meanwhile waits in memory, and its owner stops the
// source while spool_is_full(). A disk that fails is remembered and reported at the end; the bytes
// that follow are dropped.
#ifndef SWARMD_CORE_FILES_SPOOL_H
#define SWARMD_CORE_FILES_SPOOL_H

#include "core/base/err.h"
#include "core/base/ports.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SPOOL_FULL = 1 << 20,     // bytes that wait: the source should pause
    SPOOL_WAIT_MAX = 8 << 20, // what still comes after that; more is an error at the end
};

struct spool;

struct spool_events {
    void (*drained)(void *arg); // it was full and is not any more
    // After spool_finish(), once: everything is written and synced, or err says why not. The
    // spool is gone then.
    void (*finished)(void *arg, const struct err *err);
};

// The file is <folder>/<name>, 0600, in a folder that is made when it is missing, 0700.
struct spool *spool_create(const struct ports *ports, const char *folder, const char *name,
                           const struct spool_events *events, void *arg);
void spool_write(struct spool *spool, struct str bytes); // copied
bool spool_is_full(const struct spool *spool);
void spool_finish(struct spool *spool);

#endif
