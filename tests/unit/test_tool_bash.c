// SPDX-License-Identifier: MIT
// bash with scripted commands: time, ceilings and errors. With real ones: test_tool_bash_real.c.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/uri.h"
#include "core/base/utf8.h"
#include "tests/unit/support/tool_place.h"

#include <sys/stat.h>

static const char *result_of(struct tool_bench *b)
{
    fake_ports_run(b->fake);
    assert_int_equal(b->done, 1);
    const struct buf *out = &b->run.result.output;
    assert_true(utf8_is_valid(buf_str(out)));
    assert_false(out->overflow);
    return out->data;
}

static void begin(struct tool_bench *b)
{
    begin_tool(b, "bash", STR("{\"command\": \"make test\", \"timeout\": 5}"));
}

static void a_command_runs_in_the_worktree(void **state)
{
    struct tool_bench *b = *state;
    begin(b);
    const struct fake_command *command = fake_ports_command(b->fake, 0);
    assert_true(strcmp(command->argv[0], "bash") == 0 || strcmp(command->argv[0], "sh") == 0);
    assert_string_equal(command->argv[1], "-c");
    assert_string_equal(command->argv[2], "--");
    assert_string_equal(command->argv[3], "make test");
    assert_null(command->argv[4]);
    assert_string_equal(command->cwd, b->folder);
    assert_string_equal(command->envp[0], b->place.envp[0]);
    fake_command_output(b->fake, 0, "one\n");
    fake_command_output(b->fake, 0, "two");
    fake_command_end(b->fake, 0, 0);
    assert_string_equal(result_of(b), "one\ntwo\n");
    assert_false(b->run.result.failed);
    assert_int_equal(b->run.result.exit_code, 0);
    assert_int_equal(b->run.result.bytes, 7);
    assert_null(b->run.result.full);
}

static void without_bash_it_is_sh(void **state)
{
    struct tool_bench *b = *state;
    static const char *const bare[] = {"PATH=:/nonexistent::/dev", NULL};
    static const char *const none[] = {NULL};
    b->place.envp = bare;
    begin(b);
    assert_string_equal(fake_ports_command(b->fake, 0)->argv[0], "sh");
    fake_command_end(b->fake, 0, 0);
    assert_string_equal(result_of(b), "(no output)\n");
    b->place.envp = none;
    begin(b);
    assert_string_equal(fake_ports_command(b->fake, 1)->argv[0], "sh");
    fake_command_end(b->fake, 1, 0);
}

static void a_non_zero_exit_code_is_a_failure(void **state)
{
    struct tool_bench *b = *state;
    begin(b);
    fake_command_output(b->fake, 0, "bad");
    fake_command_end(b->fake, 0, 2);
    assert_string_equal(result_of(b), "bad\n[exit code 2]\n");
    assert_true(b->run.result.failed);
    assert_int_equal(b->run.result.exit_code, 2);
}

static void a_command_that_does_not_start(void **state)
{
    struct tool_bench *b = *state;
    begin(b);
    fake_command_fail(b->fake, 0, "swarmd-exec is missing");
    assert_string_equal(result_of(b), "swarmd-exec is missing");
    assert_true(b->run.result.failed);
}

static void the_timeout_stops_it(void **state)
{
    struct tool_bench *b = *state;
    begin(b);
    fake_command_output(b->fake, 0, "begun\n");
    fake_ports_advance(b->fake, 4999);
    assert_false(fake_ports_command(b->fake, 0)->stop_asked);
    fake_ports_advance(b->fake, 1);
    assert_true(fake_ports_command(b->fake, 0)->stop_asked);
    assert_int_equal(b->done, 0);
    fake_command_output(b->fake, 0, "last words\n");
    fake_command_end(b->fake, 0, 143);
    assert_string_equal(result_of(b), "begun\nlast words\n[stopped: it ran longer than its timeout "
                                      "of 5 s; `timeout` may be up to 3600]\n");
    assert_true(b->run.result.failed);
    assert_int_equal(b->run.result.exit_code, 143);
}

static void the_default_timeout_is_600_s(void **state)
{
    struct tool_bench *b = *state;
    begin_tool(b, "bash", STR("{\"command\": \"sleep 1000\"}"));
    assert_int_equal(fake_ports_next_timer(b->fake), 600000);
    fake_command_end(b->fake, 0, 0);
}

