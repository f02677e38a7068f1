// SPDX-License-Identifier: MIT
// Errors are values: a kind that decides what happens, and a sentence for the person.
//
// A function that can fail takes `struct err *err` last and returns bool (or a
// pointer). On failure it fills err once, at the place that knows most; callers
// pass it on, or prefix it with err_wrap(). err is never NULL and is untouched on
// success. A message says what failed, with which name or path, and what to do.
#ifndef SWARMD_CORE_BASE_ERR_H
#define SWARMD_CORE_BASE_ERR_H

#include <stdbool.h>

// The kinds of docs/protocol.md (-32803, data.kind), and two of our own in front.
enum err_kind {
    ERR_NONE,
    ERR_PARAMS, // the request itself is wrong: -32602
    ERR_UNKNOWN_AGENT,
    ERR_AMBIGUOUS_AGENT,
    ERR_WRONG_STATE,
    ERR_REPOSITORY,
    ERR_WORKTREE,
    ERR_CONFLICT,
    ERR_DIRTY,
    ERR_PROVIDER,
    ERR_AUTH,
    ERR_RATE_LIMITED,
    ERR_BUDGET,
    ERR_LIMIT,
    ERR_CONFIG,
    ERR_STORAGE,
    ERR_LEASE,
    ERR_REFUSED,
    ERR_KIND_COUNT
};

enum { ERR_MESSAGE_MAX = 480 }; // bytes, NUL included; longer messages end in "..."

struct err {
    enum err_kind kind;
    char message[ERR_MESSAGE_MAX];
};

// Fills err; always returns false, so that a caller can `return err_set(...)`.
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Puts "prefix: " in front of a message that is already there. Returns false.
bool err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Appends ": <strerror(code)>" to the formatted text. Returns false.
bool err_set_errno(struct err *err, enum err_kind kind, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// The protocol's name of a kind ("unknownAgent"); "" for ERR_NONE, "params" for ERR_PARAMS.
const char *err_kind_name(enum err_kind kind);

// The inverse; ERR_PROVIDER for a name that is not known.
enum err_kind err_kind_from_name(const char *name);

#endif
