// SPDX-License-Identifier: MIT
// kill -9 in the middle of anything: what was acknowledged is there, whole batches only.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/store_internal.h"
#include "tests/unit/support/events.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 30, BATCH_EVENTS = 7, AGENTS = 5 };

// One batch: events, and a record that names the last of them.
static bool commit_next(struct store *store, struct events *events, int64_t *seq)
{
    for (int i = 0; i < BATCH_EVENTS; i++) {
        ++*seq;
        events_add_item(events, *seq, 1 + *seq % AGENTS, *seq, "completed",
                        *seq % 50 ? 300 : 90000);
    }
    char record[32];
    snprintf(record, sizeof(record), "%lld", (long long)*seq);
    struct store_agent agent = {1, STR("agent-1"), str_of(record), false};
    struct store_batch batch = {.events = events->list,
                                .event_count = events->count,
                                .agents = &agent,
                                .agent_count = 1,
                                .full_sync = *seq % 3 == 0};
    struct err err;
    bool ok = store_commit(store, &batch, &err);
    events_clear(events);
    return ok;
}

static void commit_until_killed(const char *folder, int acknowledge)
{
    struct store *store;
    struct err err;
    char *aside;
    struct store_state was;
    if (!store_open(&store, folder, &aside, &err) || aside || !store_state(store, &was, &err))
        _exit(1);
    struct events *events = events_new();
    int64_t seq = was.last_seq;
    while (commit_next(store, events, &seq))
        if (write(acknowledge, &seq, sizeof(seq)) != sizeof(seq))
            _exit(2);
    _exit(3);
}

// Returns the last seq that the child said was committed.
static int64_t run_and_kill(const char *folder, long microseconds)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_ends[0]);
        commit_until_killed(folder, pipe_ends[1]);
    }
    close(pipe_ends[1]);
    int64_t seq = 0, last = 0;
    assert_int_equal(read(pipe_ends[0], &last, sizeof(last)), sizeof(last));
    nanosleep(&(struct timespec){0, microseconds * 1000}, NULL); // the random moment
    kill(pid, SIGKILL);
    while (read(pipe_ends[0], &seq, sizeof(seq)) == sizeof(seq))
        last = seq;
    close(pipe_ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    return last;
}

static bool check_record(void *arg, int64_t num, struct str record, struct err *err)
{
    (void)num;
    (void)err;
    assert_int_equal(strtoll(record.data, NULL, 10), *(int64_t *)arg);
    return true;
}

static void assert_integrity(struct store *store)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(store->db, "PRAGMA integrity_check", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
}

static void check_store(const char *folder, int64_t acknowledged)
{
    struct store *store = NULL;
    struct err err = {0};
    char *aside;
    struct store_state was;
    assert_true(store_open(&store, folder, &aside, &err));
    assert_null(aside);
    assert_integrity(store);
    assert_true(store_state(store, &was, &err));
    assert_true(was.last_seq >= acknowledged);
    assert_int_equal(was.last_seq % BATCH_EVENTS, 0);
    assert_true(store_each_agent(store, check_record, &was.last_seq, &err));

    char *all = events_read_all(store, 0, 0, was.last_seq);
    int64_t expected = 1;
    for (char *line = all, *end; (end = strchr(line, '\n')); line = end + 1)
        assert_int_equal(strtoll(line + strlen("{\"seq\":"), NULL, 10), expected++);
    assert_int_equal(expected, was.last_seq + 1);
    mem_free(all);
    store_close(store);
}

static void everything_acknowledged_survives(void **state)
{
    (void)state;
    const char *folder = unit_temp_folder();
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < KILLS; i++)
        check_store(folder, run_and_kill(folder, rand() % 20000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_acknowledged_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
