// SPDX-License-Identifier: MIT
// Commands through the real loop and the real exec helper.
#include "tests/unit/support/unit.h"

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
    struct loop *loop;
    struct process *process;
    struct buf got;
    size_t bytes;
    int outputs, ended;
    bool count_only, pause_often, paused, stop_at_output;
    struct timer *resume;
    struct process_end end;
    struct err err;
};

static const struct port_ops *ops(struct run *run)
{
    return loop_ports(run->loop)->ops;
}

static void on_output(void *arg, struct str bytes)
{
    struct run *run = arg;
    assert_false(run->paused);
    assert_int_equal(run->ended, 0);
    run->bytes += bytes.len;
    run->outputs++;
    if (!run->count_only)
        buf_add_str(&run->got, bytes);
    if (run->pause_often && run->outputs % 16 == 0) {
        run->paused = true;
        ops(run)->process_pause(run->process, true);
        ops(run)->timer_set(run->resume, 1);
    }
    if (run->stop_at_output)
        ops(run)->process_stop(run->process);
    run->stop_at_output = false;
}

static void on_ended(void *arg, const struct process_end *end, const struct err *err)
{
    struct run *run = arg;
    run->ended++;
    run->end = *end;
    run->err = *err;
}

static void on_resume(void *arg)
{
    struct run *run = arg;
    run->paused = false;
    ops(run)->process_pause(run->process, false);
}

static void start(struct run *run, struct loop *loop, const char *cwd, const char *const *argv)
{
    static const char *const envp[] = {"PATH=/usr/bin:/bin", "LANG=C", NULL};
    static const struct process_sink sink = {on_output, on_ended};
    const struct process_spec spec = {.argv = argv, .envp = envp, .cwd = cwd};
    run->loop = loop;
    buf_init(&run->got, 16 << 20);
    run->process = ops(run)->process_start(loop_ports(loop)->ctx, &spec, &sink, run);
    assert_non_null(run->process);
    assert_int_equal(run->ended, 0);
}

static void start_shell(struct run *run, struct loop *loop, const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    start(run, loop, "/", argv);
}

static void finish(struct run *run)
{
    real_loop_until(run->loop, &run->ended, 1);
    assert_int_equal(run->ended, 1);
    buf_add_char(&run->got, '\0');
}

// The whole story of one script.
static struct run shell(const char *script)
{
    struct run run = {.ended = 0};
    start_shell(&run, real_loop_create(), script);
    finish(&run);
    assert_int_equal(run.err.kind, ERR_NONE);
    real_loop_destroy(run.loop);
    return run;
}

static bool dead(long pid)
{
    return pid > 1 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void test_exit_codes(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int code;
    } rows[] = {{"true", 0},
                {"exit 7", 7},
                {"kill -KILL $$", 137},
                {"kill -TERM $$", 143},
                {"exit 255", 255}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run run = shell(rows[i].script);
        assert_int_equal(run.end.exit_code, rows[i].code);
        assert_false(run.end.stopped);
        buf_release(&run.got);
    }
}

static void check_not_started(const char *command, int code, const char *message)
{
    struct run run = {.ended = 0};
    const char *const argv[] = {command, NULL};
    start(&run, real_loop_create(), "/", argv);
    finish(&run);
    assert_int_equal(run.end.exit_code, code);
    assert_string_equal(run.got.data, message);
    real_loop_destroy(run.loop);
    buf_release(&run.got);
}

static void test_a_command_that_is_not_there_or_cannot_run(void **state)
{
    (void)state;
    check_not_started("no-such-command", 127, "swarmd-exec: no-such-command: not found\n");
    check_not_started("/etc/passwd", 126, "swarmd-exec: /etc/passwd: Permission denied\n");
    char path[200], message[300];
    snprintf(path, sizeof path, "%s/script", unit_temp_folder());
    FILE *file = fopen(path, "w");
    fputs("#!/no/such/interpreter\n", file);
    fclose(file);
    chmod(path, 0700);
    snprintf(message, sizeof message, "swarmd-exec: %s: its interpreter was not found\n", path);
    check_not_started(path, 126, message);
}

