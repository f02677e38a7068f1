// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/json.h"
#include "core/model/catalogue.h"
#include "core/model/catalogue_data.h"
#include "core/model/catalogue_match.h"
#include "core/swarm/config.h"

static struct model_config own[] = {
    {(char *)"gpt-5.1", {.context_size = 1000, .prices = {-1, -1, -1, -1}}},
    {(char *)"lab/gpt-5.1", {.context_size = 2000, .prices = {1, 2, 3, 4}, .tools = ABILITY_NO}},
    {(char *)"local/mine", {.max_output = 77, .prices = {0, 0, 0, 0}}},
};

static struct config config = {
    .providers =
        {
            {.name = (char *)"anthropic",
             .kind = PROVIDER_ANTHROPIC,
             .base_url = (char *)"https://api.anthropic.com"},
            {.name = (char *)"groq", .base_url = (char *)"https://api.groq.com/openai/v1"},
            {.name = (char *)"router", .base_url = (char *)"https://openrouter.ai/api/v1"},
            {.name = (char *)"local", .base_url = (char *)"http://127.0.0.1:11434/v1"},
            {.name = (char *)"demo", .kind = PROVIDER_DEMO},
        },
    .provider_count = 5,
};

static struct model_info find(const char *provider, const char *model)
{
    struct catalogue *catalogue = catalogue_create(&config);
    struct model_info info = catalogue_find(catalogue, str_of(provider), str_of(model));
    catalogue_destroy(catalogue);
    return info;
}

