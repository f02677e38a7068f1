// SPDX-License-Identifier: MIT
// What readers of the journal meet: the ring and its ceilings, and pages of the store.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/journal_parts.h"
#include "tests/unit/support/fake_ports.h"

// --- the ring ---

static void push(struct ring *ring, int64_t seq, size_t size)
{
    char *bytes = mem_new(size);
    struct event event = {seq, 1, EVENT_TURN, shared_new(str_from(bytes, size))};
    mem_free(bytes);
    ring_push(ring, &event);
}

static int64_t next_seq(const struct ring *ring, int64_t after, bool *lost)
{
    const struct event *event = ring_next(ring, after, lost);
    return event ? event->seq : 0;
}

static void the_ring_keeps_its_number_of_events(void **state)
{
    (void)state;
    struct ring ring;
    bool lost;
    ring_init(&ring, 11);
    assert_int_equal(next_seq(&ring, 10, &lost), 0);
    assert_false(lost);
    for (int64_t seq = 11; seq <= 10 + JOURNAL_RING_EVENTS_MAX; seq++)
        push(&ring, seq, 10);
    assert_int_equal(next_seq(&ring, 10, &lost), 11);
    assert_false(lost);
    push(&ring, 11 + JOURNAL_RING_EVENTS_MAX, 10);
    assert_int_equal(ring.count, JOURNAL_RING_EVENTS_MAX);
    assert_int_equal(next_seq(&ring, 10, &lost), 12);
    assert_true(lost);
    assert_int_equal(next_seq(&ring, 11, &lost), 12);
    assert_false(lost);
    for (int64_t seq = 12; seq <= 11 + JOURNAL_RING_EVENTS_MAX; seq++)
        assert_int_equal(next_seq(&ring, seq - 1, &lost), seq);
    assert_int_equal(next_seq(&ring, 11 + JOURNAL_RING_EVENTS_MAX, &lost), 0);
    assert_false(lost);
    ring_release(&ring);
    assert_int_equal(ring.first, 12 + JOURNAL_RING_EVENTS_MAX);
}

static void the_ring_forgets_what_was_seen(void **state)
{
    (void)state;
    struct ring ring;
    bool lost;
    ring_init(&ring, 1);
    for (int64_t seq = 1; seq <= 3000; seq++)
        push(&ring, seq, 10);
    ring_forget(&ring, 2990);
    assert_int_equal(ring.count, 10);
    assert_int_equal(next_seq(&ring, 2990, &lost), 2991);
    assert_false(lost);
    ring_forget(&ring, 2980);
    assert_int_equal(ring.count, 10);
    ring_forget(&ring, INT64_MAX);
    assert_int_equal(ring.bytes, 0);
    assert_null(ring.events);
    assert_int_equal(next_seq(&ring, 3000, &lost), 0);
    assert_false(lost);
    assert_int_equal(next_seq(&ring, 2999, &lost), 0);
    assert_true(lost);
    push(&ring, 3001, 10);
    assert_int_equal(next_seq(&ring, 3000, &lost), 3001);
    ring_release(&ring);
}

static void the_ring_keeps_to_its_bytes_but_for_the_newest(void **state)
{
    (void)state;
    struct ring ring;
    bool lost;
    ring_init(&ring, 1);
    for (int64_t seq = 1; seq <= 100; seq++) {
        push(&ring, seq, 1 << 20);
        assert_true(ring.bytes <= JOURNAL_RING_BYTES_MAX);
    }
    assert_int_equal(ring.count, 15); // each a little more than 1 MiB
    assert_int_equal(next_seq(&ring, 85, &lost), 86);
    assert_false(lost);
    push(&ring, 101, JOURNAL_RING_BYTES_MAX + 1);
    assert_int_equal(ring.count, 1);
    assert_int_equal(next_seq(&ring, 100, &lost), 101);
    assert_false(lost);
    push(&ring, 102, 10);
    assert_int_equal(ring.count, 1);
    ring_release(&ring);
}

// --- pages ---

struct fixture {
    struct fake_ports *fake;
    struct journal *journal;
    int done;
};

