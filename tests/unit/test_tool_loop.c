// SPDX-License-Identifier: MIT
// File tools on the real loop: many at once on the lanes' threads, some of them cancelled.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"
#include "tests/unit/support/tool_place.h"

enum { RUNS = 60, FILES = 50 };

struct many {
    struct tool_bench *bench;
    struct loop *loop;
    struct tool_run runs[RUNS];
    int done;
};

static int setup(void **state)
{
    struct many *many = mem_new(sizeof *many);
    void *bench;
    if (tool_bench_setup(&bench) != 0)
        return -1;
    many->bench = bench;
    many->loop = real_loop_create();
    many->bench->place.ports = loop_ports(many->loop);
    *state = many;
    return 0;
}

static int teardown(void **state)
{
    struct many *many = *state;
    void *bench = many->bench;
    tool_bench_teardown(&bench);
    real_loop_destroy(many->loop);
    mem_free(many);
    return 0;
}

static void on_done(void *arg)
{
    ++*(int *)arg;
}

static void begin(struct many *many, int index, const char *name, const char *input)
{
    struct tool_run *run = &many->runs[index];
    struct err err = {0};
    tool_run_init(run, tool_find(str_of(name)), &many->bench->place);
    run->item_id = "i1";
    run->done = on_done;
    run->arg = &many->done;
    if (!tool_run_parse(run, str_of(input), &err))
        fail_msg("%s", err.message);
    tool_run_start(run);
}

static void put_files(struct many *many)
{
    for (int i = 0; i < FILES; i++) {
        char *name = mem_format("d%d/f%02d", i % 5, i);
        char *text = mem_format("file %d\nword\n", i);
        put_file(many->bench, name, text);
        mem_free(name);
        mem_free(text);
    }
}

static void tools_run_side_by_side(void **state)
{
    struct many *many = *state;
    put_files(many);
    for (int i = 0; i < RUNS; i++) {
        char *write = mem_format("{\"path\": \"new/%d/w\", \"content\": \"%d\\n\"}", i % 3, i);
        switch (i % 6) {
        case 0:
            begin(many, i, "read", "{\"path\": \"d3/f13\"}");
            break;
        case 1:
            begin(many, i, "grep", "{\"pattern\": \"^file 13$\"}");
            break;
        case 2:
            begin(many, i, "glob", "{\"pattern\": \"f13\"}");
            break;
        case 3:
            begin(many, i, "list", "{\"path\": \"d3\"}");
            break;
        case 4:
            begin(many, i, "write", write);
            break;
        default:
            begin(many, i, "edit",
                  "{\"path\": \"d0/f00\", \"edits\": [{\"old_text\": \"word\", \"new_text\": "
                  "\"word\\n\"}]}");
        }
        mem_free(write);
    }
    real_loop_until(many->loop, &many->done, RUNS);
    for (int i = 0; i < RUNS; i++) {
        const struct tool_result *result = &many->runs[i].result;
        static const char *const want[] = {"     1\tfile 13\n     2\tword\n", "d3/f13:1:file 13\n",
                                           "d3/f13\n"};
        assert_false(result->failed);
        if (i % 6 < 3)
            assert_string_equal(result->output.data, want[i % 6]);
        tool_run_release(&many->runs[i]);
    }
}

static void cancelled_runs_still_end(void **state)
{
    struct many *many = *state;
    put_files(many);
    for (int i = 0; i < RUNS; i++)
        begin(many, i, "grep", "{\"pattern\": \"word\"}");
    for (int i = 0; i < RUNS; i += 2)
        tool_run_cancel(&many->runs[i]);
    real_loop_until(many->loop, &many->done, RUNS);
    for (int i = 0; i < RUNS; i++) {
        const struct tool_result *result = &many->runs[i].result;
        if (result->failed)
            assert_string_equal(result->output.data, "grep: cancelled");
        else
            assert_non_null(strstr(result->output.data, "d4/f49:2:word\n"));
        assert_true(i % 2 == 0 || !result->failed);
        tool_run_release(&many->runs[i]);
    }
    assert_true(many->done == RUNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tools_run_side_by_side, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelled_runs_still_end, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
