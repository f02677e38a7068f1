// SPDX-License-Identifier: MIT
#include "tests/unit/support/unit.h"

#include "core/base/arena.h"

enum { SOME_MAX = 1 << 20 };

static void assert_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], 0);
}

static void takes_no_memory_until_asked(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SOME_MAX);
    assert_int_equal(arena.used, 0);
    arena_reset(&arena);
    arena_release(&arena);
}

static void gives_aligned_zeroed_memory_of_its_own(void **state)
{
    (void)state;
    struct arena arena;
    char *all[200];
    arena_init(&arena, SOME_MAX);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 200; i++) {
            all[i] = arena_alloc(&arena, i * 7);
            assert_int_equal((uintptr_t)all[i] % 16, 0);
            assert_zero(all[i], i * 7);
            memset(all[i], (int)i + 1, i * 7);
        }
        for (size_t i = 0; i < 200; i++)
            for (size_t k = 0; k < i * 7; k++)
                assert_int_equal((unsigned char)all[i][k], (unsigned char)(i + 1));
        arena_reset(&arena);
    }
    arena_release(&arena);
}

static void stays_below_its_ceiling(void **state)
{
    (void)state;
    for (size_t max = 0; max < 40000; max += max < 300 ? 1 : 1111) {
        struct arena arena;
        size_t given = 0;
        arena_init(&arena, max);
        while (arena_alloc(&arena, 100))
            given += 100;
        assert_true(arena.used <= max);
        assert_true(given <= max);
        if (max >= 4096) // what is lost are the headers, the rounding up and the blocks' ends
            assert_true(given > max / 2);
        assert_null(arena_alloc(&arena, SIZE_MAX));
        assert_null(arena_alloc(&arena, SIZE_MAX - 40));
        arena_release(&arena);
        assert_int_equal(arena.used, 0);
        assert_int_equal(arena.max, max);
    }
}

static void blocks_grow_up_to_256_kib(void **state)
{
    (void)state;
    struct arena arena;
    size_t largest = 0, before = 0;
    arena_init(&arena, 8 * SOME_MAX);
    arena_alloc(&arena, 16);
    assert_int_equal(arena.used, 4096);
    while (arena.used < 4 * SOME_MAX) {
        before = arena.used;
        assert_non_null(arena_alloc(&arena, 1000));
        if (arena.used - before > largest)
            largest = arena.used - before;
    }
    assert_int_equal(largest, 256 * 1024);
    arena_release(&arena);
}

static void large_things_do_not_waste_the_current_block(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 8 * SOME_MAX);
    char *small = arena_alloc(&arena, 16);
    char *large = arena_alloc(&arena, SOME_MAX);
    assert_zero(large, SOME_MAX);
    memset(large, 1, SOME_MAX);
    assert_ptr_equal(arena_alloc(&arena, 16), small + 16);
    arena_release(&arena);
}

static void reset_keeps_one_block_but_no_giant(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 8 * SOME_MAX);
    memset(arena_alloc(&arena, SOME_MAX), 1, SOME_MAX);
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    for (int i = 0; i < 1000; i++)
        memset(arena_alloc(&arena, 1000), 1, 1000);
    arena_reset(&arena);
    size_t kept = arena.used;
    assert_int_equal(kept, 256 * 1024);
    assert_zero(arena_alloc(&arena, 200 * 1024), 200 * 1024);
    assert_int_equal(arena.used, kept);
    arena_release(&arena);
}

// Near the ceiling the last block is a small one, and then not the one that is kept.
static void reset_clears_a_block_that_is_not_the_newest(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096 + 1024);
    memset(arena_alloc(&arena, 4000), 1, 4000);
    memset(arena_alloc(&arena, 200), 1, 200);
    assert_int_equal(arena.used, 4096 + 1024);
    arena_reset(&arena);
    assert_int_equal(arena.used, 4096);
    assert_zero(arena_alloc(&arena, 4000), 4000);
    arena_release(&arena);
}

static void copies_end_with_a_nul(void **state)
{
    (void)state;
    struct arena arena;
    char original[] = "a\0bc";
    arena_init(&arena, 4096);
    struct str copy = arena_copy(&arena, str_from(original, 4));
    memset(original, 'x', sizeof original);
    assert_true(str_equal(copy, STR("a\0bc")));
    assert_int_equal(copy.data[4], '\0');
    struct str empty = arena_copy(&arena, STR_NONE);
    assert_non_null(empty.data);
    assert_int_equal(empty.len, 0);
    char large[4096] = {0};
    assert_null(arena_copy(&arena, str_from(large, sizeof large)).data);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_no_memory_until_asked),
        cmocka_unit_test(gives_aligned_zeroed_memory_of_its_own),
        cmocka_unit_test(stays_below_its_ceiling),
        cmocka_unit_test(blocks_grow_up_to_256_kib),
        cmocka_unit_test(large_things_do_not_waste_the_current_block),
        cmocka_unit_test(reset_keeps_one_block_but_no_giant),
        cmocka_unit_test(reset_clears_a_block_that_is_not_the_newest),
        cmocka_unit_test(copies_end_with_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