struct noted_read {
    struct journal_read read;
    struct fixture *f;
};

static void on_done(struct journal_read *read)
{
    list_entry(read, struct noted_read, read)->f->done++;
}

static void on_closed(void *arg, const struct err *err)
{
    struct fixture *f = arg;
    assert_int_equal(err->kind, ERR_NONE);
    f->journal = NULL;
}

static int make(void **state)
{
    struct fixture *f = mem_new(sizeof(*f));
    struct err err;
    char *aside;
    struct store *writer, *reader;
    const char *folder = unit_temp_folder();
    f->fake = fake_ports_create();
    assert_true(store_open(&writer, folder, &aside, &err));
    assert_true(store_open_reader(&reader, folder, &err));
    f->journal = journal_create(fake_ports_get(f->fake), writer, reader, 0);
    for (int i = 1; i <= 5; i++) {
        char *bytes = mem_format("{\"seq\":%d,\"agentId\":\"a\",\"time\":\"\",\"type\":\"item\","
                                 "\"item\":{\"id\":\"i%d\",\"seq\":%d,\"status\":\"completed\"}}",
                                 i, i, i);
        journal_append(f->journal, 1 + i % 2, EVENT_ITEM, str_of(bytes));
        mem_free(bytes);
    }
    fake_ports_run(f->fake);
    *state = f;
    return 0;
}

static int unmake(void **state)
{
    struct fixture *f = *state;
    if (f->journal) {
        journal_close(f->journal, on_closed, f);
        fake_ports_run(f->fake);
    }
    assert_null(f->journal);
    fake_ports_destroy(f->fake);
    mem_free(f);
    return 0;
}

static void pages_come_later_on_the_loop(void **state)
{
    struct fixture *f = *state;
    struct noted_read events = {{.agent = 0, .after = 1, .until = 4, .done = on_done}, f};
    struct noted_read items = {{.agent = 2, .limit = 2, .done = on_done}, f};
    journal_read(f->journal, &events.read);
    journal_read(f->journal, &items.read);
    assert_int_equal(f->done, 0);
    fake_ports_run(f->fake);
    assert_int_equal(f->done, 2);
    assert_int_equal(events.read.err.kind, ERR_NONE);
    assert_int_equal(events.read.last, 4);
    assert_non_null(strstr(events.read.out.data, "\"seq\":2,"));
    assert_null(strstr(events.read.out.data, "\"seq\":5,"));
    assert_string_equal(items.read.out.data,
                        "{\"id\":\"i3\",\"seq\":3,\"status\":\"completed\"}\n"
                        "{\"id\":\"i5\",\"seq\":5,\"status\":\"completed\"}\n");
    assert_true(items.read.more);
    journal_read_release(&events.read);
    journal_read_release(&items.read);
}

static void closing_waits_for_reads_and_refuses_new_ones(void **state)
{
    struct fixture *f = *state;
    struct noted_read before = {{.until = 5, .done = on_done}, f};
    struct noted_read after = before;
    fake_ports_hold_lane(f->fake, LANE_READ, true);
    journal_read(f->journal, &before.read);
    journal_close(f->journal, on_closed, f);
    journal_read(f->journal, &after.read);
    fake_ports_run(f->fake);
    assert_non_null(f->journal);
    fake_ports_hold_lane(f->fake, LANE_READ, false);
    fake_ports_run(f->fake);
    assert_null(f->journal);
    assert_int_equal(f->done, 2);
    assert_int_equal(before.read.err.kind, ERR_NONE);
    assert_int_equal(before.read.last, 5);
    assert_int_equal(after.read.err.kind, ERR_STORAGE);
    journal_read_release(&before.read);
    journal_read_release(&after.read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ring_keeps_its_number_of_events),
        cmocka_unit_test(the_ring_forgets_what_was_seen),
        cmocka_unit_test(the_ring_keeps_to_its_bytes_but_for_the_newest),
        cmocka_unit_test_setup_teardown(pages_come_later_on_the_loop, make, unmake),
        cmocka_unit_test_setup_teardown(closing_waits_for_reads_and_refuses_new_ones, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
