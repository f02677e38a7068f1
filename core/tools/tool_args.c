// SPDX-License-Identifier: MIT
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/files/file.h"
#include "core/tools/tool_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { NAME_SHOWN_MAX = 60 };

bool tool_args_error(const struct tool_takes *takes, struct err *err, const char *format, ...)
{
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(err, ERR_PARAMS, "%s: %s; takes %s", takes->tool, what, takes->text);
}

static const char *type_name(enum json_type type)
{
    switch (type) {
    case JSON_STRING:
        return "a string";
    case JSON_INT:
        return "an integer";
    case JSON_BOOL:
        return "a boolean";
    case JSON_ARRAY:
        return "an array";
    default:
        return "an object";
    }
}

// An integer that a model wrote with a fraction of zero is one.
static bool integer_of(const struct json *value, int64_t *out)
{
    if (value->type == JSON_INT) {
        *out = value->integer;
        return true;
    }
    if (value->type != JSON_REAL || !(value->real > -1e15 && value->real < 1e15) ||
        (double)(int64_t)value->real != value->real)
        return false;
    *out = (int64_t)value->real;
    return true;
}

static bool check_one(const struct tool_takes *takes, const struct tool_arg *arg,
                      const struct json *value, struct err *err)
{
    int64_t integer = 0;
    if (!value || value->type == JSON_NULL)
        return !arg->required || tool_args_error(takes, err, "`%s` is missing", arg->name);
    bool fits = arg->type == JSON_INT ? integer_of(value, &integer) : value->type == arg->type;
    if (!fits)
        return tool_args_error(takes, err, "`%s` is not %s", arg->name, type_name(arg->type));
    if (arg->type == JSON_INT && (integer < arg->min || integer > arg->max))
        return tool_args_error(takes, err, "`%s` is not from %" PRId64 " to %" PRId64, arg->name,
                               arg->min, arg->max);
    if (arg->type == JSON_STRING && arg->required && !arg->may_be_empty && value->string.len == 0)
        return tool_args_error(takes, err, "`%s` is empty", arg->name);
    return true;
}

static bool is_taken(const struct tool_takes *takes, struct str key)
{
    for (size_t i = 0; i < takes->count; i++) {
        if (str_is(key, takes->args[i].name))
            return true;
    }
    return false;
}

bool tool_args_check(const struct tool_takes *takes, const struct json *input, struct err *err)
{
    if (!input || input->type != JSON_OBJECT)
        return tool_args_error(takes, err, "the arguments are not a JSON object");
    for (size_t i = 0; i < takes->count; i++) {
        if (!check_one(takes, &takes->args[i], json_get(input, takes->args[i].name), err))
            return false;
    }
    json_for_each(member, input)
    {
        struct str key = utf8_cut(member->key, NAME_SHOWN_MAX);
        if (!is_taken(takes, member->key))
            return tool_args_error(takes, err, "there is no argument `%.*s`", STR_ARG(key));
    }
    return true;
}

int64_t tool_arg_int(const struct json *input, const char *key, int64_t fallback)
{
    const struct json *value = json_get(input, key);
    int64_t integer = fallback;
    if (value)
        integer_of(value, &integer);
    return integer;
}

struct str tool_arg_path(const struct json *input)
{
    struct str path = json_str(input, "path");
    return path.len ? path : STR(".");
}

char *tool_writable_path(const struct tool_place *place, const struct json *input, struct err *err)
{
    char *rel = root_relative(place->root, tool_arg_path(input), err);
    if (!rel || !file_is_git(rel))
        return rel;
    err_set(err, ERR_REFUSED, "%s belongs to git and cannot be written", rel);
    mem_free(rel);
    return NULL;
}
