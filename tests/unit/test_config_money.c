// SPDX-License-Identifier: MIT
// models, budgets and fallback of the configuration file.
#include "tests/unit/support/unit.h"

#include "core/swarm/config.h"
#include "transports/config_file.h"

static void expect_error(const char *yaml, const char *expected)
{
    struct config config;
    struct err err = {0};
    assert_false(config_parse(&config, "/c.yaml", str_of(yaml), &err));
    assert_string_equal(err.message, expected);
}

static void models_are_read(void **state)
{
    struct config config;
    struct err err;
    (void)state;
    assert_true(config_parse(&config, "/c.yaml",
                             STR("model: demo/tour\n"
                                 "models:\n"
                                 "  lab/qwen3-coder:\n"
                                 "    context: 131072\n"
                                 "    max_input: 100000\n"
                                 "    max_output: 8192\n"
                                 "    price: {input: 0.15, output: 2, cache_read: .000000001}\n"
                                 "    images: false\n"
                                 "    tools: true\n"
                                 "  other: {}\n"),
                             &err));
    assert_int_equal(config.model_count, 2);
    const struct model_config *model = &config.models[0];
    assert_string_equal(model->id, "lab/qwen3-coder");
    assert_int_equal(model->info.context_size, 131072);
    assert_int_equal(model->info.max_input, 100000);
    assert_int_equal(model->info.max_output, 8192);
    assert_int_equal(model->info.prices.input, 150000000);
    assert_int_equal(model->info.prices.output, 2000000000);
    assert_int_equal(model->info.prices.cache_read, 1);
    assert_int_equal(model->info.prices.cache_write, -1);
    assert_int_equal(model->info.images, ABILITY_NO);
    assert_int_equal(model->info.reasoning, ABILITY_UNKNOWN);
    assert_int_equal(model->info.tools, ABILITY_YES);
    assert_int_equal(config.models[1].info.prices.input, -1);
    config_release(&config);
}

static void budgets_and_fallbacks_are_read(void **state)
{
    struct config config;
    struct err err;
    (void)state;
    assert_true(config_parse(&config, "/c.yaml",
                             STR("model: demo/tour\n"
                                 "budgets:\n"
                                 "  day: {cost_usd: 20}\n"
                                 "  scope: {tokens: 5000000, seconds: 3600}\n"
                                 "  swarm:\n"
                                 "  agent: {steps: 200, cost_usd: 0.5}\n"
                                 "fallback: [demo/tour, \"openai/gpt-5.1\"]\n"),
                             &err));
    assert_int_equal(config.budgets[BUDGET_DAY].most[BUDGET_COST], 20000000000);
    assert_int_equal(config.budgets[BUDGET_SCOPE].most[BUDGET_TOKENS], 5000000);
    assert_int_equal(config.budgets[BUDGET_SCOPE].most[BUDGET_SECONDS], 3600);
    assert_int_equal(config.budgets[BUDGET_AGENT].most[BUDGET_STEPS], 200);
    assert_int_equal(config.budgets[BUDGET_AGENT].most[BUDGET_COST], 500000000);
    assert_int_equal(config.budgets[BUDGET_SWARM].most[BUDGET_COST], 0);
    assert_int_equal(config.fallback_count, 2);
    assert_string_equal(config.fallbacks[1], "openai/gpt-5.1");
    config_release(&config);
}

static void what_is_commented_out_is_nothing(void **state)
{
    struct config config;
    struct err err;
    (void)state;
    assert_true(config_parse(&config, "/c.yaml",
                             STR("model: demo/tour\nmodels:\nbudgets:\nfallback:\n"), &err));
    assert_int_equal(config.model_count, 0);
    config_release(&config);
}

static void mistakes_name_their_line(void **state)
{
    (void)state;
    expect_error("models:\n  m: {contxt: 1}\n",
                 "/c.yaml:2: unknown key 'contxt'; did you mean 'context'?");
    expect_error("models:\n  m: {context: many}\n",
                 "/c.yaml:2: context: expected a whole number of at least 1, not 'many'");
    expect_error("models:\n  m:\n    context: 0\n",
                 "/c.yaml:3: context: expected a whole number of at least 1, not '0'");
    expect_error("models:\n  m: {price: {input: 1}}\n",
                 "/c.yaml:2: price: expected input and output, in US dollars per million tokens");
    expect_error("models:\n  m: {price: {input: -1, output: 1}}\n",
                 "/c.yaml:2: input: expected US dollars, as in 2.50 (at most 1048576, and 9 digits "
                 "behind the point), not '-1'");
    expect_error("models:\n  m: {price: {input: 1.0000000001, output: 1}}\n",
                 "/c.yaml:2: input: expected US dollars, as in 2.50 (at most 1048576, and 9 digits "
                 "behind the point), not '1.0000000001'");
    expect_error(
        "models:\n  m: {price: {input: 1, output: .}}\n",
        "/c.yaml:2: output: expected US dollars, as in 2.50 (at most 1048576, and 9 digits "
        "behind the point), not '.'");
    expect_error("models:\n  m: {images: maybe}\n",
                 "/c.yaml:2: images, reasoning, tools: expected true or false, not 'maybe'");
    expect_error("models: [m]\n", "/c.yaml:1: models: expected keys and values (\"key: value\")");
    expect_error("budgets: {week: {steps: 1}}\n",
                 "/c.yaml:1: unknown key 'week'; expected one of agent, swarm, scope, day");
    expect_error("budgets:\n  day: {cost_usd: 0}\n",
                 "/c.yaml:2: cost_usd: expected US dollars, as in 2.50 (at most 1048576, and 9 "
                 "digits behind the point), not '0'");
    expect_error("budgets:\n  day: {cost_us: 1}\n",
                 "/c.yaml:2: unknown key 'cost_us'; did you mean 'cost_usd'?");
    expect_error("fallback: demo\n",
                 "/c.yaml:1: fallback: expected a list, as in [openai/gpt-5.1]");
    expect_error("fallback: [demo]\n", "/c.yaml:1: fallback: expected provider/model, as in "
                                       "openai/gpt-5.1, not 'demo'");
    expect_error("fallback: [a/b, a/b, a/b, a/b, a/b, a/b, a/b, a/b, a/b]\n",
                 "/c.yaml:1: fallback: there are more than 8");
}

static void there_is_an_end_to_models(void **state)
{
    struct buf text;
    struct config config;
    struct err err;
    (void)state;
    buf_init(&text, 1 << 20);
    buf_add_str(&text, STR("model: demo/tour\nmodels:\n"));
    for (int i = 0; i < CONFIG_MODELS_MAX; i++)
        buf_addf(&text, "  m%d: {context: 9}\n", i);
    assert_true(config_parse(&config, "/c.yaml", buf_str(&text), &err));
    config_release(&config);
    buf_add_str(&text, STR("  last: {context: 9}\n"));
    expect_error(text.data, "/c.yaml:1003: models: there are more than 1000");
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_are_read),
        cmocka_unit_test(budgets_and_fallbacks_are_read),
        cmocka_unit_test(what_is_commented_out_is_nothing),
        cmocka_unit_test(mistakes_name_their_line),
        cmocka_unit_test(there_is_an_end_to_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
