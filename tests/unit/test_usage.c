// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/agent/usage.h"
#include "core/store/store.h"

static const struct model_info priced = {
    .known = true,
    .prices = {3000000000, 15000000000, 300000000, 3750000000},
    .long_above = 200000,
    .long_prices = {6000000000, 22500000000, 600000000, -1},
};

static struct usage_sum cost_of(struct model_usage usage)
{
    return usage_of_request(&usage, &priced);
}

static void a_request_costs_what_its_parts_do(void **state)
{
    (void)state;
    struct usage_sum sum = cost_of((struct model_usage){1000, 100, 600, 300});
    // 100 * 3 + 600 * 0.3 + 300 * 3.75 + 100 * 15, in millionths of a dollar
    assert_int_equal(sum.cost, (300 + 180 + 1125 + 1500) * 1000);
    assert_int_equal(sum.requests, 1);
    assert_true(usage_is_priced(&sum));
    sum = cost_of((struct model_usage){200001, 10, -1, -1});
    assert_int_equal(sum.cost, 200001 * 6000 + 10 * 22500);
    sum = cost_of((struct model_usage){200001, 0, 0, 1000}); // no price of its own: as input
    assert_int_equal(sum.cost, 200001 * 6000);
}

static void fractions_are_rounded_once_and_sums_are_exact(void **state)
{
    (void)state;
    // A token of each costs 0.4 nano-dollars: rounded one by one they would be nothing.
    struct model_info cheap = {.prices = {400000, 400000, 400000, 400000}};
    struct model_usage usage = {3, 1, 1, 1};
    struct usage_sum sum = {0}, one = usage_of_request(&usage, &cheap);
    assert_int_equal(one.cost, 2);
    for (int i = 0; i < 1000000; i++)
        usage_sum_add(&sum, &one);
    assert_int_equal(sum.cost, 2000000);
    struct usage_sum rest = usage_sum_since(&sum, &one);
    assert_int_equal(rest.cost, 1999998);
}

static void the_largest_request_does_not_overflow(void **state)
{
    (void)state;
    int64_t price = INT64_C(1000000000) * 1000;
    struct model_info dear = {.prices = {price, price, price, price}};
    struct model_usage usage = {999999999, 999999999, 333333333, 333333333};
    struct usage_sum sum = usage_of_request(&usage, &dear);
    assert_int_equal(sum.cost, INT64_C(999999999) * 2 * 1000000);
}

static void what_is_not_known_is_not_nothing(void **state)
{
    (void)state;
    struct model_info unknown = model_info_unknown();
    struct model_usage usage = {10, 10, 0, 0};
    struct usage_sum sum = usage_of_request(&usage, &unknown);
    assert_int_equal(sum.unpriced, 1);
    assert_false(usage_is_priced(&sum));
    struct usage_sum cut = cost_of((struct model_usage){-1, -1, -1, -1});
    assert_int_equal(cut.uncounted, 1);
    assert_int_equal(cut.unpriced, 0);
    assert_false(usage_is_priced(&cut));
    struct usage_sum nothing = {0};
    assert_false(usage_is_priced(&nothing));
    struct usage_sum whole = cost_of((struct model_usage){10, 10, 0, 0});
    usage_sum_add(&cut, &whole);
    assert_true(usage_is_priced(&cut));
    usage_sum_add(&cut, &sum);
    assert_false(usage_is_priced(&cut));
}

static void nonsense_of_a_provider_is_bounded(void **state)
{
    (void)state;
    struct usage_sum sum = cost_of((struct model_usage){10, 1, 50, 50});
    assert_int_equal(sum.cache_read_tokens, 10);
    assert_int_equal(sum.cache_write_tokens, 0);
    sum = cost_of((struct model_usage){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX});
    assert_true(sum.cost > 0);
}

