// SPDX-License-Identifier: MIT
// swarm/prune: found on LANE_GIT, judged again on the loop, for agents come and go meanwhile, then
// cleared on LANE_GIT. Agents are removed as by swarm/remove, one after the other.
#include "core/base/mem.h"
#include "core/git/worktree_orphans.h"
#include "core/swarm/swarm_internal.h"

enum { PRUNE_JSON_MAX = 8 << 20 };

struct prune {
    struct work work;
    struct swarm *swarm;
    struct swarm_op *op;
    struct orphan_search search; // owns its strings
    struct orphans orphans;
    bool clear;
    char **ids;
    size_t id_count;
    size_t next;             // of the orphans: agents are removed one by one
    struct swarm_op removal; // of one of them
    struct buf kept[ORPHANS_MAX];
    struct err err;
};

static void prune_free(struct prune *prune)
{
    for (size_t i = 0; i < prune->search.agent_count; i++) {
        mem_free((char *)prune->search.agents[i].id);
        mem_free((char *)prune->search.agents[i].repository);
        mem_free((char *)prune->search.agents[i].worktree);
    }
    mem_free(prune->search.agents);
    mem_free((char *)prune->search.cwd);
    mem_free((char *)prune->search.state_folder);
    for (size_t i = 0; i < prune->orphans.count; i++) {
        mem_free(prune->orphans.list[i].id);
        mem_free(prune->orphans.list[i].repository);
        mem_free(prune->orphans.list[i].path);
        buf_release(&prune->kept[i]);
    }
    for (size_t i = 0; i < prune->id_count; i++)
        mem_free(prune->ids[i]);
    mem_free(prune->ids);
    mem_free(prune);
}

void prune_stop(struct swarm *swarm)
{
    if (swarm->prune)
        atomic_store(&swarm->prune->search.stop, true);
}

// --- the answer ---

static void write_orphan(const struct prune *prune, size_t i, struct json_writer *w)
{
    static const char *const kinds[] = {[ORPHAN_WORKTREE] = "worktree",
                                        [ORPHAN_BRANCH] = "branch",
                                        [ORPHAN_AGENT] = "agent",
                                        [ORPHAN_KEPT] = "kept"};
    const struct orphan *orphan = &prune->orphans.list[i];
    json_begin_object(w);
    json_add_cstr(w, "id", orphan->id);
    json_add_cstr(w, "kind", kinds[orphan->kind]);
    json_add_cstr(w, "repository", orphan->repository);
    json_add_cstr(w, "path", orphan->path);
    json_add_cstr(w, "why", orphan->why);
    if (*orphan->work)
        json_add_cstr(w, "work", orphan->work);
    json_add_bool(w, "cleared", orphan->cleared);
    if (prune->kept[i].len) {
        json_add_raw(w, "kept", buf_str(&prune->kept[i]));
    } else if (*orphan->kept.ref) {
        json_key(w, "kept");
        remove_write_kept(orphan->id, &orphan->kept, w);
    }
    if (orphan->err.kind != ERR_NONE)
        json_add_cstr(w, "error", orphan->err.message);
    json_end_object(w);
}

static void answer(struct prune *prune)
{
    struct swarm *swarm = prune->swarm;
    struct swarm_op *op = prune->op;
    struct json_writer w;
    swarm->prune = NULL;
    op->err = prune->err;
    if (op->err.kind == ERR_NONE) {
        buf_init(&op->answer, PRUNE_JSON_MAX);
        json_writer_init(&w, &op->answer);
        json_begin_object(&w);
        json_key(&w, "orphans");
        json_begin_array(&w);
        for (size_t i = 0; i < prune->orphans.count; i++)
            write_orphan(prune, i, &w);
        json_end_array(&w);
        json_add_bool(&w, "more", prune->orphans.more);
        json_end_object(&w);
        op->agent_num = 0;
        op_await(swarm, op);
    } else {
        op_fail(swarm, op);
    }
    prune_free(prune);
    swarm_close_check(swarm);
}

// --- clearing ---

static struct agent *agent_of(struct swarm *swarm, const char *id)
{
    struct err ignored;
    struct agent *agent = swarm_find(swarm, str_of(id), &ignored);
    return agent && strcmp(agent->id, id) == 0 ? agent : NULL;
}

// Those of other state folders, and agents, are named by who has seen them in the list.
static bool is_chosen(const struct prune *prune, const struct orphan *orphan)
{
    if (!prune->clear || orphan->cleared)
        return false;
    if (prune->id_count == 0)
        return orphan->kind == ORPHAN_WORKTREE || orphan->kind == ORPHAN_KEPT;
    for (size_t i = 0; i < prune->id_count; i++)
        if (strcmp(prune->ids[i], orphan->id) == 0)
            return true;
    return false;
}

