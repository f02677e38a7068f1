// SPDX-License-Identifier: MIT
// `swarmd run`: one agent in the current folder, to the end of its turn.
#ifndef SWARMD_CLI_RUN_H
#define SWARMD_CLI_RUN_H

enum { RUN_DONE = 0, RUN_FAILED = 1, RUN_USAGE = 2, RUN_INTERRUPTED = 130 };

// argv[0] is "run". Returns one of the exit codes above.
int run_main(int argc, char **argv);

#endif
