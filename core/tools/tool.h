// SPDX-License-Identifier: MIT
// The tool port: what the model may call.
//
// A call is checked (tool_check: arguments against what the tool takes), may be suspended by the
// agent for an approval, across a restart too, and is then run. Running never blocks the loop;
// `done` comes once. What is already running can be cancelled; `done` still comes.
#ifndef SWARMD_CORE_TOOLS_TOOL_H
#define SWARMD_CORE_TOOLS_TOOL_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/ports.h"
#include "core/files/confine.h"
#include "core/model/model.h"
#include "core/permission/sandbox.h"
#include "core/tools/output_sizes.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TOOL_SHOWN_MAX = 50000, // bytes of output that go to the model and the editor
    TOOL_READ_LINES_MAX = 2000,
    TOOL_OUTPUT_FILE_MAX = 1 << 30, // bytes kept on disk of one command; then it is stopped
};

// What a call would change; permission modes are decided by it.
enum tool_effect { TOOL_READS, TOOL_WRITES_FILES, TOOL_RUNS_COMMANDS };

// Where a call runs. Owned by the agent, outlives every call.
struct tool_place {
    const struct ports *ports;
    const struct root *root;             // the worktree
    const char *output_folder;           // <state>/output/<agent id>; made on first use, 0700
    const char *const *envp;             // for commands; holds no credentials of swarmd's
    struct str sandbox;                  // of commands (core/permission/sandbox.h); empty: none
    const struct sandbox_policy *policy; // that it follows from; with it
};

struct tool_result {
    struct buf output; // valid UTF-8, at most TOOL_SHOWN_MAX and a sentence
    bool failed;       // the model is told that it is an error
    int exit_code;     // of a command, else -1
    int64_t bytes;     // of the whole output
    int64_t plain;     // of the whole output as plain text, when it was cut
    int64_t chars;     // code points of that
    char *full;        // file: URI of the whole output when it is kept on disk, else NULL
    struct buf kept;   // what a summary may not lose, word for word, when it was cut
    char *paths;       // JSON array of the files written, relative; or NULL
    char *blocked;     // what the sandbox denied a command that failed, or NULL
    char *weak;        // a wall of the sandbox that this system does not have, or NULL
};

struct tool_run;

struct tool {
    struct model_tool schema;
    enum tool_effect effect;
    bool exact; // what it gives was asked for as it is: never cut
    bool live;  // sends progress: `output` below is called while it runs
    // One line for people: "bash: make test", "edit core/json.c (2 edits)". At most 200 bytes.
    void (*title)(const struct json *input, struct buf *out);
    // Fast and pure: are the arguments complete and of the right types? ERR_PARAMS says which.
    bool (*check)(const struct json *input, struct err *err);
    // What it would do, as a unified diff, for approvals; NULL for tools that change no files.
    // Blocking: runs on LANE_FILES. Appends to out (cut at TOOL_SHOWN_MAX).
    bool (*preview)(const struct tool_place *place, const struct json *input, struct buf *out,
                    struct err *err);
    void (*start)(struct tool_run *run);
    void (*cancel)(struct tool_run *run); // as soon as it can; `done` comes
};

struct tool_run {
    // set by the caller before tool_start()
    const struct tool *tool;
    const struct tool_place *place;
    const char *item_id; // names the output file
    struct output_sizes sizes;
    struct arena arena; // holds `input`; released by tool_run_release()
    const struct json *input;
    void (*output)(void *arg, struct str piece); // progress, may be NULL
    void (*done)(void *arg);                     // result is filled
    void *arg;
    // set by the tool
    struct tool_result result;
    void *state; // the tool's own, freed by the tool before done
};

// The built-in tools, in the order in which models see them: read write edit list glob grep bash.
const struct tool *const *tool_all(size_t *count);
const struct tool *tool_find(struct str name); // NULL when unknown

void tool_run_init(struct tool_run *run, const struct tool *tool, const struct tool_place *place);
// Parses and checks arguments. ERR_PARAMS is for the model: it says what is wrong and what the
// tool takes. Arguments that are no JSON object never run.
bool tool_run_parse(struct tool_run *run, struct str input, struct err *err);
void tool_run_start(struct tool_run *run);
void tool_run_cancel(struct tool_run *run);
void tool_run_release(struct tool_run *run); // after done, or before start

#endif
