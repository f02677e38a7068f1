// SPDX-License-Identifier: MIT
// The worktree's git directory and the repository, from a turn's side: commits go one way after
// each command, references the other way when a turn begins, which ends at once when files or
// repository are gone. The turn does not end before.
#include "core/base/mem.h"
#include "core/git/worktree.h"
#include "core/turn/turn.h"

struct turn_import {
    struct work work;
    struct turn *turn;
    char *git;
    struct worktree_spec spec;
    struct worktree_import import;
    bool gone;
    struct err err;
};

static struct turn_import *import_new(struct turn *turn)
{
    struct turn_import *import = mem_new(sizeof(*import));
    import->turn = turn;
    import->git = agent_git_folder(turn->agent);
    import->spec = agent_worktree(turn->agent, import->git);
    turn->busy++;
    return import;
}

static void import_free(struct turn_import *import)
{
    import->turn->busy--;
    turn_wake(import->turn);
    mem_free(import->git);
    mem_free(import);
}

static void import_run(struct work *work)
{
    struct turn_import *import = list_entry(work, struct turn_import, work);
    if (git_start(&import->err))
        worktree_import(&import->spec, &import->import, &import->err);
}

static void import_done(struct work *work)
{
    struct turn_import *import = list_entry(work, struct turn_import, work);
    struct turn *turn = import->turn;
    turn->import = NULL;
    if (import->err.kind != ERR_NONE)
        event_notice(turn->agent, "error", "%s", import->err.message);
    else if (*import->import.notice)
        event_notice(turn->agent, "warning", "%s", import->import.notice);
    import_free(import);
    if (turn->import_again)
        turn_import(turn);
}

void turn_import(struct turn *turn)
{
    if (!turn->agent->isolated)
        return;
    turn->import_again = turn->import != NULL;
    if (turn->import)
        return;
    turn->import = import_new(turn);
    turn->import->work.run = import_run;
    turn->import->work.done = import_done;
    port_work(turn->agent->swarm->setup.ports, LANE_GIT, &turn->import->work);
}

static void refresh_run(struct work *work)
{
    struct turn_import *import = list_entry(work, struct turn_import, work);
    if (!git_start(&import->err))
        return;
    import->gone = !worktree_check(&import->spec, &import->err);
    if (!import->gone)
        worktree_refresh(&import->spec, &import->err);
}

static void refresh_done(struct work *work)
{
    struct turn_import *import = list_entry(work, struct turn_import, work);
    if (import->gone)
        turn_stop(import->turn, STOP_ERROR, &import->err);
    else if (import->err.kind != ERR_NONE)
        event_notice(import->turn->agent, "warning",
                     "The branches of the repository as this agent sees them may be old: %s",
                     import->err.message);
    import_free(import);
}

void turn_refresh(struct turn *turn)
{
    if (!turn->agent->isolated)
        return;
    struct turn_import *import = import_new(turn);
    import->work.run = refresh_run;
    import->work.done = refresh_done;
    port_work(turn->agent->swarm->setup.ports, LANE_GIT, &import->work);
}
