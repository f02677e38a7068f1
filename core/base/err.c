// SPDX-License-Identifier: MIT
#include "core/base/err.h"

#include "core/base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[ERR_KIND_COUNT] = {
    [ERR_NONE] = "",
    [ERR_PARAMS] = "params",
    [ERR_UNKNOWN_AGENT] = "unknownAgent",
    [ERR_AMBIGUOUS_AGENT] = "ambiguousAgent",
    [ERR_WRONG_STATE] = "wrongState",
    [ERR_REPOSITORY] = "repository",
    [ERR_WORKTREE] = "worktree",
    [ERR_CONFLICT] = "conflict",
    [ERR_DIRTY] = "dirty",
    [ERR_PROVIDER] = "provider",
    [ERR_AUTH] = "auth",
    [ERR_RATE_LIMITED] = "rateLimited",
    [ERR_BUDGET] = "budget",
    [ERR_LIMIT] = "limit",
    [ERR_CONFIG] = "config",
    [ERR_STORAGE] = "storage",
    [ERR_LEASE] = "lease",
    [ERR_REFUSED] = "refused",
};

// Puts head and tail together in a copy first: either may point into err->message.
static void set_message(struct err *err, const char *head, const char *separator, const char *tail)
{
    static const char mark[] = "...";
    char text[ERR_MESSAGE_MAX];
    int len = snprintf(text, sizeof text, "%s%s%s", head, separator, tail);
    if (len < 0)
        len = 0;
    text[(size_t)len < sizeof text ? (size_t)len : sizeof text - 1] = '\0';
    if ((size_t)len >= sizeof text) {
        struct str kept = utf8_cut(str_of(text), sizeof text - sizeof mark);
        memcpy(text + kept.len, mark, sizeof mark);
    }
    memcpy(err->message, text, sizeof text);
}

// One byte more than a message can have, so that set_message() sees what is too long.
enum { FORMATTED_MAX = ERR_MESSAGE_MAX + 1 };

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    char text[FORMATTED_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    set_message(err, text, "", "");
    err->kind = kind;
    return false;
}

bool err_wrap(struct err *err, const char *format, ...)
{
    char text[FORMATTED_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    set_message(err, text, ": ", err->message);
    return false;
}

bool err_set_errno(struct err *err, enum err_kind kind, int code, const char *format, ...)
{
    char text[FORMATTED_MAX], reason[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    set_message(err, text, ": ", strerror_r(code, reason, sizeof reason));
    err->kind = kind;
    return false;
}

const char *err_kind_name(enum err_kind kind)
{
    return (unsigned)kind < ERR_KIND_COUNT ? kind_names[kind] : "";
}

enum err_kind err_kind_from_name(const char *name)
{
    for (int kind = ERR_PARAMS; name && kind < ERR_KIND_COUNT; kind++)
        if (strcmp(kind_names[kind], name) == 0)
            return (enum err_kind)kind;
    return ERR_PROVIDER;
}
