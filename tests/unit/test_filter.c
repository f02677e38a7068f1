// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "lsp/filter.h"

static struct filter_subject of(int64_t agent, const char *scope)
{
    return (struct filter_subject){.agent = agent, .scope = str_of(scope), .known = true};
}

static bool items(const struct filter *filter, int64_t agent, const char *scope)
{
    struct filter_subject subject = of(agent, scope);
    return filter_wants_items(filter, &subject);
}

static bool deltas(const struct filter *filter, int64_t agent, const char *scope)
{
    struct filter_subject subject = of(agent, scope);
    return filter_wants_deltas(filter, &subject);
}

static void add(struct filter *filter, struct filter_entry entry)
{
    struct err err;
    if (!filter_add(filter, &entry, &err))
        fail_msg("%s", err.message);
}

static void selects_by_scope(void **state)
{
    (void)state;
    struct filter filter = {.agents = false};
    add(&filter, (struct filter_entry){.kind = FILTER_SCOPE, .scope = STR("a"), .deltas = true});
    assert_true(items(&filter, 1, "a"));
    assert_true(deltas(&filter, 1, "a"));
    assert_false(items(&filter, 1, "b"));
    assert_false(items(&filter, 1, NULL));
    add(&filter, (struct filter_entry){.kind = FILTER_SCOPE, .scope = STR_NONE});
    assert_true(items(&filter, 1, NULL));
    assert_false(deltas(&filter, 1, NULL));
    assert_false(items(&filter, 1, ""));
    // One that is removed has no scope any more; its last events are not lost.
    struct filter_subject removed = {.agent = 9};
    assert_true(filter_wants_items(&filter, &removed));
    filter_remove(&filter, &(struct filter_entry){.kind = FILTER_SCOPE, .scope = STR("a")});
    assert_false(items(&filter, 1, "a"));
    assert_true(items(&filter, 1, NULL));
    filter_release(&filter);
}

static void selects_single_agents(void **state)
{
    (void)state;
    struct filter filter = {.agents = false};
    const int64_t order[] = {5, 1, 9, 3, 7, 5};
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
        add(&filter, (struct filter_entry){.kind = FILTER_AGENT, .agent = order[i]});
    for (int64_t agent = 0; agent < 11; agent++)
        assert_int_equal(items(&filter, agent, NULL), agent % 2 == 1 && agent < 10);
    assert_false(deltas(&filter, 5, NULL));
    add(&filter, (struct filter_entry){.kind = FILTER_AGENT, .agent = 5, .deltas = true});
    assert_true(deltas(&filter, 5, NULL));
    filter_remove(&filter, &(struct filter_entry){.kind = FILTER_AGENT, .agent = 5});
    filter_remove(&filter, &(struct filter_entry){.kind = FILTER_AGENT, .agent = 4});
    assert_false(items(&filter, 5, NULL));
    assert_true(items(&filter, 3, NULL) && items(&filter, 7, NULL));
    filter_release(&filter);
}

static void agents_are_seen_by_all_but_none(void **state)
{
    (void)state;
    struct filter filter = {.agents = true};
    struct filter_subject subject = of(1, "a");
    assert_true(filter_wants_agent(&filter, &subject));
    assert_false(filter_wants_items(&filter, &subject));
    filter.agents = false;
    assert_false(filter_wants_agent(&filter, &subject));
    add(&filter, (struct filter_entry){.kind = FILTER_AGENT, .agent = 1});
    assert_true(filter_wants_agent(&filter, &subject));
    filter_release(&filter);
}

static void without_a_name_it_is_all(void **state)
{
    (void)state;
    struct filter filter = {.agents = true};
    add(&filter, (struct filter_entry){.kind = FILTER_ALL, .deltas = true});
    assert_true(items(&filter, 1, "a") && deltas(&filter, 2, NULL));
    add(&filter, (struct filter_entry){.kind = FILTER_ALL, .deltas = false});
    assert_true(items(&filter, 1, "a"));
    assert_false(deltas(&filter, 1, "a"));
    add(&filter, (struct filter_entry){.kind = FILTER_SCOPE, .scope = STR("a"), .deltas = true});
    assert_true(deltas(&filter, 1, "a"));
    filter_remove(&filter, &(struct filter_entry){.kind = FILTER_ALL});
    assert_false(items(&filter, 1, "a"));
    assert_true(filter.agents);
    filter_release(&filter);
}

static void has_ceilings(void **state)
{
    (void)state;
    struct filter filter = {.agents = false};
    struct err err;
    for (int i = 0; i < FILTER_AGENTS_MAX; i++)
        add(&filter, (struct filter_entry){.kind = FILTER_AGENT, .agent = i});
    struct filter_entry agent = {.kind = FILTER_AGENT, .agent = FILTER_AGENTS_MAX};
    assert_false(filter_add(&filter, &agent, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    for (int i = 0; i < FILTER_SCOPES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "s%d", i);
        add(&filter, (struct filter_entry){.kind = FILTER_SCOPE, .scope = str_of(name)});
    }
    struct filter_entry scope = {.kind = FILTER_SCOPE, .scope = STR("one more")};
    assert_false(filter_add(&filter, &scope, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    filter_release(&filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects_by_scope),
        cmocka_unit_test(selects_single_agents),
        cmocka_unit_test(agents_are_seen_by_all_but_none),
        cmocka_unit_test(without_a_name_it_is_all),
        cmocka_unit_test(has_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
