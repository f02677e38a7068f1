// SPDX-License-Identifier: MIT
// The agent backend: what drives an agent's turns.
//
// The built-in one (turn.c) is a loop over a model of a provider. Foreign agents over the Agent
// Client Protocol, and agents on another machine, are to implement the same few functions.
// A backend reports through the functions at the end; the swarm keeps states, places and
// requests.
#ifndef SWARMD_CORE_AGENT_BACKEND_H
#define SWARMD_CORE_AGENT_BACKEND_H

#include "core/agent/agent.h"

struct backend {
    const char *name;
    // Begins a turn for what is in the transcript and the queue, or goes on with the one that
    // was paused. The agent is working and its worktree is made. While an agent is paused, a
    // backend begins nothing new; what is under way may end.
    void (*start)(struct agent *agent);
    // A person decided; takes the approval over. Also when no turn is under way, after a
    // restart: then the turn that asked is taken up again.
    void (*answer)(struct agent *agent, struct approval *approval);
    // Ends what is under way: the stream is cut, commands are stopped, partial text is kept,
    // open questions are closed. backend_turn_ended() comes, never from within.
    void (*stop)(struct agent *agent, enum stop_reason reason);
    // After a restart: closes the items that the server's end left open, but for calls that
    // still wait for an answer. No turn begins.
    void (*mend)(struct agent *agent);
};

extern struct backend backend_builtin;

// The turn is over and nothing of it is left running; agent->turn is NULL. `error` is NULL but
// for STOP_ERROR, STOP_REFUSED and STOP_TIMEOUT.
void backend_turn_ended(struct agent *agent, enum stop_reason reason, const struct err *error);

#endif
