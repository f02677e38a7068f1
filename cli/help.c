// SPDX-License-Identifier: MIT
#include "cli/help.h"

const char help_text[] =
    "swarmd hosts coding agents, each in a git worktree and branch of its own.\n"
    "\n"
    "  swarmd [--stdio]     serve an editor on stdin and stdout (docs/protocol.md)\n"
    "  swarmd --detach      the same, but the agents outlive the editor, in a host of their own\n"
    "  swarmd --host        such a host in the foreground, for service managers\n"
    "  swarmd run TASK...   run one agent here, and show what it does; see swarmd run --help\n"
    "  swarmd audit [AGENT] print what agents asked, were allowed and ran; --json: one entry a "
    "line\n"
    "  swarmd prune [--clear [ID...]]  show what agents that are gone have left; clear it\n"
    "  swarmd --version\n"
    "  swarmd --help\n"
    "\n"
    "Settings are in ~/.config/swarmd/config.yaml ($SWARMD_CONFIG), the agents' work is in\n"
    "~/.local/state/swarmd ($SWARMD_STATE_DIR).\n";

const char help_run_text[] =
    "swarmd run [--model PROVIDER/MODEL] [--mode MODE] [--json] [--] TASK...\n"
    "\n"
    "Runs one agent with the task in a worktree of the git repository that you are in, prints its\n"
    "transcript while it works, and then the diff. Your own files stay as they are.\n"
    "\n"
    "  --model PROVIDER/MODEL   instead of the configured model\n"
    "  --mode MODE   full (default): it does what it needs without asking\n"
    "                ask: it asks before commands and writes; edit: before commands\n"
    "                read: it changes nothing\n"
    "  --json        the protocol's events, one a line; the last has the type \"end\", the agent,\n"
    "                and the patch\n"
    "\n"
    "^C cancels the turn; a second one ends at once.\n"
    "Exit code: 0 when the agent ended its turn, 1 when it failed, 2 for a wrong command line,\n"
    "130 after ^C.\n";

const char help_audit_text[] =
    "swarmd audit [--json] [AGENT]\n"
    "\n"
    "Prints what agents asked, were allowed or refused, by which rule or whom, and ran, the "
    "oldest\n"
    "first. With AGENT (an id, or the beginning of one) only of that agent.\n"
    "\n"
    "  --json    one entry a line, as swarm/audit has them (docs/protocol.md)\n"
    "  --help\n";

const char help_prune_text[] =
    "swarmd prune [--clear [ID...]]\n"
    "\n"
    "Shows what is left of agents that are not there any more: worktrees, git directories, "
    "branches\n"
    "and references; and agents whose files are not there. Changes nothing without --clear.\n"
    "\n"
    "  --clear   clears worktrees, after their work was kept under refs/swarmd/removed/, and kept\n"
    "            work that is older than 30 days; with IDs, exactly these, of every kind\n"
    "  --help\n";
