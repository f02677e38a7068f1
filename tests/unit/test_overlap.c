// SPDX-License-Identifier: MIT
// The index of who changed which files.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/swarm/overlap.h"

#include <stdio.h>

static void add(struct overlap *overlap, int64_t agent, const char *path)
{
    overlap_add(overlap, agent, STR("/repository"), str_of(path));
}

static void count_path(void *arg, const struct overlap_path *path)
{
    char *seen = arg;
    for (size_t i = 1; i < path->count; i++)
        assert_true(path->agents[i - 1] < path->agents[i]);
    snprintf(seen + strlen(seen), 64, "%.*s:%zu ", STR_ARG(path->path), path->count);
}

static void who_shares_with_whom(void **state)
{
    (void)state;
    struct overlap *overlap = overlap_new();
    int64_t others[4];
    char seen[200] = "";
    add(overlap, 7, "a");
    add(overlap, 7, "a");
    add(overlap, 7, "b");
    add(overlap, 3, "b");
    add(overlap, 9, "b");
    add(overlap, 9, "c");
    overlap_add(overlap, 5, STR("/another"), STR("b"));
    assert_int_equal(overlap_others(overlap, 7, others, 4), 2);
    assert_int_equal(others[0], 3);
    assert_int_equal(others[1], 9);
    assert_int_equal(overlap_others(overlap, 7, others, 1), 2);
    assert_int_equal(overlap_others(overlap, 5, others, 4), 0);
    assert_int_equal(overlap_others(overlap, 1, others, 4), 0);
    overlap_each(overlap, count_path, seen);
    assert_string_equal(seen, "b:3 ");
    overlap_clear(overlap, 7);
    assert_int_equal(overlap_others(overlap, 3, others, 4), 1);
    overlap_clear(overlap, 9);
    assert_int_equal(overlap_others(overlap, 3, others, 4), 0);
    overlap_free(overlap);
}

static void ceilings(void **state)
{
    (void)state;
    struct overlap *overlap = overlap_new();
    int64_t others[2];
    char path[32];
    for (int i = 0; i < OVERLAP_AGENT_PATHS_MAX; i++) {
        snprintf(path, sizeof(path), "file %d", i);
        add(overlap, 1, path);
    }
    assert_false(overlap_is_full(overlap, 1));
    add(overlap, 1, "one more");
    assert_true(overlap_is_full(overlap, 1));
    add(overlap, 2, "one more");
    assert_int_equal(overlap_others(overlap, 2, others, 2), 0);
    add(overlap, 2, "file 4095");
    assert_int_equal(overlap_others(overlap, 2, others, 2), 1);
    char *longer = mem_new(OVERLAP_PATH_MAX + 2);
    memset(longer, 'x', OVERLAP_PATH_MAX + 1);
    add(overlap, 2, longer);
    assert_true(overlap_is_full(overlap, 2));
    mem_free(longer);
    // Of all agents together.
    for (int64_t agent = 3; agent <= OVERLAP_PATHS_MAX / OVERLAP_AGENT_PATHS_MAX + 1; agent++) {
        for (int i = 0; i < OVERLAP_AGENT_PATHS_MAX; i++) {
            snprintf(path, sizeof(path), "%lld %d", (long long)agent, i);
            add(overlap, agent, path);
        }
    }
    assert_true(overlap_is_full(overlap, OVERLAP_PATHS_MAX / OVERLAP_AGENT_PATHS_MAX + 1));
    overlap_clear(overlap, 1);
    add(overlap, 100, "file 4095");
    assert_int_equal(overlap_others(overlap, 100, others, 2), 1);
    overlap_free(overlap);
}

// Against a table of who changed what.
static void as_a_table_has_it(void **state)
{
    (void)state;
    enum { AGENTS = 12, PATHS = 30, STEPS = 4000 };
    bool table[AGENTS][PATHS] = {{false}};
    struct overlap *overlap = overlap_new();
    unsigned seed = 1;
    char path[8];
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1103515245u + 12345u;
        int agent = (int)(seed >> 16) % AGENTS, name = (int)(seed >> 8) % PATHS;
        if ((seed >> 4) % 20 == 0) {
            overlap_clear(overlap, agent);
            memset(table[agent], 0, sizeof(table[agent]));
        } else {
            snprintf(path, sizeof(path), "%d", name);
            add(overlap, agent, path);
            table[agent][name] = true;
        }
        int64_t others[AGENTS];
        size_t count = overlap_others(overlap, agent, others, AGENTS), expected = 0;
        for (int other = 0; other < AGENTS; other++) {
            bool shares = false;
            for (int i = 0; i < PATHS; i++)
                shares = shares || (table[agent][i] && table[other][i]);
            if (shares && other != agent)
                assert_int_equal(others[expected++], other);
        }
        assert_int_equal(count, expected);
    }
    overlap_free(overlap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_shares_with_whom),
        cmocka_unit_test(ceilings),
        cmocka_unit_test(as_a_table_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
