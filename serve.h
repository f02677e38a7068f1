// SPDX-License-Identifier: MIT
// The process that serves: the host of its state folder, or a bridge to it, or, after the host has
// died, both. It knows all parts, builds them in order, runs, and tears down.
#ifndef SWARMD_SERVE_H
#define SWARMD_SERVE_H

#include "cli/cli.h"

int serve(enum cli_serve how); // until its end; the exit code

#endif
