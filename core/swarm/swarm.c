// SPDX-License-Identifier: MIT
// The swarm's life, its lists, and the places for active agents.
#include "core/swarm/swarm.h"

#include "core/base/mem.h"
#include "core/swarm/review.h"
#include "core/swarm/swarm_internal.h"

enum {
    CLOSE_MS_MAX = 10000, // how long the end waits for commands to die
    EVENT_BYTES_MAX = 64 << 20,
    RECORD_TREE_MAX = 512 << 20, // of the tree of one agent's record: 48 a value and its text
};

static void tell(struct deferred *deferred)
{
    struct swarm *swarm = list_entry(deferred, struct swarm, tell);
    list_for_each_safe(node, &swarm->watchers)
    {
        struct swarm_watcher *watcher = list_entry(node, struct swarm_watcher, node);
        watcher->changed(watcher);
    }
}

void swarm_tell(struct swarm *swarm)
{
    if (!list_empty(&swarm->watchers))
        port_defer(swarm->setup.ports, &swarm->tell);
}

// Places go to the oldest of those who wait.
static void place(struct deferred *deferred)
{
    struct swarm *swarm = list_entry(deferred, struct swarm, place);
    struct err ignored;
    list_for_each_safe(node, &swarm->agents)
    {
        bool full = swarm->active >= (size_t)swarm->setup.config->max_active;
        if (swarm->closing || full || swarm->queued == 0)
            return;
        struct agent *agent = list_entry(node, struct agent, node);
        bool busy = agent->setup || agent->mending || agent->removing || agent->merge ||
                    review_holds_turn(agent);
        if (agent->state != STATE_QUEUED || busy)
            continue;
        if (agent_enter(agent, CAUSE_PLACE, &ignored))
            setup_start(agent);
    }
}

void swarm_schedule(struct swarm *swarm)
{
    port_defer(swarm->setup.ports, &swarm->place);
}

struct swarm *swarm_create(const struct swarm_setup *setup)
{
    struct swarm *swarm = mem_new(sizeof(*swarm));
    swarm->setup = *setup;
    swarm->catalogue = catalogue_create(setup->config);
    swarm->budgets = budgets_create(swarm);
    list_init(&swarm->gone);
    swarm->last_agent = setup->last_agent;
    list_init(&swarm->agents);
    list_init(&swarm->by_change);
    list_init(&swarm->live);
    list_init(&swarm->merges);
    swarm->overlap = overlap_new();
    list_init(&swarm->watchers);
    list_init(&swarm->answered);
    list_init(&swarm->tell.node);
    list_init(&swarm->place.node);
    list_init(&swarm->close_done.node);
    swarm->tell.fn = tell;
    swarm->place.fn = place;
    buf_init(&swarm->event, EVENT_BYTES_MAX);
    swarm->alarms = alarms_create(setup->ports, setup->journal);
    swarm->pool = swarm_pool_create(swarm);
    swarm->accounts = accounts_create(&(struct accounts_setup){
        .ports = setup->ports,
        .log = setup->log,
        .config = setup->config,
        .providers = setup->providers,
        .alarms = swarm->alarms,
        .say = setup->say,
        .arg = setup->arg,
        .awaits_quota = swarm_awaits_quota,
        .quota_back = swarm_quota_back,
        .quota_arg = swarm,
    });
    return swarm;
}

bool swarm_restore(struct swarm *swarm, int64_t num, struct str record, struct err *err)
{
    struct arena arena;
    struct json *json;
    struct agent *agent = NULL;
    arena_init(&arena, RECORD_TREE_MAX);
    if (json_parse(&json, &arena, record, err))
        agent = agent_read_record(swarm, json, err);
    arena_release(&arena);
    if (!agent)
        return err_wrap(err, "agent number %lld of the store is left out", (long long)num);
    agent->num = num;
    swarm_index_add(swarm, agent);
    list_append(&swarm->by_change, &agent->by_change);
    agent->changed = ++swarm->change;
    if (agent->removing) {
        setup_remove(agent, NULL);
        return true;
    }
    if (agent->merge_intent)
        merge_recover(agent);
    bool cut_off = agent->state == STATE_WORKING || agent->state == STATE_STARTING;
    if (cut_off) {
        agent_set_activity(agent, "%s", "");
        if (!agent_enter(agent, CAUSE_RESTART, err))
            return false;
        agent->cut_off = true;
        agent->backend->mend(agent);
    }
    swarm_schedule(swarm);
    return true;
}

void swarm_restore_setting(struct swarm *swarm, struct str key, struct str value)
{
    if (!alarms_restore(swarm->alarms, key, value))
        budgets_restore(swarm->budgets, key, value);
    fallback_restore(swarm, key, value);
}

void swarm_resume_cut_off(struct swarm *swarm)
{
    struct err ignored;
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        if (agent->cut_off && !agent->removing && !swarm->closing)
            agent_enter(agent, CAUSE_RESUME, &ignored);
    }
}

void swarm_hand_over(struct swarm *swarm)
{
    swarm->handing_over = true;
}

static void close_done(struct deferred *deferred)
{
    struct swarm *swarm = list_entry(deferred, struct swarm, close_done);
    void (*closed)(void *arg) = swarm->closed;
    swarm->closed = NULL;
    if (closed)
        closed(swarm->closed_arg);
}

