// SPDX-License-Identifier: MIT
// Budgets: how much may be used by an agent in all, by the agents of a swarm id, by those of a
// scope, and by everybody in a day (UTC). In requests to models, tokens, dollars, seconds at work.
//
// At 80 % of one the agent whose request came there gets a notice, once. At 100 % nobody whom it
// holds for begins another request: turns end with the stop reason `budget`, after the calls of
// the last answer. When it is raised, they go on.
#ifndef SWARMD_CORE_AGENT_BUDGET_H
#define SWARMD_CORE_AGENT_BUDGET_H

#include "core/agent/usage.h"
#include "core/base/err.h"
#include "core/base/json.h"

#include <stdbool.h>
#include <stdint.h>

enum budget_kind { BUDGET_AGENT, BUDGET_SWARM, BUDGET_SCOPE, BUDGET_DAY, BUDGET_KIND_COUNT };
enum budget_measure { BUDGET_STEPS, BUDGET_TOKENS, BUDGET_COST, BUDGET_SECONDS, BUDGET_MEASURES };
enum { BUDGET_WARN_PERCENT = 80 };

// BUDGET_COST in nano-dollars.
struct budget {
    int64_t most[BUDGET_MEASURES]; // 0: not said here; -1: no limit, whatever the configuration has
};

const char *budget_kind_name(enum budget_kind kind); // "agent", "swarm", "scope", "day"

// {steps, tokens, costUsd, seconds}; null for no limit.
void budget_write_json(struct json_writer *w, const struct budget *budget);
// The same as it was written; a member that is missing is not said.
struct budget budget_read_json(const struct json *json);
// `own` where it says something, else `otherwise`; 0 for no limit.
struct budget budget_over(const struct budget *own, const struct budget *otherwise);

int64_t budget_used(const struct usage_sum *sum, enum budget_measure measure);
// "12 of 20 steps", "$1.20 of $20.00"
void budget_describe(enum budget_measure measure, int64_t used, int64_t most, char out[96]);

// --- of a swarm's agents ---

struct agent;
struct swarm;
struct swarm_op;
struct budgets; // accounts of swarm ids, scopes and the day

struct budgets *budgets_create(struct swarm *swarm);
void budgets_destroy(struct budgets *budgets); // takes NULL

// At start: what was set by swarm/budget, and who was warned. Others' keys are left alone.
void budgets_restore(struct budgets *budgets, struct str key, struct str value);

enum budget_answer {
    BUDGET_GOES,
    BUDGET_WAITS, // an account comes from the store: the agent's turn is woken, and asks again
    BUDGET_ENDS,  // a notice has said why
    BUDGET_FAILS, // err
};
// Before a request of the agent's.
enum budget_answer budget_ask(struct agent *agent, struct err *err);
// The same for a request beside its turn, without a word to anybody, as far as is known.
bool budget_has_room(struct agent *agent);
// It used so much more, told with event `seq`; warns.
void budget_spend(struct agent *agent, const struct usage_sum *sum, int64_t seq);

// Who is meant: `kind`, and for swarm and scope the name; of days it is today.
struct budget_target {
    enum budget_kind kind;
    struct agent *agent; // BUDGET_AGENT
    struct str name;     // BUDGET_SWARM, BUDGET_SCOPE
};
struct budget budget_own(struct swarm *swarm, const struct budget_target *target); // as it was set
struct budget budget_of(struct swarm *swarm, const struct budget_target *target);  // what holds
// Those whom this budget stopped, and who may go on now, do; their ids are written to `resumed`, an
// array that is open.
void budget_set(struct swarm *swarm, const struct budget_target *target, const struct budget *own,
                struct json_writer *resumed);

#endif
