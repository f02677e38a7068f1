// SPDX-License-Identifier: MIT
// Budgets as values; and how servers say that a model is gone.
#include "tests/unit/support/unit.h"

#include "core/agent/budget.h"
#include "transports/model_failure.h"

static struct budget limits(int64_t steps, int64_t tokens, int64_t cost, int64_t seconds)
{
    return (struct budget){{steps, tokens, cost, seconds}};
}

static void what_is_set_stands_over_the_configuration(void **state)
{
    (void)state;
    struct budget configured = limits(10, 20, 30, 0), own = limits(0, -1, 5, 0);
    struct budget most = budget_over(&own, &configured);
    assert_int_equal(most.most[BUDGET_STEPS], 10);
    assert_int_equal(most.most[BUDGET_TOKENS], 0); // no limit
    assert_int_equal(most.most[BUDGET_COST], 5);
    assert_int_equal(most.most[BUDGET_SECONDS], 0);
}

static void a_budget_comes_back_as_it_was_written(void **state)
{
    struct budget budget = limits(-1, 0, 1234567890, 7);
    struct buf out;
    struct json_writer w;
    struct arena arena;
    struct json *json;
    struct err err;
    (void)state;
    buf_init(&out, 1000);
    json_writer_init(&w, &out);
    budget_write_json(&w, &budget);
    assert_string_equal(out.data, "{\"steps\":null,\"costUsd\":1.23456789,\"seconds\":7}");
    arena_init(&arena, 10000);
    assert_true(json_parse(&json, &arena, buf_str(&out), &err));
    struct budget read = budget_read_json(json);
    assert_memory_equal(&read, &budget, sizeof(read));
    read = budget_read_json(NULL);
    struct budget none = limits(0, 0, 0, 0);
    assert_memory_equal(&read, &none, sizeof(read));
    arena_release(&arena);
    buf_release(&out);
}

static void each_measure_is_taken_from_the_sum(void **state)
{
    (void)state;
    struct usage_sum sum = {.requests = 3,
                            .input_tokens = 100,
                            .cache_read_tokens = 60, // a part of the input
                            .output_tokens = 20,
                            .cost = 500,
                            .work_ms = 1999};
    assert_int_equal(budget_used(&sum, BUDGET_STEPS), 3);
    assert_int_equal(budget_used(&sum, BUDGET_TOKENS), 120);
    assert_int_equal(budget_used(&sum, BUDGET_COST), 500);
    assert_int_equal(budget_used(&sum, BUDGET_SECONDS), 1);
}

static void it_is_described_in_words(void **state)
{
    char text[96];
    (void)state;
    budget_describe(BUDGET_STEPS, 4, 5, text);
    assert_string_equal(text, "4 of 5 steps");
    budget_describe(BUDGET_COST, 16020000000, 20000000000, text);
    assert_string_equal(text, "$16.02 of $20.00");
    budget_describe(BUDGET_TOKENS, INT64_MAX, INT64_MAX, text);
    assert_string_equal(text, "9223372036854775807 of 9223372036854775807 tokens");
}

static void a_model_that_is_gone_is_told_from_other_failures(void **state)
{
    static const struct {
        int status;
        const char *code, *message;
        bool gone;
    } cases[] = {
        {404, "model_not_found", "The model `x` does not exist", true},
        {400, "model_not_found", "no", true},
        {404, NULL, "model: claude-x", true},
        {404, NULL, "models/x is not found for API version v1beta", true},
        {404, NULL, "model \"x\" not found, try pulling it first", true},
        {404, NULL, "No endpoints found for x.", true},
        {400, NULL, "x is not a valid model ID", true},
        {400, NULL, "Model Not Exist", true},
        {400, NULL, "Invalid model: x", true},
        {400, NULL, "The model `x` has been decommissioned", true},
        {404, NULL, "Not Found", false},
        {404, NULL, "404 page not found", false},
        {404, NULL, "", false},
        {400, NULL, "the model's maximum context length is 9", false},
        {400, NULL, "tools are not supported by this model", false},
        {403, NULL, "you have no access to this model", false},
        {500, NULL, "model not found", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct model_words words = {.status = cases[i].status,
                                    .code = str_of(cases[i].code),
                                    .message = str_of(cases[i].message)};
        if (model_failure_is_gone(&words) != cases[i].gone)
            fail_msg("%d %s", cases[i].status, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_stands_over_the_configuration),
        cmocka_unit_test(a_budget_comes_back_as_it_was_written),
        cmocka_unit_test(each_measure_is_taken_from_the_sum),
        cmocka_unit_test(it_is_described_in_words),
        cmocka_unit_test(a_model_that_is_gone_is_told_from_other_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
