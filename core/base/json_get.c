// SPDX-License-Identifier: MIT
#include "core/base/json.h"

#include <string.h>

const struct json *json_get(const struct json *json, const char *key)
{
    const struct json *found = NULL;
    if (!json || json->type != JSON_OBJECT)
        return NULL;
    struct str wanted = str_of(key);
    json_for_each(member, json) if (str_equal(member->key, wanted)) found = member;
    return found;
}

static const struct json *get_present(const struct json *json, const char *key)
{
    const struct json *member = json_get(json, key);
    return member && member->type != JSON_NULL ? member : NULL;
}

static const struct json *get_typed(const struct json *json, const char *key, enum json_type type)
{
    const struct json *member = json_get(json, key);
    return member && member->type == type ? member : NULL;
}

static bool expected(struct err *err, const char *key, const char *type)
{
    return err_set(err, ERR_PARAMS, "%s: expected %s", key, type);
}

// Clients whose language has one number type write 5 as 5.0 or 5e0.
static bool as_integer(const struct json *json, int64_t *out)
{
    if (json->type == JSON_INT) {
        *out = json->integer;
        return true;
    }
    if (json->type != JSON_REAL || json->real < -0x1p63 || json->real >= 0x1p63 ||
        (double)(int64_t)json->real != json->real)
        return false;
    *out = (int64_t)json->real;
    return true;
}

static bool as_real(const struct json *json, double *out)
{
    if (json->type != JSON_INT && json->type != JSON_REAL)
        return false;
    *out = json->type == JSON_INT ? (double)json->integer : json->real;
    return true;
}

bool json_get_str(const struct json *json, const char *key, struct str *out, struct err *err)
{
    const struct json *member = get_present(json, key);
    if (!member)
        return true;
    if (member->type != JSON_STRING)
        return expected(err, key, "a string");
    if (member->string.len && memchr(member->string.data, '\0', member->string.len))
        return err_set(err, ERR_PARAMS, "%s: has a character U+0000 in it", key);
    *out = member->string;
    return true;
}

bool json_get_int(const struct json *json, const char *key, int64_t *out, struct err *err)
{
    const struct json *member = get_present(json, key);
    return !member || as_integer(member, out) || expected(err, key, "an integer");
}

bool json_get_bool(const struct json *json, const char *key, bool *out, struct err *err)
{
    const struct json *member = get_present(json, key);
    if (!member)
        return true;
    if (member->type != JSON_BOOL)
        return expected(err, key, "true or false");
    *out = member->boolean;
    return true;
}

bool json_get_real(const struct json *json, const char *key, double *out, struct err *err)
{
    const struct json *member = get_present(json, key);
    return !member || as_real(member, out) || expected(err, key, "a number");
}

bool json_get_object(const struct json *json, const char *key, const struct json **out,
                     struct err *err)
{
    const struct json *member = get_present(json, key);
    if (!member)
        return true;
    if (member->type != JSON_OBJECT)
        return expected(err, key, "an object");
    *out = member;
    return true;
}

bool json_get_array(const struct json *json, const char *key, const struct json **out,
                    struct err *err)
{
    const struct json *member = get_present(json, key);
    if (!member)
        return true;
    if (member->type != JSON_ARRAY)
        return expected(err, key, "an array");
    *out = member;
    return true;
}

struct str json_str(const struct json *json, const char *key)
{
    const struct json *member = get_typed(json, key, JSON_STRING);
    return member ? member->string : STR_NONE;
}

int64_t json_int(const struct json *json, const char *key, int64_t fallback)
{
    const struct json *member = json_get(json, key);
    int64_t value;
    return member && as_integer(member, &value) ? value : fallback;
}

double json_real(const struct json *json, const char *key, double fallback)
{
    const struct json *member = json_get(json, key);
    double value;
    return member && as_real(member, &value) ? value : fallback;
}

bool json_bool(const struct json *json, const char *key, bool fallback)
{
    const struct json *member = get_typed(json, key, JSON_BOOL);
    return member ? member->boolean : fallback;
}
