// SPDX-License-Identifier: MIT
#include "transports/providers.h"

#include "core/base/mem.h"
#include "transports/anthropic.h"
#include "transports/config_file.h"
#include "transports/demo.h"
#include "transports/gemini.h"
#include "transports/http.h"
#include "transports/loop.h"
#include "transports/model_http.h"
#include "transports/model_key.h"
#include "transports/model_list.h"
#include "transports/openai_chat.h"
#include "transports/openai_responses.h"

#include <stdlib.h>

struct providers {
    const struct ports *ports;
    struct http *http;
    const struct config *config;
    char **envp; // of commands that print keys; NULL: none was needed yet
    struct provider *made[CONFIG_PROVIDERS_MAX];    // in the configuration's order
    struct model_list *lists[CONFIG_PROVIDERS_MAX]; // the same
    struct list answers; // struct model_query, answered at the end of this loop turn
    struct deferred answered;
};

static void answer_queries(struct deferred *deferred);

struct providers *providers_create(struct loop *loop, struct http *http,
                                   const struct config *config)
{
    struct providers *providers = mem_new(sizeof(*providers));
    providers->ports = loop_ports(loop);
    providers->http = http;
    providers->config = config;
    providers->answered.fn = answer_queries;
    list_init(&providers->answers);
    list_init(&providers->answered.node);
    return providers;
}

// The environment's demo pace; what is no number is the default one.
static int64_t demo_delay(void)
{
    const char *text = getenv("SWARMD_DEMO_DELAY_MS");
    char *end = NULL;
    long ms = text && *text ? strtol(text, &end, 10) : DEMO_DELAY_MS;
    if (end && (*end || ms < 0 || ms > DEMO_DELAY_MAX_MS))
        return DEMO_DELAY_MS;
    return ms;
}

static const struct model_dialect *dialect_of(enum provider_kind kind)
{
    switch (kind) {
    case PROVIDER_OPENAI_CHAT:
        return openai_chat_dialect();
    case PROVIDER_OPENAI_RESPONSES:
        return openai_responses_dialect();
    case PROVIDER_ANTHROPIC:
        return anthropic_dialect();
    case PROVIDER_GEMINI:
        return gemini_dialect();
    case PROVIDER_DEMO:
        break;
    }
    return NULL;
}

static struct provider *make_http(struct providers *providers, const struct provider_config *config,
                                  struct err *err)
{
    if (!providers->envp)
        providers->envp = config_tool_env(providers->config);
    struct model_key *key =
        model_key_create(providers->ports, config, (const char *const *)providers->envp);
    if (!model_key_ready(key, err) && err->kind != ERR_NONE) {
        model_key_destroy(key);
        return NULL;
    }
    struct model_http_spec spec = {.name = str_of(config->name),
                                   .base_url = str_of(config->base_url),
                                   .key = key,
                                   .stall_ms = (int64_t)providers->config->stall_s * 1000};
    return model_http_create(dialect_of(config->kind), providers->ports, providers->http, &spec);
}

static struct provider *find(void *ctx, struct str name, struct err *err)
{
    struct providers *providers = ctx;
    const struct provider_config *config = config_provider(providers->config, name);
    if (!config) {
        char names[256];
        config_provider_names(providers->config, names, sizeof(names));
        err_set(err, ERR_CONFIG, "no provider is called '%.*s'; there are %s",
                (int)(name.len < 64 ? name.len : 64), name.len ? name.data : "", names);
        return NULL;
    }
    struct provider **made = &providers->made[config - providers->config->providers];
    if (*made)
        return *made;
    if (config->kind == PROVIDER_DEMO)
        *made = demo_create(providers->ports, name, demo_delay());
    else
        *made = make_http(providers, config, err);
    return *made;
}

static void answer_queries(struct deferred *deferred)
{
    struct providers *providers = list_entry(deferred, struct providers, answered);
    while (!list_empty(&providers->answers)) {
        struct model_query *query = list_entry(providers->answers.next, struct model_query, node);
        list_remove(&query->node);
        query->done(query);
    }
}

static void list_models(void *ctx, struct model_query *query)
{
    struct providers *providers = ctx;
    struct provider *provider = find(ctx, query->provider, &query->err);
    const struct provider_config *config = config_provider(providers->config, query->provider);
    list_init(&query->node);
    if (!provider || config->kind == PROVIDER_DEMO) {
        if (provider)
            query->err.kind = ERR_NONE;
        query->ids = provider ? STR("tour\n") : STR_NONE;
        list_append(&providers->answers, &query->node);
        port_defer(providers->ports, &providers->answered);
        return;
    }
    struct model_list **list = &providers->lists[config - providers->config->providers];
    if (!*list)
        *list = model_list_create(provider, config->kind);
    model_list_ask(*list, query);
}

struct provider_port providers_port(struct providers *providers)
{
    return (struct provider_port){providers, find, list_models};
}

void providers_destroy(struct providers *providers)
{
    if (!providers)
        return;
    answer_queries(&providers->answered);
    list_remove(&providers->answered.node);
    for (size_t i = 0; i < providers->config->provider_count; i++) {
        model_list_destroy(providers->lists[i]);
        if (!providers->made[i])
            continue;
        if (providers->config->providers[i].kind == PROVIDER_DEMO)
            demo_destroy(providers->made[i]);
        else
            model_http_destroy(providers->made[i]);
    }
    config_free_env(providers->envp);
    mem_free(providers);
}