static void dollars_read_as_people_write_them(void **state)
{
    static const struct {
        int64_t nano;
        const char *exact, *shown;
    } cases[] = {
        {0, "{\"x\":0}", "$0.00"},
        {1, "{\"x\":0.000000001}", "under $0.0001"},
        {1230000, "{\"x\":0.00123}", "$0.0012"},
        {1500000000, "{\"x\":1.5}", "$1.50"},
        {1234567890123, "{\"x\":1234.567890123}", "$1234.57"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf out;
        struct json_writer w;
        char shown[32];
        buf_init(&out, 1000);
        json_writer_init(&w, &out);
        json_begin_object(&w);
        dollars_add(&w, "x", cases[i].nano);
        json_end_object(&w);
        assert_string_equal(out.data, cases[i].exact);
        dollars_format(cases[i].nano, shown);
        assert_string_equal(shown, cases[i].shown);
        buf_release(&out);
    }
}

static void days_are_read_and_written(void **state)
{
    char text[USAGE_DAY_TEXT];
    int64_t day = 0;
    (void)state;
    assert_true(usage_read_day(STR("2026-11-21"), &day));
    assert_int_equal(day, 20778);
    usage_format_day(day, text);
    assert_string_equal(text, "2026-11-21");
    assert_false(usage_read_day(STR("2026-11-31"), &day));
    assert_false(usage_read_day(STR("2026-1-1"), &day));
    assert_false(usage_read_day(STR("1969-12-31"), &day));
}

// --- in the store ---

static void put(struct store *store, int64_t day, int64_t agent, const char *scope,
                const char *model, int64_t cost)
{
    struct err err;
    struct store_usage usage = {
        .day = day,
        .agent = agent,
        .agent_id = agent == 1 ? STR("one") : STR("two"),
        .scope = str_of(scope),
        .provider = STR("lab"),
        .model = str_of(model),
        .sum = {.requests = 1, .input_tokens = 10, .cost = cost, .unpriced = cost == 0},
    };
    struct store_batch batch = {.usages = &usage, .usage_count = 1};
    assert_true(store_commit(store, &batch, &err));
}

static struct usage_sum ask(struct store *store, struct store_usage_query query, const char *rows)
{
    struct err err;
    struct buf out;
    struct usage_sum total;
    bool more;
    int64_t seq;
    buf_init(&out, 1 << 20);
    query.limit = query.limit ? query.limit : 10;
    query.to = query.to ? query.to : 1000000;
    assert_true(store_read_usage(store, &query, &out, &total, &more, &seq, &err));
    if (rows && !strstr(out.data, rows))
        fail_msg("%s is not in %s", rows, out.data);
    buf_release(&out);
    return total;
}

static void rows_add_up_by_day_agent_scope_and_model(void **state)
{
    struct store *store;
    struct err err;
    char *aside;
    (void)state;
    const char *folder = unit_temp_folder();
    assert_true(store_open(&store, folder, &aside, &err));
    put(store, 20778, 1, "a", "m", 5);
    put(store, 20778, 1, "a", "m", 6);
    put(store, 20778, 2, "b", "m", 7);
    put(store, 20779, 2, "b", "n", 8);
    put(store, 20779, 2, "b", "n", 0);
    assert_int_equal(ask(store, (struct store_usage_query){0}, NULL).cost, 26);
    assert_int_equal(ask(store, (struct store_usage_query){.agent = 2}, NULL).cost, 15);
    assert_int_equal(ask(store, (struct store_usage_query){.scope = STR("a")}, NULL).cost, 11);
    assert_int_equal(ask(store, (struct store_usage_query){.to = 20778}, NULL).requests, 3);
    assert_int_equal(ask(store, (struct store_usage_query){.swarm = STR("a")}, NULL).requests, 0);
    ask(store, (struct store_usage_query){.by = USAGE_BY_DAY}, "\"rows\":[{\"day\":\"2026-11-22\"");
    ask(store, (struct store_usage_query){.by = USAGE_BY_MODEL},
        "\"rows\":[{\"provider\":\"lab\",\"model\":\"m\",\"inputTokens\":30");
    ask(store, (struct store_usage_query){.by = USAGE_BY_AGENT, .skip = 1},
        "\"rows\":[{\"agentId\":\"two\"");
    ask(store, (struct store_usage_query){.by = USAGE_BY_SCOPE, .limit = 1}, "\"scope\":\"a\"");
    ask(store, (struct store_usage_query){.overview = true}, "\"models\":[{\"provider\"");
    ask(store, (struct store_usage_query){.by = USAGE_BY_MODEL, .from = 20779},
        "\"costUsd\":null,\"requests\":2,\"seconds\":0,\"unpricedRequests\":1,"
        "\"uncountedRequests\":0,\"knownCostUsd\":0.000000008");
    store_close(store);
}

static bool note_setting(void *arg, struct str key, struct str value, struct err *err)
{
    struct buf *out = arg;
    (void)err;
    buf_addf(out, "%.*s=%.*s;", STR_ARG(key), STR_ARG(value));
    return true;
}

static void settings_last_and_can_be_taken_out(void **state)
{
    struct store *store;
    struct err err;
    struct buf out;
    char *aside;
    (void)state;
    const char *folder = unit_temp_folder();
    assert_true(store_open(&store, folder, &aside, &err));
    struct store_setting settings[] = {
        {STR("b"), STR("1")}, {STR("a"), STR("2")}, {STR("b"), STR("3")}, {STR("a"), STR_NONE}};
    struct store_batch batch = {.settings = settings, .setting_count = 4};
    assert_true(store_commit(store, &batch, &err));
    buf_init(&out, 1000);
    assert_true(store_each_setting(store, note_setting, &out, &err));
    assert_string_equal(out.data, "b=3;");
    buf_release(&out);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_costs_what_its_parts_do),
        cmocka_unit_test(fractions_are_rounded_once_and_sums_are_exact),
        cmocka_unit_test(the_largest_request_does_not_overflow),
        cmocka_unit_test(what_is_not_known_is_not_nothing),
        cmocka_unit_test(nonsense_of_a_provider_is_bounded),
        cmocka_unit_test(dollars_read_as_people_write_them),
        cmocka_unit_test(days_are_read_and_written),
        cmocka_unit_test(rows_add_up_by_day_agent_scope_and_model),
        cmocka_unit_test(settings_last_and_can_be_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
