// SPDX-License-Identifier: MIT
#include "cli/cli.h"
#include "serve.h"

int main(int argc, char **argv)
{
    enum cli_serve how;
    int exit_code = cli_main(argc, argv, &how);
    return exit_code >= 0 ? exit_code : serve(how);
}
