// SPDX-License-Identifier: MIT
// The index of the search: built in slices behind the log, and looked into.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/journal.h"
#include "core/store/search_query.h"
#include "core/store/store_internal.h"
#include "tests/unit/support/events.h"
#include "tests/unit/support/fake_ports.h"

enum { AGENTS = 3 };

struct fixture {
    const char *folder;
    struct store *store, *reader;
    int64_t seq;
};

static void open_stores(struct fixture *f)
{
    struct err err = {0};
    char *aside;
    if (!store_open(&f->store, f->folder, &aside, &err) ||
        !store_open_reader(&f->reader, f->folder, &err))
        fail_msg("open: %s", err.message);
}

static void put_agent(struct fixture *f, int64_t num, bool removed)
{
    struct err err;
    char *id = mem_format("agent-%d", (int)num);
    struct store_agent agent = {num, str_of(id), STR("{}"), removed};
    struct store_batch batch = {.agents = &agent, .agent_count = 1};
    assert_true(store_commit(f->store, &batch, &err));
    mem_free(id);
}

static int make(void **state)
{
    struct fixture *f = mem_new(sizeof(*f));
    f->folder = unit_temp_folder();
    open_stores(f);
    for (int64_t num = 1; num <= AGENTS; num++)
        put_agent(f, num, false);
    *state = f;
    return 0;
}

static int unmake(void **state)
{
    struct fixture *f = *state;
    store_close(f->reader);
    store_close(f->store);
    mem_free(f);
    return 0;
}

// Text without a character that JSON escapes.
static int64_t say(struct fixture *f, int64_t agent, const char *status, const char *text)
{
    struct err err = {0};
    int64_t seq = ++f->seq;
    char *line = mem_format(
        "{\"seq\":%lld,\"agentId\":\"agent-%d\",\"type\":\"item\",\"item\":{\"id\":\"i%lld\","
        "\"agentId\":\"agent-%d\",\"turn\":1,\"step\":1,\"seq\":%lld,\"time\":"
        "\"2026-01-02T03:04:05.678Z\",\"kind\":\"assistant\",\"status\":\"%s\",\"text\":\"%s\"}}",
        (long long)seq, (int)agent, (long long)seq, (int)agent, (long long)seq, status, text);
    struct store_event event = {seq, agent, str_of(line)};
    struct store_batch batch = {.events = &event, .event_count = 1};
    if (!store_commit(f->store, &batch, &err))
        fail_msg("commit: %s", err.message);
    mem_free(line);
    return seq;
}

static int index_all(struct fixture *f)
{
    struct err err = {0};
    int64_t indexed = 0;
    int slices = 0;
    for (; indexed < f->seq; slices++)
        if (!store_index(f->store, &indexed, &err))
            fail_msg("index: %s", err.message);
    assert_int_equal(indexed, f->seq);
    return slices;
}

struct search {
    const char *query;
    int64_t agent; // 0: all
    size_t limit;
    int64_t before, next;
};

static char *run_search(struct fixture *f, struct search *search)
{
    struct err err = {0};
    struct buf out;
    struct store_search asked = {.before = search->before, .limit = search->limit};
    buf_init(&asked.match, 1 << 20);
    buf_init(&out, 64 << 20);
    if (search->agent)
        search_query_narrow(&asked.match, &search->agent, 1);
    if (!search_query_add(&asked.match, str_of(search->query), &err) ||
        !store_search(f->reader, &asked, &out, &search->next, &err))
        fail_msg("%s: %s", search->query, err.message);
    buf_release(&asked.match);
    char *lines = mem_dup(buf_str(&out));
    buf_release(&out);
    return lines;
}

// The seqs of the hits, the newest first.
static void expect_hits(struct fixture *f, const char *query, const char *seqs)
{
    struct search search = {.query = query, .limit = 100};
    char *lines = run_search(f, &search);
    struct buf got;
    buf_init(&got, 1 << 20);
    for (char *at = lines; (at = strstr(at, "\"seq\":"));)
        buf_addf(&got, "%s%lld", got.len ? " " : "", strtoll(at += 6, NULL, 10));
    if (!str_is(buf_str(&got), seqs))
        fail_msg("%s: found '%.*s', expected '%s'", query, STR_ARG(buf_str(&got)), seqs);
    assert_int_equal(search.next, 0);
    buf_release(&got);
    mem_free(lines);
}

