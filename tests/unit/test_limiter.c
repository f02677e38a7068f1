// SPDX-License-Identifier: MIT
// Places, pace and breaker of one account, on a clock that the test turns.
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/model/limiter.h"
#include "tests/unit/support/fake_ports.h"

enum { USERS = 64 };

struct request {
    struct limiter_ticket ticket; // first
    char name;
    int granted, moved;
    struct scene *scene;
};

struct scene {
    struct fake_ports *fake;
    struct limiter *limiter;
    struct limiter_user users[USERS];
    struct request requests[USERS];
    char order[2 * USERS]; // names of those who were served
};

static void on_granted(struct limiter_ticket *ticket)
{
    struct request *request = (struct request *)ticket;
    request->granted++;
    strncat(request->scene->order, &request->name, 1);
}

static void on_moved(struct limiter_ticket *ticket)
{
    ((struct request *)ticket)->moved++;
}

static struct scene *begin(enum limiter_mode mode, int places)
{
    struct scene *scene = mem_new(sizeof(*scene));
    scene->fake = fake_ports_create();
    scene->limiter = limiter_create(fake_ports_get(scene->fake), mode, places);
    for (int i = 0; i < USERS; i++) {
        limiter_user_init(&scene->users[i]);
        scene->requests[i].ticket.granted = on_granted;
        scene->requests[i].ticket.moved = on_moved;
        scene->requests[i].name = (char)('a' + i % 26);
        scene->requests[i].scene = scene;
    }
    return scene;
}

static void end(struct scene *scene)
{
    for (int i = 0; i < USERS; i++)
        limiter_cancel(&scene->requests[i].ticket);
    fake_ports_run(scene->fake);
    struct limiter_state state = limiter_state(scene->limiter);
    assert_int_equal(state.in_use, 0);
    assert_int_equal(state.waiting, 0);
    limiter_destroy(scene->limiter);
    fake_ports_destroy(scene->fake);
    mem_free(scene);
}

static enum limiter_answer take_as(struct scene *scene, int request, int user)
{
    return limiter_take(scene->limiter, &scene->users[user], &scene->requests[request].ticket);
}

static enum limiter_answer take(struct scene *scene, int request)
{
    return take_as(scene, request, request);
}

static void give(struct scene *scene, int request, enum limiter_outcome outcome, int64_t after)
{
    limiter_give(&scene->requests[request].ticket, &(struct limiter_end){outcome, after, -1});
    fake_ports_run(scene->fake);
}

static void answer(struct scene *scene, int request)
{
    give(scene, request, LIMITER_ANSWERED, -1);
}

// One after another, each refused without a word of when to come again.
static void refuse_many(struct scene *scene, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(take(scene, i), LIMITER_HELD);
        give(scene, i, LIMITER_TURNED_AWAY, -1);
    }
}

static struct limiter_state look(struct scene *scene)
{
    return limiter_state(scene->limiter);
}

static void test_only_so_many_at_once(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 2);
    assert_int_equal(take(scene, 0), LIMITER_HELD);
    assert_int_equal(take(scene, 1), LIMITER_HELD);
    assert_int_equal(take(scene, 2), LIMITER_WAITS);
    assert_int_equal(fake_ports_next_timer(scene->fake), -1); // nothing to look for
    answer(scene, 0);
    assert_string_equal(scene->order, "c");
    assert_int_equal(look(scene).in_use, 2);
    end(scene);
}

static void test_users_take_turns_and_their_requests_keep_their_order(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 1);
    take_as(scene, 25, 9); // z: holds the place
    take_as(scene, 0, 0);  // a b c: of one user
    take_as(scene, 1, 0);
    take_as(scene, 2, 0);
    take_as(scene, 3, 1); // d e: of another
    take_as(scene, 4, 1);
    take_as(scene, 5, 2); // f: of a third
    const char *expected = "adfbec";
    answer(scene, 25);
    for (int i = 0; i < 6; i++)
        answer(scene, expected[i] - 'a');
    assert_string_equal(scene->order, expected);
    end(scene);
}

