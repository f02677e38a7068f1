// SPDX-License-Identifier: MIT
// What is committed is read back: events, agents, requests, and after failures.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/store_internal.h"
#include "tests/unit/support/events.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct fixture {
    const char *folder;
    struct store *store;
    struct events *events;
};

static int make(void **state)
{
    struct fixture *f = mem_new(sizeof(*f));
    struct err err;
    char *aside;
    f->folder = unit_temp_folder();
    assert_true(store_open(&f->store, f->folder, &aside, &err));
    f->events = events_new();
    *state = f;
    return 0;
}

static int unmake(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    events_free(f->events);
    mem_free(f);
    return 0;
}

static void assert_seqs(struct store *store, int64_t agent, int64_t after, int64_t until,
                        const char *expected)
{
    char *lines = events_read_all(store, agent, after, until);
    char *seqs = events_seqs(str_of(lines));
    assert_string_equal(seqs, expected);
    mem_free(seqs);
    mem_free(lines);
}

static int64_t query(struct store *store, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void reads_the_exact_bytes_between_bounds(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= 12; seq++)
        events_add_item(f->events, seq, 1 + seq % 2, seq, "completed", 5);
    char *third = mem_dup(f->events->list[2].bytes);
    events_commit(f->events, f->store);
    assert_seqs(f->store, 0, 0, 12, "1 2 3 4 5 6 7 8 9 10 11 12");
    assert_seqs(f->store, 0, 4, 9, "5 6 7 8 9");
    assert_seqs(f->store, 1, 4, 9, "6 8");
    assert_seqs(f->store, 2, 0, 100, "1 3 5 7 9 11");
    assert_seqs(f->store, 3, 0, 100, "");
    assert_seqs(f->store, 0, 12, 100, "");
    char *line = events_read_all(f->store, 2, 2, 3);
    assert_int_equal(strlen(line), strlen(third) + 1);
    assert_memory_equal(line, third, strlen(third));
    mem_free(line);
    mem_free(third);
}

// Random batches of few and many agents, compared with what was put in, by the writer and by a
// reader of its own, for every agent and for all.
static void whatever_the_batches_nothing_is_lost_or_doubled(void **state)
{
    struct fixture *f = *state;
    enum { AGENTS = 9, EVENTS = 3000 };
    static int64_t agent_of[EVENTS + 1];
    struct store *reader;
    struct err err;
    assert_true(store_open_reader(&reader, f->folder, &err));
    srand(7);
    for (int64_t seq = 1; seq <= EVENTS;) {
        int64_t end = seq + rand() % 700;
        for (; seq <= end && seq <= EVENTS; seq++) {
            agent_of[seq] = rand() % 3 ? 1 + rand() % AGENTS : 1;
            events_add_item(f->events, seq, agent_of[seq], seq, "completed",
                            rand() % 100 ? rand() % 200 : 70000);
        }
        events_commit(f->events, f->store);
        if (rand() % 3 == 0) // as after a restart
            pendings_release(&f->store->pendings);
    }
    for (int64_t agent = 0; agent <= AGENTS; agent++) {
        struct buf expected;
        buf_init(&expected, 1 << 20);
        for (int64_t seq = 1; seq <= EVENTS; seq++)
            if (agent == 0 || agent_of[seq] == agent)
                buf_addf(&expected, expected.len ? " %d" : "%d", (int)seq);
        assert_seqs(reader, agent, 0, EVENTS, expected.data);
        assert_seqs(f->store, agent, 0, EVENTS, expected.data);
        buf_release(&expected);
    }
    store_close(reader);
}

static void a_page_ends_at_its_number_of_events(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= STORE_PAGE_EVENTS_MAX + 1; seq++)
        events_add_turn(f->events, seq, 1);
    events_commit(f->events, f->store);
    for (int64_t agent = 0; agent <= 1; agent++) {
        struct buf out;
        struct err err;
        int64_t last;
        buf_init(&out, 1 << 20);
        assert_true(store_read_events(f->store, agent, 0, 5000, &out, &last, &err));
        assert_int_equal(last, STORE_PAGE_EVENTS_MAX);
        buf_clear(&out);
        assert_true(store_read_events(f->store, agent, last, 5000, &out, &last, &err));
        assert_int_equal(last, 5000);
        char *seqs = events_seqs(buf_str(&out));
        assert_string_equal(seqs, "513");
        mem_free(seqs);
        buf_release(&out);
    }
}

