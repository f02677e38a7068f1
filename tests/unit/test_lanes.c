// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "tests/unit/support/real_loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// Work that notes when it ran, and may wait at a gate first.
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
    int inside, most; // works between run's start and end
};

struct job {
    struct work work;
    struct loop *loop;
    struct gate *gate;
    int number;
    int *order; // one place a job, filled as they run
    int *ran;   // how many did; only safe on the lanes with one thread
    int *done;
    int *done_order;
    enum lane lane;
    bool add_on_done;
    pthread_t thread;
    sigset_t blocked;
};

static void gate_init(struct gate *gate, bool open)
{
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->opened, NULL);
    gate->open = open;
    gate->inside = gate->most = 0;
}

static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_pass(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    if (++gate->inside > gate->most)
        gate->most = gate->inside;
    pthread_cond_broadcast(&gate->opened);
    while (!gate->open)
        pthread_cond_wait(&gate->opened, &gate->lock);
    gate->inside--;
    pthread_mutex_unlock(&gate->lock);
}

static void gate_wait_for(struct gate *gate, int inside)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->most < inside)
        pthread_cond_wait(&gate->opened, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void job_run(struct work *work)
{
    struct job *job = list_entry(work, struct job, work);
    job->thread = pthread_self();
    pthread_sigmask(SIG_SETMASK, NULL, &job->blocked);
    if (job->gate)
        gate_pass(job->gate);
    if (job->order)
        job->order[(*job->ran)++] = job->number;
}

static void job_done(struct work *work)
{
    struct job *job = list_entry(work, struct job, work);
    if (job->done_order)
        job->done_order[*job->done] = job->number;
    (*job->done)++;
    if (job->add_on_done) {
        job->add_on_done = false;
        port_work(loop_ports(job->loop), job->lane, work);
    }
}

static void job_add(struct job *job, struct loop *loop, enum lane lane, int *done)
{
    job->work = (struct work){.run = job_run, .done = job_done};
    job->loop = loop;
    job->lane = lane;
    job->done = done;
    port_work(loop_ports(loop), lane, &job->work);
}

static void test_a_lane_is_first_in_first_out(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    struct loop *loop = real_loop_create();
    struct job *jobs = mem_new_array(COUNT, sizeof *jobs);
    int order[COUNT], done_order[COUNT], ran = 0, done = 0;
    for (int i = 0; i < COUNT; i++) {
        jobs[i].number = i;
        jobs[i].order = order;
        jobs[i].done_order = done_order;
        jobs[i].ran = &ran;
        job_add(&jobs[i], loop, LANE_STORE, &done);
    }
    assert_int_equal(done, 0);
    real_loop_until(loop, &done, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(order[i], i);
        assert_int_equal(done_order[i], i);
    }
    mem_free(jobs);
    real_loop_destroy(loop);
}

static void check_threads(enum lane lane, int threads)
{
    enum { COUNT = 6 };
    struct loop *loop = real_loop_create();
    struct gate gate;
    gate_init(&gate, false);
    struct job jobs[COUNT] = {0};
    int done = 0;
    for (int i = 0; i < COUNT; i++) {
        jobs[i].gate = &gate;
        job_add(&jobs[i], loop, lane, &done);
    }
    gate_wait_for(&gate, threads);
    gate_open(&gate);
    real_loop_until(loop, &done, COUNT);
    assert_int_equal(gate.most, threads);
    real_loop_destroy(loop);
}

static void test_each_lane_has_its_threads_and_no_more(void **state)
{
    (void)state;
    check_threads(LANE_STORE, 1);
    check_threads(LANE_READ, 1);
    check_threads(LANE_GIT, 2);
    check_threads(LANE_FILES, 2);
}

static void test_a_blocked_lane_does_not_hold_up_another(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    struct gate gate;
    gate_init(&gate, false);
    struct job blocked[4] = {0}, free_job = {0};
    int blocked_done = 0, done = 0;
    for (int i = 0; i < 4; i++) {
        blocked[i].gate = &gate;
        job_add(&blocked[i], loop, LANE_GIT, &blocked_done);
    }
    job_add(&free_job, loop, LANE_STORE, &done);
    real_loop_until(loop, &done, 1);
    assert_int_equal(blocked_done, 0);
    gate_open(&gate);
    real_loop_until(loop, &blocked_done, 4);
    real_loop_destroy(loop);
}

static void test_work_runs_elsewhere_with_signals_blocked(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    struct job job = {0};
    int done = 0;
    job_add(&job, loop, LANE_READ, &done);
    loop_run(loop); // the pending work alone keeps it alive
    assert_int_equal(done, 1);
    assert_false(pthread_equal(job.thread, pthread_self()));
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGALRM};
    for (int i = 0; i < 6; i++)
        assert_true(sigismember(&job.blocked, numbers[i]));
    sigset_t own;
    pthread_sigmask(SIG_SETMASK, NULL, &own);
    assert_false(sigismember(&own, SIGTERM));
    real_loop_destroy(loop);
}

