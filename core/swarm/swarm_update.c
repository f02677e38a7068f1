// SPDX-License-Identifier: MIT
// What is said about a branch that was brought into an agent's work.
#include "core/base/mem.h"
#include "core/swarm/swarm_merge.h"

enum { FILES_NAMED = 100 };

void update_note(const struct agent_merge *merge)
{
    const struct merge_plan *plan = &merge->plan;
    if (plan->nothing)
        return;
    if (plan->marked)
        event_notice(merge->agent, "warning",
                     "%s was brought into this work; there are conflicts to resolve in %zu file%s",
                     plan->into, plan->conflict_count, plan->conflict_count == 1 ? "" : "s");
    else
        event_notice(merge->agent, "info", "%s was brought into this work (%.12s)", plan->into,
                     plan->new_id);
}

char *update_task(const struct agent_merge *merge)
{
    const struct merge_plan *plan = &merge->plan;
    struct buf text;
    buf_init(&text, AGENT_TASK_MAX / 2);
    buf_addf(
        &text,
        "The branch %s was merged into your work, and there are conflicts. Your worktree is in "
        "the middle of that merge: MERGE_HEAD is %s. Resolve them:\n\n",
        plan->into, plan->old_id);
    for (size_t i = 0; i < plan->conflict_count && i < FILES_NAMED; i++)
        buf_addf(&text, "- %s (%s%s%s)\n", plan->conflicts[i].path, plan->conflicts[i].kind,
                 plan->conflicts[i].other ? ", on the other side " : "",
                 plan->conflicts[i].other ? plan->conflicts[i].other : "");
    if (plan->conflict_count > FILES_NAMED)
        buf_addf(&text, "- and %zu more\n", plan->conflict_count - FILES_NAMED);
    buf_add_str(
        &text,
        STR("\nFiles that both sides changed have markers (<<<<<<<, =======, >>>>>>>): above "
            "the ======= stands your side, below it the other. Keep what both sides "
            "meant, and remove every marker. Of files without markers `git show "
            "MERGE_HEAD:<path>` shows the other side. Run the tests when there are any. "
            "You need not commit."));
    return buf_detach(&text, NULL);
}
