// SPDX-License-Identifier: MIT
// A view of bytes that somebody else owns: pointer and length, not NUL-terminated.
#ifndef SWARMD_CORE_BASE_STR_H
#define SWARMD_CORE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *data;
    size_t len; // bytes
};

#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})

// For printf: "%.*s", STR_ARG(s)
#define STR_ARG(s) (int)(s).len, (s).data ? (s).data : ""

static inline struct str str_of(const char *cstring) // NULL gives the empty view
{
    return (struct str){cstring, cstring ? strlen(cstring) : 0};
}

static inline struct str str_from(const char *data, size_t len)
{
    return (struct str){data, len};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool str_is(struct str a, const char *cstring)
{
    return str_equal(a, str_of(cstring));
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.data + s.len - suffix.len, suffix.data, suffix.len) == 0);
}

static inline struct str str_skip(struct str s, size_t bytes) // bytes <= s.len
{
    return (struct str){bytes ? s.data + bytes : s.data, s.len - bytes}; // NULL + 0 is undefined
}

// Without white space (space, tab, CR, LF) at both ends.
struct str str_trim(struct str s);

// Index of the first occurrence, or -1.
long str_find(struct str s, struct str needle);

#endif
