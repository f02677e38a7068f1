// SPDX-License-Identifier: MIT
// A large output of a tool becomes a summary by a model: pieces that fit its window are condensed
// side by side, each request in its place with the provider (limiter.h); the answers are joined,
// and condensed again while they are too long.
#ifndef SWARMD_CORE_CONTEXT_CONDENSE_H
#define SWARMD_CORE_CONTEXT_CONDENSE_H

#include "core/agent/agent.h"
#include "core/model/limiter.h"
#include "core/tools/tool.h"

enum {
    CONDENSE_ROUNDS_MAX = 3,      // after which what is too long is cut
    CONDENSE_PIECE_MAX = 100000,  // bytes of one piece, in a large window too
    CONDENSE_PIECE_LEAST = 2000,  // a window that does not take this makes no summary
    CONDENSE_PIECES_MAX = 64,     // of one output; less of it is read where there would be more
    CONDENSE_AT_ONCE = 8,         // requests under way
    CONDENSE_MS_MAX = 300000,     // the whole of it
    CONDENSE_QUESTION_MAX = 8192, // bytes of what the agent is about
    CONDENSE_ANSWER_TOKENS = 4096 // of one answer; also bounds what one that thinks spends
};

struct condense;

struct condense_setup {
    struct agent *agent;        // pays
    struct limiter_user *user;  // among whose requests to its own provider these are
    const struct tool_run *run; // its output is on disk, result.plain and sizes say how much
    struct str task, call;      // what the agent is about, and what it called; may be cut
    const char *model;          // "provider/model", or NULL: the agent's own
    void (*progress)(void *arg, size_t answered, size_t pieces); // may be NULL
    // Once, never from within the start; `chars` are those of the whole output. With err, text is
    // empty. The caller frees it then.
    void (*done)(void *arg, const struct err *err, struct str text, int64_t chars);
    void *arg;
};

struct condense *condense_start(const struct condense_setup *setup); // setup need not stay
void condense_cancel(struct condense *condense); // `done` comes as soon as it can
void condense_free(struct condense *condense);   // after, or from within, `done`

#endif