static void test_who_cancels_leaves_the_queue(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 1);
    for (int i = 0; i < 4; i++)
        take(scene, i);
    assert_int_equal(limiter_before(&scene->requests[1].ticket), 0);
    assert_int_equal(limiter_before(&scene->requests[3].ticket), 2);
    limiter_cancel(&scene->requests[1].ticket);
    limiter_cancel(&scene->requests[1].ticket); // again is harmless
    assert_int_equal(limiter_before(&scene->requests[2].ticket), 0);
    limiter_cancel(&scene->requests[0].ticket); // gives its place back
    fake_ports_run(scene->fake);
    assert_string_equal(scene->order, "c");
    assert_int_equal(look(scene).waiting, 1);
    end(scene);
}

static void test_those_who_wait_hear_that_they_move_up(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 1);
    for (int i = 0; i < 4; i++)
        take(scene, i);
    answer(scene, 0);
    answer(scene, 1);
    assert_int_equal(scene->requests[3].moved, 0);
    fake_ports_advance(scene->fake, LIMITER_TELL_MS);
    assert_int_equal(scene->requests[3].moved, 1);
    assert_int_equal(limiter_before(&scene->requests[3].ticket), 0);
    assert_int_equal(fake_ports_next_timer(scene->fake), -1); // nothing moves: nothing to tell
    end(scene);
}

static void test_off_has_no_limit(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_OFF, 0);
    for (int i = 0; i < USERS; i++)
        assert_int_equal(take(scene, i), LIMITER_HELD);
    end(scene);
}

// One round: everybody who can has a request, and all are answered.
static int round_of_answers(struct scene *scene)
{
    int held = 0;
    for (int i = 0; i < USERS && take(scene, i) == LIMITER_HELD; i++)
        held++;
    limiter_cancel(&scene->requests[held].ticket); // who waits
    for (int i = 0; i < held; i++)
        limiter_give(&scene->requests[i].ticket, &(struct limiter_end){LIMITER_ANSWERED, -1, -1});
    fake_ports_run(scene->fake);
    return held;
}

static void test_places_grow_by_one_a_round_and_are_halved_once_a_round(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_ADAPTIVE, LIMITER_PLACES_FIRST);
    // The first to end of a round sees all places used, the others do not: about one a round.
    for (int i = 0; i < 200 && look(scene).places < 16; i++)
        round_of_answers(scene);
    assert_int_equal(look(scene).places, 16);
    for (int i = 0; i < 16; i++)
        assert_int_equal(take(scene, i), LIMITER_HELD);
    for (int i = 0; i < 4; i++)
        give(scene, i, LIMITER_TURNED_AWAY, -1);
    assert_int_equal(look(scene).places, 8);
    for (int i = 4; i < 12; i++)
        answer(scene, i); // more than half are used no more: no reason to grow
    assert_int_equal(look(scene).places, 8);
    assert_int_equal(look(scene).turned_away, 4);
    assert_int_equal(take(scene, 0), LIMITER_HELD); // begun after the cut
    give(scene, 0, LIMITER_OVERLOADED, -1);
    assert_in_range(look(scene).places, 2, 3); // half of the five that were under way
    end(scene);
}

static void test_places_that_are_not_used_do_not_grow(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_ADAPTIVE, LIMITER_PLACES_FIRST);
    for (int i = 0; i < 1000; i++) {
        take(scene, 0);
        answer(scene, 0);
    }
    assert_int_equal(look(scene).places, LIMITER_PLACES_FIRST);
    end(scene);
}

