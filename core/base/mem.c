// SPDX-License-Identifier: MIT
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(void)
{
    fputs("swarmd: out of memory\n", stderr);
    abort();
}

static void *check(void *p)
{
    if (!p)
        out_of_memory();
    return p;
}

static size_t product(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory();
    return bytes ? bytes : 1;
}

void *mem_new(size_t size)
{
    return check(calloc(1, size ? size : 1));
}

void *mem_new_array(size_t count, size_t size)
{
    return check(calloc(1, product(count, size)));
}

void *mem_resize(void *p, size_t count, size_t size)
{
    return check(realloc(p, product(count, size)));
}

char *mem_dup(struct str s)
{
    char *copy = mem_resize(NULL, s.len + 1, 1);
    if (s.len)
        memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    return copy;
}

char *mem_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        out_of_memory();
    va_end(args);
    return text;
}

void mem_free(void *p)
{
    free(p);
}