static void items_are_found_by_their_words(void **state)
{
    struct fixture *f = *state;
    say(f, 1, "completed", "The quick brown fox");
    say(f, 2, "failed", "jumps over agent_enter() quickly, naïve");
    say(f, 1, "started", "fox");
    index_all(f);
    expect_hits(f, "fox", "1");
    expect_hits(f, "QUICK", "1");
    expect_hits(f, "quick*", "2 1");
    expect_hits(f, "naive", "2");
    expect_hits(f, "agent_enter", "2");
    expect_hits(f, "enter", "2");
    expect_hits(f, "\"quick brown\" the", "1");
    expect_hits(f, "\"brown quick\"", "");
    expect_hits(f, "fox over", "");
    expect_hits(f, "agent", "2"); // not the column of that name
    expect_hits(f, "1", "");      // nor what is in it
}

static void a_hit_says_where_it_is(void **state)
{
    struct fixture *f = *state;
    say(f, 2, "completed", "the quick brown fox");
    index_all(f);
    struct search search = {.query = "fox", .limit = 1};
    char *lines = run_search(f, &search);
    assert_string_equal(lines, "{\"agentId\":\"agent-2\",\"itemId\":\"i1\",\"kind\":\"assistant\","
                               "\"seq\":1,\"time\":\"2026-01-02T03:04:05.678Z\","
                               "\"snippet\":\"the quick brown fox\"}\n");
    mem_free(lines);
}

static void the_snippet_shows_what_was_found(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 2000; i++)
        buf_addf(&text, "wörd%d, ", i);
    say(f, 2, "completed", text.data);
    buf_release(&text);
    index_all(f);
    // The agent's number is found too, at the very beginning of its column.
    struct search search = {.query = "\"word1500 word1501\"", .agent = 2, .limit = 1};
    char *lines = run_search(f, &search);
    assert_non_null(strstr(lines, " wörd1499, wörd1500, wörd1501, wörd1502, "));
    mem_free(lines);
}

static void nothing_that_is_typed_is_a_syntax_error(void **state)
{
    struct fixture *f = *state;
    say(f, 1, "completed", "AND OR NOT NEAR x col:x (y) ^z a-b + é");
    index_all(f);
    static const char *const found[] = {"AND",    "AND OR", "NOT x", "NEAR(x", "col:x",
                                        "(y)",    "^z",     "a-b",   "\"a-b",  "y)",
                                        "{x}: y", "é",      "x\"y",  "x;--"};
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
        expect_hits(f, found[i], "1");
    expect_hits(f, "…", ""); // no word, which only the index knows
}

static void what_a_removed_agent_said_is_not_found(void **state)
{
    struct fixture *f = *state;
    say(f, 1, "completed", "fox one");
    say(f, 2, "completed", "fox two");
    index_all(f);
    put_agent(f, 2, true);
    say(f, 2, "completed", "fox three");
    index_all(f);
    expect_hits(f, "fox", "1");
}

static void a_search_is_narrowed_to_an_agent(void **state)
{
    struct fixture *f = *state;
    for (int64_t i = 0; i < 30; i++)
        say(f, 1 + i % AGENTS, "completed", "fox");
    index_all(f);
    struct search search = {.query = "fox", .agent = 2, .limit = 100};
    char *lines = run_search(f, &search);
    int hits = 0;
    for (const char *at = lines; (at = strstr(at, "\"agentId\":\"agent-2\"")); at++)
        hits++;
    assert_int_equal(hits, 10);
    assert_null(strstr(lines, "agent-1"));
    mem_free(lines);
}

static void pages_meet_each_hit_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 25; i++)
        say(f, 1, "completed", i % 2 ? "fox" : "hen");
    index_all(f);
    struct search search = {.query = "fox", .limit = 5};
    struct buf all;
    int pages = 0;
    buf_init(&all, 1 << 20);
    do {
        char *lines = run_search(f, &search);
        buf_add_str(&all, str_of(lines));
        mem_free(lines);
        search.before = search.next;
        pages++;
    } while (search.next);
    char *seqs = mem_dup(buf_str(&all));
    int64_t expected = 24;
    for (char *at = seqs; (at = strstr(at, "\"seq\":")); expected -= 2)
        assert_int_equal(strtoll(at += 6, NULL, 10), expected);
    assert_int_equal(expected, 0);
    assert_int_equal(pages, 3);
    mem_free(seqs);
    buf_release(&all);
}