static void test_places_have_a_ceiling(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_ADAPTIVE, LIMITER_PLACES_MAX - 1);
    struct limiter_ticket *tickets = mem_new_array(LIMITER_PLACES_MAX + 1, sizeof(*tickets));
    for (int again = 0; again < 5; again++) {
        int held = 0;
        while (limiter_take(scene->limiter, &scene->users[0], &tickets[held]) == LIMITER_HELD)
            held++;
        limiter_cancel(&tickets[held]);
        for (int i = 0; i < held; i++)
            limiter_give(&tickets[i], &(struct limiter_end){LIMITER_ANSWERED, -1, -1});
    }
    assert_in_range(look(scene).places, LIMITER_PLACES_MAX - 1, LIMITER_PLACES_MAX);
    mem_free(tickets);
    end(scene);
}

static void test_a_pause_that_the_server_asks_for_is_everybodys(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 4);
    take(scene, 0);
    give(scene, 0, LIMITER_TURNED_AWAY, 12000);
    assert_int_equal(take(scene, 1), LIMITER_WAITS);
    assert_int_equal(look(scene).wait, LIMITER_WAIT_ASKED);
    assert_int_equal(look(scene).wait_ms, 12000);
    fake_ports_advance(scene->fake, 11999);
    assert_string_equal(scene->order, "");
    fake_ports_advance(scene->fake, 1);
    assert_string_equal(scene->order, "b");
    end(scene);
}

static void take_the_next(void *arg)
{
    struct scene *scene = arg;
    assert_int_equal(take(scene, 2), LIMITER_WAITS);
}

// The clock may show that a pause is over before the limiter's timer has fired.
static void test_who_comes_as_a_pause_ends_does_not_keep_others_waiting(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 4);
    const struct ports *ports = fake_ports_get(scene->fake);
    struct timer *timer = port_timer_new(ports, take_the_next, scene);
    ports->ops->timer_set(timer, 1000); // before the limiter's, which is due at the same time
    take(scene, 0);
    give(scene, 0, LIMITER_TURNED_AWAY, 1000);
    assert_int_equal(take(scene, 1), LIMITER_WAITS);
    fake_ports_advance(scene->fake, 1000);
    assert_string_equal(scene->order, "bc");
    ports->ops->timer_free(timer);
    end(scene);
}

static void test_a_pause_has_a_ceiling(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 4);
    take(scene, 0);
    give(scene, 0, LIMITER_TURNED_AWAY, INT64_C(86400000));
    assert_int_equal(take(scene, 1), LIMITER_WAITS);
    assert_int_equal(look(scene).wait_ms, LIMITER_ASKED_MS_MAX);
    end(scene);
}

static void test_the_breaker_opens_and_lets_one_through(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 4);
    refuse_many(scene, LIMITER_BREAK_AFTER - 1);
    assert_int_equal(look(scene).breaker, BREAKER_CLOSED);
    refuse_many(scene, 1);
    assert_int_equal(look(scene).breaker, BREAKER_OPEN);
    for (int i = 10; i < 16; i++)
        assert_int_equal(take(scene, i), LIMITER_WAITS);
    fake_ports_advance(scene->fake, LIMITER_OPEN_MS - 1);
    assert_string_equal(scene->order, "");
    fake_ports_advance(scene->fake, 1);
    assert_string_equal(scene->order, "k"); // one, although there are four places
    assert_int_equal(look(scene).breaker, BREAKER_PROBING);
    give(scene, 10, LIMITER_OVERLOADED, -1); // in vain: twice as long
    fake_ports_advance(scene->fake, 2 * LIMITER_OPEN_MS - 1);
    assert_string_equal(scene->order, "k");
    fake_ports_advance(scene->fake, 1);
    assert_string_equal(scene->order, "kl");
    answer(scene, 11);
    assert_string_equal(scene->order, "klm"); // begins anew, with one
    assert_int_equal(look(scene).breaker, BREAKER_REOPENING);
    answer(scene, 12);
    assert_string_equal(scene->order, "klmno"); // then two
    answer(scene, 13);
    answer(scene, 14);
    assert_string_equal(scene->order, "klmnop");
    assert_int_equal(look(scene).opened, 1);
    end(scene);
}

