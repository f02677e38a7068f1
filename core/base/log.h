// SPDX-License-Identifier: MIT
// The log: <state folder>/swarmd.log, one line an event, kept in LOG_FILES files of LOG_FILE_MAX.
//
//     2026-11-21T08:41:51.295Z info [fix-the-parser-k3m9x] working -> waiting
//
// Lines are collected and written on LANE_FILES at the end of the loop turn; nobody waits for
// them. While the disk does not take them at most LOG_PENDING_MAX are kept; what is dropped then is
// counted and said. What people and models wrote (tasks, messages, commands, outputs) and
// credentials never stand in the log.
//
// Every function takes a NULL log and does nothing.
#ifndef SWARMD_CORE_BASE_LOG_H
#define SWARMD_CORE_BASE_LOG_H

#include "core/base/list.h"
#include "core/base/ports.h"
#include "core/base/str.h"

#include <stdbool.h>

enum {
    LOG_FILE_MAX = 10 << 20, // bytes; then swarmd.log becomes swarmd.log.1 and so on
    LOG_FILES = 5,           // swarmd.log and four older ones
    LOG_LINE_MAX = 1024,     // bytes; longer ones are cut
    LOG_PENDING_MAX = 256 << 10,
};

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
const char *log_level_name(enum log_level level); // "debug"
bool log_level_from_name(struct str name, enum log_level *level);

struct log;

// Lines below `level` are not written to the file; those who watch get them all.
struct log *log_create(const struct ports *ports, const char *folder, enum log_level level);
// Writes what is left; `closed` comes once, never from within, and the log is gone.
void log_close(struct log *log, void (*closed)(void *arg), void *arg);

// `agent` is an id or NULL.
void log_line(struct log *log, enum log_level level, const char *agent, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// Sees each line as it is logged, without time and level: "[id] text".
struct log_watcher {
    void (*line)(struct log_watcher *watcher, enum log_level level, struct str text);
    struct list node;
};
void log_watch(struct log *log, struct log_watcher *watcher);
void log_unwatch(struct log_watcher *watcher); // harmless when not watching

#endif
