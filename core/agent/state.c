// SPDX-License-Identifier: MIT
#include "core/agent/state.h"

enum { NO = -1 };

static const char *const state_names[STATE_COUNT] = {
    "queued", "blocked", "starting", "idle",   "working",  "waiting",
    "paused", "done",    "failed",   "killed", "detached",
};

static const char *const cause_names[CAUSE_COUNT] = {
    "place", "block",  "unblock", "ready",  "send",  "ask",      "answer", "end",
    "fail",  "cancel", "kill",    "resume", "pause", "continue", "remove", "restart",
};

#define Q STATE_QUEUED
#define B STATE_BLOCKED
#define S STATE_STARTING
#define I STATE_IDLE
#define W STATE_WORKING
#define A STATE_WAITING
#define P STATE_PAUSED
#define D STATE_DONE
#define F STATE_FAILED
#define K STATE_KILLED
#define X STATE_DETACHED

// A message to an agent that is busy waits in its queue: `send` leads back to the same state.
// Kill and cancel change nothing about an agent that has ended.
// clang-format off
static const signed char table[STATE_COUNT][CAUSE_COUNT] = {
    //             place block unbl ready send ask answ end fail canc kill resu paus cont remv rest
    [STATE_QUEUED]   = {S,  B,  NO,  NO,  Q,  NO,  NO,  NO,  F,  D,  K, NO,  P, NO,  Q,  Q},
    [STATE_BLOCKED]  = {NO, NO,  Q,  NO,  B,  NO,  NO,  NO,  F,  D,  K, NO,  P, NO,  B,  B},
    [STATE_STARTING] = {NO, NO, NO,   W,  S,  NO,  NO,  NO,  F,  D,  K, NO,  P, NO, NO,  X},
    [STATE_IDLE]     = {NO, NO, NO,  NO,  Q,  NO,  NO,  NO, NO,  I,  K, NO, NO, NO,  I,  I},
    [STATE_WORKING]  = {NO,  B, NO,  NO,  W,   A,  NO,   D,  F,  D,  K, NO,  P, NO, NO,  X},
    [STATE_WAITING]  = {NO,  B, NO,  NO,  A,   A,   W,   D,  F,  D,  K, NO,  P, NO, NO,  A},
    [STATE_PAUSED]   = {NO, NO, NO,  NO,  P,  NO,  NO,  NO,  F,  D,  K, NO,  P,  Q, NO,  P},
    [STATE_DONE]     = {NO, NO, NO,  NO,  Q,  NO,  NO,  NO, NO,  D,  D,  Q, NO, NO,  D,  D},
    [STATE_FAILED]   = {NO, NO, NO,  NO,  Q,  NO,  NO,  NO, NO,  F,  F,  Q, NO, NO,  F,  F},
    [STATE_KILLED]   = {NO, NO, NO,  NO,  Q,  NO,  NO,  NO, NO,  K,  K,  Q, NO, NO,  K,  K},
    [STATE_DETACHED] = {NO, NO, NO,  NO,  Q,  NO,  NO,  NO,  F,  D,  K,  Q, NO, NO,  X,  X},
};
// clang-format on

bool state_next(enum agent_state state, enum agent_cause cause, enum agent_state *next)
{
    if ((unsigned)state >= STATE_COUNT || (unsigned)cause >= CAUSE_COUNT)
        return false;
    if (table[state][cause] == NO)
        return false;
    *next = (enum agent_state)table[state][cause];
    return true;
}

const char *state_name(enum agent_state state)
{
    return (unsigned)state < STATE_COUNT ? state_names[state] : "unknown";
}

const char *cause_name(enum agent_cause cause)
{
    return (unsigned)cause < CAUSE_COUNT ? cause_names[cause] : "unknown";
}

bool state_from_name(struct str name, enum agent_state *state)
{
    for (int i = 0; i < STATE_COUNT; i++) {
        if (str_is(name, state_names[i])) {
            *state = (enum agent_state)i;
            return true;
        }
    }
    return false;
}

bool state_is_active(enum agent_state state)
{
    return state == STATE_STARTING || state == STATE_WORKING || state == STATE_WAITING;
}
