// SPDX-License-Identifier: MIT
// The journal on the real loop and its lanes: commits, reads and appends at once, on three
// threads.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/store/journal.h"
#include "tests/unit/support/events.h"
#include "tests/unit/support/real_loop.h"

enum { ROUNDS = 300, EVENTS_A_ROUND = 20 };

struct fixture {
    struct loop *loop;
    const struct ports *ports;
    struct journal *journal;
    struct timer *timer;
    struct journal_watcher watcher;
    struct journal_read read;
    int rounds, reads, closed;
    bool closing;
    int64_t seen; // a reader of the ring: no gap
    struct err err;
};

static void append_round(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < EVENTS_A_ROUND; i++) {
        int64_t seq = journal_next_seq(f->journal);
        char *bytes =
            mem_format("{\"seq\":%lld,\"agentId\":\"a\",\"type\":\"turn\"}", (long long)seq);
        assert_int_equal(journal_append(f->journal, 1 + seq % 7, EVENT_TURN, str_of(bytes)), seq);
        mem_free(bytes);
    }
    journal_put_agent(f->journal, 1, STR("agent-1"), STR("{}"), false);
    if (++f->rounds % 50 == 0)
        journal_want_sync(f->journal);
    if (f->rounds < ROUNDS)
        f->ports->ops->timer_set(f->timer, f->rounds % 4 == 0);
}

static void on_committed(struct journal_watcher *watcher)
{
    struct fixture *f = list_entry(watcher, struct fixture, watcher);
    const struct event *event;
    bool lost;
    while ((event = journal_next(f->journal, f->seen, &lost))) {
        assert_false(lost);
        assert_int_equal(event->seq, f->seen + 1);
        f->seen++;
    }
    assert_int_equal(f->seen, journal_committed(f->journal));
}

static void read_next(struct journal_read *read)
{
    struct fixture *f = list_entry(read, struct fixture, read);
    assert_int_equal(read->err.kind, ERR_NONE);
    assert_int_equal(read->last, read->until);
    journal_read_release(read);
    f->reads++;
    if (f->closing)
        return;
    int64_t until = journal_committed(f->journal);
    *read = (struct journal_read){.agent = f->reads % 8, .until = until, .done = read_next};
    read->after = until > 100 ? until - 100 : 0;
    journal_read(f->journal, read);
}

static void on_closed(void *arg, const struct err *err)
{
    struct fixture *f = arg;
    f->err = *err;
    f->closed = 1;
}

static void commits_and_reads_go_on_together(void **state)
{
    (void)state;
    struct fixture f = {.watcher = {.committed = on_committed}, .read = {.done = read_next}};
    const char *folder = unit_temp_folder();
    struct store *writer, *reader;
    struct err err;
    char *aside;
    assert_true(store_open(&writer, folder, &aside, &err));
    assert_true(store_open_reader(&reader, folder, &err));
    f.loop = real_loop_create();
    f.ports = loop_ports(f.loop);
    f.journal = journal_create(f.ports, writer, reader, 0);
    f.timer = port_timer_new(f.ports, append_round, &f);
    journal_watch(f.journal, &f.watcher);
    f.ports->ops->timer_set(f.timer, 0);
    journal_read(f.journal, &f.read);
    real_loop_until(f.loop, &f.reads, ROUNDS);
    real_loop_until(f.loop, &f.rounds, ROUNDS);
    f.ports->ops->timer_free(f.timer);
    f.closing = true;
    journal_close(f.journal, on_closed, &f);
    real_loop_until(f.loop, &f.closed, 1);
    assert_int_equal(f.err.kind, ERR_NONE);
    assert_int_equal(f.seen, ROUNDS * EVENTS_A_ROUND);
    real_loop_destroy(f.loop);

    assert_true(store_open(&writer, folder, &aside, &err));
    char *lines = events_read_all(writer, 0, 0, f.seen);
    int64_t count = 0;
    for (const char *c = lines; *c; c++)
        count += *c == '\n';
    assert_int_equal(count, f.seen);
    mem_free(lines);
    store_close(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_and_reads_go_on_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
