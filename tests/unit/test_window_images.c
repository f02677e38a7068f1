// SPDX-License-Identifier: MIT
// Images in the context window: bounded by their bytes, the newest whole, stable between two cuts.
#include "tests/unit/support/unit.h"

#include "core/agent/transcript.h"
#include "core/base/mem.h"
#include "core/context/window.h"

enum { MIB = 1 << 20 };

struct world {
    struct transcript transcript;
    struct window window;
    struct window_limits limits;
    struct window_cut cut;
    int64_t seq;
};

static void open_world(struct world *world)
{
    *world = (struct world){0};
    transcript_init(&world->transcript);
    window_limits(&world->window, 1000000, 0, 0, 0, &world->limits);
}

static void close_world(struct world *world)
{
    transcript_release(&world->transcript);
}

static void add_message(struct world *world, size_t count, size_t bytes)
{
    struct item *item = item_new(ITEM_USER);
    item->seq = item->turn = ++world->seq;
    item->status = ITEM_COMPLETED;
    buf_add_str(&item->text, STR("look"));
    item->images.items = mem_new_array(IMAGES_MAX, sizeof(struct image));
    for (item->images.count = 0; item->images.count < count; item->images.count++) {
        struct image *image = &item->images.items[item->images.count];
        *image = (struct image){"image/png", mem_new(bytes), bytes};
        memset(image->data, 'A', bytes);
    }
    transcript_add(&world->transcript, item);
}

static enum window_fit make_fit(struct world *world)
{
    struct err err;
    return window_fit(&world->window, &world->transcript, &world->limits, false, &world->cut, &err);
}

struct seen {
    size_t images, bytes, placeholders;
};

static struct seen look(const struct world *world)
{
    struct seen seen = {0};
    struct arena arena;
    struct model_part *parts;
    size_t count;
    struct err err;
    arena_init(&arena, MIB);
    assert_true(window_parts(&world->window, &world->transcript, &arena, &parts, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (parts[i].kind == MODEL_USER_IMAGE) {
            seen.images++;
            seen.bytes += parts[i].text.len;
        } else {
            seen.placeholders += str_is(parts[i].text, "[image of 3.0 MB left out: too old]");
        }
    }
    arena_release(&arena);
    return seen;
}

static void test_older_images_become_a_line(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    for (int i = 0; i < 8; i++) {
        add_message(&world, 2, 4 * MIB);
        assert_int_equal(make_fit(&world), i >= 2 && i % 2 == 0 ? WINDOW_CUT : WINDOW_FITS);
        struct seen seen = look(&world);
        assert_true(seen.bytes <= WINDOW_IMAGES_MAX);
        assert_true(seen.images >= 2); // the newest message's
        assert_int_equal(seen.images + seen.placeholders, (size_t)(i + 1) * 2);
    }
    close_world(&world);
}

static void test_at_the_bound(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    for (int i = 0; i < WINDOW_IMAGES_MAX / (4 * MIB); i++)
        add_message(&world, 1, 4 * MIB);
    assert_int_equal(make_fit(&world), WINDOW_FITS);
    assert_int_equal(look(&world).images, 5);
    add_message(&world, 1, 4);
    assert_int_equal(make_fit(&world), WINDOW_CUT);
    assert_int_equal(world.cut.images, 3);
    assert_int_equal(look(&world).images, 3);
    assert_int_equal(make_fit(&world), WINDOW_FITS);
    close_world(&world);
}

static void test_what_is_left_out_is_not_held(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    for (int i = 0; i < 6; i++)
        add_message(&world, 1, 4 * MIB);
    make_fit(&world);
    struct seen before = look(&world);
    transcript_forget(&world.transcript, &world.window);
    struct seen after = look(&world);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(world.transcript.bytes, 2 * 4 * MIB + 6 * 4);
    window_reset(&world.window); // it is in the store alone, whatever the marks say
    assert_int_equal(look(&world).images, 2);
    close_world(&world);
}

static void test_all_but_the_newest_are_dropped(void **unused)
{
    (void)unused;
    struct world world;
    open_world(&world);
    for (int i = 0; i < 3; i++)
        add_message(&world, 1, 4 * MIB);
    add_message(&world, 0, 0);
    assert_int_equal(window_drop_images(&world.window, &world.transcript), 2);
    assert_int_equal(look(&world).images, 1);
    assert_int_equal(window_drop_images(&world.window, &world.transcript), 0);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older_images_become_a_line),
        cmocka_unit_test(test_at_the_bound),
        cmocka_unit_test(test_what_is_left_out_is_not_held),
        cmocka_unit_test(test_all_but_the_newest_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
