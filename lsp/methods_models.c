// SPDX-License-Identifier: MIT
// swarm/models: what the configured providers offer, with what the catalogue knows of it.
#include "core/base/mem.h"
#include "lsp/methods.h"
#include "lsp/params.h"

enum { ANSWER_BYTES_MAX = 60 << 20 };

struct listing {
    struct pending *pending;
    struct swarm *swarm;
    size_t count, left;
    struct entry {
        struct model_query query; // its provider's name is the configuration's
        struct listing *listing;
        char *ids; // NULL: err
    } entries[CONFIG_PROVIDERS_MAX];
};

static void add_count(struct json_writer *json, const char *key, int64_t value)
{
    if (value > 0)
        json_add_int(json, key, value);
    else
        json_add_null(json, key);
}

static void add_ability(struct json_writer *json, const char *key, enum ability ability)
{
    if (ability == ABILITY_UNKNOWN)
        json_add_null(json, key);
    else
        json_add_bool(json, key, ability == ABILITY_YES);
}

static void add_price(struct json_writer *json, const char *key, int64_t price)
{
    if (price >= 0)
        dollars_add(json, key, price);
    else
        json_add_null(json, key);
}

static void add_prices(struct json_writer *json, const struct model_prices *prices)
{
    if (prices->input < 0) {
        json_add_null(json, "prices");
        return;
    }
    json_key(json, "prices");
    json_begin_object(json);
    add_price(json, "input", prices->input);
    add_price(json, "output", prices->output);
    add_price(json, "cacheRead", prices->cache_read);
    add_price(json, "cacheWrite", prices->cache_write);
    json_end_object(json);
}

static void put_model(struct json_writer *json, struct swarm *swarm, struct str provider,
                      struct str model)
{
    struct model_info info = catalogue_find(swarm_catalogue(swarm), provider, model);
    struct buf id;
    buf_init(&id, ANSWER_BYTES_MAX);
    buf_addf(&id, "%.*s/%.*s", STR_ARG(provider), STR_ARG(model));
    json_begin_object(json);
    json_add_str(json, "id", buf_str(&id));
    json_add_str(json, "provider", provider);
    json_add_str(json, "model", model);
    buf_release(&id);
    json_add_bool(json, "known", info.known);
    json_add_int(json, "contextSize", info.context_size);
    add_count(json, "maxInput", info.max_input);
    add_count(json, "maxOutput", info.max_output);
    add_prices(json, &info.prices);
    add_ability(json, "images", info.images);
    add_ability(json, "reasoning", info.reasoning);
    add_ability(json, "tools", info.tools);
    json_end_object(json);
}

struct known {
    struct json_writer *json;
    struct swarm *swarm;
    struct str provider;
};

static void put_known(void *arg, struct str model)
{
    const struct known *known = arg;
    put_model(known->json, known->swarm, known->provider, model);
}

static void put_listed(struct json_writer *json, const struct entry *entry)
{
    struct str rest = str_of(entry->ids);
    while (rest.len) {
        const char *newline = memchr(rest.data, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.data) : rest.len;
        put_model(json, entry->listing->swarm, entry->query.provider, str_from(rest.data, len));
        rest = str_skip(rest, newline ? len + 1 : len);
    }
}

static void put_models(struct json_writer *json, const struct entry *entry)
{
    struct known known = {json, entry->listing->swarm, entry->query.provider};
    if (entry->ids)
        put_listed(json, entry);
    else
        catalogue_each(swarm_catalogue(known.swarm), known.provider, put_known, &known);
}

static void put_provider(struct json_writer *json, const struct entry *entry)
{
    json_begin_object(json);
    json_add_str(json, "provider", entry->query.provider);
    json_add_bool(json, "listed", entry->ids != NULL);
    if (!entry->ids) {
        json_key(json, "error");
        json_begin_object(json);
        json_add_cstr(json, "kind", err_kind_name(entry->query.err.kind));
        json_add_cstr(json, "message", entry->query.err.message);
        json_end_object(json);
    }
    json_end_object(json);
}

static void models_result(struct pending *pending, struct json_writer *json)
{
    json_put_raw(json, buf_str(&pending->op.answer));
}

static const struct pending_kind models_kind = {.result = models_result, .can_be_left = true};

static void finish(struct listing *listing)
{
    struct swarm_op *op = &listing->pending->op;
    struct json_writer json;
    if (listing->pending->session) { // else nobody waits, and the swarm may be gone
        buf_init(&op->answer, ANSWER_BYTES_MAX);
        json_writer_init(&json, &op->answer);
        json_begin_object(&json);
        json_add_str(&json, "default", swarm_default_model(listing->swarm));
        json_key(&json, "models");
        json_begin_array(&json);
        for (size_t i = 0; i < listing->count; i++)
            put_models(&json, &listing->entries[i]);
        json_end_array(&json);
        json_key(&json, "providers");
        json_begin_array(&json);
        for (size_t i = 0; i < listing->count; i++)
            put_provider(&json, &listing->entries[i]);
        json_end_array(&json);
        json_end_object(&json);
        if (op->answer.overflow)
            err_set(&op->err, ERR_LIMIT, "the lists of models are larger than %d MiB",
                    ANSWER_BYTES_MAX >> 20);
    }
    for (size_t i = 0; i < listing->count; i++)
        mem_free(listing->entries[i].ids);
    mem_free(listing);
    op->done(op);
}

static void on_listed(struct model_query *query)
{
    struct entry *entry = list_entry(query, struct entry, query);
    struct listing *listing = entry->listing;
    if (query->err.kind == ERR_NONE)
        entry->ids = mem_dup(query->ids);
    if (--listing->left == 0)
        finish(listing);
}

static bool wants(const struct provider_config *provider, struct str name)
{
    return name.len == 0 || str_is(name, provider->name);
}

static void begin(struct listing *listing, struct str name, bool fresh)
{
    const struct config *config = swarm_config(listing->swarm);
    const struct provider_port *port = swarm_providers(listing->swarm);
    for (size_t i = 0; i < config->provider_count; i++) {
        if (!wants(&config->providers[i], name))
            continue;
        struct entry *entry = &listing->entries[listing->count++];
        entry->listing = listing;
        entry->query = (struct model_query){
            .provider = str_of(config->providers[i].name), .fresh = fresh, .done = on_listed};
    }
    listing->left = listing->count;
    for (size_t i = 0, count = listing->count; i < count; i++)
        port->list(port->ctx, &listing->entries[i].query);
}

void method_models(struct call *call)
{
    struct str name = STR_NONE;
    bool fresh = false;
    struct err err;
    bool ok = json_get_str(call->params, "provider", &name, &err) &&
              json_get_bool(call->params, "refresh", &fresh, &err);
    const struct config *config = swarm_config(call->swarm);
    bool found = false;
    for (size_t i = 0; ok && i < config->provider_count; i++)
        found = found || wants(&config->providers[i], name);
    if (ok && !found)
        ok = err_set(&err, ERR_PARAMS, "provider: no provider is called '%.*s'", STR_ARG(name));
    struct pending *pending = NULL;
    if (!ok)
        call_fail(call, &err);
    else
        pending = pending_new(call, &models_kind);
    if (!pending)
        return;
    struct listing *listing = mem_new(sizeof(*listing));
    listing->pending = pending;
    listing->swarm = call->swarm;
    begin(listing, name, fresh);
}