static void test_an_open_breaker_has_a_longest_time(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 4);
    refuse_many(scene, LIMITER_BREAK_AFTER);
    for (int i = 0; i < 12; i++) {
        take(scene, 0);
        fake_ports_advance(scene->fake, LIMITER_OPEN_MS_MAX);
        assert_int_equal(scene->requests[0].granted, i + 1);
        give(scene, 0, LIMITER_TURNED_AWAY, -1);
    }
    assert_int_equal(look(scene).opened, 1);
    end(scene);
}

static void test_a_probe_that_is_cut_is_followed_by_another(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 4);
    refuse_many(scene, LIMITER_BREAK_AFTER);
    take(scene, 10);
    take(scene, 11);
    fake_ports_advance(scene->fake, LIMITER_OPEN_MS);
    assert_string_equal(scene->order, "k");
    limiter_cancel(&scene->requests[10].ticket);
    fake_ports_run(scene->fake);
    assert_string_equal(scene->order, "kl");
    end(scene);
}

static void test_answers_in_between_keep_the_breaker_closed(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 4);
    for (int i = 0; i < 3; i++) {
        refuse_many(scene, LIMITER_BREAK_AFTER - 1);
        take(scene, 0);
        answer(scene, 0);
    }
    assert_int_equal(look(scene).breaker, BREAKER_CLOSED);
    for (int i = 0; i < 20; i++) { // a connection that breaks is no refusal
        take(scene, 0);
        give(scene, 0, LIMITER_BROKE, -1);
    }
    assert_int_equal(look(scene).breaker, BREAKER_CLOSED);
    assert_int_equal(look(scene).broke, 20);
    end(scene);
}

static void rates(struct scene *scene, int64_t remaining, int64_t tokens_remaining)
{
    struct limiter_rates rates = {{100, remaining, 60000}, {100000, tokens_remaining, 60000}};
    limiter_set_rates(scene->limiter, &rates);
    fake_ports_run(scene->fake);
}

static void test_beginnings_are_spread_when_little_remains(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 8);
    rates(scene, 60, 90000);
    assert_int_equal(look(scene).gap_ms, 0); // more than half
    rates(scene, 10, 90000);
    assert_int_equal(look(scene).gap_ms, 60000 / 90); // what comes back
    rates(scene, 0, 90000);
    assert_int_equal(look(scene).gap_ms, 2 * 60000 / 100); // twice that
    assert_int_equal(take(scene, 0), LIMITER_HELD);
    assert_int_equal(take(scene, 1), LIMITER_WAITS);
    assert_int_equal(look(scene).wait, LIMITER_WAIT_PACE);
    fake_ports_advance(scene->fake, 1199);
    assert_string_equal(scene->order, "");
    fake_ports_advance(scene->fake, 1);
    assert_string_equal(scene->order, "b");
    fake_ports_advance(scene->fake, 60000); // it is whole again
    assert_int_equal(look(scene).gap_ms, 0);
    end(scene);
}

static void test_tokens_count_by_what_requests_take(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 8);
    take(scene, 0);
    limiter_give(&scene->requests[0].ticket, &(struct limiter_end){LIMITER_ANSWERED, -1, 9000});
    rates(scene, 90, 10000);
    assert_int_equal(look(scene).gap_ms, 9000 * 60000 / 90000);
    end(scene);
    // Headers come first, and what the request took when it has ended.
    scene = begin(LIMITER_FIXED, 8);
    take(scene, 0);
    rates(scene, 90, 10000);
    assert_int_equal(look(scene).gap_ms, 0);
    limiter_give(&scene->requests[0].ticket, &(struct limiter_end){LIMITER_ANSWERED, -1, 9000});
    assert_int_equal(look(scene).gap_ms, 9000 * 60000 / 90000);
    end(scene);
}

