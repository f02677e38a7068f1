// SPDX-License-Identifier: MIT
// A growable run of bytes with a named ceiling.
//
// Appending past the ceiling (or past what malloc gives) appends nothing and sets
// `overflow`, which stays until buf_clear(), and until then nothing more is appended;
// so a run of appends is checked once, at its end, and what is there has no hole. The bytes are
// always followed by a NUL that is not counted, unless nothing was ever appended (data is NULL
// then).
#ifndef SWARMD_CORE_BASE_BUF_H
#define SWARMD_CORE_BASE_BUF_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max; // bytes; the ceiling
    bool overflow;
};

void buf_init(struct buf *buf, size_t max);
void buf_release(struct buf *buf); // back to the state of buf_init; frees
void buf_clear(struct buf *buf);   // len 0, overflow off; keeps the memory

bool buf_grow(struct buf *buf, size_t extra); // what buf_reserve() does when there is no room

// False sets overflow.
static inline bool buf_reserve(struct buf *buf, size_t extra)
{
    return (!buf->overflow && extra < buf->cap - buf->len) || buf_grow(buf, extra);
}

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_str(struct buf *buf, struct str s);

static inline void buf_add_char(struct buf *buf, char c)
{
    if (!buf_reserve(buf, 1))
        return;
    buf->data[buf->len++] = c;
    buf->data[buf->len] = '\0';
}

void buf_add_int(struct buf *buf, int64_t value);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_remove_front(struct buf *buf, size_t bytes); // bytes <= len; moves the rest down
void buf_truncate(struct buf *buf, size_t len);       // len <= buf->len

// Gives the bytes away (caller frees with mem_free; never NULL) and leaves the buffer empty.
// len may be NULL.
char *buf_detach(struct buf *buf, size_t *len);

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str){buf->data, buf->len};
}

// Bytes that several readers share and nobody changes. Made with one reference; references
// are counted without a lock, so all of them are taken and given back on one thread.
struct shared {
    unsigned refs;
    size_t len;
    char data[]; // followed by a NUL that is not counted
};

struct shared *shared_new(struct str bytes);
struct shared *shared_ref(struct shared *shared);
void shared_unref(struct shared *shared); // takes NULL; the last one frees

static inline struct str shared_str(const struct shared *shared)
{
    return (struct str){shared->data, shared->len};
}

#endif
