// SPDX-License-Identifier: MIT
// What the files of the accounts share. Only core/model/account*.c include this.
//
// account.c        which there are, what their answers say, how they are shown
// account_quota.c  those whose quota is used up
#ifndef SWARMD_CORE_MODEL_ACCOUNT_PARTS_H
#define SWARMD_CORE_MODEL_ACCOUNT_PARTS_H

#include "core/model/account.h"

struct account {
    struct accounts *accounts;
    const struct provider_config *config;
    struct limiter *limiter;
    bool cache_is_free; // reading from the cache does not count against the limit of tokens
    int64_t retries, opened;
    int64_t said_at; // monotonic ms; 0: nothing yet
    // a look whether the quota is back
    struct provider *provider;
    struct model_call *probe; // or NULL
};

struct accounts {
    struct accounts_setup setup;
    struct account *made[CONFIG_PROVIDERS_MAX]; // in the configuration's order
};

void account_say(struct account *account, const char *text); // to everybody, and to the log

void quota_init(struct accounts *accounts);
int64_t quota_probe_at(const struct account *account); // ms since 1970; 0: the quota is good

#endif
