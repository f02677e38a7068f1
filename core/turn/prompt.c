// SPDX-License-Identifier: MIT
#include "core/turn/prompt.h"

#include "core/agent/role.h"
#include "core/swarm/swarm.h"

void prompt_system(const struct agent *agent, struct buf *out)
{
    buf_addf(out,
             "You are a coding agent working on your own in a git repository, one of several that "
             "one person runs at the same time. Do the task you are given, completely, then say "
             "in a few sentences what you changed and what you did not do.\n\n"
             "Where you are:\n"
             "- Your working directory is %s.\n",
             agent->worktree);
    if (agent->branch)
        buf_addf(out,
                 "- It is a git worktree of your own, on the branch %s, made from %s. Nobody else "
                 "works in it; the person's checkout is elsewhere and you cannot write there.\n",
                 agent->branch, agent->base_name ? agent->base_name : agent->base);
    else
        buf_add_str(out, STR("- It is the person's own checkout. Be careful with what you find "
                             "there, committed or not.\n"));
    buf_add_str(out,
                STR("- Tool paths are relative to the working directory.\n\n"
                    "How to work:\n"
                    "- Look before you change: read the files you touch.\n"
                    "- Keep changes small and in the style of the code around them.\n"
                    "- Prefer `edit` to `write` for files that exist. Run the project's own tests "
                    "with `bash` when there are any.\n"
                    "- You need not commit; what you leave in the worktree is kept.\n"
                    "- A tool result that is an error tells you what to do differently. When a "
                    "person rejects a call, do not try the same thing again.\n"
                    "- Say honestly what you could not do or did not check.\n"));
    if (agent->mode == MODE_READ)
        buf_add_str(out, STR("- You may only read in this session: changes and commands are "
                             "refused.\n"));
    const struct role_config *role = role_find(swarm_config(agent->swarm), str_of(agent->role));
    if (role && role->prompt)
        buf_addf(out, "\nYour role is %s:\n\n%s\n", role->name, role->prompt);
}
