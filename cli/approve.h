// SPDX-License-Identifier: MIT
// Asks the person at the terminal whether an agent may do something.
#ifndef SWARMD_CLI_APPROVE_H
#define SWARMD_CLI_APPROVE_H

#include "cli/printer.h"
#include "core/base/json.h"

struct answer {
    const char *decision; // the protocol's word
    const char *reason;   // for the agent, or NULL
};

// Without a terminal the answer is no, with the reason.
struct answer approve_ask(struct printer *t, const struct json *approval);

#endif
