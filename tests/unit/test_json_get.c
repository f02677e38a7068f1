// SPDX-License-Identifier: MIT
// The getters: absent, null, right and wrong types.
#include "tests/unit/support/unit.h"

#include "core/base/json.h"

static const char text[] = "{\"s\": \"x\", \"i\": -7, \"r\": 2.5, \"f\": 5.0, \"big\": 1e300, "
                           "\"top\": 9223372036854775808,"
                           " \"b\": true, \"n\": null, \"o\": {\"s\": \"inner\"}, \"a\": [1, 2],"
                           " \"twice\": 1, \"twice\": 2, \"k\\u0000\": 3, \"nul\": \"a\\u0000b\"}";

struct fixture {
    struct arena arena;
    struct err err;
    const struct json *json;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct json *json = NULL;
    arena_init(&f->arena, 1 << 16);
    bool ok = json_parse(&json, &f->arena, str_of(text), &f->err);
    f->json = json;
    *state = f;
    return ok ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

static void finds_members(void **state)
{
    const struct fixture *f = *state;
    assert_true(str_is(json_get(f->json, "s")->string, "x"));
    assert_int_equal(json_get(f->json, "n")->type, JSON_NULL);
    assert_int_equal(json_get(f->json, "twice")->integer, 2);
    assert_null(json_get(f->json, "absent"));
    assert_null(json_get(f->json, "k"));
    assert_null(json_get(NULL, "s"));
    assert_null(json_get(json_get(f->json, "a"), "s"));
    assert_null(json_get(json_get(f->json, "s"), "s"));
}

static void walks_only_arrays_and_objects(void **state)
{
    const struct fixture *f = *state;
    int64_t sum = 0, count = 0;
    json_for_each(item, json_get(f->json, "a")) sum += item->integer;
    assert_int_equal(sum, 3);
    json_for_each(item, f->json) count++;
    assert_int_equal(count, 14);
    json_for_each(item, json_get(f->json, "s")) fail();
    json_for_each(item, json_get(f->json, "i")) fail();
    json_for_each(item, NULL) fail();
}

static void typed_getters_give_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct str s = STR_NONE;
    int64_t i = 0;
    double r = 0;
    bool b = false;
    const struct json *o = NULL, *a = NULL;
    assert_true(json_get_str(f->json, "s", &s, &f->err) && str_is(s, "x"));
    assert_true(json_get_int(f->json, "i", &i, &f->err) && i == -7);
    assert_true(json_get_int(f->json, "f", &i, &f->err) && i == 5);
    assert_true(json_get_real(f->json, "r", &r, &f->err) && r == 2.5);
    assert_true(json_get_real(f->json, "i", &r, &f->err) && r == -7);
    assert_true(json_get_bool(f->json, "b", &b, &f->err) && b);
    assert_true(json_get_object(f->json, "o", &o, &f->err) && str_is(json_str(o, "s"), "inner"));
    assert_true(json_get_array(f->json, "a", &a, &f->err) && a->count == 2);
    assert_int_equal(f->err.kind, ERR_NONE);
}

static void absent_and_null_leave_the_fallback(void **state)
{
    struct fixture *f = *state;
    const char *const keys[] = {"absent", "n"};
    for (int k = 0; k < 2; k++) {
        struct str s = STR("fallback");
        int64_t i = 9;
        double r = 9.5;
        bool b = true;
        const struct json *o = f->json, *a = f->json;
        assert_true(json_get_str(f->json, keys[k], &s, &f->err) && str_is(s, "fallback"));
        assert_true(json_get_int(f->json, keys[k], &i, &f->err) && i == 9);
        assert_true(json_get_real(f->json, keys[k], &r, &f->err) && r == 9.5);
        assert_true(json_get_bool(f->json, keys[k], &b, &f->err) && b);
        assert_true(json_get_object(f->json, keys[k], &o, &f->err) && o == f->json);
        assert_true(json_get_array(f->json, keys[k], &a, &f->err) && a == f->json);
    }
}

static void typed_getters_name_what_they_expected(void **state)
{
    struct fixture *f = *state;
    struct str s = STR("fallback");
    int64_t i = 9;
    double r = 9.5;
    bool b = true;
    const struct json *o = NULL;
    assert_false(json_get_str(f->json, "nul", &s, &f->err));
    assert_non_null(strstr(f->err.message, "nul: has a character U+0000"));
    assert_false(json_get_str(f->json, "i", &s, &f->err));
    assert_int_equal(f->err.kind, ERR_PARAMS);
    assert_string_equal(f->err.message, "i: expected a string");
    assert_false(json_get_int(f->json, "r", &i, &f->err));
    assert_string_equal(f->err.message, "r: expected an integer");
    assert_false(json_get_int(f->json, "big", &i, &f->err));
    assert_false(json_get_int(f->json, "top", &i, &f->err));
    assert_false(json_get_int(f->json, "s", &i, &f->err));
    assert_string_equal(f->err.message, "s: expected an integer");
    assert_false(json_get_real(f->json, "b", &r, &f->err));
    assert_string_equal(f->err.message, "b: expected a number");
    assert_false(json_get_bool(f->json, "i", &b, &f->err));
    assert_string_equal(f->err.message, "i: expected true or false");
    assert_false(json_get_object(f->json, "a", &o, &f->err));
    assert_string_equal(f->err.message, "a: expected an object");
    assert_false(json_get_array(f->json, "o", &o, &f->err));
    assert_string_equal(f->err.message, "o: expected an array");
    assert_true(str_is(s, "fallback") && i == 9 && r == 9.5 && b && !o);
}

static void lenient_getters_fall_back(void **state)
{
    const struct fixture *f = *state;
    assert_true(str_is(json_str(f->json, "s"), "x"));
    assert_null(json_str(f->json, "i").data);
    assert_null(json_str(NULL, "i").data);
    assert_int_equal(json_int(f->json, "i", 1), -7);
    assert_int_equal(json_int(f->json, "f", 1), 5);
    assert_int_equal(json_int(f->json, "r", 1), 1);
    assert_int_equal(json_int(f->json, "n", 1), 1);
    assert_true(json_real(f->json, "r", 1) == 2.5);
    assert_true(json_real(f->json, "i", 1) == -7);
    assert_true(json_real(f->json, "s", 1) == 1);
    assert_true(json_bool(f->json, "b", false));
    assert_true(json_bool(f->json, "s", true));
    assert_false(json_bool(f->json, "absent", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walks_only_arrays_and_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(typed_getters_give_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absent_and_null_leave_the_fallback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(typed_getters_name_what_they_expected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lenient_getters_fall_back, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
