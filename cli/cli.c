// SPDX-License-Identifier: MIT
#include "cli/cli.h"

#include "cli/audit.h"
#include "cli/help.h"
#include "cli/prune.h"
#include "cli/run.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool reads_serve(int argc, char **argv, enum cli_serve *serve)
{
    *serve = CLI_STDIO;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--detach") == 0)
            *serve = CLI_DETACH;
        else if (strcmp(argv[i], "--host") == 0 && argc == 2)
            *serve = CLI_HOST;
        else if (strcmp(argv[i], "--background") == 0 && argc == 2)
            *serve = CLI_BACKGROUND;
        else if (strcmp(argv[i], "--stdio") != 0)
            return false;
    }
    return true;
}

int cli_main(int argc, char **argv, enum cli_serve *serve)
{
    if (reads_serve(argc, argv, serve))
        return -1;
    const char *word = argv[1];
    if (strcmp(word, "run") == 0)
        return run_main(argc - 1, argv + 1);
    if (strcmp(word, "audit") == 0)
        return audit_main(argc - 1, argv + 1);
    if (strcmp(word, "prune") == 0)
        return prune_main(argc - 1, argv + 1);
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
