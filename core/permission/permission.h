// SPDX-License-Identifier: MIT
// May a call be made? Modes and rules say yes, no, or that a person is to be asked.
//
// In this order: a rule that denies; mode `read`; what a person answered with allowAlways; a rule
// that asks; a rule that allows; the mode. A command is judged by each of its parts, and the
// strictest says what happens; a line that cannot be understood asks as soon as there is a rule or
// mode that could have held a part of it. An agent with a parent is judged by its own mode and
// rules and by those of each ancestor, and the strictest says what happens.
//
// This is for convenience: what a command really reaches is the sandbox's (docs/security.md).
#ifndef SWARMD_CORE_PERMISSION_PERMISSION_H
#define SWARMD_CORE_PERMISSION_PERMISSION_H

#include "core/agent/agent.h"
#include "core/permission/rule.h"
#include "core/tools/tool.h"

enum {
    PERMISSION_LEVELS_MAX = 8,    // an agent and its ancestors
    PERMISSION_SUGGESTED_MAX = 8, // rules that one answer remembers; a longer line remembers none
};

enum verdict { VERDICT_ALLOW, VERDICT_ASK, VERDICT_DENY };

struct permission_level {
    enum agent_mode mode;
    const struct rules *rules; // of role and agent
};

struct permission_place {
    const struct rules *user;           // of the configuration file
    const struct rule *const *answered; // what was answered with ...Always in this repository
    size_t answered_count;
    struct permission_level levels[PERMISSION_LEVELS_MAX]; // the agent's own, then its parent's...
    size_t level_count;
};

struct permission_call {
    const char *tool;
    enum tool_effect effect;
    // The command; or the path, relative to the worktree where it is in it. STR_NONE: none.
    struct str argument;
};

struct permission {
    enum verdict verdict;
    const struct rule *rule; // that decided; NULL: the mode did
    enum agent_mode mode;
    size_t level; // whose: 0 is the agent itself
    // Rules that an answer with ...Always would add, as texts.
    char *allow_always[PERMISSION_SUGGESTED_MAX], *reject_always; // NULL: none
    size_t allow_count;
};

void permission_judge(struct permission *permission, const struct permission_place *place,
                      const struct permission_call *call);
void permission_release(struct permission *permission);

// "the rule deny bash(git push*) of the user's configuration", "its mode is read".
void permission_say(const struct permission *permission, struct buf *out);

// Of two modes the one that allows less.
enum agent_mode mode_stricter(enum agent_mode a, enum agent_mode b);

// permission_suggest.c: what a rule for later calls of this kind would be; mem_free. NULL where
// there is no sensible one.
struct shell_command;
char *suggest_command(const char *tool, const struct shell_command *command);
char *suggest_exact(const char *tool, struct str argument); // this very argument

#endif
