// SPDX-License-Identifier: MIT
// What the built-in tools share among themselves: arguments, blocking jobs, results. Nobody else
// includes this.
#ifndef SWARMD_CORE_TOOLS_TOOL_PARTS_H
#define SWARMD_CORE_TOOLS_TOOL_PARTS_H

#include "core/tools/tool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TOOL_SENTENCE_MAX = 16 << 10, // what may stand in a result beside TOOL_SHOWN_MAX
    TOOL_TITLE_MAX = 200,
};

extern const struct tool tool_read, tool_write, tool_edit, tool_list, tool_glob, tool_grep,
    tool_bash;

// --- arguments ---

struct tool_arg {
    const char *name;
    enum json_type type; // JSON_INT takes 10.0 too
    bool required;       // of strings: also not empty, unless `may_be_empty`
    bool may_be_empty;
    int64_t min, max; // of integers
};

struct tool_takes {
    const char *tool; // its name
    const char *text; // "{path: string, offset?: integer}"
    const struct tool_arg *args;
    size_t count;
};

// Checks input (an object) against what is taken; unknown members are refused, null is absent.
bool tool_args_check(const struct tool_takes *takes, const struct json *input, struct err *err);
int64_t tool_arg_int(const struct json *input, const char *key, int64_t fallback);
struct str tool_arg_path(const struct json *input); // "path", or "." where it is absent

// "path" relative to the root, for writing: .git is refused. NULL and err; mem_free.
char *tool_writable_path(const struct tool_place *place, const struct json *input, struct err *err);

// ERR_PARAMS: "<tool>: <what>; takes <text>".
bool tool_args_error(const struct tool_takes *takes, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// --- results ---

void tool_fail(struct tool_run *run, const struct err *err);
// Of a file that had other names (hard links): that they keep the old bytes.
void tool_note_links(struct tool_run *run, unsigned links);
void tool_set_paths(struct tool_run *run, const char *rel); // result.paths = [rel]

void tool_set_full(struct tool_run *run, const char *path);

// Appends "<verb> <what>" as one line of at most TOOL_TITLE_MAX bytes.
void tool_title(struct buf *out, const char *verb, struct str what);
// For a search: its `pattern`, and " in " its `path` when it has one.
void tool_title_search(struct buf *out, const char *verb, const struct json *input);

// --- jobs: fn runs on LANE_FILES, then run->done on the loop ---

// fn fills run->result and looks at *stop now and then: when it is set nobody wants the result,
// and nothing more may be changed.
void tool_job_start(struct tool_run *run,
                    void (*fn)(struct tool_run *run, const atomic_bool *stop));
void tool_job_cancel(struct tool_run *run);

#endif
