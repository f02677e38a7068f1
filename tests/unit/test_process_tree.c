// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/process_tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// A child with two children of its own, one of which has one. All wait to be killed; each writes
// a byte when it is there.
enum { TREE_COUNT = 4 };

static void grow(int children, int ready)
{
    for (int i = 0; i < children; i++) {
        if (fork() == 0) {
            grow(i, ready);
            _exit(1);
        }
    }
    if (write(ready, "x", 1) == 1)
        for (;;)
            pause();
}

static void plant(void)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    if (fork() == 0) {
        prctl(PR_SET_NAME, "odd) S 1 (name");
        grow(2, ready[1]);
        _exit(1);
    }
    char byte;
    for (int i = 0; i < TREE_COUNT; i++)
        assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
}

static int by_number(const void *a, const void *b)
{
    return *(const pid_t *)a - *(const pid_t *)b;
}

static void test_both_ways_find_the_same(void **state)
{
    (void)state;
    struct process_tree listed = {NULL, 0, 0}, scanned = {NULL, 0, 0};
    process_tree_find(&listed, getpid());
    assert_int_equal(listed.count, 0);
    plant();
    process_tree_find(&listed, getpid());
    process_tree_scan(&scanned, getpid());
    assert_int_equal(listed.count, TREE_COUNT);
    assert_int_equal(scanned.count, TREE_COUNT);
    qsort(listed.pids, TREE_COUNT, sizeof *listed.pids, by_number);
    qsort(scanned.pids, TREE_COUNT, sizeof *scanned.pids, by_number);
    assert_memory_equal(listed.pids, scanned.pids, TREE_COUNT * sizeof *listed.pids);

    assert_true(process_tree_kill(&listed, getpid()));
    int reaped = 0, status;
    while (wait(&status) > 0) {
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        reaped++;
    }
    assert_int_equal(reaped, TREE_COUNT); // orphans too: main() made us the reaper
    assert_false(process_tree_kill(&listed, getpid()));
    process_tree_release(&listed);
    process_tree_release(&scanned);
}

int main(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_ways_find_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
