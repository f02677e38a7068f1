// SPDX-License-Identifier: MIT
// Pages of a transcript.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/store_internal.h"
#include "tests/unit/support/events.h"

enum { LOOK_AHEAD = 4096 }; // as store.h has it

struct fixture {
    struct store *store;
    struct events *events;
    int64_t seq; // of the newest event
};

static int make(void **state)
{
    struct fixture *f = mem_new(sizeof(*f));
    struct err err;
    char *aside;
    assert_true(store_open(&f->store, unit_temp_folder(), &aside, &err));
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

static void add(struct fixture *f, int64_t agent, int64_t first, const char *status, size_t size)
{
    f->seq++;
    events_add_item(f->events, f->seq, agent, first ? first : f->seq, status, size);
}

static char *read_page(struct fixture *f, int64_t before, int64_t after, size_t limit, bool *more)
{
    struct buf out;
    struct err err = {0};
    buf_init(&out, 256 << 20);
    if (!store_read_items(f->store, 1, before, after, limit, &out, more, &err))
        fail_msg("read: %s", err.message);
    return out.data ? buf_detach(&out, NULL) : mem_dup(STR(""));
}

static void assert_page(struct fixture *f, int64_t before, int64_t after, size_t limit,
                        const char *seqs, bool expect_more)
{
    bool more;
    char *page = read_page(f, before, after, limit, &more);
    char *found = events_seqs(str_of(page));
    assert_string_equal(found, seqs);
    assert_int_equal(more, expect_more);
    mem_free(found);
    mem_free(page);
}

static bool is_started(struct fixture *f, int64_t before, int64_t after, size_t limit,
                       int64_t first)
{
    bool more;
    char *page = read_page(f, before, after, limit, &more);
    char *mark = mem_format("\"seq\":%lld,", (long long)first);
    const char *item = strstr(page, mark);
    assert_non_null(item);
    const char *status = strstr(item, "\"status\":\"");
    bool started = strncmp(status + 10, "started", 7) == 0;
    mem_free(mark);
    mem_free(page);
    return started;
}

static void gives_items_as_they_were_written(void **state)
{
    struct fixture *f = *state;
    add(f, 1, 0, "completed", 3);
    events_commit(f->events, f->store);
    bool more;
    char *page = read_page(f, 0, 0, 10, &more);
    assert_string_equal(page,
                        "{\"id\":\"i1\",\"agentId\":\"agent-1\",\"turn\":1,\"step\":1,"
                        "\"seq\":1,\"time\":\"2026-01-02T03:04:05.678Z\","
                        "\"kind\":\"assistant\",\"status\":\"completed\",\"text\":\"xxx\"}\n");
    mem_free(page);
}

static void pages_back_and_on(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        add(f, 1, 0, "completed", 3);
        events_add_turn(f->events, ++f->seq, 1);
        add(f, 2, 0, "completed", 3); // another agent's
    }
    events_commit(f->events, f->store); // items of agent 1 at 1 4 7 ... 28
    assert_page(f, 0, 0, 3, "22 25 28", true);
    assert_page(f, 22, 0, 3, "13 16 19", true);
    assert_page(f, 13, 0, 3, "4 7 10", true);
    assert_page(f, 4, 0, 3, "1", false);
    assert_page(f, 1, 0, 3, "", false);
    assert_page(f, 0, 0, 10, "1 4 7 10 13 16 19 22 25 28", false);
    assert_page(f, 0, 1, 3, "4 7 10", true);
    assert_page(f, 0, 2, 3, "4 7 10", true);
    assert_page(f, 5, 19, 10, "22 25 28", false); // with after, before is ignored
    assert_page(f, 0, 28, 10, "", false);
}

static void an_item_is_shown_once_in_its_latest_state(void **state)
{
    struct fixture *f = *state;
    add(f, 1, 0, "started", 0);   // 1
    add(f, 1, 0, "started", 0);   // 2
    add(f, 1, 2, "completed", 5); // 3
    add(f, 1, 0, "completed", 0); // 4
    add(f, 1, 1, "failed", 5);    // 5
    add(f, 1, 0, "started", 0);   // 6
    events_commit(f->events, f->store);
    assert_page(f, 0, 0, 10, "1 2 4 6", false);
    assert_false(is_started(f, 0, 0, 10, 1));
    assert_false(is_started(f, 0, 0, 10, 2));
    assert_true(is_started(f, 0, 0, 10, 6));
    // the completion lies beyond the page, on either side of what bounds it
    assert_page(f, 2, 0, 10, "1", false);
    assert_false(is_started(f, 2, 0, 10, 1));
    assert_page(f, 3, 0, 1, "2", true);
    assert_false(is_started(f, 3, 0, 1, 2));
    assert_page(f, 0, 1, 1, "2", true);
    assert_false(is_started(f, 0, 1, 1, 2));
    // the completion is in the page, the start further back
    assert_page(f, 0, 0, 2, "4 6", true);
    assert_page(f, 0, 2, 10, "4 6", false);
}

