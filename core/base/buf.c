// SPDX-License-Identifier: MIT
#include "core/base/buf.h"

#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_CAP_MIN = 64, INT_TEXT_MAX = 20 };

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_release(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
    if (buf->data)
        buf->data[0] = '\0';
}

static bool resize(struct buf *buf, size_t needed)
{
    size_t cap = buf->cap < BUF_CAP_MIN ? BUF_CAP_MIN : buf->cap;
    while (cap < needed && cap <= SIZE_MAX / 2)
        cap *= 2;
    if (cap > buf->max) // max + 1 without its overflow; needed fits it
        cap = buf->max + 1;
    char *data = realloc(buf->data, cap);
    if (!data)
        return false;
    if (!buf->data)
        data[0] = '\0';
    buf->data = data;
    buf->cap = cap;
    return true;
}

bool buf_grow(struct buf *buf, size_t extra)
{
    bool fits = !buf->overflow && extra <= buf->max - buf->len && extra < SIZE_MAX - buf->len;
    if (!fits || !resize(buf, buf->len + extra + 1))
        buf->overflow = true;
    return !buf->overflow;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len == 0 || !buf_reserve(buf, len))
        return;
    memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.data, s.len);
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char text[INT_TEXT_MAX];
    char *start = text + sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--start = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--start = '-';
    buf_add(buf, start, (size_t)(text + sizeof text - start));
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0) {
        buf->overflow = true;
    } else if (len > 0 && buf_reserve(buf, (size_t)len)) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void buf_remove_front(struct buf *buf, size_t bytes)
{
    if (bytes == 0)
        return;
    buf->len -= bytes;
    memmove(buf->data, buf->data + bytes, buf->len + 1);
}

void buf_truncate(struct buf *buf, size_t len)
{
    buf->len = len;
    if (buf->data)
        buf->data[len] = '\0';
}

char *buf_detach(struct buf *buf, size_t *len)
{
    char *data = buf->data ? buf->data : mem_new(1);
    if (len)
        *len = buf->len;
    buf->data = NULL;
    buf->len = buf->cap = 0;
    return data;
}

struct shared *shared_new(struct str bytes)
{
    struct shared *shared = mem_resize(NULL, sizeof *shared + bytes.len + 1, 1);
    shared->refs = 1;
    shared->len = bytes.len;
    if (bytes.len)
        memcpy(shared->data, bytes.data, bytes.len);
    shared->data[bytes.len] = '\0';
    return shared;
}

struct shared *shared_ref(struct shared *shared)
{
    shared->refs++;
    return shared;
}

void shared_unref(struct shared *shared)
{
    if (shared && --shared->refs == 0)
        mem_free(shared);
}
