// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/lease.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// A process that holds the lease until it is killed; returns when it has it.
static pid_t start_holder(const char *folder)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct lease lease;
        struct err err;
        char ok = (char)lease_take(&lease, folder, &err);
        if (write(ready[1], &ok, 1) == 1)
            pause();
        _exit(1);
    }
    char ok = 0;
    assert_int_equal(read(ready[0], &ok, 1), 1);
    assert_true(ok);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end_holder(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void a_second_process_is_refused_and_told_the_pid(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    pid_t pid = start_holder(folder);
    struct lease lease;
    struct err err = {0};
    char pid_text[32];
    snprintf(pid_text, sizeof(pid_text), "pid %d", (int)pid);
    assert_false(lease_take(&lease, folder, &err));
    assert_int_equal(err.kind, ERR_LEASE);
    assert_non_null(strstr(err.message, pid_text));
    assert_non_null(strstr(err.message, folder));
    assert_int_equal(lease.fd, -1);
    lease_release(&lease);

    end_holder(pid); // kill -9: the lock dies with it, its file stays
    assert_true(lease_take(&lease, folder, &err));
    lease_release(&lease);
}

// Without a moment in which it is free: the child has it before the parent lets go.
static void a_child_takes_it_over(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct lease lease, other;
    struct err err = {0};
    int ready[2], go[2];
    char byte = 0;
    assert_true(lease_take(&lease, folder, &err));
    assert_int_equal(pipe(ready) | pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct lease own;
        bool adopted = read(go[0], &byte, 1) == 1 && lease_adopt(&own, lease.fd, folder, &err);
        if (write(ready[1], adopted ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    lease_give(&lease);
    assert_false(lease_take(&other, folder, &err));
    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    char pid_text[32];
    snprintf(pid_text, sizeof(pid_text), "pid %d", (int)pid);
    assert_false(lease_take(&other, folder, &err));
    assert_non_null(strstr(err.message, pid_text));
    end_holder(pid);
    assert_true(lease_take(&other, folder, &err));
    lease_release(&other);
    close(ready[0]), close(ready[1]), close(go[0]), close(go[1]);
}

static void the_same_process_cannot_take_it_twice(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct lease first, second;
    struct err err = {0};
    assert_true(lease_take(&first, folder, &err));
    assert_false(lease_take(&second, folder, &err));
    assert_int_equal(err.kind, ERR_LEASE);
    lease_release(&first);
    lease_release(&first);
    assert_true(lease_take(&second, folder, &err));
    lease_release(&second);
}

static void write_lock_file(const char *folder, const char *text)
{
    char *path = mem_format("%s/swarmd.lock", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    mem_free(path);
}

static void a_file_left_over_is_no_obstacle(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct lease lease;
    struct err err;
    write_lock_file(folder, "1\nof another time, and longer than a pid\n");
    assert_true(lease_take(&lease, folder, &err));
    lease_release(&lease);
}

static void a_pid_that_is_gone_is_not_named(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    pid_t holder = start_holder(folder);
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    waitpid(gone, NULL, 0);
    char text[32];
    snprintf(text, sizeof(text), "%d\n", (int)gone);
    write_lock_file(folder, text);
    struct lease lease;
    struct err err = {0};
    assert_false(lease_take(&lease, folder, &err));
    assert_int_equal(err.kind, ERR_LEASE);
    assert_null(strstr(err.message, "pid"));
    end_holder(holder);
}

static void the_lock_file_is_private(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    struct lease lease;
    struct err err;
    struct stat st;
    assert_true(lease_take(&lease, folder, &err));
    assert_int_equal(fstat(lease.fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    lease_release(&lease);
}

static void a_folder_that_is_not_there_is_a_storage_error(void **state)
{
    (void)state;
    struct lease lease;
    struct err err = {0};
    assert_false(lease_take(&lease, "/nonexistent", &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "/nonexistent/swarmd.lock"));
}

static void assert_state_folder(const char *expected)
{
    struct err err = {0};
    char *folder = state_folder(&err);
    assert_non_null(folder);
    assert_string_equal(folder, expected);
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    mem_free(folder);
}

static void the_state_folder_follows_the_environment(void **state)
{
    (void)state;
    const char *home = unit_temp_folder();
    char *own = mem_format("%s/a/b/own", home);
    char *slashes = mem_format("%s/a/b/own///", home);
    char *xdg = mem_format("%s/xdg", home);
    char *in_xdg = mem_format("%s/xdg/swarmd", home);
    char *in_home = mem_format("%s/.local/state/swarmd", home);
    setenv("HOME", home, 1);
    setenv("XDG_STATE_HOME", xdg, 1);
    setenv("SWARMD_STATE_DIR", slashes, 1);
    assert_state_folder(own);
    setenv("SWARMD_STATE_DIR", "", 1);
    assert_state_folder(in_xdg);
    setenv("XDG_STATE_HOME", "relative", 1);
    assert_state_folder(in_home);
    assert_state_folder(in_home); // a second time, when it is there
    mem_free(own);
    mem_free(slashes);
    mem_free(xdg);
    mem_free(in_xdg);
    mem_free(in_home);
}

static void says_why_there_is_no_state_folder(void **state)
{
    (void)state;
    struct err err = {0};
    unsetenv("HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("SWARMD_STATE_DIR");
    assert_null(state_folder(&err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "SWARMD_STATE_DIR"));

    setenv("SWARMD_STATE_DIR", "/proc/version/state", 1);
    assert_null(state_folder(&err));
    assert_non_null(strstr(err.message, "/proc/version"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_process_is_refused_and_told_the_pid),
        cmocka_unit_test(a_child_takes_it_over),
        cmocka_unit_test(the_same_process_cannot_take_it_twice),
        cmocka_unit_test(a_file_left_over_is_no_obstacle),
        cmocka_unit_test(a_pid_that_is_gone_is_not_named),
        cmocka_unit_test(the_lock_file_is_private),
        cmocka_unit_test(a_folder_that_is_not_there_is_a_storage_error),
        cmocka_unit_test(the_state_folder_follows_the_environment),
        cmocka_unit_test(says_why_there_is_no_state_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
