// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/journal.h"
#include "core/store/store_internal.h"
#include "tests/unit/support/events.h"
#include "tests/unit/support/fake_ports.h"

struct fixture {
    const char *folder;
    struct fake_ports *fake;
    struct store *writer; // the journal's; looked at while nothing runs
    struct journal *journal;
    struct journal_watcher watcher;
    struct buf notes; // what happened, in order
    struct err failure;
    bool closed;
    struct err closed_err;
};

static void note(struct fixture *f, const char *what)
{
    if (f->notes.len)
        buf_add_char(&f->notes, ' ');
    buf_add_str(&f->notes, str_of(what));
}

static void assert_notes(struct fixture *f, const char *expected)
{
    assert_string_equal(f->notes.data ? f->notes.data : "", expected);
    buf_clear(&f->notes);
}

static void on_committed(struct journal_watcher *watcher)
{
    note(list_entry(watcher, struct fixture, watcher), "committed");
}

static void on_failed(struct journal_watcher *watcher, const struct err *err)
{
    struct fixture *f = list_entry(watcher, struct fixture, watcher);
    f->failure = *err;
    note(f, "failed");
}

static void on_recovered(struct journal_watcher *watcher)
{
    note(list_entry(watcher, struct fixture, watcher), "recovered");
}

static void open_journal(struct fixture *f)
{
    struct err err;
    char *aside;
    struct store *reader;
    struct store_state was;
    assert_true(store_open(&f->writer, f->folder, &aside, &err));
    assert_true(store_open_reader(&reader, f->folder, &err));
    assert_true(store_state(f->writer, &was, &err));
    f->journal = journal_create(fake_ports_get(f->fake), f->writer, reader, was.last_seq);
    f->watcher = (struct journal_watcher){
        .committed = on_committed, .failed = on_failed, .recovered = on_recovered};
    journal_watch(f->journal, &f->watcher);
    f->closed = false;
}

static void on_closed(void *arg, const struct err *err)
{
    struct fixture *f = arg;
    f->closed = true;
    f->closed_err = *err;
    f->journal = NULL;
}

static void close_journal(struct fixture *f)
{
    journal_close(f->journal, on_closed, f);
    assert_false(f->closed);
    fake_ports_advance(f->fake, 10 * JOURNAL_RETRY_MS);
    assert_true(f->closed);
}

static int make(void **state)
{
    struct fixture *f = mem_new(sizeof(*f));
    f->folder = unit_temp_folder();
    f->fake = fake_ports_create();
    buf_init(&f->notes, 1 << 20);
    open_journal(f);
    *state = f;
    return 0;
}

static int unmake(void **state)
{
    struct fixture *f = *state;
    if (f->journal)
        close_journal(f);
    fake_ports_destroy(f->fake);
    buf_release(&f->notes);
    mem_free(f);
    return 0;
}

static int64_t append_text(struct fixture *f, int64_t agent, const char *text)
{
    char *bytes = mem_format("{\"seq\":%lld,\"agentId\":\"a\",\"type\":\"turn\",\"text\":\"%s\"}",
                             (long long)journal_next_seq(f->journal), text);
    int64_t seq = journal_append(f->journal, agent, EVENT_TURN, str_of(bytes));
    mem_free(bytes);
    return seq;
}

static int64_t append(struct fixture *f, int64_t agent)
{
    return append_text(f, agent, "");
}

static void put_agent(struct fixture *f, int64_t num, const char *record)
{
    char *id = mem_format("agent-%d", (int)num);
    journal_put_agent(f->journal, num, str_of(id), str_of(record), false);
    mem_free(id);
}

