// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void new_memory_is_zero(void **state)
{
    (void)state;
    char *one = mem_new(100), *many = mem_new_array(10, 10), *none = mem_new_array(0, 10);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(one[i], 0);
        assert_int_equal(many[i], 0);
    }
    assert_non_null(none);
    mem_free(one);
    mem_free(many);
    mem_free(none);
    mem_free(NULL);
}

static void resizing_keeps_the_bytes(void **state)
{
    (void)state;
    int *numbers = mem_resize(NULL, 2, sizeof *numbers);
    numbers[0] = 1;
    numbers[1] = 2;
    numbers = mem_resize(numbers, 1000, sizeof *numbers);
    assert_int_equal(numbers[0], 1);
    assert_int_equal(numbers[1], 2);
    numbers = mem_resize(numbers, 0, sizeof *numbers);
    assert_non_null(numbers);
    mem_free(numbers);
}

static void copies_and_formats_text(void **state)
{
    (void)state;
    char *copy = mem_dup(str_from("abcdef", 3)), *empty = mem_dup(STR_NONE);
    char *text = mem_format("%s-%d", copy, 7);
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    assert_string_equal(text, "abc-7");
    mem_free(copy);
    mem_free(empty);
    mem_free(text);
}

static void ask_too_much(int kind)
{
    size_t half = SIZE_MAX / 2 + 1;
    mem_free(kind ? mem_resize(NULL, half, 2) : mem_new_array(2, half));
}

static void says_so_and_aborts_when_sizes_wrap(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            dup2(ends[1], STDERR_FILENO);
            close(ends[0]);
            close(ends[1]);
            ask_too_much(kind);
            _exit(0);
        }
        close(ends[1]);
        char said[100] = "";
        ssize_t len = read(ends[0], said, sizeof said - 1);
        close(ends[0]);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        assert_true(len > 0);
        assert_string_equal(said, "swarmd: out of memory\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zero),
        cmocka_unit_test(resizing_keeps_the_bytes),
        cmocka_unit_test(copies_and_formats_text),
        cmocka_unit_test(says_so_and_aborts_when_sizes_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
