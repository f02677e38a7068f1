// SPDX-License-Identifier: MIT
#include "core/model/catalogue.h"

#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/model/catalogue_data.h"
#include "core/model/catalogue_match.h"
#include "core/swarm/config.h"

enum { TREE_MAX = 4 << 20 };

struct entry {
    struct str id, host; // views of the data; host is empty for a family
    bool open;           // sold at other prices elsewhere
    struct model_info info;
};

struct catalogue {
    const struct config *config;
    struct entry *entries; // NULL before the first look-up
    size_t count;
};

struct model_info model_info_unknown(void)
{
    return (struct model_info){.context_size = CATALOGUE_CONTEXT_DEFAULT,
                               .prices = {-1, -1, -1, -1},
                               .long_prices = {-1, -1, -1, -1}};
}

// --- the data ---

static int64_t read_price(const struct json *json, const char *key)
{
    double dollars = json_real(json, key, -1);
    return dollars < 0 ? -1 : (int64_t)(dollars * 1e9 + 0.5);
}

static struct model_prices read_prices(const struct json *json)
{
    return (struct model_prices){read_price(json, "input"), read_price(json, "output"),
                                 read_price(json, "cacheRead"), read_price(json, "cacheWrite")};
}

static enum ability read_ability(const struct json *json, const char *key)
{
    const struct json *value = json_get(json, key);
    if (!value || value->type != JSON_BOOL)
        return ABILITY_UNKNOWN;
    return value->boolean ? ABILITY_YES : ABILITY_NO;
}

static void read_entry(struct entry *entry, const struct json *json)
{
    entry->id = json_str(json, "id");
    entry->host = json_str(json, "host");
    entry->open = json_bool(json, "open", false);
    entry->info = (struct model_info){
        .known = true,
        .context_size = json_int(json, "context", 0),
        .max_input = json_int(json, "maxInput", 0),
        .max_output = json_int(json, "maxOutput", 0),
        .prices = read_prices(json_get(json, "price")),
        .long_prices = read_prices(json_get(json, "over")),
        .long_above = json_int(json_get(json, "over"), "tokens", 0),
        .images = read_ability(json, "images"),
        .reasoning = read_ability(json, "reasoning"),
        .tools = read_ability(json, "tools"),
    };
}

// Ids and hosts have no escapes, so they point into the data and outlive the tree.
static void load(struct catalogue *catalogue)
{
    struct arena arena;
    struct json *json = NULL;
    struct err ignored; // a test reads the same data
    arena_init(&arena, TREE_MAX);
    bool ok = json_parse(&json, &arena, str_from(catalogue_data, catalogue_data_size), &ignored);
    const struct json *models = ok ? json_get(json, "models") : NULL;
    catalogue->entries = mem_new_array(models ? models->count + 1 : 1, sizeof(struct entry));
    json_for_each(model, models) read_entry(&catalogue->entries[catalogue->count++], model);
    arena_release(&arena);
}

struct catalogue *catalogue_create(const struct config *config)
{
    struct catalogue *catalogue = mem_new(sizeof(*catalogue));
    catalogue->config = config;
    return catalogue;
}

void catalogue_destroy(struct catalogue *catalogue)
{
    if (catalogue)
        mem_free(catalogue->entries);
    mem_free(catalogue);
}

// --- looking up ---

static const struct provider_config *find_provider(const struct catalogue *catalogue,
                                                   struct str name)
{
    const struct config *config = catalogue->config;
    for (size_t i = 0; i < config->provider_count; i++)
        if (str_is(name, config->providers[i].name))
            return &config->providers[i];
    return NULL;
}

// Is `host` the one that the base URL names?
static bool is_at(const struct provider_config *provider, struct str host)
{
    if (!provider || !provider->base_url || host.len == 0)
        return false;
    struct str url = str_of(provider->base_url);
    long scheme = str_find(url, STR("://"));
    if (scheme < 0)
        return false;
    url = str_skip(url, (size_t)scheme + 3);
    if (!str_starts(url, host))
        return false;
    return url.len == host.len || url.data[host.len] == '/' || url.data[host.len] == ':';
}

static void forget_prices(struct model_info *info)
{
    info->prices = info->long_prices = (struct model_prices){-1, -1, -1, -1};
    info->long_above = 0;
}

static struct model_info find_entry(const struct catalogue *catalogue,
                                    const struct provider_config *provider, struct str model)
{
    struct model_info best = model_info_unknown();
    size_t most = 0;
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct entry *entry = &catalogue->entries[i];
        enum model_fit fit = model_fits(model, entry->id);
        bool here = is_at(provider, entry->host);
        // Longer ids say more, when two fit in the same way.
        size_t score = fit ? ((size_t)fit * 2 + here) * 256 + entry->id.len : 0;
        if (score <= most)
            continue;
        most = score;
        best = entry->info;
        if ((entry->open && !here) || fit == MODEL_FIT_TAGGED)
            forget_prices(&best);
    }
    return best;
}

static void overlay(struct model_info *info, const struct model_info *over)
{
    info->known = true;
    if (over->context_size)
        info->context_size = over->context_size;
    if (over->max_input)
        info->max_input = over->max_input;
    if (over->max_output)
        info->max_output = over->max_output;
    if (over->prices.input >= 0) {
        forget_prices(info);
        info->prices = over->prices;
    }
    if (over->images)
        info->images = over->images;
    if (over->reasoning)
        info->reasoning = over->reasoning;
    if (over->tools)
        info->tools = over->tools;
}

// "provider/model" or "model": 2, 1, or 0 when it is another's.
static int override_fits(struct str id, struct str provider, struct str model)
{
    if (str_equal(id, model))
        return 1;
    bool own = id.len > provider.len && str_starts(id, provider) && id.data[provider.len] == '/';
    return own && str_equal(str_skip(id, provider.len + 1), model) ? 2 : 0;
}

struct model_info catalogue_find(struct catalogue *catalogue, struct str provider, struct str model)
{
    const struct config *config = catalogue->config;
    const struct provider_config *place = find_provider(catalogue, provider);
    if (!catalogue->entries)
        load(catalogue);
    struct model_info info = find_entry(catalogue, place, model);
    if (place && place->kind == PROVIDER_DEMO)
        info.prices = (struct model_prices){0, 0, 0, 0};
    for (int rank = 1; rank <= 2; rank++) // that of one provider over that of all
        for (size_t i = 0; i < config->model_count; i++)
            if (override_fits(str_of(config->models[i].id), provider, model) == rank)
                overlay(&info, &config->models[i].info);
    if (info.context_size <= 0)
        info.context_size = CATALOGUE_CONTEXT_DEFAULT;
    return info;
}

void catalogue_each(struct catalogue *catalogue, struct str provider,
                    void (*fn)(void *arg, struct str model), void *arg)
{
    const struct provider_config *place = find_provider(catalogue, provider);
    if (!catalogue->entries)
        load(catalogue);
    for (size_t i = 0; i < catalogue->count; i++)
        if (is_at(place, catalogue->entries[i].host))
            fn(arg, catalogue->entries[i].id);
}
