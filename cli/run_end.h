// SPDX-License-Identifier: MIT
// What `swarmd run` prints when the turn has ended: how, where the work is, and the diff.
#ifndef SWARMD_CLI_RUN_END_H
#define SWARMD_CLI_RUN_END_H

#include "cli/printer.h"

#include <stdbool.h>

// `agent` is the newest snapshot, JSON. Returns the exit code that it stands for.
int run_end(struct printer *t, const char *agent, bool json);

#endif
