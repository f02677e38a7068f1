// SPDX-License-Identifier: MIT
// Which lines of a file several agents changed.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/swarm/overlap_hunks.h"

#include <stdio.h>

enum { TEXT_MAX = 4096 };

struct told {
    char text[TEXT_MAX];
    size_t hunks;
    bool known;
};

static void change(struct overlap *overlap, int64_t agent, char base, size_t count,
                   struct line_range *ranges)
{
    struct tree_change change = {
        .path = (char[]){"file"}, .lines_known = true, .ranges = ranges, .range_count = count};
    memset(change.old_blob, base, sizeof(change.old_blob));
    overlap_add_change(overlap, agent, STR("/repository"), &change);
}

#define CHANGE(overlap, agent, base, ...)                                                          \
    change(overlap, agent, base,                                                                   \
           sizeof((struct line_range[]){__VA_ARGS__}) / sizeof(struct line_range),                 \
           (struct line_range[]){__VA_ARGS__})

static void tell(void *arg, const struct overlap_path *path)
{
    struct told *told = arg;
    struct overlap_hunks hunks;
    told->known = overlap_hunks_find(path, &hunks);
    told->hunks = hunks.count;
    for (size_t i = 0; told->known && i < hunks.count; i++) {
        size_t len = strlen(told->text);
        len += (size_t)snprintf(told->text + len, TEXT_MAX - len, "%u-%u:", hunks.items[i].start,
                                hunks.items[i].end);
        for (size_t k = 0; k < hunks.items[i].count; k++)
            len += (size_t)snprintf(told->text + len, TEXT_MAX - len, " %lld",
                                    (long long)hunks.items[i].agents[k]);
        snprintf(told->text + len, TEXT_MAX - len, "; ");
    }
    overlap_hunks_release(&hunks);
}

// "?" when it cannot be told.
static void assert_hunks(const struct overlap *overlap, const char *expected)
{
    struct told told = {.text = ""};
    overlap_each(overlap, tell, &told);
    assert_string_equal(told.known ? told.text : "?", expected);
}

static void what_overlaps_or_touches_is_one_hunk(void **state)
{
    (void)state;
    struct overlap *overlap = overlap_new();
    CHANGE(overlap, 9, 'a', {1, 3}, {10, 1}, {30, 0});
    CHANGE(overlap, 4, 'a', {5, 2}, {11, 2}, {30, 0});
    assert_hunks(overlap, "10-13: 4 9; 30-30: 4 9; "); // line 4 is between 1-3 and 5-6
    CHANGE(overlap, 2, 'a', {4, 0}, {12, 9}, {31, 0});
    assert_hunks(overlap, "1-4: 2 9; 10-21: 2 4 9; 30-30: 4 9; ");
    CHANGE(overlap, 9, 'a', {100, 1}); // it takes the place of what was known
    assert_hunks(overlap, "11-21: 2 4; ");
    overlap_free(overlap);
}

static void a_long_range_holds_those_within(void **state)
{
    (void)state;
    struct overlap *overlap = overlap_new();
    CHANGE(overlap, 1, 'a', {1, 1000});
    CHANGE(overlap, 2, 'a', {5, 1}, {7, 1}, {1002, 1});
    CHANGE(overlap, 3, 'a', {900, 1});
    assert_hunks(overlap, "1-1001: 1 2 3; ");
    overlap_free(overlap);
}

static void what_cannot_be_compared_is_not_told(void **state)
{
    (void)state;
    struct overlap *overlap = overlap_new();
    CHANGE(overlap, 1, 'a', {1, 1});
    CHANGE(overlap, 2, 'b', {1, 1});
    assert_hunks(overlap, "?");
    CHANGE(overlap, 2, 'a', {3, 1});
    assert_hunks(overlap, "");
    overlap_add(overlap, 2, STR("/repository"), STR("file")); // by a call, after the look
    assert_hunks(overlap, "?");
    CHANGE(overlap, 2, 'a', {1, 1});
    assert_hunks(overlap, "1-2: 1 2; ");
    struct tree_change whole = {.path = (char[]){"file"}};
    overlap_add_change(overlap, 1, STR("/repository"), &whole);
    assert_hunks(overlap, "?");
    overlap_clear(overlap, 1);
    change(overlap, 3, 'a', 0, NULL); // its mode alone
    assert_hunks(overlap, "");
    overlap_free(overlap);
}

static void ceiling_of_a_file(void **state)
{
    (void)state;
    struct line_range ranges[OVERLAP_HUNKS_MAX + 1];
    for (uint32_t i = 0; i <= OVERLAP_HUNKS_MAX; i++)
        ranges[i] = (struct line_range){1 + 3 * i, 1};
    for (size_t count = OVERLAP_HUNKS_MAX; count <= OVERLAP_HUNKS_MAX + 1; count++) {
        struct overlap *overlap = overlap_new();
        struct told told = {.text = ""};
        change(overlap, 1, 'a', count, ranges);
        change(overlap, 2, 'a', count, ranges);
        overlap_each(overlap, tell, &told);
        assert_int_equal(told.known, count == OVERLAP_HUNKS_MAX);
        assert_int_equal(told.hunks, OVERLAP_HUNKS_MAX);
        overlap_free(overlap);
    }
}

static void ceiling_of_all_ranges(void **state)
{
    (void)state;
    struct line_range *ranges = mem_new_array(OVERLAP_RANGES_MAX, sizeof(*ranges));
    struct overlap *overlap = overlap_new();
    for (uint32_t i = 0; i < OVERLAP_RANGES_MAX; i++)
        ranges[i] = (struct line_range){1 + 3 * i, 1};
    change(overlap, 1, 'a', OVERLAP_RANGES_MAX - 1, ranges);
    CHANGE(overlap, 2, 'a', {2, 1});
    assert_hunks(overlap, "1-3: 1 2; ");
    CHANGE(overlap, 3, 'a', {2, 1});
    assert_hunks(overlap, "?");
    overlap_clear(overlap, 2); // makes room
    CHANGE(overlap, 3, 'a', {2, 1});
    assert_hunks(overlap, "1-3: 1 3; ");
    overlap_free(overlap);
    mem_free(ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_overlaps_or_touches_is_one_hunk),
        cmocka_unit_test(a_long_range_holds_those_within),
        cmocka_unit_test(what_cannot_be_compared_is_not_told),
        cmocka_unit_test(ceiling_of_a_file),
        cmocka_unit_test(ceiling_of_all_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