// A page that looks at nothing but removed agents' ends, and the next goes on behind it.
static void a_page_steps_over_so_many_removed_ones_only(void **state)
{
    struct fixture *f = *state;
    say(f, 1, "completed", "fox");
    for (int i = 0; i < STORE_SEARCH_LOOK_MAX + 10; i++)
        say(f, 2, "completed", "fox");
    put_agent(f, 2, true);
    index_all(f);
    struct search search = {.query = "fox", .limit = 5};
    char *lines = run_search(f, &search);
    assert_string_equal(lines, "");
    assert_int_equal(search.next, 12);
    mem_free(lines);
    search.before = search.next;
    lines = run_search(f, &search);
    assert_non_null(strstr(lines, "\"seq\":1,"));
    assert_int_equal(search.next, 0);
    mem_free(lines);
}

static void a_slice_is_bounded_and_the_next_goes_on(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int64_t indexed;
    for (int i = 0; i < STORE_INDEX_EVENTS_MAX + 1; i++)
        say(f, 1, "completed", "fox");
    assert_true(store_index(f->store, &indexed, &err));
    assert_int_equal(indexed, STORE_INDEX_EVENTS_MAX);
    store_close(f->reader); // the next start knows how far it was
    store_close(f->store);
    open_stores(f);
    assert_true(store_index(f->store, &indexed, &err));
    assert_int_equal(indexed, STORE_INDEX_EVENTS_MAX + 1);
    assert_true(store_index(f->store, &indexed, &err));
    assert_int_equal(indexed, STORE_INDEX_EVENTS_MAX + 1);

    char *large = mem_new((32 << 10) + 1); // of the whole index one slice takes four of these
    memset(large, 'x', 32 << 10);
    for (int i = 0; i < 9; i++)
        say(f, 1, "completed", large);
    assert_int_equal(index_all(f), 3);
    mem_free(large);
}

static void a_damaged_event_is_stepped_over(void **state)
{
    struct fixture *f = *state;
    say(f, 1, "completed", "fox");
    say(f, 1, "completed", "broken \" fox");
    say(f, 1, "completed", "fox");
    index_all(f);
    expect_hits(f, "fox", "3 1");
}

// --- the journal ---

struct noted {
    struct journal_read read;
    int done;
};

static void on_done(struct journal_read *read)
{
    list_entry(read, struct noted, read)->done++;
}

static void ask(struct journal *journal, struct noted *noted, const char *query)
{
    struct err err;
    *noted = (struct noted){.read = {.done = on_done}};
    noted->read.search.limit = 10;
    buf_init(&noted->read.search.match, 1 << 20);
    assert_true(search_query_add(&noted->read.search.match, str_of(query), &err));
    journal_read(journal, &noted->read);
}

static void append(struct journal *journal, const char *text)
{
    long long seq = journal_next_seq(journal);
    char *line = mem_format(
        "{\"seq\":%lld,\"agentId\":\"agent-1\",\"type\":\"item\",\"item\":{\"id\":\"i%lld\","
        "\"agentId\":\"agent-1\",\"seq\":%lld,\"kind\":\"assistant\",\"status\":\"completed\","
        "\"text\":\"%s\"}}",
        seq, seq, seq, text);
    journal_append(journal, 1, EVENT_ITEM, str_of(line));
    mem_free(line);
}

static void on_closed(void *arg, const struct err *err)
{
    assert_int_equal(err->kind, ERR_NONE);
    *(bool *)arg = true;
}

