// SPDX-License-Identifier: MIT
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

int cli_main(int argc, char **argv)
{
    if (argc < 2 || (argc == 2 && strcmp(argv[1], "--stdio") == 0))
        return -1;
    if (strcmp(argv[1], "--version") == 0) {
        puts("swarmd " SWARMD_VERSION);
        return 0;
    }
    fprintf(stderr, "swarmd: unknown argument '%s'; it takes --stdio or --version\n", argv[1]);
    return 2;
}
