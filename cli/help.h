// SPDX-License-Identifier: MIT
// What `swarmd --help` and `swarmd run --help` print.
#ifndef SWARMD_CLI_HELP_H
#define SWARMD_CLI_HELP_H

extern const char help_text[];
extern const char help_run_text[];

#endif
