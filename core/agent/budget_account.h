// SPDX-License-Identifier: MIT
// The account of a swarm id, a scope or a day: what its agents used, out of the store and since.
// Only core/agent/budget*.c include this.
//
// What is in the store at the moment of the reading, and what was told of before it, must be
// counted once: each piece carries the seq of its event, which is in the same commit.
#ifndef SWARMD_CORE_AGENT_BUDGET_ACCOUNT_H
#define SWARMD_CORE_AGENT_BUDGET_ACCOUNT_H

#include "core/store/journal.h"
#include "core/swarm/swarm_internal.h"

enum budget_phase { BUDGET_NEW, BUDGET_LOADING, BUDGET_LOADED, BUDGET_FAILED };

struct budget_account_piece {
    int64_t seq;
    struct usage_sum sum;
};

struct budget_account {
    struct list node;
    struct budgets *budgets;
    enum budget_kind kind;
    char *name; // a day's is "2026-11-21"
    struct budget own;
    unsigned warned; // a bit a measure
    enum budget_phase phase;
    struct usage_sum spent; // complete once it is loaded
    struct budget_account_piece *pieces;
    size_t piece_count, piece_capacity;
    struct journal_wait wait;
    struct journal_read read;
    bool reading;   // then its end frees it, if nobody wants it any more (budgets is NULL)
    struct err err; // BUDGET_FAILED
};

struct budgets {
    struct swarm *swarm;
    struct list accounts;
};

struct budget_account *budget_account_find(struct budgets *budgets, enum budget_kind kind,
                                           struct str name);
struct budget_account *budget_account_new(struct budgets *budgets, enum budget_kind kind,
                                          struct str name);
void budget_account_free(struct budget_account *account);
void budget_account_store(const struct budget_account *account); // what was set, and who was warned
void budget_account_load(struct budget_account *account);        // when it is not; wakes who waits
void budget_account_add(struct budget_account *account, const struct usage_sum *sum, int64_t seq);
bool budget_account_is_old(const struct budget_account *account); // of a day that is over

void budget_today(const struct swarm *swarm, char out[USAGE_DAY_TEXT]);

#endif