static void a_late_completion_is_looked_for_within_bounds(void **state)
{
    struct fixture *f = *state;
    add(f, 1, 0, "started", 0);   // 1
    add(f, 1, 0, "started", 0);   // 2
    add(f, 1, 0, "completed", 0); // 3
    while (f->seq < LOOK_AHEAD + 1)
        events_add_turn(f->events, ++f->seq, 1);
    add(f, 1, 1, "completed", 0); // LOOK_AHEAD + 2: the last looked at from 3
    add(f, 1, 2, "completed", 0);
    events_commit(f->events, f->store);
    assert_false(is_started(f, 3, 0, 10, 1));
    assert_true(is_started(f, 3, 0, 10, 2));
    assert_false(is_started(f, 0, 0, 10, 2));
}

static void a_page_ends_at_its_number_of_items(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i <= STORE_PAGE_EVENTS_MAX; i++)
        add(f, 1, 0, "completed", 0);
    events_commit(f->events, f->store);
    bool more;
    for (int64_t after = 0; after <= 1; after++) {
        char *page = read_page(f, 0, after, 100000, &more);
        int lines = 0;
        for (const char *c = page; *c; c++)
            lines += *c == '\n';
        assert_int_equal(lines, STORE_PAGE_EVENTS_MAX);
        assert_int_equal(more, after == 0);
        mem_free(page);
    }
}

static void a_page_ends_at_its_bytes_but_has_one_item(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++)
        add(f, 1, 0, "completed", i == 2 ? STORE_PAGE_BYTES_MAX + 1 : STORE_PAGE_BYTES_MAX / 2);
    events_commit(f->events, f->store);
    assert_page(f, 0, 0, 10, "3 4", true);
    assert_page(f, 4, 0, 10, "3", true);
    assert_page(f, 3, 0, 10, "1 2", false);
    assert_page(f, 0, 1, 10, "2 3", true);
    assert_page(f, 0, 3, 10, "4", false);
}

// Random transcripts with overlapping items, against the plain reading of all events.
enum { RANDOM_EVENTS = 1500 };

struct model {
    int64_t first_of[RANDOM_EVENTS + 1]; // of each event's item; 0: no item of agent 1
    bool completed[RANDOM_EVENTS + 1];   // by first seq
};

static void make_random(struct fixture *f, struct model *model)
{
    int64_t live[8];
    int count = 0;
    while (f->seq < RANDOM_EVENTS) {
        int choice = rand() % 10;
        if (choice < 2) {
            events_add_turn(f->events, ++f->seq, 1 + rand() % 2);
        } else if (choice < 3 || count == 8) {
            if (count == 0)
                continue;
            int i = rand() % count;
            add(f, 1, live[i], "completed", (size_t)(rand() % 300));
            model->first_of[f->seq] = live[i];
            model->completed[live[i]] = true;
            live[i] = live[--count];
        } else {
            bool whole = choice < 6;
            add(f, 1, 0, whole ? "completed" : "started", 10);
            model->first_of[f->seq] = f->seq;
            model->completed[f->seq] = whole;
            if (!whole)
                live[count++] = f->seq;
        }
        if (rand() % 20 == 0)
            events_commit(f->events, f->store);
    }
    events_commit(f->events, f->store);
}

// The seqs of the page that the model expects, newest or oldest `limit` between the bounds.
static char *expect(const struct model *model, int64_t before, int64_t after, int limit, bool *more)
{
    int64_t from = after + 1, until = before && !after ? before - 1 : RANDOM_EVENTS;
    int total = 0, asked = limit;
    for (int64_t seq = from; seq <= until; seq++)
        total += model->first_of[seq] == seq;
    int skip = after || total <= limit ? 0 : total - limit;
    struct buf out;
    buf_init(&out, 1 << 20);
    buf_add_str(&out, STR(""));
    for (int64_t seq = from; seq <= until; seq++) {
        if (model->first_of[seq] != seq || skip-- > 0 || limit-- <= 0)
            continue;
        buf_addf(&out, out.len ? " %lld" : "%lld", (long long)seq);
    }
    *more = total > asked;
    return out.data ? buf_detach(&out, NULL) : mem_dup(STR(""));
}

static void agrees_with_the_plain_reading_of_all_events(void **state)
{
    struct fixture *f = *state;
    struct model *model = mem_new(sizeof(*model));
    srand(11);
    make_random(f, model);
    for (int round = 0; round < 300; round++) {
        int64_t before = rand() % 2 ? 1 + rand() % RANDOM_EVENTS : 0;
        int64_t after = rand() % 2 ? 1 + rand() % RANDOM_EVENTS : 0;
        int limit = 1 + rand() % 60;
        bool more, expect_more;
        char *expected = expect(model, before, after, limit, &expect_more);
        char *page = read_page(f, before, after, (size_t)limit, &more);
        char *found = events_seqs(str_of(page));
        assert_string_equal(found, expected);
        assert_int_equal(more, expect_more);
        for (char *line = page, *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = '\0';
            int64_t first = strtoll(strstr(line, "\"seq\":") + 6, NULL, 10);
            assert_int_equal(strstr(line, "started") == NULL, model->completed[first]);
        }
        mem_free(found);
        mem_free(page);
        mem_free(expected);
    }
    mem_free(model);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)
    const struct CMUnitTest tests[] = {
        TEST(gives_items_as_they_were_written),
        TEST(pages_back_and_on),
        TEST(an_item_is_shown_once_in_its_latest_state),
        TEST(a_late_completion_is_looked_for_within_bounds),
        TEST(a_page_ends_at_its_number_of_items),
        TEST(a_page_ends_at_its_bytes_but_has_one_item),
        TEST(agrees_with_the_plain_reading_of_all_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
