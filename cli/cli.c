// SPDX-License-Identifier: MIT
#include "cli/cli.h"

#include "cli/help.h"
#include "cli/run.h"

#include <stdio.h>
#include <string.h>

int cli_main(int argc, char **argv)
{
    if (argc < 2 || (argc == 2 && strcmp(argv[1], "--stdio") == 0))
        return -1;
    const char *word = argv[1];
    if (strcmp(word, "run") == 0)
        return run_main(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0)
        puts("swarmd " SWARMD_VERSION);
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        fputs(help_text, stdout);
    else {
        fprintf(stderr, "swarmd: unknown argument '%s'; see swarmd --help\n", word);
        return RUN_USAGE;
    }
    return 0;
}
