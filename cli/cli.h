// SPDX-License-Identifier: MIT
// The command line: what the binary does beside serving.
#ifndef SWARMD_CLI_CLI_H
#define SWARMD_CLI_CLI_H

enum cli_serve {
    CLI_STDIO,      // no arguments, or --stdio
    CLI_DETACH,     // the same, but agents live in a background host
    CLI_HOST,       // a host without an editor, in the foreground
    CLI_BACKGROUND, // what CLI_DETACH starts; for nobody else
};

// Carries out the subcommand or flag that argv names and returns the exit code, or -1 when the
// server is meant: *serve says which.
int cli_main(int argc, char **argv, enum cli_serve *serve);

#endif
