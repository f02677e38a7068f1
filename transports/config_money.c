// SPDX-License-Identifier: MIT
// `models`, `budgets` and `fallback`: what models can and cost, how much may be used, and what is
// used instead of a model that is gone.
#include "core/base/mem.h"
#include "transports/config_walk.h"

enum { MODEL_ID_MAX = 256, NANO_DIGITS = 9, COUNT_DIGITS_MAX = 12 };

static const int64_t count_max = INT64_C(1000000000000);

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int shown_len(struct str value)
{
    return (int)(value.len < 80 ? value.len : 80);
}

static bool set_count(int64_t *out, const struct config_entry *entry, struct err *err)
{
    struct str value;
    int64_t number = 0;
    if (!config_scalar(entry, &value, err))
        return false;
    bool ok = value.len > 0 && value.len <= COUNT_DIGITS_MAX;
    for (size_t i = 0; ok && i < value.len; i++) {
        ok = is_digit(value.data[i]);
        number = number * 10 + (value.data[i] - '0');
    }
    if (!ok || number < 1 || number > count_max)
        return config_fail(&entry->value_at, err,
                           "%.*s: expected a whole number of at least 1, not '%.*s'",
                           STR_ARG(entry->key), shown_len(value), value.len ? value.data : "");
    *out = number;
    return true;
}

// Read digit by digit: money does not go through a float.
static bool read_dollars(struct str value, int64_t *nano)
{
    int64_t whole = 0, part = 0;
    size_t i = 0, digits = 0;
    for (; i < value.len && is_digit(value.data[i]) && whole <= USAGE_DOLLARS_MAX; i++)
        whole = whole * 10 + (value.data[i] - '0');
    bool any = i > 0;
    if (i < value.len && value.data[i] == '.')
        for (i++; i < value.len && is_digit(value.data[i]) && digits < NANO_DIGITS; i++, digits++)
            part = part * 10 + (value.data[i] - '0');
    for (size_t k = digits; k < NANO_DIGITS; k++)
        part *= 10;
    *nano = whole * 1000000000 + part;
    return (any || digits) && i == value.len && whole <= USAGE_DOLLARS_MAX;
}

static bool set_dollars(int64_t *out, int64_t min, const struct config_entry *entry,
                        struct err *err)
{
    struct str value;
    if (!config_scalar(entry, &value, err))
        return false;
    if (read_dollars(value, out) && *out >= min)
        return true;
    return config_fail(&entry->value_at, err,
                       "%.*s: expected US dollars, as in 2.50 (at most %d, and 9 digits behind "
                       "the point), not '%.*s'",
                       STR_ARG(entry->key), USAGE_DOLLARS_MAX, shown_len(value),
                       value.len ? value.data : "");
}

// --- models ---

static bool set_price(struct config_walk *walk, const struct config_entry *entry, void *arg,
                      struct err *err)
{
    static const char *const known[] = {"input", "output", "cache_read", "cache_write", NULL};
    struct model_prices *prices = arg;
    int64_t *values[] = {&prices->input, &prices->output, &prices->cache_read,
                         &prices->cache_write};
    (void)walk;
    for (size_t i = 0; known[i]; i++)
        if (str_is(entry->key, known[i]))
            return set_dollars(values[i], 0, entry, err);
    return config_unknown_key(entry, known, err);
}

static bool set_prices(struct config_walk *walk, const struct config_entry *entry,
                       struct model_prices *prices, struct err *err)
{
    if (!config_each_entry(walk, entry->value, "price", set_price, prices, err))
        return false;
    if (prices->input >= 0 && prices->output >= 0)
        return true;
    return config_fail(&entry->at, err,
                       "price: expected input and output, in US dollars per "
                       "million tokens");
}

static bool set_ability(enum ability *ability, const struct config_entry *entry, struct err *err)
{
    struct str value;
    bool yes = false;
    if (!config_scalar(entry, &value, err) ||
        !config_set_bool(&yes, &entry->value_at, "images, reasoning, tools", value, err))
        return false;
    *ability = yes ? ABILITY_YES : ABILITY_NO;
    return true;
}

static bool set_model_key(struct config_walk *walk, const struct config_entry *entry, void *arg,
                          struct err *err)
{
    static const char *const known[] = {"context", "max_input", "max_output", "price",
                                        "images",  "reasoning", "tools",      NULL};
    struct model_info *info = arg;
    if (str_is(entry->key, "context"))
        return set_count(&info->context_size, entry, err);
    if (str_is(entry->key, "max_input"))
        return set_count(&info->max_input, entry, err);
    if (str_is(entry->key, "max_output"))
        return set_count(&info->max_output, entry, err);
    if (str_is(entry->key, "price"))
        return set_prices(walk, entry, &info->prices, err);
    if (str_is(entry->key, "images"))
        return set_ability(&info->images, entry, err);
    if (str_is(entry->key, "reasoning"))
        return set_ability(&info->reasoning, entry, err);
    if (str_is(entry->key, "tools"))
        return set_ability(&info->tools, entry, err);
    return config_unknown_key(entry, known, err);
}

