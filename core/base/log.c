// SPDX-License-Identifier: MIT
#include "core/base/log.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/time_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct log {
    const struct ports *ports;
    char *path;
    enum log_level level;
    struct list watchers;
    struct buf pending; // lines that wait
    size_t dropped;     // lines that found no room
    bool telling;       // a watcher that logs is not told again
    struct deferred flush;
    // with the lane, while writing
    bool writing;
    struct work work;
    struct buf lines;
    // the end
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

bool log_level_from_name(struct str name, enum log_level *level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (str_is(name, level_names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

// --- on the lane ---

static void shift_files(const char *path)
{
    for (int i = LOG_FILES - 1; i > 0; i--) {
        char *older = mem_format("%s.%d", path, i);
        char *newer = i > 1 ? mem_format("%s.%d", path, i - 1) : mem_dup(str_of(path));
        rename(newer, older); // a missing one is no fault
        mem_free(older);
        mem_free(newer);
    }
}

static int open_file(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size >= LOG_FILE_MAX)
        shift_files(path);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void write_run(struct work *work)
{
    struct log *log = list_entry(work, struct log, work);
    struct str rest = buf_str(&log->lines);
    int fd = open_file(log->path);
    while (fd >= 0 && rest.len) {
        ssize_t written = write(fd, rest.data, rest.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        rest = str_skip(rest, (size_t)written);
    }
    if (fd >= 0)
        close(fd);
    // What a full disk did not take is gone: a log must not grow in memory instead.
    buf_clear(&log->lines);
}

// --- on the loop ---

static void finish(struct log *log)
{
    void (*closed)(void *arg) = log->closed;
    void *arg = log->closed_arg;
    list_remove(&log->flush.node);
    buf_release(&log->pending);
    buf_release(&log->lines);
    mem_free(log->path);
    mem_free(log);
    closed(arg);
}

static void say_dropped(struct log *log)
{
    size_t dropped = log->dropped;
    log->dropped = 0;
    if (dropped > 0)
        log_line(log, LOG_WARNING, NULL, "%zu lines of the log were dropped", dropped);
}

static void write_done(struct work *work)
{
    struct log *log = list_entry(work, struct log, work);
    log->writing = false;
    say_dropped(log);
    port_defer(log->ports, &log->flush);
}

static void flush(struct deferred *deferred)
{
    struct log *log = list_entry(deferred, struct log, flush);
    if (log->writing)
        return;
    if (log->pending.len == 0) {
        if (log->closing)
            finish(log);
        return;
    }
    struct buf empty = log->lines;
    log->lines = log->pending;
    log->pending = empty;
    log->writing = true;
    port_work(log->ports, LANE_FILES, &log->work);
}

struct log *log_create(const struct ports *ports, const char *folder, enum log_level level)
{
    struct log *log = mem_new(sizeof(*log));
    log->ports = ports;
    log->path = mem_format("%s/swarmd.log", folder);
    log->level = level;
    log->flush.fn = flush;
    log->work.run = write_run;
    log->work.done = write_done;
    list_init(&log->watchers);
    list_init(&log->flush.node);
    buf_init(&log->pending, LOG_PENDING_MAX);
    buf_init(&log->lines, LOG_PENDING_MAX);
    return log;
}

void log_close(struct log *log, void (*closed)(void *arg), void *arg)
{
    if (!log)
        return;
    log->closing = true;
    log->closed = closed;
    log->closed_arg = arg;
    port_defer(log->ports, &log->flush);
}

static void tell(struct log *log, enum log_level level, struct str text)
{
    if (log->telling)
        return;
    log->telling = true;
    list_for_each_safe(node, &log->watchers)
    {
        struct log_watcher *watcher = list_entry(node, struct log_watcher, node);
        watcher->line(watcher, level, text);
    }
    log->telling = false;
}

static void keep(struct log *log, enum log_level level, struct str text)
{
    char time[25];
    time_format(port_wall_ms(log->ports), time);
    size_t before = log->pending.len;
    buf_addf(&log->pending, "%s %s %.*s\n", time, log_level_name(level), STR_ARG(text));
    if (log->pending.overflow) {
        log->pending.overflow = false;
        buf_truncate(&log->pending, before);
        log->dropped++;
    }
    port_defer(log->ports, &log->flush);
}

void log_line(struct log *log, enum log_level level, const char *agent, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    if (!log || (level < log->level && list_empty(&log->watchers)))
        return;
    int prefix = agent ? snprintf(line, sizeof(line), "[%s] ", agent) : 0;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix, format, args);
    va_end(args);
    size_t len = strlen(line);
    for (size_t i = 0; length >= 0 && i < len; i++) {
        if ((unsigned char)line[i] < ' ')
            line[i] = ' '; // an event is one line
    }
    if (level >= log->level)
        keep(log, level, str_from(line, len));
    tell(log, level, str_from(line, len));
}

void log_watch(struct log *log, struct log_watcher *watcher)
{
    if (log)
        list_append(&log->watchers, &watcher->node);
}

void log_unwatch(struct log_watcher *watcher)
{
    if (watcher->node.next)
        list_remove(&watcher->node);
}
