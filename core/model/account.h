// SPDX-License-Identifier: MIT
// Provider accounts: what all agents that use one provider's key share. Each configured provider
// name has one key, so an account is told by the name: one limiter (limiter.h), what its answers
// say of its limits, and one notice to people when it has trouble, however many agents meet it.
#ifndef SWARMD_CORE_MODEL_ACCOUNT_H
#define SWARMD_CORE_MODEL_ACCOUNT_H

#include "core/base/json.h"
#include "core/base/log.h"
#include "core/model/limiter.h"
#include "core/model/model.h"
#include "core/store/alarm.h"
#include "core/swarm/config.h"

enum {
    ACCOUNT_NOTICE_MS = 600000, // between two notices of one kind
    ACCOUNT_WAIT_MAX = 120,     // bytes of what account_describe_wait() writes
};

struct accounts;
struct account;

struct accounts_setup {
    const struct ports *ports;
    struct log *log; // or NULL
    const struct config *config;
    struct provider_port providers;
    struct alarms *alarms;                    // or NULL
    void (*say)(void *arg, const char *text); // to every person who looks; or NULL
    void *arg;
    // Those who do without a place while a quota is used up: are there any? It is back.
    bool (*awaits_quota)(void *arg, struct str provider);
    void (*quota_back)(void *arg, struct str provider);
    void *quota_arg;
};

struct accounts *accounts_create(const struct accounts_setup *setup);
void accounts_close(struct accounts *accounts);   // no request of its own is made any more
void accounts_destroy(struct accounts *accounts); // after the last request; takes NULL

// That of a configured provider, made at first use; NULL for another name.
struct account *accounts_find(struct accounts *accounts, struct str provider);

// For those who take places.
struct limiter *account_limiter(struct account *account);

// What the answer's headers said.
void account_set_limits(struct account *account, const struct model_limits *limits);

// A request has ended by itself: gives its place back, with what is to be learned from it.
void account_ended(struct account *account, struct limiter_ticket *ticket,
                   const struct model_end *end, const struct model_usage *usage);
// The quota is used up: nobody gets a place until a request to this model, made every
// quota_probe_seconds while somebody waits, is answered. Lasts over a restart. False when that
// cannot be.
bool account_exhausted(struct account *account, const char *model, const struct model_end *end);
void account_count_retry(struct account *account);

bool account_is_exhausted(const struct account *account);

// Why a ticket waits, for an activity line.
void account_describe_wait(const struct account *account, const struct limiter_ticket *ticket,
                           char text[ACCOUNT_WAIT_MAX]);

// The member `providers` of swarm/stats: an array of those that were used.
void accounts_write_json(struct json_writer *w, const struct accounts *accounts);

#endif
