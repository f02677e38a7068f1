// SPDX-License-Identifier: MIT
// bash as it runs for people: real commands through the exec helper, on the real loop.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"
#include "tests/unit/support/tool_place.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

struct shell {
    struct tool_bench *bench;
    struct loop *loop;
};

static int setup(void **state)
{
    struct shell *shell = mem_new(sizeof *shell);
    void *bench;
    if (tool_bench_setup(&bench) != 0)
        return -1;
    shell->bench = bench;
    shell->loop = real_loop_create();
    shell->bench->place.ports = loop_ports(shell->loop);
    *state = shell;
    return 0;
}

static int teardown(void **state)
{
    struct shell *shell = *state;
    void *bench = shell->bench;
    tool_bench_teardown(&bench);
    real_loop_destroy(shell->loop);
    mem_free(shell);
    return 0;
}

static void begin(struct shell *shell, const char *command, int timeout)
{
    struct buf input;
    struct json_writer w;
    buf_init(&input, 10000);
    json_writer_init(&w, &input);
    json_begin_object(&w);
    json_add_cstr(&w, "command", command);
    json_add_int(&w, "timeout", timeout);
    json_end_object(&w);
    begin_tool(shell->bench, "bash", buf_str(&input));
    buf_release(&input);
}

static const char *end(struct shell *shell)
{
    real_loop_until(shell->loop, &shell->bench->done, 1);
    return shell->bench->run.result.output.data;
}

static const char *run(struct shell *shell, const char *command)
{
    begin(shell, command, 60);
    return end(shell);
}

static void commands_run(void **state)
{
    struct shell *s = *state;
    put_file(s->bench, "file", "");
    char *want = mem_format("out\nerr\nfile\n%s\n", s->bench->folder);
    assert_string_equal(run(s, "echo out; echo err >&2; ls; pwd -P"), want);
    mem_free(want);
    assert_int_equal(s->bench->run.result.exit_code, 0);
    assert_string_equal(run(s, "exit 3"), "[exit code 3]\n");
    assert_true(s->bench->run.result.failed);
    assert_string_equal(run(s, "true"), "(no output)\n");
    assert_string_equal(run(s, "-not-an-option; echo $0 is bash >/dev/null; echo \"${x[0]}y\""),
                        "bash: line 1: -not-an-option: command not found\ny\n");
    assert_string_equal(run(s, "read x; echo \"<$x>\""), "<>\n");
    assert_string_equal(run(s, "kill -9 $$"), "[exit code 137]\n");
    assert_string_equal(run(s, "env | grep -c ^LANG="), "1\n");
}

static void a_timeout_ends_everything(void **state)
{
    struct shell *s = *state;
    begin(s, "echo begun; (setsid sleep 100 &) ; sleep 100 & echo $! > pid; wait", 1);
    const char *out = end(s);
    assert_non_null(strstr(out, "begun\n"));
    assert_non_null(strstr(out, "[stopped: it ran longer than its timeout of 1 s;"));
    char *pid = get_file(s->bench, "pid");
    assert_int_equal(kill(atoi(pid), 0), -1);
    assert_int_equal(errno, ESRCH);
    mem_free(pid);
}

static void on_piece(void *arg, struct str piece)
{
    struct tool_bench *bench = arg;
    bench->live += piece.len;
    if (strstr(piece.data, "ready"))
        tool_run_cancel(&bench->run);
}

static void a_cancel_in_the_middle_keeps_what_was_printed(void **state)
{
    struct shell *s = *state;
    s->bench->output = on_piece;
    const char *out = run(s, "echo ready; sleep 100");
    assert_string_equal(out, "ready\n[stopped: cancelled]\n");
    assert_int_equal(s->bench->live, 6);
}

static void a_cancel_right_after_the_start(void **state)
{
    struct shell *s = *state;
    begin(s, "sleep 100", 60);
    tool_run_cancel(&s->bench->run);
    const char *out = end(s);
    assert_non_null(strstr(out, "[stopped: cancelled]\n"));
}

static void a_large_output_is_kept_whole(void **state)
{
    struct shell *s = *state;
    const char *out = run(s, "seq 1 3000000; echo last >&2");
    assert_int_equal(strncmp(out, "1\n2\n3\n", 6), 0);
    assert_non_null(strstr(out, "bytes are left out here; all of it ("));
    assert_true(str_ends(str_of(out), STR("\n2999999\n3000000\nlast\n")));
    assert_false(s->bench->run.result.failed);
    char *path = mem_format("%s/i7.txt", s->bench->outputs);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, s->bench->run.result.bytes);
    char *check = mem_format("(seq 1 3000000; echo last) | cmp - %s && echo same", path);
    assert_string_equal(run(s, check), "same\n");
    mem_free(check);
    mem_free(path);
}

static void binary_output_becomes_text(void **state)
{
    struct shell *s = *state;
    assert_string_equal(run(s, "printf 'a\\000b\\377c\\303\\244\\n'"), "a\xEF\xBF\xBD"
                                                                       "b\xEF\xBF\xBD"
                                                                       "c\xC3\xA4\n");
    run(s, "head -c 300000 /dev/urandom");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_run),
        TEST(a_timeout_ends_everything),
        TEST(a_cancel_in_the_middle_keeps_what_was_printed),
        TEST(a_cancel_right_after_the_start),
        TEST(a_large_output_is_kept_whole),
        TEST(binary_output_becomes_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
