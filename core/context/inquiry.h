// SPDX-License-Identifier: MIT
// One question to a model beside an agent's turn: no tools, no item that people see, one text
// back. It takes its place with the provider like any other request (limiter.h), is asked again
// after passing failures, and has an end in any case.
#ifndef SWARMD_CORE_CONTEXT_INQUIRY_H
#define SWARMD_CORE_CONTEXT_INQUIRY_H

#include "core/agent/agent.h"
#include "core/model/account.h"

enum {
    INQUIRY_MS_MAX = 300000,       // from its place to its answer, tries included
    INQUIRY_TRIES_MAX = 3,         // the first and two more
    INQUIRY_RETRY_MS = 1000,       // before the second; doubles
    INQUIRY_ANSWER_MAX = 64 << 10, // bytes; what comes beyond is left out
    // A model that thought until its answer's limit is asked once more, with so many times the
    // limit.
    INQUIRY_THINKING_FACTOR = 4,
};

struct inquiry {
    // set by the caller, and kept until `done` or inquiry_release()
    struct agent *agent;       // who asks, and pays
    const char *provider;      // that is asked; NULL: the agent's own
    const char *model;         // with it
    struct limiter_user *user; // among whose requests this one is
    struct buf system, text;   // given to inquiry_start(), which takes them over
    int64_t max_output;        // tokens; 0: the model's own limit
    void *arg;                 // the caller's own
    // Once, on the loop, never from within inquiry_start(); not after inquiry_release().
    void (*done)(struct inquiry *inquiry);
    // results
    struct err err;           // kind ERR_NONE when there is an answer
    struct buf answer;        // not empty then
    struct model_usage usage; // of all tries; -1 where the provider did not say
    // its own
    int64_t deadline; // monotonic ms
    int tries;
    bool waits;   // for its next try
    bool thought; // it had only thought when it reached the limit: the limit is raised
    struct account *account;
    struct limiter_ticket ticket;
    struct model_call *call;
    struct model_limits limits;
    struct model_usage try_usage;
    struct model_end end;
    struct timer *timer;
    struct deferred later;
};

void inquiry_init(struct inquiry *inquiry);
void inquiry_start(struct inquiry *inquiry);
// Adds what it took to the agent's usage; once, at its end or after inquiry_release().
void inquiry_count(const struct inquiry *inquiry, bool answered);
// Ends it at once, if it is under way, and frees what it holds. Harmless when never started.
void inquiry_release(struct inquiry *inquiry);

#endif