static void a_page_ends_at_its_bytes_but_has_one_event(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= 6; seq++)
        events_add_item(f->events, seq, seq, seq, "completed",
                        seq == 3 ? STORE_PAGE_BYTES_MAX + 100000 : STORE_PAGE_BYTES_MAX / 2 - 1000);
    events_commit(f->events, f->store);
    int64_t expected[] = {2, 3, 5, 6};
    int64_t last = 0;
    for (int i = 0; i < 4; i++) {
        struct buf out;
        struct err err;
        buf_init(&out, 64 << 20);
        assert_true(store_read_events(f->store, 0, last, 6, &out, &last, &err));
        assert_int_equal(last, expected[i]);
        buf_release(&out);
    }
    assert_seqs(f->store, 3, 0, 6, "3");
}

static void a_segment_is_written_when_an_agent_has_enough(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= 3 * SEGMENT_EVENTS_MAX + 1; seq++) {
        events_add_turn(f->events, seq, 1);
        events_commit(f->events, f->store);
        assert_int_equal(query(f->store, "SELECT count(*) FROM segments"),
                         seq / SEGMENT_EVENTS_MAX);
    }
    assert_seqs(f->store, 1, 30, 100, "31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49");
}

static void segments_keep_to_their_bytes(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= 4; seq++) // two are more than a segment takes
        events_add_item(f->events, seq, 1, seq, "completed", SEGMENT_BYTES_MAX / 2);
    events_add_turn(f->events, 5, 2);
    events_add_item(f->events, 6, 2, 6, "completed", SEGMENT_BYTES_MAX + 1);
    events_add_turn(f->events, 7, 2);
    events_commit(f->events, f->store);
    assert_int_equal(query(f->store, "SELECT count(*) FROM segments WHERE agent = 1"), 4);
    assert_int_equal(query(f->store, "SELECT count(*) FROM segments WHERE agent = 2"), 2);
    assert_int_equal(query(f->store, "SELECT max(last_seq) FROM segments"), 6);
    assert_seqs(f->store, 1, 0, 100, "1 2 3 4");
    assert_seqs(f->store, 2, 0, 100, "5 6 7");
}

// Nothing stays unsealed once it is so far behind; whoever looks no further back misses nothing.
static void what_is_old_is_sealed(void **state)
{
    struct fixture *f = *state;
    static const char unsealed[] =
        "SELECT count(*) FROM log WHERE seq > (SELECT max(last_seq) FROM segments WHERE agent = 2)";
    struct store *reader;
    struct err err;
    assert_true(store_open_reader(&reader, f->folder, &err));
    int64_t seq = 0;
    events_add_turn(f->events, ++seq, 2);
    events_add_turn(f->events, ++seq, 2);
    while (seq <= STORE_TAIL_EVENTS_MAX) {
        if (seq == STORE_TAIL_EVENTS_MAX) { // the next one makes it old
            events_commit(f->events, f->store);
            assert_int_equal(query(f->store, unsealed), 0); // nothing to compare with: NULL
            assert_seqs(reader, 2, 0, seq, "1 2");
        }
        events_add_turn(f->events, ++seq, 1);
        if (f->events->count == EVENTS_MAX)
            events_commit(f->events, f->store);
    }
    events_commit(f->events, f->store);
    assert_int_equal(query(f->store, unsealed), STORE_TAIL_EVENTS_MAX - 1);
    assert_seqs(reader, 2, 0, seq, "1 2");
    assert_seqs(reader, 2, 1, seq, "2");
    store_close(reader);
}

