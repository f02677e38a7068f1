// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/tools/live_output.h"
#include "tests/unit/support/fake_ports.h"

struct eye {
    struct fake_ports *fake;
    struct live_output live;
    struct buf seen;
    int pieces;
};

static void on_piece(void *arg, struct str piece)
{
    struct eye *eye = arg;
    assert_true(utf8_is_valid(piece));
    assert_true(piece.len > 0);
    buf_add_str(&eye->seen, piece);
    eye->pieces++;
}

static void eye_init(struct eye *eye)
{
    *eye = (struct eye){.fake = fake_ports_create()};
    buf_init(&eye->seen, 1 << 20);
    live_output_init(&eye->live, fake_ports_get(eye->fake), on_piece, eye);
}

static void eye_release(struct eye *eye)
{
    live_output_release(&eye->live);
    fake_ports_destroy(eye->fake);
    buf_release(&eye->seen);
}

static void the_first_piece_comes_at_once_and_then_they_are_joined(void **state)
{
    (void)state;
    struct eye eye;
    eye_init(&eye);
    live_output_add(&eye.live, STR("a\n"));
    assert_string_equal(eye.seen.data, "a\n");
    live_output_add(&eye.live, STR("b\n"));
    live_output_add(&eye.live, STR("c\n"));
    assert_int_equal(eye.pieces, 1);
    fake_ports_advance(eye.fake, LIVE_INTERVAL_MS);
    assert_string_equal(eye.seen.data, "a\nb\nc\n");
    assert_int_equal(eye.pieces, 2);
    fake_ports_advance(eye.fake, LIVE_INTERVAL_MS);
    assert_int_equal(fake_ports_next_timer(eye.fake), -1);
    live_output_add(&eye.live, STR("d\n"));
    assert_int_equal(eye.pieces, 3);
    eye_release(&eye);
}

static void characters_are_not_cut(void **state)
{
    (void)state;
    struct eye eye;
    eye_init(&eye);
    live_output_add(&eye.live, STR("a\xF0\x9F"));
    live_output_add(&eye.live, STR("\x98"));
    fake_ports_advance(eye.fake, LIVE_INTERVAL_MS);
    assert_string_equal(eye.seen.data, "a");
    live_output_add(&eye.live, STR("\x80z\xFF"));
    fake_ports_advance(eye.fake, LIVE_INTERVAL_MS);
    assert_string_equal(eye.seen.data, "a\xF0\x9F\x98\x80z\xEF\xBF\xBD");
    eye_release(&eye);
}

static void a_flood_is_thinned(void **state)
{
    (void)state;
    struct eye eye;
    char *flood = mem_new(100001);
    memset(flood, 'x', 100000);
    eye_init(&eye);
    live_output_add(&eye.live, STR("start\n"));
    live_output_add(&eye.live, str_from(flood, 100000));
    live_output_add(&eye.live, STR("lost"));
    fake_ports_advance(eye.fake, LIVE_INTERVAL_MS);
    assert_int_equal(eye.pieces, 2);
    assert_non_null(strstr(eye.seen.data, "xx\n[... 91812 bytes are left out here ...]\n"));
    for (int i = 0; i < 100; i++) {
        live_output_add(&eye.live, str_from(flood, 100000));
        fake_ports_advance(eye.fake, LIVE_INTERVAL_MS);
    }
    assert_true(eye.seen.len < LIVE_TOTAL_MAX + 100);
    assert_true(str_ends(buf_str(&eye.seen), STR("when the command has ended ...]\n")));
    assert_int_equal(fake_ports_next_timer(eye.fake), -1);
    eye_release(&eye);
    mem_free(flood);
}

static void nobody_looks(void **state)
{
    (void)state;
    struct eye eye;
    eye_init(&eye);
    live_output_release(&eye.live);
    live_output_init(&eye.live, fake_ports_get(eye.fake), NULL, NULL);
    live_output_add(&eye.live, STR("a\n"));
    assert_int_equal(fake_ports_next_timer(eye.fake), -1);
    eye_release(&eye);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_piece_comes_at_once_and_then_they_are_joined),
        cmocka_unit_test(characters_are_not_cut),
        cmocka_unit_test(a_flood_is_thinned),
        cmocka_unit_test(nobody_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
