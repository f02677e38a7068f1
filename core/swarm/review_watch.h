// SPDX-License-Identifier: MIT
// Which files commands change while they run, for agents that share a repository: looks at the
// files some time after a command began, again while it runs, and after its end. Of files that
// other tools changed it tells the lines, when others changed the same ones. Between turns the
// checkpoint tells more. An agent that is alone in its repository is never looked at.
#ifndef SWARMD_CORE_SWARM_REVIEW_WATCH_H
#define SWARMD_CORE_SWARM_REVIEW_WATCH_H

struct agent;
struct tool;

enum {
    WATCH_FIRST_MS = 500,  // after a command began, or ended
    WATCH_AGAIN_MS = 2000, // between two looks
    WATCH_SHARE = 20,      // and at least so many times as long as a look took
};

// Of tools that run no commands they do nothing.
void review_call_begins(struct agent *agent, const struct tool *tool);
void review_call_ended(struct agent *agent, const struct tool *tool);
// Looks at an agent whose turn runs, some time from now; of any other it does nothing.
void review_look_soon(struct agent *agent);
void review_watch_free(struct agent *agent);

#endif
