// SPDX-License-Identifier: MIT
// Allocation of small things whose size no input decides.
//
// These never return NULL: when the system has no memory for a few hundred bytes
// the process says so on stderr and aborts, which the store survives by design
// (see journal.h). Whatever input can make large goes through buf.h or arena.h,
// which have ceilings and report them as values.
#ifndef SWARMD_CORE_BASE_MEM_H
#define SWARMD_CORE_BASE_MEM_H

#include "core/base/str.h"

#include <stddef.h>

void *mem_new(size_t size);                           // zeroed
void *mem_new_array(size_t count, size_t size);       // zeroed; overflow aborts
void *mem_resize(void *p, size_t count, size_t size); // keeps the bytes; the rest is not zeroed
char *mem_dup(struct str s);                          // NUL-terminated copy
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_free(void *p); // free(); takes NULL

#endif
