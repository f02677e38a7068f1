// SPDX-License-Identifier: MIT
// The command line: what the binary does beside serving.
#ifndef SWARMD_CLI_CLI_H
#define SWARMD_CLI_CLI_H

// Carries out the subcommand or flag that argv names and returns the exit code, or -1 when the
// server is meant: no arguments, or --stdio.
int cli_main(int argc, char **argv);

#endif
