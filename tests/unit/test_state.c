// SPDX-License-Identifier: MIT
// The whole state table, against the page that people read.
#include "tests/unit/support/unit.h"

#include "core/agent/state.h"

enum { LINE_MAX_BYTES = 1024, COLUMNS_MAX = 32 };

static FILE *open_page(void)
{
    char path[1024];
    const char *source = getenv("SWARMD_SOURCE_DIR");
    snprintf(path, sizeof(path), "%s/docs/states.md", source ? source : ".");
    FILE *page = fopen(path, "r");
    assert_non_null(page);
    return page;
}

// Cuts "| a | b |" into trimmed cells; returns how many.
static size_t cut(char *line, char *cells[COLUMNS_MAX])
{
    size_t count = 0;
    for (char *cell = strtok(line, "|\n"); cell && count < COLUMNS_MAX;
         cell = strtok(NULL, "|\n")) {
        while (*cell == ' ')
            cell++;
        char *end = cell + strlen(cell);
        while (end > cell && end[-1] == ' ')
            *--end = 0;
        cells[count++] = cell;
    }
    return count;
}

static void test_page_is_the_table(void **unused)
{
    (void)unused;
    FILE *page = open_page();
    char line[LINE_MAX_BYTES];
    int rows = 0;
    while (fgets(line, sizeof(line), page)) {
        char *cells[COLUMNS_MAX];
        enum agent_state state, next;
        size_t count = line[0] == '|' ? cut(line, cells) : 0;
        if (count && strcmp(cells[0], "state") == 0) {
            assert_int_equal(count, CAUSE_COUNT + 1);
            for (int cause = 0; cause < CAUSE_COUNT; cause++)
                assert_string_equal(cells[cause + 1], cause_name((enum agent_cause)cause));
        }
        if (count != CAUSE_COUNT + 1 || !state_from_name(str_of(cells[0]), &state))
            continue;
        assert_int_equal(state, rows++);
        for (int cause = 0; cause < CAUSE_COUNT; cause++) {
            bool legal = state_next(state, (enum agent_cause)cause, &next);
            assert_string_equal(cells[cause + 1], legal ? state_name(next) : "-");
        }
    }
    fclose(page);
    assert_int_equal(rows, STATE_COUNT);
}

static enum agent_state after(enum agent_state state, enum agent_cause cause)
{
    enum agent_state next = STATE_COUNT;
    return state_next(state, cause, &next) ? next : STATE_COUNT;
}

static void test_promises_of_the_protocol(void **unused)
{
    (void)unused;
    for (int i = 0; i < STATE_COUNT; i++) {
        enum agent_state state = (enum agent_state)i;
        bool cut_off = state == STATE_WORKING || state == STATE_STARTING;
        // After a restart working and starting are detached; every other state stays.
        assert_int_equal(after(state, CAUSE_RESTART), cut_off ? STATE_DETACHED : state);
        // A message is never dropped, and kill and cancel are always answered.
        assert_int_not_equal(after(state, CAUSE_SEND), STATE_COUNT);
        assert_int_not_equal(after(state, CAUSE_KILL), STATE_COUNT);
        assert_int_not_equal(after(state, CAUSE_CANCEL), STATE_COUNT);
        assert_false(state_is_active(after(state, CAUSE_KILL)));
        assert_false(state_is_active(after(state, CAUSE_CANCEL)));
        // What is running is removed only with force.
        if (state_is_active(state))
            assert_int_equal(after(state, CAUSE_REMOVE), STATE_COUNT);
        // Resume: only from detached, done, failed and killed.
        bool ended = state == STATE_DETACHED || state == STATE_DONE || state == STATE_FAILED ||
                     state == STATE_KILLED;
        assert_int_equal(after(state, CAUSE_RESUME), ended ? STATE_QUEUED : STATE_COUNT);
    }
}

static void test_every_state_can_be_reached(void **unused)
{
    (void)unused;
    // blocked needs a dependency and idle a pool; both are entered by later parts.
    bool reached[STATE_COUNT] = {[STATE_QUEUED] = true, [STATE_IDLE] = true};
    for (int round = 0; round < STATE_COUNT; round++) {
        for (int state = 0; state < STATE_COUNT; state++) {
            for (int cause = 0; reached[state] && cause < CAUSE_COUNT; cause++) {
                enum agent_state next = after((enum agent_state)state, (enum agent_cause)cause);
                if (next != STATE_COUNT)
                    reached[next] = true;
            }
        }
    }
    for (int state = 0; state < STATE_COUNT; state++)
        assert_true(reached[state]);
}

static void test_outside_the_table(void **unused)
{
    (void)unused;
    enum agent_state next;
    assert_false(state_next(STATE_COUNT, CAUSE_SEND, &next));
    assert_false(state_next(STATE_DONE, CAUSE_COUNT, &next));
    assert_false(state_from_name(STR("nonsense"), &next));
    assert_string_equal(state_name(STATE_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_is_the_table),
        cmocka_unit_test(test_promises_of_the_protocol),
        cmocka_unit_test(test_every_state_can_be_reached),
        cmocka_unit_test(test_outside_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
