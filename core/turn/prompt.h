// SPDX-License-Identifier: MIT
// The system prompt: the stable head of every request of an agent.
#ifndef SWARMD_CORE_TURN_PROMPT_H
#define SWARMD_CORE_TURN_PROMPT_H

#include "core/agent/agent.h"
#include "core/base/buf.h"

// Depends only on what does not change during an agent's life, so that providers' prompt caches
// hit: no time, no counters.
void prompt_system(const struct agent *agent, struct buf *out);

#endif