static void check_start_error(const char *helper, const char *cwd, enum err_kind kind,
                              const char *names)
{
    struct run run = {.ended = 0};
    struct err err = {ERR_NONE, ""};
    struct loop *loop = helper ? loop_create(helper, &err) : real_loop_create();
    const char *const argv[] = {"true", NULL};
    start(&run, loop, cwd, argv);
    ops(&run)->process_stop(run.process); // harmless
    finish(&run);
    assert_int_equal(run.err.kind, kind);
    assert_non_null(strstr(run.err.message, names));
    real_loop_destroy(loop);
    buf_release(&run.got);
}

static void test_a_failure_to_start_comes_through_ended(void **state)
{
    (void)state;
    check_start_error(NULL, "/no/such/folder", ERR_WORKTREE, "/no/such/folder");
    check_start_error(NULL, "/etc/passwd", ERR_WORKTREE, "/etc/passwd");
    check_start_error("/no/helper", "/", ERR_CONFIG, "/no/helper");
}

static void test_output_is_merged_in_order(void **state)
{
    (void)state;
    struct run run = shell("for i in 1 2 3; do echo out$i; echo err$i >&2; done; printf end");
    assert_string_equal(run.got.data, "out1\nerr1\nout2\nerr2\nout3\nerr3\nend");
    buf_release(&run.got);
}

static void test_surroundings_are_what_the_spec_says(void **state)
{
    (void)state;
    struct run run = {.ended = 0};
    const char *folder = unit_temp_folder();
    const char *const argv[] = {
        "sh", "-c",
        "pwd; env | grep -v -e ^PWD= -e ^_= | sort; cat; ls /proc/self/fd | tr '\\n' ' ';"
        "sed -n -E 's/^(SigBlk|SigIgn).*(.{7})$/\\1 \\2/p' /proc/self/status",
        NULL};
    signal(SIGUSR1, SIG_IGN);
    start(&run, real_loop_create(), folder, argv);
    finish(&run);
    signal(SIGUSR1, SIG_DFL);
    char wanted[400];
    snprintf(wanted, sizeof wanted,
             "%s\nLANG=C\nPATH=/usr/bin:/bin\n0 1 2 3 " // 3 is ls's own
             "SigBlk 0000000\nSigIgn 0000000\n",        // above are glibc's own signals
             folder);
    assert_string_equal(run.got.data, wanted);
    real_loop_destroy(run.loop);
    buf_release(&run.got);
}

static void test_ten_megabytes_with_pauses(void **state)
{
    (void)state;
    struct run run = {.count_only = true, .pause_often = true};
    struct loop *loop = real_loop_create();
    run.resume = port_timer_new(loop_ports(loop), on_resume, &run);
    start_shell(&run, loop, "head -c 10485760 /dev/zero; exit 3");
    finish(&run);
    assert_int_equal(run.bytes, 10485760);
    assert_int_equal(run.end.exit_code, 3);
    ops(&run)->timer_free(run.resume);
    real_loop_destroy(loop);
    buf_release(&run.got);
}

static void test_output_waits_while_paused_even_after_the_end(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    struct run run = {.paused = true}, other = {.ended = 0};
    start_shell(&run, loop, "echo kept");
    ops(&run)->process_pause(run.process, true);
    start_shell(&other, loop, "sleep 1.5"); // longer than PROCESS_PIPE_HELD_MS
    finish(&other);
    assert_int_equal(run.outputs, 0);
    assert_int_equal(run.ended, 0);
    on_resume(&run);
    finish(&run);
    assert_string_equal(run.got.data, "kept\n");
    real_loop_destroy(loop);
    buf_release(&run.got);
    buf_release(&other.got);
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "sleep 120 & echo $!",                        // in the background, holds the pipe
        "sleep 120 >/dev/null 2>&1 & echo $!",        // does not hold it
        "(setsid sleep 120 & echo $!)",               // double fork, own session
        "(trap '' TERM; setsid sleep 120 & echo $!)", // that ignores SIGTERM
        "sleep 120 & kill -STOP $!; echo $!",         // stopped
        // beneath one that ignores it
        "sh -c 'trap \"\" TERM; sleep 120 & echo $!; wait' & sleep 0.2",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct run run = shell(scripts[i]);
        assert_int_equal(run.end.exit_code, 0);
        if (!dead(atol(run.got.data)))
            fail_msg("`%s` left %s", scripts[i], run.got.data);
        buf_release(&run.got);
    }
}

