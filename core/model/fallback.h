// SPDX-License-Identifier: MIT
// What is used instead of a model that is gone: the first of the configuration's `fallback` that is
// not gone itself, else the provider's default. The agent goes on with it, and says so once.
//
// It is remembered in the store, never written into a person's configuration: new agents that would
// get the configured model get the other one at once, without a word. After FALLBACK_KEPT_MS the
// configured one is tried again; when it answers, the memory is dropped.
#ifndef SWARMD_CORE_MODEL_FALLBACK_H
#define SWARMD_CORE_MODEL_FALLBACK_H

#include "core/base/list.h"
#include "core/base/str.h"

#include <stdbool.h>

enum { FALLBACK_KEPT_MS = 24 * 3600 * 1000, FALLBACK_MODELS_MAX = 256 };

struct agent;
struct swarm;

// The server said that the agent's model is gone. True: the agent has another one now. Only for
// one whose model nobody named, or that has worked before: a slip in a name is an error.
bool fallback_take(struct agent *agent);
void fallback_answered(struct agent *agent); // its model answered: it is there
// What a new agent gets instead of the model that is configured for it: "provider/model".
struct str fallback_of(const struct swarm *swarm, struct str configured);

void fallback_restore(struct swarm *swarm, struct str key, struct str value); // others' are left
void fallback_release(struct swarm *swarm);

#endif