static void ids_fit_however_they_are_written(void **state)
{
    static const struct {
        const char *model, *id;
        enum model_fit fit;
    } cases[] = {
        {"gpt-5.1", "gpt-5.1", MODEL_FIT_EXACT},
        {"gpt-5.1", "gpt-5", MODEL_FIT_NONE},
        {"gpt-5.1-codex", "gpt-5.1", MODEL_FIT_NONE},
        {"claude-sonnet-4-5-20250929", "claude-sonnet-4-5", MODEL_FIT_DATED},
        {"claude-sonnet-4-5@20250929", "claude-sonnet-4-5", MODEL_FIT_DATED},
        {"claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219", MODEL_FIT_DATED},
        {"gpt-4o-2031-01-02", "gpt-4o", MODEL_FIT_DATED},
        {"gpt-4o-2031-1-2", "gpt-4o", MODEL_FIT_NONE},
        {"anthropic/claude-sonnet-4.5", "claude-sonnet-4-5", MODEL_FIT_EXACT},
        {"models/gemini-2.5-pro", "gemini-2.5-pro", MODEL_FIT_EXACT},
        {"deepseek/deepseek-chat:free", "deepseek-chat", MODEL_FIT_TAGGED},
        {"Qwen/Qwen3-Coder-480B-A35B-Instruct", "qwen3-coder*", MODEL_FIT_FAMILY},
        {"gpt-oss:20b", "gpt-oss*", MODEL_FIT_FAMILY},
        {"llama3.3:latest", "llama3.3", MODEL_FIT_DATED},
        {"", "gpt-5", MODEL_FIT_NONE},
        {":", "gpt-5", MODEL_FIT_NONE},
        {"/", "gpt-5", MODEL_FIT_NONE},
        {"20250929", "", MODEL_FIT_NONE},
        {"-20250929", "", MODEL_FIT_NONE},
        {"-latest", "gpt-5", MODEL_FIT_NONE},
        {"a", "*", MODEL_FIT_FAMILY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (model_fits(str_of(cases[i].model), str_of(cases[i].id)) != cases[i].fit)
            fail_msg("%s against %s: %d", cases[i].model, cases[i].id,
                     (int)model_fits(str_of(cases[i].model), str_of(cases[i].id)));
}

static void a_model_is_found_with_its_prices(void **state)
{
    (void)state;
    struct model_info info = find("anthropic", "claude-sonnet-4-5-20250929");
    assert_true(info.known);
    assert_int_equal(info.context_size, 200000);
    assert_int_equal(info.max_output, 64000);
    assert_int_equal(info.prices.input, 3000000000);
    assert_int_equal(info.prices.output, 15000000000);
    assert_int_equal(info.prices.cache_read, 300000000);
    assert_int_equal(info.prices.cache_write, 3750000000);
    assert_int_equal(info.images, ABILITY_YES);
    info = find("router", "anthropic/claude-sonnet-4.5"); // closed weights: the same everywhere
    assert_int_equal(info.prices.input, 3000000000);
    info = find("anthropic", "gpt-5.4");
    assert_int_equal(info.long_above, 272000);
    assert_int_equal(info.long_prices.output, 22500000000);
}

static void an_unknown_model_has_the_stated_default_and_no_price(void **state)
{
    (void)state;
    struct model_info info = find("lab", "something-new");
    assert_false(info.known);
    assert_int_equal(info.context_size, 256000);
    assert_int_equal(info.max_output, 0);
    assert_int_equal(info.prices.input, -1);
    assert_int_equal(info.prices.output, -1);
    assert_int_equal(info.images, ABILITY_UNKNOWN);
}

static void open_weights_have_a_price_at_their_vendor_only(void **state)
{
    (void)state;
    struct model_info info = find("groq", "openai/gpt-oss-120b");
    assert_int_equal(info.prices.input, 150000000);
    info = find("local", "gpt-oss:120b");
    assert_true(info.known);
    assert_int_equal(info.context_size, 131072);
    assert_int_equal(info.prices.input, -1);
    info = find("router", "openai/gpt-oss-120b:free");
    assert_int_equal(info.prices.input, -1);
}

static void a_tag_that_is_priced_otherwise_has_no_price(void **state)
{
    (void)state;
    struct model_info info = find("router", "anthropic/claude-sonnet-4.5:floor");
    assert_int_equal(info.context_size, 200000);
    assert_int_equal(info.prices.input, -1);
}

static void the_demo_is_free(void **state)
{
    (void)state;
    assert_int_equal(find("demo", "tour").prices.output, 0);
}

static void the_configuration_wins(void **state)
{
    (void)state;
    config.models = own;
    config.model_count = sizeof(own) / sizeof(*own);
    struct model_info info = find("router", "gpt-5.1");
    assert_int_equal(info.context_size, 1000);
    assert_int_equal(info.prices.input, 1250000000); // what is left out is the catalogue's
    info = find("lab", "gpt-5.1");
    assert_int_equal(info.context_size, 2000);
    assert_int_equal(info.prices.cache_write, 4);
    assert_int_equal(info.tools, ABILITY_NO);
    info = find("local", "mine");
    assert_true(info.known);
    assert_int_equal(info.context_size, 256000);
    assert_int_equal(info.max_output, 77);
    assert_int_equal(info.prices.input, 0);
    config.model_count = 0;
}

// Each entry of the data is whole, and finds itself.
static void the_data_is_sound(void **state)
{
    struct arena arena;
    struct json *json;
    struct err err;
    size_t count = 0;
    (void)state;
    arena_init(&arena, 4 << 20);
    assert_true(json_parse(&json, &arena, str_from(catalogue_data, catalogue_data_size), &err));
    json_for_each(model, json_get(json, "models"))
    {
        struct str id = json_str(model, "id");
        const struct json *price = json_get(model, "price");
        const struct json *context = json_get(model, "context");
        assert_true(id.len > 0);
        assert_non_null(price);
        assert_true(price->type == JSON_NULL || json_real(price, "output", -1) >= 0);
        assert_true(context && context->type == JSON_INT && context->integer >= 4096);
        assert_int_not_equal(model_fits(id, id), MODEL_FIT_NONE);
        assert_true(json_int(model, "maxOutput", 0) <= context->integer);
        assert_true(json_str(model, "host").len > 0 || str_ends(id, STR("*")));
        count++;
    }
    assert_true(count > 100);
    arena_release(&arena);
}

static void count_model(void *arg, struct str model)
{
    int *counts = arg;
    counts[0]++;
    counts[1] += str_is(model, "claude-sonnet-4-5");
}

static void a_providers_models_are_listed(void **state)
{
    int counts[2] = {0};
    (void)state;
    struct catalogue *catalogue = catalogue_create(&config);
    catalogue_each(catalogue, STR("anthropic"), count_model, counts);
    assert_true(counts[0] > 5);
    assert_int_equal(counts[1], 1);
    counts[0] = 0;
    catalogue_each(catalogue, STR("local"), count_model, counts);
    assert_int_equal(counts[0], 0);
    catalogue_destroy(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_fit_however_they_are_written),
        cmocka_unit_test(a_model_is_found_with_its_prices),
        cmocka_unit_test(an_unknown_model_has_the_stated_default_and_no_price),
        cmocka_unit_test(open_weights_have_a_price_at_their_vendor_only),
        cmocka_unit_test(a_tag_that_is_priced_otherwise_has_no_price),
        cmocka_unit_test(the_demo_is_free),
        cmocka_unit_test(the_configuration_wins),
        cmocka_unit_test(the_data_is_sound),
        cmocka_unit_test(a_providers_models_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