static void a_search_finds_all_that_was_committed_before_it(void **state)
{
    struct fixture *f = *state;
    struct fake_ports *fake = fake_ports_create();
    struct journal *journal = journal_create(fake_ports_get(fake), f->store, f->reader, 0);
    struct noted first, second;
    for (int i = 0; i < 3 * STORE_INDEX_EVENTS_MAX; i++)
        append(journal, "hen");
    append(journal, "fox");
    fake_ports_run(fake); // committed, not indexed
    ask(journal, &first, "fox");
    fake_ports_run(fake); // no clock has to be turned for it
    assert_int_equal(first.done, 1);
    assert_int_equal(first.read.err.kind, ERR_NONE);
    assert_non_null(strstr(first.read.out.data, "\"snippet\":\"fox\""));
    journal_read_release(&first.read);

    // What nobody waits for is indexed later, by itself.
    append(journal, "owl");
    fake_ports_run(fake);
    assert_int_equal(fake_ports_next_timer(fake), JOURNAL_INDEX_DELAY_MS);
    fake_ports_advance(fake, JOURNAL_INDEX_DELAY_MS);
    assert_int_equal(fake_ports_next_timer(fake), -1);
    fake_ports_hold_lane(fake, LANE_STORE, true);
    ask(journal, &second, "owl");
    fake_ports_run(fake);
    assert_int_equal(second.done, 1);
    assert_non_null(strstr(second.read.out.data, "owl"));
    journal_read_release(&second.read);
    fake_ports_hold_lane(fake, LANE_STORE, false);

    // Those who wait when it closes are told so.
    append(journal, "cat");
    fake_ports_run(fake);
    fake_ports_hold_lane(fake, LANE_STORE, true);
    ask(journal, &first, "cat");
    ask(journal, &second, "cat");
    bool closed = false;
    journal_close(journal, on_closed, &closed);
    fake_ports_hold_lane(fake, LANE_STORE, false);
    fake_ports_advance(fake, 10 * JOURNAL_RETRY_MS);
    assert_true(closed);
    assert_int_equal(first.done + second.done, 2);
    assert_int_equal(second.read.err.kind, ERR_STORAGE);
    journal_read_release(&first.read);
    journal_read_release(&second.read);
    fake_ports_destroy(fake);
    f->store = f->reader = NULL;
}

static void a_search_is_told_when_the_index_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    struct fake_ports *fake = fake_ports_create();
    struct journal *journal = journal_create(fake_ports_get(fake), f->store, f->reader, 0);
    struct noted asked;
    append(journal, "fox");
    fake_ports_run(fake);
    assert_int_equal(sqlite3_exec(f->store->db, "PRAGMA query_only = 1", NULL, NULL, NULL), 0);
    ask(journal, &asked, "fox");
    fake_ports_run(fake);
    assert_int_equal(asked.done, 1);
    assert_int_equal(asked.read.err.kind, ERR_STORAGE);
    assert_non_null(strstr(asked.read.err.message, "search index"));
    journal_read_release(&asked.read);
    assert_int_equal(sqlite3_exec(f->store->db, "PRAGMA query_only = 0", NULL, NULL, NULL), 0);
    ask(journal, &asked, "fox");
    fake_ports_run(fake);
    assert_int_equal(asked.read.err.kind, ERR_NONE);
    assert_non_null(strstr(asked.read.out.data, "fox"));
    journal_read_release(&asked.read);
    bool closed = false;
    journal_close(journal, on_closed, &closed);
    fake_ports_advance(fake, 10 * JOURNAL_RETRY_MS);
    assert_true(closed);
    fake_ports_destroy(fake);
    f->store = f->reader = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_are_found_by_their_words, make, unmake),
        cmocka_unit_test_setup_teardown(a_hit_says_where_it_is, make, unmake),
        cmocka_unit_test_setup_teardown(the_snippet_shows_what_was_found, make, unmake),
        cmocka_unit_test_setup_teardown(nothing_that_is_typed_is_a_syntax_error, make, unmake),
        cmocka_unit_test_setup_teardown(what_a_removed_agent_said_is_not_found, make, unmake),
        cmocka_unit_test_setup_teardown(a_search_is_narrowed_to_an_agent, make, unmake),
        cmocka_unit_test_setup_teardown(pages_meet_each_hit_once, make, unmake),
        cmocka_unit_test_setup_teardown(a_page_steps_over_so_many_removed_ones_only, make, unmake),
        cmocka_unit_test_setup_teardown(a_slice_is_bounded_and_the_next_goes_on, make, unmake),
        cmocka_unit_test_setup_teardown(a_damaged_event_is_stepped_over, make, unmake),
        cmocka_unit_test_setup_teardown(a_search_finds_all_that_was_committed_before_it, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_search_is_told_when_the_index_cannot_be_written, make,
                                        unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