static int64_t stored(struct fixture *f, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(f->writer->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void set_room(struct fixture *f, int pages)
{
    char *sql = mem_format("PRAGMA max_page_count = %d", pages);
    assert_int_equal(sqlite3_exec(f->writer->db, sql, NULL, NULL, NULL), SQLITE_OK);
    mem_free(sql);
}

static const char *large_text(void)
{
    static char text[200001];
    memset(text, 'x', sizeof(text) - 1);
    return text;
}

// --- numbers and commits ---

static void what_is_appended_is_seen_after_its_commit(void **state)
{
    struct fixture *f = *state;
    bool lost;
    assert_int_equal(journal_next_seq(f->journal), 1);
    assert_int_equal(append(f, 1), 1);
    assert_int_equal(append(f, 2), 2);
    assert_null(journal_next(f->journal, 0, &lost));
    assert_false(lost);
    assert_int_equal(journal_committed(f->journal), 0);
    fake_ports_run(f->fake);
    assert_notes(f, "committed"); // one commit of both
    assert_int_equal(journal_committed(f->journal), 2);
    const struct event *event = journal_next(f->journal, 1, &lost);
    assert_int_equal(event->seq, 2);
    assert_int_equal(event->agent, 2);
    assert_int_equal(event->type, EVENT_TURN);
    assert_null(journal_next(f->journal, 2, &lost));
    assert_int_equal(stored(f, "SELECT max(last_seq) FROM spans"), 2);
}

static void numbers_go_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        append(f, 1);
    close_journal(f);
    assert_int_equal(f->closed_err.kind, ERR_NONE);
    open_journal(f);
    bool lost;
    assert_int_equal(append(f, 1), 6);
    assert_null(journal_next(f->journal, 5, &lost));
    assert_false(lost);
    assert_null(journal_next(f->journal, 4, &lost));
    assert_true(lost);
}

static void what_comes_during_a_commit_is_in_the_next(void **state)
{
    struct fixture *f = *state;
    fake_ports_hold_lane(f->fake, LANE_STORE, true);
    append(f, 1);
    fake_ports_run(f->fake);
    for (int i = 0; i < 3; i++) {
        append(f, 1);
        fake_ports_run(f->fake);
    }
    assert_int_equal(fake_ports_queued(f->fake, LANE_STORE), 1);
    assert_int_equal(journal_committed(f->journal), 0);
    fake_ports_hold_lane(f->fake, LANE_STORE, false);
    fake_ports_run(f->fake);
    assert_notes(f, "committed committed");
    assert_int_equal(journal_committed(f->journal), 4);
}

static void line_breaks_between_tokens_become_spaces(void **state)
{
    struct fixture *f = *state;
    bool lost;
    journal_append(f->journal, 1, EVENT_AGENT, STR("{\"seq\":1,\n\"a\":\n1}"));
    fake_ports_run(f->fake);
    assert_string_equal(journal_next(f->journal, 0, &lost)->bytes->data, "{\"seq\":1, \"a\": 1}");
}

static bool note_record(void *arg, int64_t num, struct str record, struct err *err)
{
    (void)err;
    char *text = mem_format("%d=%.*s", (int)num, STR_ARG(record));
    note(arg, text);
    mem_free(text);
    return true;
}

static void the_newest_record_of_an_agent_is_in_the_commit_of_its_event(void **state)
{
    struct fixture *f = *state;
    struct err err;
    char text[32];
    fake_ports_hold_lane(f->fake, LANE_STORE, true);
    put_agent(f, 7, "old");
    append(f, 7);
    put_agent(f, 7, "new");
    fake_ports_run(f->fake); // takes off
    put_agent(f, 7, "newer");
    fake_ports_hold_lane(f->fake, LANE_STORE, false);
    fake_ports_run(f->fake);
    assert_notes(f, "committed committed");
    assert_true(store_each_agent(f->writer, note_record, f, &err));
    assert_notes(f, "7=newer");
    for (int round = 0; round < 3; round++)
        for (int num = 1; num <= 100; num++) {
            snprintf(text, sizeof(text), "%d.%d", num, round);
            put_agent(f, num, text);
        }
    fake_ports_run(f->fake);
    assert_notes(f, "committed");
    assert_int_equal(
        stored(f, "SELECT count(*) FROM agents WHERE CAST(record AS TEXT) = num || '.2'"), 100);
}

static void a_removed_agent_is_removed(void **state)
{
    struct fixture *f = *state;
    put_agent(f, 1, "x");
    put_agent(f, 2, "y");
    journal_put_agent(f->journal, 1, STR("agent-1"), STR("x"), true);
    fake_ports_run(f->fake);
    assert_int_equal(stored(f, "SELECT num FROM agents WHERE removed"), 1);
    assert_int_equal(stored(f, "SELECT num FROM agents WHERE NOT removed"), 2);
}

static void a_record_and_its_event_fail_together(void **state)
{
    struct fixture *f = *state;
    put_agent(f, 1, "before");
    fake_ports_run(f->fake);
    set_room(f, 1);
    append_text(f, 1, large_text());
    put_agent(f, 1, "after");
    fake_ports_run(f->fake);
    assert_int_equal(stored(f, "SELECT count(*) FROM agents WHERE CAST(record AS TEXT) = 'before'"),
                     1);
    assert_int_equal(stored(f, "SELECT count(*) FROM segments"), 0);
    set_room(f, 1000);
    fake_ports_advance(f->fake, JOURNAL_RETRY_MS);
    assert_int_equal(stored(f, "SELECT count(*) FROM agents WHERE CAST(record AS TEXT) = 'after'"),
                     1);
    assert_int_equal(stored(f, "SELECT count(*) FROM segments"), 1);
}

static void a_sync_is_for_one_commit(void **state)
{
    struct fixture *f = *state;
    append(f, 1);
    journal_want_sync(f->journal);
    fake_ports_run(f->fake);
    assert_true(f->writer->full_sync);
    append(f, 1);
    fake_ports_run(f->fake);
    assert_false(f->writer->full_sync);
}

static void a_request_is_found_again(void **state)
{
    struct fixture *f = *state;
    char *result;
    struct err err;
    journal_put_request(f->journal, STR("r1"), STR("{\"n\":1}"));
    fake_ports_run(f->fake);
    assert_true(store_find_request(f->writer, STR("r1"), FAKE_PORTS_WALL_MS, &result, &err));
    assert_string_equal(result, "{\"n\":1}");
    mem_free(result);
    assert_true(store_find_request(f->writer, STR("r1"), FAKE_PORTS_WALL_MS + 1, &result, &err));
    assert_null(result);
}

// --- waits ---

struct named_wait {
    struct journal_wait wait;
    struct fixture *f;
    const char *name;
    struct journal_wait *then; // begun in fn
};

static void on_wait(struct journal_wait *wait)
{
    struct named_wait *named = list_entry(wait, struct named_wait, wait);
    note(named->f, named->name);
    if (named->then)
        journal_wait(named->f->journal, named->then);
}

static struct named_wait wait_named(struct fixture *f, const char *name)
{
    return (struct named_wait){.wait = {.fn = on_wait}, .f = f, .name = name};
}

static void waits_end_in_order_after_the_commit_before_watchers(void **state)
{
    struct fixture *f = *state;
    struct named_wait a = wait_named(f, "a"), b = wait_named(f, "b"), c = wait_named(f, "c"),
                      again = wait_named(f, "again");
    b.then = &again.wait;
    append(f, 1);
    journal_wait(f->journal, &a.wait);
    put_agent(f, 1, "x");
    journal_wait(f->journal, &b.wait);
    journal_wait(f->journal, &c.wait);
    fake_ports_hold_lane(f->fake, LANE_STORE, true);
    fake_ports_run(f->fake);
    assert_notes(f, "");
    fake_ports_hold_lane(f->fake, LANE_STORE, false);
    fake_ports_run(f->fake);
    assert_notes(f, "a b c committed again");
}

static void a_wait_is_for_its_own_commit(void **state)
{
    struct fixture *f = *state;
    struct named_wait first = wait_named(f, "first"), second = wait_named(f, "second"),
                      flying = wait_named(f, "flying");
    fake_ports_hold_lane(f->fake, LANE_STORE, true);
    append(f, 1);
    journal_wait(f->journal, &first.wait);
    fake_ports_run(f->fake);
    journal_wait(f->journal, &flying.wait); // nothing new since
    put_agent(f, 1, "x");                   // no event: no seq
    journal_wait(f->journal, &second.wait);
    fake_ports_hold_lane(f->fake, LANE_STORE, false);
    fake_ports_run(f->fake);
    assert_notes(f, "first flying committed second committed");
}

static void a_wait_with_nothing_to_wait_for_ends_later_all_the_same(void **state)
{
    struct fixture *f = *state;
    struct named_wait a = wait_named(f, "a");
    journal_wait(f->journal, &a.wait);
    assert_notes(f, "");
    fake_ports_run(f->fake);
    assert_notes(f, "a");
}

static void a_wait_can_be_taken_back(void **state)
{
    struct fixture *f = *state;
    struct named_wait a = wait_named(f, "a"), b = wait_named(f, "b"), never = wait_named(f, "n");
    append(f, 1);
    journal_wait(f->journal, &a.wait);
    journal_wait(f->journal, &b.wait);
    journal_wait_cancel(&a.wait);
    journal_wait_cancel(&a.wait);
    journal_wait_cancel(&never.wait);
    fake_ports_run(f->fake);
    assert_notes(f, "b committed");
    journal_wait_cancel(&b.wait);
}

// --- watchers ---

struct fickle {
    struct journal_watcher watcher;
    struct fixture *f;
    struct journal_watcher *victim; // taken off when told
};

static void on_fickle(struct journal_watcher *watcher)
{
    struct fickle *fickle = list_entry(watcher, struct fickle, watcher);
    note(fickle->f, "fickle");
    journal_unwatch(fickle->victim);
    journal_unwatch(watcher);
}

static void watchers_may_go_while_they_are_told(void **state)
{
    struct fixture *f = *state;
    struct fickle a = {{.committed = on_fickle}, f, NULL}, b = a, c = a;
    a.victim = &b.watcher;  // the one after it
    c.victim = &f->watcher; // the one in front
    journal_watch(f->journal, &a.watcher);
    journal_watch(f->journal, &b.watcher);
    journal_watch(f->journal, &c.watcher);
    append(f, 1);
    fake_ports_run(f->fake);
    assert_notes(f, "committed fickle fickle");
    append(f, 1);
    fake_ports_run(f->fake);
    assert_notes(f, "");
}

// --- failures ---

static void a_failed_commit_is_tried_again_with_the_same_numbers(void **state)
{
    struct fixture *f = *state;
    struct named_wait a = wait_named(f, "a"), b = wait_named(f, "b");
    bool lost;
    set_room(f, 1);
    assert_int_equal(append_text(f, 1, large_text()), 1);
    journal_wait(f->journal, &a.wait);
    fake_ports_run(f->fake);
    assert_notes(f, "failed");
    assert_int_equal(f->failure.kind, ERR_STORAGE);
    assert_non_null(strstr(f->failure.message, "full"));
    assert_non_null(strstr(f->failure.message, f->folder));
    struct err refusal = {0};
    assert_false(journal_can_take(f->journal, &refusal));
    assert_int_equal(refusal.kind, ERR_STORAGE);
    assert_non_null(strstr(refusal.message, f->failure.message));
    assert_string_equal(journal_failure(f->journal)->message, f->failure.message);

    assert_int_equal(append(f, 1), 2);
    journal_wait(f->journal, &b.wait);
    fake_ports_advance(f->fake, 5 * JOURNAL_RETRY_MS);
    assert_notes(f, ""); // told once
    assert_null(journal_next(f->journal, 0, &lost));
    assert_int_equal(journal_committed(f->journal), 0);

    set_room(f, 1000);
    fake_ports_advance(f->fake, JOURNAL_RETRY_MS);
    assert_notes(f, "a recovered committed b committed");
    assert_int_equal(journal_next(f->journal, 0, &lost)->seq, 1);
    assert_int_equal(journal_committed(f->journal), 2);
    assert_true(journal_can_take(f->journal, &refusal));
    assert_null(journal_failure(f->journal));

    set_room(f, 1);
    append_text(f, 1, large_text());
    fake_ports_run(f->fake);
    assert_notes(f, "failed"); // a new run is told again
    set_room(f, 1000);
}

static void it_says_when_too_much_is_pending(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    fake_ports_hold_lane(f->fake, LANE_STORE, true);
    int64_t appended = 0;
    while (appended < JOURNAL_PENDING_BYTES_MAX) {
        assert_true(journal_can_take(f->journal, &err));
        append_text(f, 1, large_text());
        appended += 200100;
        if (appended < 1000000)
            fake_ports_run(f->fake); // some fly, some do not
    }
    assert_false(journal_can_take(f->journal, &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, "64 MiB wait to be stored"));
    fake_ports_hold_lane(f->fake, LANE_STORE, false);
    fake_ports_run(f->fake);
    assert_true(journal_can_take(f->journal, &err));
}

// --- the end ---

static void closing_commits_what_is_pending(void **state)
{
    struct fixture *f = *state;
    struct named_wait a = wait_named(f, "a");
    fake_ports_hold_lane(f->fake, LANE_STORE, true);
    append(f, 1);
    fake_ports_run(f->fake);
    append(f, 1);
    journal_wait(f->journal, &a.wait);
    journal_close(f->journal, on_closed, f);
    assert_int_equal(append(f, 1), 0); // takes no more
    put_agent(f, 1, "late");
    fake_ports_run(f->fake);
    assert_false(f->closed);
    fake_ports_hold_lane(f->fake, LANE_STORE, false);
    fake_ports_run(f->fake);
    assert_true(f->closed);
    assert_int_equal(f->closed_err.kind, ERR_NONE);
    assert_notes(f, "committed a committed");
    open_journal(f);
    assert_int_equal(journal_next_seq(f->journal), 3);
    assert_int_equal(stored(f, "SELECT count(*) FROM agents"), 0);
}

static void closing_on_a_full_disk_ends_and_says_why(void **state)
{
    struct fixture *f = *state;
    struct named_wait a = wait_named(f, "a");
    set_room(f, 1);
    append_text(f, 1, large_text());
    journal_wait(f->journal, &a.wait);
    journal_close(f->journal, on_closed, f);
    fake_ports_advance(f->fake, JOURNAL_RETRY_MS);
    assert_false(f->closed);
    fake_ports_advance(f->fake, JOURNAL_RETRY_MS);
    assert_true(f->closed);
    assert_int_equal(f->closed_err.kind, ERR_STORAGE);
    assert_notes(f, "failed");
    journal_wait_cancel(&a.wait);
    journal_unwatch(&f->watcher);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)
    const struct CMUnitTest tests[] = {
        TEST(what_is_appended_is_seen_after_its_commit),
        TEST(numbers_go_on_after_a_restart),
        TEST(what_comes_during_a_commit_is_in_the_next),
        TEST(line_breaks_between_tokens_become_spaces),
        TEST(the_newest_record_of_an_agent_is_in_the_commit_of_its_event),
        TEST(a_removed_agent_is_removed),
        TEST(a_record_and_its_event_fail_together),
        TEST(a_sync_is_for_one_commit),
        TEST(a_request_is_found_again),
        TEST(waits_end_in_order_after_the_commit_before_watchers),
        TEST(a_wait_is_for_its_own_commit),
        TEST(a_wait_with_nothing_to_wait_for_ends_later_all_the_same),
        TEST(a_wait_can_be_taken_back),
        TEST(watchers_may_go_while_they_are_told),
        TEST(a_failed_commit_is_tried_again_with_the_same_numbers),
        TEST(it_says_when_too_much_is_pending),
        TEST(closing_commits_what_is_pending),
        TEST(closing_on_a_full_disk_ends_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