static void what_was_unsealed_at_a_restart_is_sealed_later(void **state)
{
    struct fixture *f = *state;
    struct err err;
    char *aside;
    int64_t seq = 0;
    for (int restart = 0; restart < 8; restart++) {
        for (int i = 0; i < 5; i++) {
            events_add_turn(f->events, ++seq, 1);
            events_add_turn(f->events, ++seq, 2);
        }
        events_commit(f->events, f->store);
        store_close(f->store);
        assert_true(store_open(&f->store, f->folder, &aside, &err));
    }
    assert_int_equal(query(f->store, "SELECT count(*) FROM segments WHERE agent = 1"), 2);
    assert_int_equal(query(f->store, "SELECT max(last_seq) FROM segments WHERE agent = 1"), 63);
    char *lines = events_read_all(f->store, 1, 0, seq);
    char *seqs = events_seqs(str_of(lines));
    struct buf expected;
    buf_init(&expected, 1000);
    for (int i = 1; i <= seq; i += 2)
        buf_addf(&expected, i > 1 ? " %d" : "%d", i);
    assert_string_equal(seqs, expected.data);
    buf_release(&expected);
    mem_free(seqs);
    mem_free(lines);
}

static void a_segment_that_was_lost_is_written_again(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= 40; seq++)
        events_add_turn(f->events, seq, 1);
    events_commit(f->events, f->store);
    sqlite3_exec(f->store->db, "DELETE FROM segments", NULL, NULL, NULL);
    pendings_release(&f->store->pendings); // as after a restart
    events_add_turn(f->events, 41, 1);
    events_commit(f->events, f->store);
    assert_int_equal(query(f->store, "SELECT count(*) FROM segments"), 2);
    assert_seqs(f->store, 1, 14, 41,
                "15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 "
                "35 36 37 38 39 40 41");
}

static void more_agents_than_a_tail_has_events(void **state)
{
    struct fixture *f = *state;
    int64_t seq = 0;
    for (int64_t agent = 1; agent <= STORE_TAIL_EVENTS_MAX + 10; agent++) {
        events_add_turn(f->events, ++seq, agent);
        if (f->events->count == EVENTS_MAX)
            events_commit(f->events, f->store);
    }
    events_commit(f->events, f->store);
    assert_int_equal(query(f->store, "SELECT count(*) FROM segments"), 10);
    assert_seqs(f->store, 10, 0, seq, "10");
    assert_seqs(f->store, 11, 0, seq, "11");
    assert_seqs(f->store, seq, 0, seq, "16394");
}

// A transaction that stays open by mistake would let it grow for ever.
static void the_write_ahead_log_begins_anew(void **state)
{
    struct fixture *f = *state;
    int64_t seq = 0, written = 0;
    while (written < (64 << 20)) {
        for (int i = 0; i < 200; i++)
            events_add_item(f->events, seq + i + 1, 1 + i % 40, seq + i + 1, "completed", 2000);
        seq += 200;
        written += 200 * 2000;
        events_commit(f->events, f->store);
    }
    struct stat st;
    char *path = mem_format("%s/swarmd.db-wal", f->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 40 << 20);
    mem_free(path);
}

// --- agents ---

static bool note_agent(void *arg, int64_t num, struct str record, struct err *err)
{
    struct buf *notes = arg;
    buf_addf(notes, "%d=%.*s ", (int)num, STR_ARG(record));
    return num != 4 || err_set(err, ERR_STORAGE, "enough");
}

static void commit_agent(struct store *store, int64_t num, const char *record, bool removed)
{
    char *id = mem_format("agent-%d", (int)num);
    struct store_agent agent = {num, str_of(id), str_of(record), removed};
    struct store_batch batch = {.agents = &agent, .agent_count = 1, .full_sync = num % 2};
    struct err err = {0};
    if (!store_commit(store, &batch, &err))
        fail_msg("commit: %s", err.message);
    mem_free(id);
}