// Each process starts its successor and ends, in a session of its own, deaf to SIGTERM: whoever
// kills what he has seen a moment ago is always late.
static void test_processes_that_run_away(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    char path[200];
    snprintf(path, sizeof path, "%s/hop", folder);
    FILE *file = fopen(path, "w");
    // An end of its own, or a helper that fails this test would flood the machine.
    fputs("trap '' TERM\n[ $1 -eq 0 ] && exit\nsetsid sh hop $(($1 - 1)) &\n"
          "[ $(($1 % 10)) -eq 0 ] && exec setsid sleep 120\n",
          file);
    fclose(file);
    struct run run = {.ended = 0};
    const char *const argv[] = {"sh", "-c", "sh hop 499; sleep 0.05", NULL};
    start(&run, real_loop_create(), folder, argv);
    finish(&run); // the pipe has reached its end: no process holds it
    assert_int_equal(run.end.exit_code, 0);
    assert_string_equal(run.got.data, "");
    real_loop_destroy(run.loop);
    buf_release(&run.got);
}

static struct run stop_at_output(const char *script)
{
    struct run run = {.stop_at_output = true};
    start_shell(&run, real_loop_create(), script);
    finish(&run);
    assert_true(run.end.stopped);
    assert_int_equal(run.err.kind, ERR_NONE);
    real_loop_destroy(run.loop);
    return run;
}

static void test_stop(void **state)
{
    (void)state;
    struct run run = stop_at_output("echo $$; exec sleep 120");
    assert_int_equal(run.end.exit_code, 143);
    assert_true(dead(atol(run.got.data)));
    buf_release(&run.got);

    run = stop_at_output("trap 'echo cleaned; exit 5' TERM; echo; sleep 120 & wait");
    assert_int_equal(run.end.exit_code, 5);
    assert_string_equal(run.got.data, "\ncleaned\n");
    buf_release(&run.got);

    run = stop_at_output("trap '' TERM; echo $$; sleep 120; sleep 120");
    assert_int_equal(run.end.exit_code, 137);
    assert_true(dead(atol(run.got.data)));
    buf_release(&run.got);
}

static void test_a_command_cannot_get_rid_of_the_helper(void **state)
{
    (void)state;
    struct run run = shell("kill 0; echo no");
    assert_int_equal(run.end.exit_code, 143);
    assert_string_equal(run.got.data, "");
    buf_release(&run.got);

    run = shell("setsid sleep 120 & echo $!; kill -KILL 0");
    assert_int_equal(run.end.exit_code, 137);
    assert_true(dead(atol(run.got.data)));
    buf_release(&run.got);

    run = shell("kill -HUP $PPID; kill -INT $PPID; kill -QUIT $PPID; echo still");
    assert_int_equal(run.end.exit_code, 0);
    assert_string_equal(run.got.data, "still\n");
    buf_release(&run.got);

    run = stop_at_output("kill -STOP $PPID; echo $$; exec sleep 120");
    assert_int_equal(run.end.exit_code, 143);
    assert_true(dead(atol(run.got.data)));
    buf_release(&run.got);

    // It keeps the helper from acting: the loop kills both when that is overdue.
    run = stop_at_output("trap '' TERM; echo $$; while :; do kill -STOP $PPID; done");
    assert_int_equal(run.end.exit_code, 137);
    buf_release(&run.got);

    run = shell("kill -KILL $PPID; exec sleep 120");
    assert_int_equal(run.end.exit_code, 137);
    buf_release(&run.got);
}

static void test_a_held_pipe_is_closed(void **state)
{
    (void)state;
    struct run run = shell("setsid sleep 120 & echo $!; kill -KILL $PPID");
    assert_int_equal(run.end.exit_code, 137);
    assert_int_equal(kill((pid_t)atol(run.got.data), SIGKILL), 0); // it was still there
    buf_release(&run.got);
}

