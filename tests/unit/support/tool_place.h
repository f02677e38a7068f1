// SPDX-License-Identifier: MIT
// A worktree of a test's own, and one call of a tool in it.
#ifndef SWARMD_TESTS_TOOL_PLACE_H
#define SWARMD_TESTS_TOOL_PLACE_H

#include "core/tools/tool.h"
#include "tests/unit/support/fake_ports.h"

struct tool_bench {
    char *top;     // holds the two below
    char *folder;  // the worktree: absolute and real
    char *outside; // a folder beside it, which stays empty in every good test
    char *outputs; // output_folder; not made yet
    struct fake_ports *fake;
    struct root root;
    struct tool_place place;
    struct tool_run run; // of the newest call
    bool started;
    int done;                                    // calls of run.done since it was started
    void (*output)(void *arg, struct str piece); // run.output of later calls; arg is the bench
    size_t live;                                 // for that function's use
};

// cmocka setup and teardown; *state is a struct tool_bench *.
int tool_bench_setup(void **state);
int tool_bench_teardown(void **state);

// Makes a file in the worktree, folders above it too.
void put_file(struct tool_bench *bench, const char *path, const char *text);
void put_bytes(struct tool_bench *bench, const char *path, struct str bytes);
void put_link(struct tool_bench *bench, const char *path, const char *target);
char *get_file(struct tool_bench *bench, const char *path); // NULL: not there; mem_free

// Runs a call to its end and gives what the model is told. Single quotes in input become
// double ones. Fails the test when the arguments are refused.
const char *call_tool(struct tool_bench *bench, const char *tool, const char *input);
const char *call_tool_str(struct tool_bench *bench, const char *tool, struct str input);
// Only starts it: the test drives bench->fake.
void begin_tool(struct tool_bench *bench, const char *tool, struct str input);

// The message with which arguments are refused; fails the test when they are not.
const char *refused_input(struct tool_bench *bench, const char *tool, const char *input);

void expect_ok(struct tool_bench *bench, const char *tool, const char *input, const char *output);
// The call fails and its output holds this.
void expect_failure(struct tool_bench *bench, const char *tool, const char *input,
                    const char *holds);
void expect_title(struct tool_bench *bench, const char *tool, const char *input, const char *title);
void expect_preview(struct tool_bench *bench, const char *tool, const char *input,
                    const char *diff);
void expect_file(struct tool_bench *bench, const char *path, const char *text);
void expect_nothing_outside(struct tool_bench *bench);

#endif
