// SPDX-License-Identifier: MIT
// swarmd prune: what agents that are gone have left, shown and then cleared.
#ifndef SWARMD_CLI_PRUNE_H
#define SWARMD_CLI_PRUNE_H

// argv[0] is "prune". The exit code.
int prune_main(int argc, char **argv);

#endif