static void the_newest_record_of_each_agent_is_kept(void **state)
{
    struct fixture *f = *state;
    struct buf notes;
    struct err err = {0};
    buf_init(&notes, 1000);
    commit_agent(f->store, 3, "c", false);
    commit_agent(f->store, 1, "a", false);
    commit_agent(f->store, 2, "b", false);
    commit_agent(f->store, 1, "a2", false);
    commit_agent(f->store, 3, "c", true);
    assert_true(store_each_agent(f->store, note_agent, &notes, &err));
    assert_string_equal(notes.data, "1=a2 2=b ");

    struct store_state was;
    assert_true(store_state(f->store, &was, &err));
    assert_int_equal(was.last_agent, 3); // removed, but its number is used up

    commit_agent(f->store, 4, "d", false);
    commit_agent(f->store, 5, "e", false);
    assert_false(store_each_agent(f->store, note_agent, &notes, &err));
    assert_string_equal(err.message, "enough");
    buf_release(&notes);
}

static void the_events_of_a_removed_agent_stay(void **state)
{
    struct fixture *f = *state;
    commit_agent(f->store, 1, "a", false);
    events_add_turn(f->events, 1, 1);
    events_add_turn(f->events, 2, 2);
    events_commit(f->events, f->store);
    commit_agent(f->store, 1, "a", true);
    assert_seqs(f->store, 0, 0, 2, "1 2");
}

// --- requests ---

static void commit_request(struct store *store, const char *id, int64_t time, const char *result)
{
    struct store_request request = {str_of(id), time, str_of(result)};
    struct store_batch batch = {.requests = &request, .request_count = 1};
    struct err err = {0};
    if (!store_commit(store, &batch, &err))
        fail_msg("commit: %s", err.message);
}

static void assert_request(struct store *store, const char *id, int64_t not_before,
                           const char *expected)
{
    char *result;
    struct err err;
    assert_true(store_find_request(store, str_of(id), not_before, &result, &err));
    if (expected)
        assert_string_equal(result, expected);
    else
        assert_null(result);
    mem_free(result);
}

static void a_request_is_known_for_a_day(void **state)
{
    struct fixture *f = *state;
    const int64_t day = 24 * 3600 * 1000, start = 1767323045678;
    commit_request(f->store, "r1", start, "{\"n\":1}");
    commit_request(f->store, "r2", start + 5, "{\"n\":2}");
    assert_request(f->store, "r1", start, "{\"n\":1}");
    assert_request(f->store, "r1", start + 1, NULL);
    assert_request(f->store, "other", 0, NULL);
    commit_request(f->store, "r3", start + day + 1, "{}");
    assert_request(f->store, "r1", 0, NULL); // gone
    assert_request(f->store, "r2", 0, "{\"n\":2}");
}

// --- failures ---

static void add_large_batch(struct fixture *f)
{
    for (int64_t seq = 21; seq <= 100; seq++)
        events_add_item(f->events, seq, 1 + seq % 3, seq, "completed", 9000);
}

static void assert_whole_up_to_100(struct fixture *f)
{
    struct buf expected;
    buf_init(&expected, 1 << 20);
    for (int i = 1; i <= 100; i++)
        buf_addf(&expected, i > 1 ? " %d" : "%d", i);
    assert_seqs(f->store, 0, 0, 100, expected.data);
    buf_release(&expected);
}

static void add_small_batch(struct fixture *f)
{
    for (int64_t seq = 1; seq <= 20; seq++)
        events_add_turn(f->events, seq, 1 + seq % 3);
    events_commit(f->events, f->store);
}

static void a_full_store_is_said_and_the_batch_can_be_tried_again(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add_small_batch(f);
    sqlite3_exec(f->store->db, "PRAGMA max_page_count = 30", NULL, NULL, NULL);
    add_large_batch(f);
    struct store_agent agent = {1, STR("agent-1"), STR("after"), false};
    struct store_batch batch = {.events = f->events->list,
                                .event_count = f->events->count,
                                .agents = &agent,
                                .agent_count = 1,
                                .full_sync = true};
    for (int i = 0; i < 3; i++) {
        assert_false(store_commit(f->store, &batch, &err));
        assert_int_equal(err.kind, ERR_STORAGE);
        assert_non_null(strstr(err.message, "full"));
        assert_non_null(strstr(err.message, f->folder));
        assert_int_equal(query(f->store, "SELECT max(last_seq) FROM spans"), 20);
        assert_int_equal(query(f->store, "SELECT count(*) FROM agents"), 0);
    }
    sqlite3_exec(f->store->db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL);
    assert_true(store_commit(f->store, &batch, &err));
    assert_whole_up_to_100(f);
}

