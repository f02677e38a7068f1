// SPDX-License-Identifier: MIT
// What `swarmd --help` prints, and `--help` behind each of its commands.
#ifndef SWARMD_CLI_HELP_H
#define SWARMD_CLI_HELP_H

extern const char help_text[];
extern const char help_run_text[];
extern const char help_audit_text[];
extern const char help_prune_text[];

#endif
