// SPDX-License-Identifier: MIT
// core/base/ports.h for pure unit tests: a clock that the test turns, work that runs when the test
// says so, and commands whose output the test writes. No thread, no process, no waiting.
//
// Nothing happens until fake_ports_run() or fake_ports_advance(): never a callback from within
// the call that asked, as in the real ones.
#ifndef SWARMD_TESTS_FAKE_PORTS_H
#define SWARMD_TESTS_FAKE_PORTS_H

#include "core/base/ports.h"

enum {
    FAKE_PORTS_ROUNDS_MAX = 10000, // of one fake_ports_run(); more fails the test
    FAKE_PROCESSES_MAX = 64,       // started in one test
};

#define FAKE_PORTS_WALL_MS INT64_C(1700000000000) // the wall clock at the start

struct fake_ports;

struct fake_ports *fake_ports_create(void);
const struct ports *fake_ports_get(struct fake_ports *fake);
// Fails the test when a timer was not freed, or work, a deferred call or a command is pending.
void fake_ports_destroy(struct fake_ports *fake);

// Runs all work that is queued (lane by lane, in order), its `done`, deferred calls and scripted
// commands, and what these ask for, until nothing is left. Returns how many callbacks it made.
int fake_ports_run(struct fake_ports *fake);

// Turns the clock: runs, then fires each timer that falls due, in order of time, at its time,
// and runs after each.
void fake_ports_advance(struct fake_ports *fake, int64_t ms);

// Milliseconds until the next timer; -1 when none is set.
int64_t fake_ports_next_timer(const struct fake_ports *fake);

// Holds a lane back (its work stays queued over fake_ports_run()) or lets it go.
void fake_ports_hold_lane(struct fake_ports *fake, enum lane lane, bool hold);
int fake_ports_queued(const struct fake_ports *fake, enum lane lane);

// A command that was started. Copied from the spec; valid until fake_ports_destroy().
struct fake_command {
    char **argv, **envp;
    char *cwd;
    bool stop_asked; // process_stop() was called
    bool paused;
    bool ended; // `ended` was called: the handle is invalid
};

int fake_ports_commands(const struct fake_ports *fake); // started so far
const struct fake_command *fake_ports_command(const struct fake_ports *fake, int index);

// What the command does, at once. Output while it is paused fails the test, as does anything
// after its end. A command that is stopped ends only when the test says so, too.
void fake_command_output(struct fake_ports *fake, int index, const char *text);
void fake_command_end(struct fake_ports *fake, int index, int exit_code);
void fake_command_fail(struct fake_ports *fake, int index, const char *message); // did not start

// The next command that starts (each call: one more) prints the text and ends, by itself, in the
// fake_ports_run() that follows. Not while it is paused.
void fake_ports_script(struct fake_ports *fake, const char *output, int exit_code);

#endif