static void test_a_gap_has_a_ceiling_and_ends_when_more_remains(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 8);
    struct limiter_rates day = {{10, 0, INT64_C(86400000)}, {-1, -1, -1}};
    limiter_set_rates(scene->limiter, &day);
    assert_int_equal(look(scene).gap_ms, LIMITER_GAP_MS_MAX);
    take(scene, 0);
    assert_int_equal(take(scene, 1), LIMITER_WAITS);
    rates(scene, 90, 90000);
    assert_string_equal(scene->order, "b");
    end(scene);
}

static void test_nobody_is_served_while_it_is_exhausted(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 2);
    take(scene, 0);
    limiter_set_exhausted(scene->limiter, true);
    assert_int_equal(take(scene, 1), LIMITER_WAITS);
    assert_int_equal(take(scene, 2), LIMITER_WAITS);
    answer(scene, 0); // what is under way may end
    assert_string_equal(scene->order, "");
    assert_int_equal(look(scene).wait, LIMITER_WAIT_EXHAUSTED);
    assert_int_equal(fake_ports_next_timer(scene->fake), -1); // no idle wake-up
    limiter_set_exhausted(scene->limiter, false);
    assert_int_equal(scene->requests[1].moved, 1);
    fake_ports_run(scene->fake);
    assert_string_equal(scene->order, "b"); // one at first
    answer(scene, 1);
    assert_string_equal(scene->order, "bc");
    end(scene);
}

static void test_the_queue_has_an_end(void **state)
{
    (void)state;
    struct scene *scene = begin(LIMITER_FIXED, 1);
    struct limiter_ticket *tickets = mem_new_array(LIMITER_WAITING_MAX + 2, sizeof(*tickets));
    for (int i = 0; i <= LIMITER_WAITING_MAX; i++)
        assert_int_not_equal(limiter_take(scene->limiter, &scene->users[i % USERS], &tickets[i]),
                             LIMITER_FULL);
    assert_int_equal(
        limiter_take(scene->limiter, &scene->users[0], &tickets[LIMITER_WAITING_MAX + 1]),
        LIMITER_FULL);
    for (int i = LIMITER_WAITING_MAX; i >= 0; i--)
        limiter_cancel(&tickets[i]);
    fake_ports_run(scene->fake);
    mem_free(tickets);
    end(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_so_many_at_once),
        cmocka_unit_test(test_users_take_turns_and_their_requests_keep_their_order),
        cmocka_unit_test(test_who_cancels_leaves_the_queue),
        cmocka_unit_test(test_those_who_wait_hear_that_they_move_up),
        cmocka_unit_test(test_off_has_no_limit),
        cmocka_unit_test(test_places_grow_by_one_a_round_and_are_halved_once_a_round),
        cmocka_unit_test(test_places_that_are_not_used_do_not_grow),
        cmocka_unit_test(test_places_have_a_ceiling),
        cmocka_unit_test(test_a_pause_that_the_server_asks_for_is_everybodys),
        cmocka_unit_test(test_who_comes_as_a_pause_ends_does_not_keep_others_waiting),
        cmocka_unit_test(test_a_pause_has_a_ceiling),
        cmocka_unit_test(test_the_breaker_opens_and_lets_one_through),
        cmocka_unit_test(test_an_open_breaker_has_a_longest_time),
        cmocka_unit_test(test_a_probe_that_is_cut_is_followed_by_another),
        cmocka_unit_test(test_answers_in_between_keep_the_breaker_closed),
        cmocka_unit_test(test_beginnings_are_spread_when_little_remains),
        cmocka_unit_test(test_tokens_count_by_what_requests_take),
        cmocka_unit_test(test_a_gap_has_a_ceiling_and_ends_when_more_remains),
        cmocka_unit_test(test_nobody_is_served_while_it_is_exhausted),
        cmocka_unit_test(test_the_queue_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
