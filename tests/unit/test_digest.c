// SPDX-License-Identifier: MIT
// What of a large output a model reads, and the pieces that it is cut into.
#include "tests/unit/support/unit.h"

#include "core/base/utf8.h"
#include "core/context/digest.h"

static void make(struct buf *text, int lines, int error_at)
{
    buf_init(text, 64 << 20);
    for (int i = 1; i <= lines; i++)
        if (i == error_at)
            buf_addf(text, "x.c:%d: error: ü\n", i);
        else
            buf_addf(text, "line %d says €\n", i);
}

static void digest(struct str text, size_t max, struct buf *out)
{
    struct digest digest;
    buf_init(out, 64 << 20);
    digest_init(&digest, (int64_t)text.len, max);
    while (text.len) { // as it comes: some lines at a time
        size_t some = text.len < 5000 ? text.len : 5000;
        const char *end = memchr(text.data + some - 1, '\n', text.len - some + 1);
        size_t len = (size_t)(end - text.data) + 1;
        digest_add(&digest, str_from(text.data, len));
        text = str_skip(text, len);
    }
    digest_put(&digest, out);
    digest_release(&digest);
}

static void test_all_of_what_fits(void **unused)
{
    (void)unused;
    struct buf text, out;
    make(&text, 500, 0);
    for (size_t more = 0; more < 2; more++) {
        digest(buf_str(&text), text.len + more, &out);
        assert_true(str_equal(buf_str(&out), buf_str(&text)));
        buf_release(&out);
    }
    buf_release(&text);
}

static void test_beginning_errors_and_end_of_more(void **unused)
{
    (void)unused;
    struct buf text, out;
    make(&text, 20000, 9000);
    digest(buf_str(&text), 20000, &out);
    struct str s = buf_str(&out);
    assert_true(s.len <= 20000 && s.len > 15000 && utf8_is_valid(s));
    assert_true(str_starts(s, STR("line 1 says")) && str_ends(s, STR("line 20000 says €\n")));
    assert_true(str_find(s, STR("1 lines among them look like errors:]\n[line 9000] x.c:9000: "
                                "error: ü\n")) > 0);
    buf_release(&out);
    buf_release(&text);
}

static void test_more_errors_than_there_is_room_for(void **unused)
{
    (void)unused;
    struct buf text, out;
    buf_init(&text, 64 << 20);
    for (int i = 0; i < 10000; i++)
        buf_addf(&text, "x.c:%d: error: again\n", i);
    digest(buf_str(&text), 20000, &out);
    assert_true(out.len <= 20000 + 200 && !out.overflow);
    assert_true(str_find(buf_str(&out), STR("look like errors; the first ones:]")) > 0);
    buf_release(&out);
    buf_release(&text);
}

static void test_pieces(void **unused)
{
    (void)unused;
    struct buf text;
    make(&text, 20000, 0);
    for (size_t max = 2001; max < 200000; max = max * 3 / 2) {
        struct str rest = buf_str(&text);
        size_t count = 0, least = (text.len + max - 1) / max;
        while (rest.len) {
            struct str piece = digest_piece(&rest, max);
            assert_true(piece.len > 0 && piece.len <= max && str_ends(piece, STR("\n")));
            count++;
        }
        assert_true(count >= least && count <= least + least / 10 + 1);
    }
    buf_release(&text);
}

// One line without end, of characters of three bytes.
static void test_pieces_of_one_line(void **unused)
{
    (void)unused;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 10000; i++)
        buf_add_str(&text, STR("€"));
    for (size_t max = 4000; max < 4003; max++) {
        struct str rest = buf_str(&text);
        size_t total = 0;
        while (rest.len) {
            struct str piece = digest_piece(&rest, max);
            assert_true(piece.len > 0 && piece.len <= max && utf8_is_valid(piece));
            total += utf8_count(piece);
        }
        assert_int_equal(total, 10000);
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_what_fits),
        cmocka_unit_test(test_beginning_errors_and_end_of_more),
        cmocka_unit_test(test_more_errors_than_there_is_room_for),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_pieces_of_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