// Late: its events are in their segments already.
static void a_batch_that_fails_at_its_end_is_forgotten_whole(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};
    add_small_batch(f);
    add_large_batch(f);
    struct store_agent agents[] = {{1, STR("twin"), STR("a"), false},
                                   {2, STR("twin"), STR("b"), false}};
    struct store_batch batch = {.events = f->events->list,
                                .event_count = f->events->count,
                                .agents = agents,
                                .agent_count = 2};
    for (int i = 0; i < 3; i++) {
        assert_false(store_commit(f->store, &batch, &err));
        assert_int_equal(err.kind, ERR_STORAGE);
        assert_int_equal(query(f->store, "SELECT max(seq) FROM log"), 20);
        assert_int_equal(query(f->store, "SELECT count(*) FROM agents"), 0);
    }
    batch.agent_count = 1;
    assert_true(store_commit(f->store, &batch, &err));
    assert_whole_up_to_100(f);
    assert_seqs(f->store, 1, 0, 40, "3 6 9 12 15 18 21 24 27 30 33 36 39");
}

static void a_write_that_fails_leaves_nothing_half(void **state)
{
    struct fixture *f = *state;
    struct rlimit none, before;
    struct err err = {0};
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    add_small_batch(f);
    add_large_batch(f);
    struct store_batch batch = {.events = f->events->list, .event_count = f->events->count};
    none = before;
    none.rlim_cur = 150000; // amid the batch
    setrlimit(RLIMIT_FSIZE, &none);
    bool first = store_commit(f->store, &batch, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(first);
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, f->folder));
    assert_seqs(f->store, 0, 0, 100, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
    assert_true(store_commit(f->store, &batch, &err));
    assert_whole_up_to_100(f);
}

static void assert_damage(struct fixture *f, const char *sql, int64_t agent, const char *said)
{
    struct buf out;
    struct err err = {0};
    int64_t last;
    bool more;
    buf_init(&out, 1 << 20);
    assert_int_equal(sqlite3_exec(f->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_false(store_read_events(f->store, agent, 0, 60, &out, &last, &err));
    assert_int_equal(err.kind, ERR_STORAGE);
    assert_non_null(strstr(err.message, said));
    assert_false(store_read_items(f->store, agent, 0, 0, 100, &out, &more, &err));
    assert_true(store_read_events(f->store, 1, 0, 60, &out, &last, &err)); // the others go on
    buf_release(&out);
}

static void a_damaged_event_is_an_error_not_a_gap(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= 60; seq++)
        events_add_turn(f->events, seq, 1 + seq % 3);
    events_commit(f->events, f->store);
    assert_damage(f, "UPDATE segments SET body = 'what' WHERE agent = 2", 2, "what");
    assert_damage(f, "DELETE FROM log WHERE seq = 59", 3, "lost the event 59");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)
    const struct CMUnitTest tests[] = {
        TEST(reads_the_exact_bytes_between_bounds),
        TEST(whatever_the_batches_nothing_is_lost_or_doubled),
        TEST(a_page_ends_at_its_number_of_events),
        TEST(a_page_ends_at_its_bytes_but_has_one_event),
        TEST(a_segment_is_written_when_an_agent_has_enough),
        TEST(segments_keep_to_their_bytes),
        TEST(what_is_old_is_sealed),
        TEST(what_was_unsealed_at_a_restart_is_sealed_later),
        TEST(a_segment_that_was_lost_is_written_again),
        TEST(more_agents_than_a_tail_has_events),
        TEST(the_write_ahead_log_begins_anew),
        TEST(the_newest_record_of_each_agent_is_kept),
        TEST(the_events_of_a_removed_agent_stay),
        TEST(a_request_is_known_for_a_day),
        TEST(a_full_store_is_said_and_the_batch_can_be_tried_again),
        TEST(a_batch_that_fails_at_its_end_is_forgotten_whole),
        TEST(a_write_that_fails_leaves_nothing_half),
        TEST(a_damaged_event_is_an_error_not_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
