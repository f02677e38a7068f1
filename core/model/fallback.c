// SPDX-License-Identifier: MIT
#include "core/model/fallback.h"

#include "core/base/mem.h"
#include "core/swarm/swarm_internal.h"

static const char prefix[] = "fallback/";

struct gone { // a model that is; in swarm->gone
    struct list node;
    char *model; // "provider/model"
    char *instead;
    int64_t at; // ms since 1970
};

static struct gone *find(const struct swarm *swarm, struct str model)
{
    list_for_each(node, &swarm->gone)
    {
        struct gone *gone = list_entry(node, struct gone, node);
        if (str_is(model, gone->model))
            return gone;
    }
    return NULL;
}

static bool is_fresh(const struct swarm *swarm, const struct gone *gone)
{
    return gone && swarm_now_ms(swarm) - gone->at < FALLBACK_KEPT_MS;
}

static void forget(struct gone *gone)
{
    list_remove(&gone->node);
    mem_free(gone->model);
    mem_free(gone->instead);
    mem_free(gone);
}

static void store(const struct swarm *swarm, const char *model, const struct gone *gone)
{
    struct buf value;
    struct json_writer w;
    char *key = mem_format("%s%s", prefix, model);
    buf_init(&value, 64 << 10);
    if (gone) {
        json_writer_init(&w, &value);
        json_begin_object(&w);
        json_add_cstr(&w, "instead", gone->instead);
        json_add_int(&w, "at", gone->at);
        json_end_object(&w);
    }
    journal_put_setting(swarm->setup.journal, str_of(key), gone ? buf_str(&value) : STR_NONE);
    buf_release(&value);
    mem_free(key);
}

static struct gone *note(struct swarm *swarm, struct str model, struct str instead, int64_t at)
{
    struct gone *gone = find(swarm, model);
    size_t count = 0;
    list_for_each(node, &swarm->gone) count++;
    if (!gone && count >= FALLBACK_MODELS_MAX)
        forget(list_entry(swarm->gone.next, struct gone, node));
    if (!gone) {
        gone = mem_new(sizeof(*gone));
        gone->model = mem_dup(model);
        list_append(&swarm->gone, &gone->node);
    }
    mem_free(gone->instead);
    gone->instead = mem_dup(instead);
    gone->at = at;
    return gone;
}

void fallback_restore(struct swarm *swarm, struct str key, struct str value)
{
    struct arena arena;
    struct json *json;
    struct err ignored; // one that cannot be read says nothing
    arena_init(&arena, 256 << 10);
    if (str_starts(key, str_of(prefix)) && json_parse(&json, &arena, value, &ignored))
        note(swarm, str_skip(key, strlen(prefix)), json_str(json, "instead"),
             json_int(json, "at", 0));
    arena_release(&arena);
}

void fallback_release(struct swarm *swarm)
{
    list_for_each_safe(node, &swarm->gone)
    {
        forget(list_entry(node, struct gone, node));
    }
}

struct str fallback_of(const struct swarm *swarm, struct str configured)
{
    struct str model = configured;
    for (int i = 0; i <= CONFIG_FALLBACKS_MAX + 1; i++) { // one may lead to the next
        const struct gone *gone = find(swarm, model);
        if (!is_fresh(swarm, gone))
            return model;
        model = str_of(gone->instead);
    }
    return configured;
}

void fallback_answered(struct agent *agent)
{
    struct swarm *swarm = agent->swarm;
    if (list_empty(&swarm->gone))
        return;
    char *model = mem_format("%s/%s", agent->provider, agent->model);
    struct gone *gone = find(swarm, str_of(model));
    if (gone) {
        store(swarm, model, NULL);
        forget(gone);
    }
    mem_free(model);
}

// --- the choice ---

static bool may_be_used(const struct swarm *swarm, struct str candidate, struct str model)
{
    long slash = str_find(candidate, STR("/"));
    struct err ignored;
    if (slash <= 0 || str_equal(candidate, model) || is_fresh(swarm, find(swarm, candidate)))
        return false;
    const struct provider_port *providers = &swarm->setup.providers;
    return providers->find(providers->ctx, str_from(candidate.data, (size_t)slash), &ignored);
}

// "provider/model", or NULL.
static char *choose(const struct agent *agent, struct str model)
{
    const struct swarm *swarm = agent->swarm;
    const struct config *config = swarm->setup.config;
    for (size_t i = 0; i < config->fallback_count; i++)
        if (may_be_used(swarm, str_of(config->fallbacks[i]), model))
            return mem_dup(str_of(config->fallbacks[i]));
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct provider_config *provider = &config->providers[i];
        if (strcmp(provider->name, agent->provider) != 0 || !provider->default_model)
            continue;
        char *candidate = mem_format("%s/%s", provider->name, provider->default_model);
        if (may_be_used(swarm, str_of(candidate), model))
            return candidate;
        mem_free(candidate);
    }
    return NULL;
}

static void change(struct agent *agent, const char *model)
{
    const char *slash = strchr(model, '/');
    mem_free(agent->provider);
    mem_free(agent->model);
    agent->provider = mem_dup(str_from(model, (size_t)(slash - model)));
    agent->model = mem_dup(str_of(slash + 1));
    agent_model_changed(agent);
    agent_publish(agent);
}

bool fallback_take(struct agent *agent)
{
    struct swarm *swarm = agent->swarm;
    char *model = mem_format("%s/%s", agent->provider, agent->model);
    bool worked = agent->usage.sum.requests > 0;
    char *instead = worked || agent->model_configured ? choose(agent, str_of(model)) : NULL;
    if (instead) {
        bool told = find(swarm, str_of(model)) && !worked;
        const struct gone *gone = note(swarm, str_of(model), str_of(instead), swarm_now_ms(swarm));
        store(swarm, model, gone);
        if (!told)
            event_notice(agent, "warning",
                         "The model %s is not there any more: this agent goes on with %s, and so "
                         "do new ones. Change model in the configuration to choose another.",
                         model, instead);
        log_line(swarm->setup.log, LOG_WARNING, agent->id, "%s is gone: %s instead", model,
                 instead);
        change(agent, instead);
    }
    bool taken = instead != NULL;
    mem_free(instead);
    mem_free(model);
    return taken;
}