static bool add_model(struct config_walk *walk, const struct config_entry *entry, void *arg,
                      struct err *err)
{
    struct config *config = walk->config;
    (void)arg;
    if (entry->key.len == 0 || entry->key.len > MODEL_ID_MAX)
        return config_fail(&entry->at, err, "models: expected the id of a model, or provider/id");
    if (config->model_count == CONFIG_MODELS_MAX)
        return config_fail(&entry->at, err, "models: there are more than %d", CONFIG_MODELS_MAX);
    config->models = mem_resize(config->models, config->model_count + 1, sizeof(*config->models));
    struct model_config *model = &config->models[config->model_count++];
    *model = (struct model_config){.id = mem_dup(entry->key), .info = {.prices = {-1, -1, -1, -1}}};
    return config_each_entry(walk, entry->value, model->id, set_model_key, &model->info, err);
}

bool config_read_models(struct config_walk *walk, const struct config_entry *entry, struct err *err)
{
    return config_is_empty(entry) ||
           config_each_entry(walk, entry->value, "models", add_model, NULL, err);
}

// --- budgets ---

static bool set_measure(struct config_walk *walk, const struct config_entry *entry, void *arg,
                        struct err *err)
{
    static const char *const known[] = {"steps", "tokens", "cost_usd", "seconds", NULL};
    struct budget *budget = arg;
    (void)walk;
    if (str_is(entry->key, "cost_usd"))
        return set_dollars(&budget->most[BUDGET_COST], 1, entry, err);
    if (str_is(entry->key, "steps"))
        return set_count(&budget->most[BUDGET_STEPS], entry, err);
    if (str_is(entry->key, "tokens"))
        return set_count(&budget->most[BUDGET_TOKENS], entry, err);
    if (str_is(entry->key, "seconds"))
        return set_count(&budget->most[BUDGET_SECONDS], entry, err);
    return config_unknown_key(entry, known, err);
}

static bool set_budget(struct config_walk *walk, const struct config_entry *entry, void *arg,
                       struct err *err)
{
    static const char *const known[] = {"agent", "swarm", "scope", "day", NULL};
    (void)arg;
    for (int kind = 0; kind < BUDGET_KIND_COUNT; kind++)
        if (str_is(entry->key, budget_kind_name((enum budget_kind)kind)))
            return config_is_empty(entry) ||
                   config_each_entry(walk, entry->value, "budget", set_measure,
                                     &walk->config->budgets[kind], err);
    return config_unknown_key(entry, known, err);
}

bool config_read_budgets(struct config_walk *walk, const struct config_entry *entry,
                         struct err *err)
{
    return config_is_empty(entry) ||
           config_each_entry(walk, entry->value, "budgets", set_budget, NULL, err);
}

// --- fallback ---

bool config_read_fallback(struct config_walk *walk, const struct config_entry *entry,
                          struct err *err)
{
    struct config *config = walk->config;
    if (config_is_empty(entry))
        return true;
    if (entry->value->type != YAML_SEQUENCE_NODE)
        return config_fail(&entry->value_at, err,
                           "fallback: expected a list, as in [openai/gpt-5.1]");
    for (const yaml_node_item_t *item = entry->value->data.sequence.items.start;
         item < entry->value->data.sequence.items.top; item++) {
        struct config_entry model = {.key = STR("fallback"),
                                     .value = config_node(walk, *item),
                                     .at = entry->at,
                                     .value_at = entry->value_at};
        struct str value;
        if (!config_scalar(&model, &value, err))
            return false;
        long slash = str_find(value, STR("/"));
        if (slash <= 0 || (size_t)slash + 1 == value.len)
            return config_fail(&entry->value_at, err,
                               "fallback: expected provider/model, as in openai/gpt-5.1, not "
                               "'%.*s'",
                               shown_len(value), value.len ? value.data : "");
        if (config->fallback_count == CONFIG_FALLBACKS_MAX)
            return config_fail(&entry->value_at, err, "fallback: there are more than %d",
                               CONFIG_FALLBACKS_MAX);
        config->fallbacks[config->fallback_count++] = mem_dup(value);
    }
    return true;
}
