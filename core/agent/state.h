// SPDX-License-Identifier: MIT
// The states of an agent and the whole table of legal transitions, as data.
//
// docs/states.md prints this table; a unit test compares the two and walks every cell.
// agent_enter() (agent.h) is the only writer of an agent's state, and it asks this table.
#ifndef SWARMD_CORE_AGENT_STATE_H
#define SWARMD_CORE_AGENT_STATE_H

#include "core/base/str.h"

#include <stdbool.h>

enum agent_state {
    STATE_QUEUED,   // waits for one of the places for active agents
    STATE_BLOCKED,  // a dependency or a right is missing
    STATE_STARTING, // its worktree is being made
    STATE_IDLE,     // a worker without a task
    STATE_WORKING,
    STATE_WAITING, // needs a person
    STATE_PAUSED,
    STATE_DONE, // its turn ended
    STATE_FAILED,
    STATE_KILLED,
    STATE_DETACHED, // a turn was cut off by the server's end
    STATE_COUNT
};

// What moves an agent: what people ask for, and what happens to it.
enum agent_cause {
    CAUSE_PLACE,    // a place for an active agent became free
    CAUSE_BLOCK,    // a dependency failed, a right is missing
    CAUSE_UNBLOCK,  // it is there now
    CAUSE_READY,    // the worktree is made
    CAUSE_SEND,     // a message starts a turn
    CAUSE_ASK,      // the turn needs an answer from a person
    CAUSE_ANSWER,   // the last open question was answered
    CAUSE_END,      // the turn ended by itself, or at a limit
    CAUSE_FAIL,     // the turn, or the start, failed
    CAUSE_CANCEL,   // swarm/cancel: the turn ends, the agent stays
    CAUSE_KILL,     // swarm/kill
    CAUSE_RESUME,   // swarm/resume
    CAUSE_PAUSE,    // swarm/pause
    CAUSE_CONTINUE, // swarm/continue
    CAUSE_REMOVE,   // swarm/remove without force
    CAUSE_RESTART,  // the server came back after an end of its own
    CAUSE_COUNT
};

// Where cause leads from state; false when it is not legal there. CAUSE_REMOVE leads to the
// same state: the agent is gone after it.
bool state_next(enum agent_state state, enum agent_cause cause, enum agent_state *next);

const char *state_name(enum agent_state state); // "queued"
const char *cause_name(enum agent_cause cause); // "place"
bool state_from_name(struct str name, enum agent_state *state);

// Does it hold one of the places for active agents?
bool state_is_active(enum agent_state state); // starting, working, waiting

#endif