static void test_fifty_at_once(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    struct loop *loop = real_loop_create();
    struct run runs[COUNT];
    memset(runs, 0, sizeof runs);
    for (int i = 0; i < COUNT; i++) {
        char script[64];
        snprintf(script, sizeof script, "sleep 0.1; echo %d; exit %d", i, i);
        start_shell(&runs[i], loop, script);
    }
    for (int i = 0; i < COUNT; i++) {
        finish(&runs[i]);
        assert_int_equal(runs[i].end.exit_code, i);
        assert_int_equal(atoi(runs[i].got.data), i);
        buf_release(&runs[i].got);
    }
    real_loop_destroy(loop);
}

static int no_more_descriptors(void)
{
    struct loop *loop = real_loop_create();
    while (dup(0) >= 0)
        ;
    struct run run = {.ended = 0};
    start_shell(&run, loop, "true");
    loop_run(loop);
    return run.ended == 1 && run.err.kind == ERR_LIMIT && strstr(run.err.message, "open files") ? 0
                                                                                                : 1;
}

static int without_pidfd(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_send_signal, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        return 2;
    enum { COUNT = 20 };
    struct loop *loop = real_loop_create();
    struct run runs[COUNT];
    memset(runs, 0, sizeof runs);
    for (int i = 0; i < COUNT; i++)
        start_shell(&runs[i], loop, "echo hi; exit 4");
    struct run stopped = {.stop_at_output = true};
    start_shell(&stopped, loop, "echo; exec sleep 120");
    loop_run(loop);
    for (int i = 0; i < COUNT; i++)
        if (runs[i].ended != 1 || runs[i].end.exit_code != 4 || runs[i].bytes != 3)
            return 3;
    if (!stopped.end.stopped || stopped.end.exit_code != 143)
        return 4;
    return loop_destroy(loop) == 0 ? 0 : 5;
}

static void in_child(int (*fn)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(fn());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_no_more_descriptors(void **state)
{
    (void)state;
    in_child(no_more_descriptors);
}

static void test_a_kernel_without_pidfd(void **state)
{
    (void)state;
    in_child(without_pidfd);
}

// A server that is killed while its command runs. Everything of the command holds the FIFO open.
static void check_server_death(const char *script)
{
    const char *folder = unit_temp_folder();
    char path[200];
    snprintf(path, sizeof path, "%s/held", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    fflush(NULL);
    pid_t server = fork();
    if (server == 0) {
        struct run run = {.ended = 0};
        const char *const argv[] = {"sh", "-c", script, NULL};
        start(&run, real_loop_create(), folder, argv);
        loop_run(run.loop);
        _exit(1);
    }
    alarm(REAL_LOOP_DEADLINE_MS / 1000);
    int held = open(path, O_RDONLY | O_CLOEXEC); // waits for the command to open it
    assert_true(held >= 0);
    char byte;
    assert_int_equal(read(held, &byte, 1), 1); // everything is started
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    assert_int_equal(read(held, &byte, 1), 0); // the end: nobody holds it
    alarm(0);
    close(held);
}

static void test_the_tree_dies_with_the_server(void **state)
{
    (void)state;
    check_server_death("exec 3>held; (setsid sleep 120 &); sleep 120 & printf r >&3; wait");
    check_server_death("trap '' TERM; exec 3>held; (setsid sleep 120 &); printf r >&3;"
                       "sleep 120; sleep 120");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_a_command_that_is_not_there_or_cannot_run),
        cmocka_unit_test(test_a_failure_to_start_comes_through_ended),
        cmocka_unit_test(test_output_is_merged_in_order),
        cmocka_unit_test(test_surroundings_are_what_the_spec_says),
        cmocka_unit_test(test_ten_megabytes_with_pauses),
        cmocka_unit_test(test_output_waits_while_paused_even_after_the_end),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_processes_that_run_away),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_a_command_cannot_get_rid_of_the_helper),
        cmocka_unit_test(test_a_held_pipe_is_closed),
        cmocka_unit_test(test_fifty_at_once),
        cmocka_unit_test(test_no_more_descriptors),
        cmocka_unit_test(test_a_kernel_without_pidfd),
        cmocka_unit_test(test_the_tree_dies_with_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