static void clear_run(struct work *work)
{
    struct prune *prune = list_entry(work, struct prune, work);
    for (size_t i = 0; i < prune->orphans.count; i++) {
        struct orphan *orphan = &prune->orphans.list[i];
        if (orphan->kind != ORPHAN_AGENT && is_chosen(prune, orphan) &&
            !atomic_load(&prune->search.stop))
            orphan_clear(&prune->search, orphan);
    }
}

static void remove_next(struct prune *prune);

static void removed(struct swarm_op *op)
{
    struct prune *prune = list_entry(op, struct prune, removal);
    struct orphan *orphan = &prune->orphans.list[prune->next];
    orphan->err = op->err;
    orphan->cleared = op->err.kind == ERR_NONE;
    prune->kept[prune->next++] = op->answer;
    remove_next(prune);
}

static void remove_next(struct prune *prune)
{
    for (; prune->next < prune->orphans.count && !prune->swarm->closing; prune->next++) {
        const struct orphan *orphan = &prune->orphans.list[prune->next];
        struct agent *agent = orphan->kind == ORPHAN_AGENT && is_chosen(prune, orphan)
                                  ? agent_of(prune->swarm, orphan->id)
                                  : NULL;
        if (!agent)
            continue;
        prune->removal = (struct swarm_op){.done = removed};
        swarm_remove(prune->swarm, agent, true, &prune->removal);
        return;
    }
    answer(prune);
}

static void clear_done(struct work *work)
{
    remove_next(list_entry(work, struct prune, work));
}

// --- finding ---

static void find_run(struct work *work)
{
    struct prune *prune = list_entry(work, struct prune, work);
    if (git_start(&prune->err))
        orphans_find(&prune->search, &prune->orphans);
}

// An agent that was spawned since is none, and neither is one that was removed.
static void forget_others(struct prune *prune)
{
    struct orphans *orphans = &prune->orphans;
    size_t kept = 0;
    for (size_t i = 0; i < orphans->count; i++) {
        struct orphan *orphan = &orphans->list[i];
        bool is_there = agent_of(prune->swarm, orphan->id);
        if (is_there == (orphan->kind == ORPHAN_AGENT)) {
            orphans->list[kept++] = *orphan;
            continue;
        }
        mem_free(orphan->id);
        mem_free(orphan->repository);
        mem_free(orphan->path);
    }
    orphans->count = kept;
}

static void find_done(struct work *work)
{
    struct prune *prune = list_entry(work, struct prune, work);
    if (prune->err.kind == ERR_NONE && prune->swarm->closing)
        err_set(&prune->err, ERR_REFUSED, "the server is ending");
    if (prune->err.kind == ERR_NONE)
        forget_others(prune);
    if (prune->err.kind != ERR_NONE || !prune->clear) {
        answer(prune);
        return;
    }
    prune->work.run = clear_run;
    prune->work.done = clear_done;
    port_work(prune->swarm->setup.ports, LANE_GIT, &prune->work);
}

// Strings of their own: agents may go while the lane looks at them.
static void take_agents(struct prune *prune)
{
    const struct swarm *swarm = prune->swarm;
    prune->search.agents = mem_new_array(swarm->agent_count + 1, sizeof(struct orphan_agent));
    prune->search.agent_count = swarm->agent_count;
    for (size_t i = 0; i < swarm->agent_count; i++) {
        const struct agent *agent = swarm->by_id[i];
        bool has_own = agent->isolated && agent->worktree_made;
        prune->search.agents[i] = (struct orphan_agent){
            .id = mem_dup(str_of(agent->id)),
            .repository = mem_dup(str_of(agent->repository)),
            .worktree = has_own ? mem_dup(str_of(agent->worktree)) : NULL,
        };
    }
}

void swarm_prune(struct swarm *swarm, const struct prune_params *params, struct swarm_op *op)
{
    op->err.kind = ERR_NONE;
    if (swarm->prune || swarm->closing) {
        if (swarm->closing)
            err_set(&op->err, ERR_REFUSED, "the server is ending");
        else
            err_set(&op->err, ERR_WRONG_STATE, "another swarm/prune is under way: try again");
        op_fail(swarm, op);
        return;
    }
    struct prune *prune = mem_new(sizeof(*prune));
    swarm->prune = prune;
    prune->swarm = swarm;
    prune->op = op;
    prune->clear = params->clear;
    prune->ids = mem_new_array(params->id_count + 1, sizeof(*prune->ids));
    for (size_t i = 0; i < params->id_count; i++)
        prune->ids[prune->id_count++] = mem_dup(params->ids[i]);
    prune->search.state_folder = mem_dup(str_of(swarm->setup.state_folder));
    prune->search.cwd = params->cwd.len ? mem_dup(params->cwd) : NULL;
    prune->search.now_ms = port_wall_ms(swarm->setup.ports);
    take_agents(prune);
    prune->work.run = find_run;
    prune->work.done = find_done;
    port_work(swarm->setup.ports, LANE_GIT, &prune->work);
}
