// SPDX-License-Identifier: MIT
// The built-in scripted model: no network, no intelligence, and it says so.
//
// It answers every request with the next step of one small tour, which it finds from the tool
// results since the newest user message: read the README and list the folder, write one file, run
// `git status --short`, sum up. The tools are the real ones and what they do is real. It ends
// when a tool is rejected. Words are paced by a timer.
#ifndef SWARMD_TRANSPORTS_DEMO_H
#define SWARMD_TRANSPORTS_DEMO_H

#include "core/base/ports.h"
#include "core/model/model.h"

enum { DEMO_DELAY_MS = 30, DEMO_DELAY_MAX_MS = 60000 }; // a word

// delay_ms 0: no pacing, a whole answer at once.
struct provider *demo_create(const struct ports *ports, struct str name, int64_t delay_ms);
void demo_destroy(struct provider *provider); // takes NULL; after its last call has ended

#endif