static void test_done_may_ask_for_more(void **state)
{
    (void)state;
    struct loop *loop = real_loop_create();
    struct job job = {.add_on_done = true};
    int done = 0;
    job_add(&job, loop, LANE_FILES, &done);
    loop_run(loop);
    assert_int_equal(done, 2);
    real_loop_destroy(loop);
}

static void test_destroy_finishes_what_was_asked_for(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    struct loop *loop = real_loop_create();
    struct job jobs[COUNT] = {0};
    int done = 0;
    for (int i = 0; i < COUNT; i++) {
        jobs[i].add_on_done = i % 5 == 0;
        job_add(&jobs[i], loop, (enum lane)(i % LANE_COUNT), &done);
    }
    real_loop_destroy(loop);
    assert_int_equal(done, COUNT + COUNT / 5);
}

// Many small works on all lanes at once; what each lane wrote is read by `done`. For the thread
// sanitizer.
static void test_all_lanes_at_once(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    struct loop *loop = real_loop_create();
    struct job *jobs = mem_new_array(COUNT, sizeof *jobs);
    int done = 0, ran = 0;
    int *order = mem_new_array(COUNT, sizeof *order);
    for (int i = 0; i < COUNT; i++) {
        enum lane lane = (enum lane)(i % LANE_COUNT);
        jobs[i].number = i;
        jobs[i].order = lane == LANE_STORE ? order : NULL;
        jobs[i].ran = &ran;
        jobs[i].add_on_done = i % 7 == 0;
        job_add(&jobs[i], loop, lane, &done);
        if (i % 50 == 0)
            real_loop_turns(loop, 1);
    }
    loop_run(loop);
    assert_int_equal(done, COUNT + (COUNT + 6) / 7);
    mem_free(jobs);
    mem_free(order);
    real_loop_destroy(loop);
}

// In a child process that is allowed no more threads.
static int without_threads(void)
{
    if (getuid() == 0 && setuid(65534) < 0)
        return 3;
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_NPROC, &none);
    struct loop *loop = real_loop_create();
    struct job jobs[3] = {0};
    int done = 0;
    for (int i = 0; i < 3; i++)
        job_add(&jobs[i], loop, LANE_STORE, &done);
    if (done != 0)
        return 4;
    loop_run(loop);
    bool here = pthread_equal(jobs[2].thread, pthread_self());
    return loop_destroy(loop) != 0 ? 5 : done != 3 ? 6 : here ? 0 : 7;
}

static void test_without_threads_the_loop_does_the_work(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(without_threads());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lane_is_first_in_first_out),
        cmocka_unit_test(test_each_lane_has_its_threads_and_no_more),
        cmocka_unit_test(test_a_blocked_lane_does_not_hold_up_another),
        cmocka_unit_test(test_work_runs_elsewhere_with_signals_blocked),
        cmocka_unit_test(test_done_may_ask_for_more),
        cmocka_unit_test(test_destroy_finishes_what_was_asked_for),
        cmocka_unit_test(test_all_lanes_at_once),
        cmocka_unit_test(test_without_threads_the_loop_does_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
