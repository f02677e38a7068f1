// SPDX-License-Identifier: MIT
// Worktrees ahead of their agents: one at a time, while no worktree is being made, for the
// repository and base of the agent that was spawned last.
#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"

enum { POOL_DELAY_MS = 1000 }; // from the last worktree that was made

struct swarm_pool {
    struct work work;
    struct swarm *swarm;
    struct timer *timer;
    char *folder;
    char *repository, *base, *sparse; // wanted next
    struct worktree_spec spec;        // under way; owns its strings
    struct worktree_progress progress;
    bool busy, made;
    struct err err;
};

static void tick(void *arg);

struct swarm_pool *swarm_pool_create(struct swarm *swarm)
{
    struct swarm_pool *pool = mem_new(sizeof(*pool));
    pool->swarm = swarm;
    pool->folder = mem_format("%s/pool", swarm->setup.state_folder);
    pool->timer = port_timer_new(swarm->setup.ports, tick, pool);
    return pool;
}

static void forget(char **repository, char **base, char **sparse)
{
    mem_free(*repository);
    mem_free(*base);
    mem_free(*sparse);
    *repository = *base = *sparse = NULL;
}

void swarm_pool_destroy(struct swarm_pool *pool)
{
    pool->swarm->setup.ports->ops->timer_free(pool->timer);
    forget(&pool->repository, &pool->base, &pool->sparse);
    mem_free(pool->folder);
    mem_free(pool);
}

const char *swarm_pool_folder(const struct swarm_pool *pool)
{
    return pool->swarm->setup.config->pool_count > 0 ? pool->folder : NULL;
}

bool swarm_pool_is_busy(const struct swarm_pool *pool)
{
    return pool->busy;
}

void swarm_pool_stop(struct swarm_pool *pool)
{
    atomic_store(&pool->progress.stop, true);
    pool->swarm->setup.ports->ops->timer_stop(pool->timer);
}

static void run(struct work *work)
{
    struct swarm_pool *pool = list_entry(work, struct swarm_pool, work);
    const struct config *config = pool->swarm->setup.config;
    struct worktree_pool limits = {.folder = pool->folder,
                                   .count = config->pool_count,
                                   .bytes = (int64_t)config->pool_mb << 20};
    if (git_start(&pool->err))
        worktree_prepare(&pool->spec, &limits, &pool->made, &pool->err);
}

static void done(struct work *work)
{
    struct swarm_pool *pool = list_entry(work, struct swarm_pool, work);
    struct swarm *swarm = pool->swarm;
    pool->busy = false;
    // Nobody waits for it: without, the next worktree is only slower.
    if (pool->err.kind != ERR_NONE && !swarm->closing)
        log_line(swarm->setup.log, LOG_WARNING, NULL, "no worktree is made ahead: %s",
                 pool->err.message);
    mem_free((char *)pool->spec.repository);
    mem_free((char *)pool->spec.base);
    mem_free((char *)pool->spec.sparse);
    if (!swarm->closing && pool->made && pool->err.kind == ERR_NONE)
        swarm->setup.ports->ops->timer_set(pool->timer, POOL_DELAY_MS); // one more?
    swarm_close_check(swarm);
}

static bool is_making(const struct swarm *swarm)
{
    list_for_each(node, &swarm->agents)
    {
        if (list_entry(node, struct agent, node)->setup)
            return true;
    }
    return false;
}

static void tick(void *arg)
{
    struct swarm_pool *pool = arg;
    struct swarm *swarm = pool->swarm;
    if (swarm->closing || pool->busy || !pool->repository)
        return;
    if (is_making(swarm)) {
        swarm->setup.ports->ops->timer_set(pool->timer, POOL_DELAY_MS);
        return;
    }
    pool->spec = (struct worktree_spec){
        .repository = mem_dup(str_of(pool->repository)),
        .base = mem_dup(str_of(pool->base)),
        .sparse = pool->sparse ? mem_dup(str_of(pool->sparse)) : NULL,
        .progress = &pool->progress,
    };
    pool->busy = true;
    pool->made = false;
    pool->err.kind = ERR_NONE;
    pool->work.run = run;
    pool->work.done = done;
    port_work(swarm->setup.ports, LANE_GIT, &pool->work);
}

void swarm_pool_want(struct swarm_pool *pool, const struct worktree_spec *spec)
{
    if (pool->swarm->setup.config->pool_count == 0 || pool->swarm->closing)
        return;
    forget(&pool->repository, &pool->base, &pool->sparse);
    pool->repository = mem_dup(str_of(spec->repository));
    pool->base = mem_dup(str_of(spec->base));
    pool->sparse = spec->sparse ? mem_dup(str_of(spec->sparse)) : NULL;
    pool->swarm->setup.ports->ops->timer_set(pool->timer, POOL_DELAY_MS);
}