static void a_cancel_stops_it_and_done_still_comes(void **state)
{
    struct tool_bench *b = *state;
    begin(b);
    fake_command_output(b->fake, 0, "begun\n");
    tool_run_cancel(&b->run);
    tool_run_cancel(&b->run);
    assert_true(fake_ports_command(b->fake, 0)->stop_asked);
    fake_ports_advance(b->fake, 100000);
    assert_int_equal(b->done, 0);
    fake_command_end(b->fake, 0, 143);
    assert_string_equal(result_of(b), "begun\n[stopped: cancelled]\n");
    assert_true(b->run.result.failed);
}

static char *big_text(size_t bytes)
{
    char *text = mem_new(bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        text[i] = i % 50 == 49 ? '\n' : (char)('a' + i / 50 % 26);
    return text;
}

static void a_large_output_is_kept_whole(void **state)
{
    struct tool_bench *b = *state;
    char *text = big_text(200000);
    char *path = mem_format("%s/i7.txt", b->outputs);
    begin(b);
    fake_command_output(b->fake, 0, text);
    fake_ports_run(b->fake);
    fake_command_output(b->fake, 0, "the end\n");
    fake_command_end(b->fake, 0, 0);
    assert_int_equal(b->done, 0); // not before it is synced
    const char *out = result_of(b);
    assert_true(strlen(out) <= OUTPUT_WHOLE + 300);
    assert_non_null(strstr(out, "bytes are left out here; all of it (200008 bytes): `read` "
                                "(offset, limit) or `grep` output:i7]"));
    assert_true(str_ends(str_of(out), STR("\nthe end\n")));
    assert_int_equal(b->run.result.bytes, 200008);
    char *back = uri_to_path(str_of(b->run.result.full));
    assert_string_equal(back, path);
    FILE *f = fopen(path, "r");
    char *whole = mem_new(200020);
    assert_int_equal(fread(whole, 1, 200019, f), 200008);
    assert_memory_equal(whole, text, 200000);
    assert_string_equal(whole + 200000, "the end\n");
    fclose(f);
    struct stat st;
    stat(path, &st);
    assert_int_equal(st.st_mode & 07777, 0600);
    stat(b->outputs, &st);
    assert_int_equal(st.st_mode & 07777, 0700);
    char *input = mem_format("{'path': '%s', 'offset': 4001}", b->run.result.full);
    expect_ok(b, "read", input, "  4001\tthe end\n");
    expect_ok(b, "read", "{'path': 'output:i7', 'offset': 4001}", "  4001\tthe end\n");
    expect_ok(b, "grep", "{'path': 'output:i7', 'pattern': 'the e'}", "output:i7:4001:the end\n");
    mem_free(input);
    mem_free(whole);
    mem_free(back);
    mem_free(path);
    mem_free(text);
}

static void what_is_shown_whole_is_not_kept(void **state)
{
    struct tool_bench *b = *state;
    char *text = big_text(OUTPUT_WHOLE);
    begin(b);
    fake_command_output(b->fake, 0, text);
    fake_command_end(b->fake, 0, 0);
    assert_string_equal(result_of(b), text);
    assert_null(b->run.result.full);
    struct stat st;
    assert_int_equal(stat(b->outputs, &st), -1);
    mem_free(text);
}

static void an_output_that_cannot_be_kept_says_so(void **state)
{
    struct tool_bench *b = *state;
    char *text = big_text(60000);
    b->place.output_folder = "/dev/null/output";
    begin(b);
    fake_command_output(b->fake, 0, text);
    fake_command_end(b->fake, 0, 0);
    const char *out = result_of(b);
    assert_non_null(strstr(out, "bytes are left out here]\n"));
    assert_non_null(strstr(out, "[the whole output could not be kept: "));
    assert_false(b->run.result.failed);
    assert_null(b->run.result.full);
    mem_free(text);
}

static void a_slow_disk_pauses_the_command(void **state)
{
    struct tool_bench *b = *state;
    char *text = big_text(64 << 10);
    begin(b);
    fake_ports_hold_lane(b->fake, LANE_FILES, true);
    int written = 0;
    while (!fake_ports_command(b->fake, 0)->paused) {
        assert_true(++written < 20);
        fake_command_output(b->fake, 0, text);
    }
    assert_true(written > 16);
    fake_ports_hold_lane(b->fake, LANE_FILES, false);
    fake_ports_run(b->fake);
    assert_false(fake_ports_command(b->fake, 0)->paused);
    fake_command_end(b->fake, 0, 0);
    result_of(b);
    assert_int_equal(b->run.result.bytes, (int64_t)written * (64 << 10));
    mem_free(text);
}

static void an_endless_output_is_stopped(void **state)
{
    struct tool_bench *b = *state;
    size_t piece = 1 << 20;
    char *text = big_text(piece);
    b->place.output_folder = "/dev/null/output"; // a GiB need not be written for it
    begin(b);
    for (int i = 0; i < 1024; i++) {
        assert_false(fake_ports_command(b->fake, 0)->stop_asked);
        fake_command_output(b->fake, 0, text);
        fake_ports_run(b->fake);
    }
    fake_command_output(b->fake, 0, "x");
    assert_true(fake_ports_command(b->fake, 0)->stop_asked);
    fake_command_output(b->fake, 0, "y");
    fake_command_end(b->fake, 0, 143);
    assert_non_null(strstr(result_of(b), "[stopped: its output passed 1073741824 bytes]\n"));
    assert_int_equal(b->run.result.bytes, 1 << 30);
    assert_true(b->run.result.failed);
    mem_free(text);
}

static void live_output(void *arg, struct str piece)
{
    // the bench is the argument of both callbacks
    struct tool_bench *b = arg;
    assert_true(utf8_is_valid(piece));
    b->live += piece.len;
}

static void output_is_shown_while_it_runs(void **state)
{
    struct tool_bench *b = *state;
    b->output = live_output;
    begin(b);
    fake_command_output(b->fake, 0, "12345\n");
    assert_int_equal(b->live, 6);
    char *text = big_text(60000);
    for (int i = 0; i < 30; i++) {
        fake_command_output(b->fake, 0, text);
        fake_ports_advance(b->fake, 100);
    }
    assert_true(b->live > 10000 && b->live <= TOOL_SHOWN_MAX);
    fake_command_end(b->fake, 0, 0);
    result_of(b);
    mem_free(text);
}

static void bad_arguments_are_explained(void **state)
{
    struct tool_bench *b = *state;
    assert_string_equal(refused_input(b, "bash", "{}"),
                        "bash: `command` is missing; takes {command: string, timeout?: integer "
                        "seconds}");
    assert_non_null(strstr(refused_input(b, "bash", "{'command': ''}"), "`command` is empty"));
    assert_non_null(strstr(refused_input(b, "bash", "{'command': 'a\\u0000b'}"), "NUL"));
    assert_non_null(strstr(refused_input(b, "bash", "{'command': 'a', 'timeout': 3601}"),
                           "`timeout` is not from 1 to 3600"));
    assert_non_null(strstr(refused_input(b, "bash", "{'command': 'a', 'timeout': 0}"),
                           "`timeout` is not from 1 to 3600"));
    assert_int_equal(fake_ports_commands(b->fake), 0);
}

static void titles(void **state)
{
    struct tool_bench *b = *state;
    expect_title(b, "bash", "{'command': 'make test'}", "bash: make test");
    expect_title(b, "bash", "{'command': ' a\\n\\tb\\u001b[2J '}", "bash: a b\xEF\xBF\xBD[2J");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tool_bench_setup, tool_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_runs_in_the_worktree),
        TEST(without_bash_it_is_sh),
        TEST(a_non_zero_exit_code_is_a_failure),
        TEST(a_command_that_does_not_start),
        TEST(the_timeout_stops_it),
        TEST(the_default_timeout_is_600_s),
        TEST(a_cancel_stops_it_and_done_still_comes),
        TEST(a_large_output_is_kept_whole),
        TEST(what_is_shown_whole_is_not_kept),
        TEST(an_output_that_cannot_be_kept_says_so),
        TEST(a_slow_disk_pauses_the_command),
        TEST(an_endless_output_is_stopped),
        TEST(output_is_shown_while_it_runs),
        TEST(bad_arguments_are_explained),
        TEST(titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