bool swarm_is_at_rest(const struct swarm *swarm)
{
    list_for_each(node, &swarm->agents)
    {
        const struct agent *agent = list_entry(node, struct agent, node);
        if (agent->turn || agent->setup || agent->merge || !list_empty(&agent->reviews))
            return false;
    }
    return swarm->spawning == 0 && !swarm->prune && !sandbox_probe_runs(swarm) &&
           !swarm_pool_is_busy(swarm->pool);
}

void swarm_close_check(struct swarm *swarm)
{
    if (swarm->closing && swarm->closed && swarm_is_at_rest(swarm))
        port_defer(swarm->setup.ports, &swarm->close_done);
}

static void close_late(void *arg)
{
    struct swarm *swarm = arg;
    port_defer(swarm->setup.ports, &swarm->close_done);
}

void swarm_close(struct swarm *swarm, void (*closed)(void *arg), void *arg)
{
    const struct ports *ports = swarm->setup.ports;
    swarm->closing = true;
    accounts_close(swarm->accounts);
    swarm_pool_stop(swarm->pool);
    prune_stop(swarm);
    swarm->closed = closed;
    swarm->closed_arg = arg;
    swarm->close_done.fn = close_done;
    swarm->close_timer = port_timer_new(ports, close_late, swarm);
    ports->ops->timer_set(swarm->close_timer, CLOSE_MS_MAX);
    list_for_each_safe(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        bool waits = agent->state == STATE_WAITING; // its questions stay open across the restart
        if (agent->stopping == CAUSE_COUNT && agent->turn && !waits && !swarm->handing_over)
            agent->stopping = CAUSE_RESTART;
        if (agent->turn)
            agent->backend->stop(agent, STOP_NONE);
    }
    swarm_close_check(swarm);
}

void swarm_destroy(struct swarm *swarm)
{
    list_for_each_safe(node, &swarm->agents)
    {
        agent_free(list_entry(node, struct agent, node));
    }
    for (size_t i = 0; i < swarm->slot_count; i++)
        mem_free(swarm->slots[i]);
    mem_free(swarm->slots);
    swarm_rules_release(swarm);
    swarm_pool_destroy(swarm->pool);
    mem_free(swarm->by_num);
    mem_free(swarm->by_id);
    if (swarm->close_timer)
        swarm->setup.ports->ops->timer_free(swarm->close_timer);
    list_remove(&swarm->tell.node);
    list_remove(&swarm->place.node);
    list_remove(&swarm->close_done.node);
    buf_release(&swarm->event);
    overlap_free(swarm->overlap);
    accounts_destroy(swarm->accounts);
    alarms_destroy(swarm->alarms);
    catalogue_destroy(swarm->catalogue);
    budgets_destroy(swarm->budgets);
    fallback_release(swarm);
    sandbox_probe_forget(swarm);
    mem_free(swarm);
}

struct agent *swarm_first(struct swarm *swarm)
{
    if (list_empty(&swarm->agents))
        return NULL;
    return list_entry(swarm->agents.next, struct agent, node);
}

struct agent *swarm_next(struct swarm *swarm, const struct agent *agent)
{
    if (agent->node.next == &swarm->agents)
        return NULL;
    return list_entry(agent->node.next, struct agent, node);
}

struct approval *swarm_find_approval(struct swarm *swarm, struct str id, struct agent **owner)
{
    list_for_each(node, &swarm->agents)
    {
        struct agent *agent = list_entry(node, struct agent, node);
        list_for_each(entry, &agent->approvals)
        {
            struct approval *approval = list_entry(entry, struct approval, node);
            if (str_is(id, approval->id)) {
                *owner = agent;
                return approval;
            }
        }
    }
    return NULL;
}

struct journal *swarm_journal(struct swarm *swarm)
{
    return swarm->setup.journal;
}

struct log *swarm_log(struct swarm *swarm)
{
    return swarm->setup.log;
}

const struct config *swarm_config(const struct swarm *swarm)
{
    return swarm->setup.config;
}

int64_t swarm_now_ms(const struct swarm *swarm)
{
    return port_wall_ms(swarm->setup.ports);
}

struct catalogue *swarm_catalogue(struct swarm *swarm)
{
    return swarm->catalogue;
}

struct str swarm_default_model(const struct swarm *swarm)
{
    return fallback_of(swarm, str_of(swarm->setup.config->model));
}

const struct provider_port *swarm_providers(const struct swarm *swarm)
{
    return &swarm->setup.providers;
}

struct model_info swarm_model(const struct agent *agent)
{
    return catalogue_find(agent->swarm->catalogue, str_of(agent->provider), str_of(agent->model));
}

struct accounts *swarm_accounts(const struct swarm *swarm)
{
    return swarm->accounts;
}

void swarm_count(const struct swarm *swarm, struct swarm_counts *out)
{
    out->agents = swarm->agent_count;
    out->active = swarm->active;
    out->queued = swarm->queued;
}

struct agent *swarm_changed_last(struct swarm *swarm)
{
    if (list_empty(&swarm->by_change))
        return NULL;
    return list_entry(swarm->by_change.prev, struct agent, by_change);
}

struct agent *swarm_changed_before(struct swarm *swarm, const struct agent *agent)
{
    if (agent->by_change.prev == &swarm->by_change)
        return NULL;
    return list_entry(agent->by_change.prev, struct agent, by_change);
}

void swarm_watch(struct swarm *swarm, struct swarm_watcher *watcher)
{
    list_append(&swarm->watchers, &watcher->node);
}

void swarm_unwatch(struct swarm_watcher *watcher)
{
    list_remove(&watcher->node);
}
